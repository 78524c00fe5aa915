/// Values to be found wherever they stand: all of them at once, in one pass (Aho and Corasick's automaton).
public struct KnownSecrets: Sendable {
    private struct Node {
        var failure: Int32 = 0
        var depth: Int32 = 0
        /// The longest value that ends here, by way of failures too; 0 for none.
        var length: Int32 = 0
        /// Whether that value only counts between signs that are no letters and digits.
        var isWord = false
    }

    private var nodes: [Node] = [Node()]
    /// Node and byte to node.
    private var edges: [UInt64: Int32] = [:]

    /// Shorter values are found as whole words alone, since they stand in other words by chance. Bytes.
    public static let minimumLength = 6
    /// Shorter ones are not looked for at all.
    public static let minimumWordLength = 3
    /// Of further values in all forms, nothing is taken. Bytes.
    public static let maximumSize = 1 << 20

    public init() {}

    /// - Parameter values: passwords, tokens and keys as they are. Of a value of several lines, such as a private key, each
    ///   long line is looked for on its own.
    public init(_ values: some Sequence<[UInt8]>) {
        for value in values {
            let lines = value.split(whereSeparator: { $0 == 10 || $0 == 13 })
            if lines.count > 1 {
                for line in lines where line.count >= 20 { insert(Array(line), isWord: false) }
            } else if let line = lines.first {
                for form in Self.forms(of: Array(line)) { insert(form, isWord: form.count < Self.minimumLength) }
            }
        }
        link()
    }

    public var isEmpty: Bool { nodes.count == 1 }

    private mutating func insert(_ value: [UInt8], isWord: Bool) {
        guard value.count >= Self.minimumWordLength, nodes.count + value.count <= Self.maximumSize else { return }
        var node: Int32 = 0
        for byte in value {
            let key = UInt64(node) << 8 | UInt64(byte)
            if let next = edges[key] {
                node = next
            } else {
                nodes.append(Node(depth: nodes[Int(node)].depth + 1))
                let next = Int32(nodes.count - 1)
                edges[key] = next
                node = next
            }
        }
        nodes[Int(node)].length = Int32(value.count)
        nodes[Int(node)].isWord = isWord
    }

    /// Failure links, nearest nodes first.
    private mutating func link() {
        var children: [[(UInt8, Int32)]] = Array(repeating: [], count: nodes.count)
        for (key, target) in edges { children[Int(key >> 8)].append((UInt8(truncatingIfNeeded: key), target)) }
        var queue: [Int32] = [0]
        var head = 0
        while head < queue.count {
            let node = queue[head]
            head += 1
            for (byte, child) in children[Int(node)] {
                queue.append(child)
                if node != 0 { nodes[Int(child)].failure = follow(nodes[Int(node)].failure, byte) }
                let fallback = nodes[Int(nodes[Int(child)].failure)]
                if nodes[Int(child)].length == 0 {
                    nodes[Int(child)].length = fallback.length
                    nodes[Int(child)].isWord = fallback.isWord
                }
            }
        }
    }

    private func follow(_ start: Int32, _ byte: UInt8) -> Int32 {
        var node = start
        while true {
            if let next = edges[UInt64(node) << 8 | UInt64(byte)] { return next }
            if node == 0 { return 0 }
            node = nodes[Int(node)].failure
        }
    }

    /// Where known values stand, in the order of their ends; and how many bytes at the end may be the beginning of one.
    func find(in bytes: [UInt8]) -> (ranges: [Range<Int>], open: Int) {
        guard !isEmpty else { return ([], 0) }
        var ranges: [Range<Int>] = []
        var node: Int32 = 0
        for (index, byte) in bytes.enumerated() {
            node = follow(node, byte)
            let length = Int(nodes[Int(node)].length)
            guard length > 0 else { continue }
            let range = (index + 1 - length)..<(index + 1)
            if nodes[Int(node)].isWord, !Self.isWord(range, bytes) { continue }
            ranges.append(range)
        }
        return (ranges, Int(nodes[Int(node)].depth))
    }

    private static func isWord(_ range: Range<Int>, _ bytes: [UInt8]) -> Bool {
        let before = range.lowerBound > 0 ? bytes[range.lowerBound - 1] : 0x20
        let after = range.upperBound < bytes.count ? bytes[range.upperBound] : 0x20
        return !Characters.isWord(before) && !Characters.isWord(after)
    }

    /// The value and what it becomes in base64, hexadecimal, a URL, JSON.
    private static func forms(of value: [UInt8]) -> [[UInt8]] {
        guard value.count >= minimumLength else { return [value] }
        var forms = [value]
        for skipped in 0..<3 {
            // What a value's bytes become depends on how many stand before it, by three; the ends depend on the neighbours.
            let inner = Array(value.dropFirst(skipped))
            let whole = Array(inner.prefix(inner.count / 3 * 3))
            guard whole.count >= 9 else { continue }
            let encoded = base64(whole)
            forms.append(encoded)
            forms.append(
                encoded.map {
                    $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0
                })
        }
        let digits = Array("0123456789abcdef".utf8)
        let hexadecimal = value.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        forms.append(hexadecimal)
        forms.append(Array(String(decoding: hexadecimal, as: UTF8.self).uppercased().utf8))
        let upper = Array("0123456789ABCDEF".utf8)
        let url = value.flatMap { byte in
            Characters.isWord(byte) || "-.~".utf8.contains(byte)
                ? [byte] : [UInt8(ascii: "%"), upper[Int(byte >> 4)], upper[Int(byte & 15)]]
        }
        let json = value.flatMap {
            $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") ? [UInt8(ascii: "\\"), $0] : [$0]
        }
        var seen: Set<[UInt8]> = []
        return (forms + [url, json]).filter { seen.insert($0).inserted }
    }

    private static func base64(_ bytes: [UInt8]) -> [UInt8] {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count - 2, by: 3) {
            let group = UInt32(bytes[start]) << 16 | UInt32(bytes[start + 1]) << 8 | UInt32(bytes[start + 2])
            for shift in [18, 12, 6, 0] { text.append(letters[Int(group >> UInt32(shift) & 63)]) }
        }
        return text
    }
}
