/// A text without the escape sequences and other invisible bytes of a terminal, and where each of its bytes stood: a program
/// that writes in colours puts them around a secret, and into it.
struct PlainBytes {
    private(set) var bytes: [UInt8] = []
    /// For each of ``bytes`` its place in the original.
    private var places: [Int] = []

    private static let escape: UInt8 = 0x1B

    /// - Returns: nil for a text that has none of them.
    init?(_ text: [UInt8]) {
        guard text.contains(where: { $0 == Self.escape || $0 == 0x08 || $0 == 0x0F || $0 == 0x0E }) else { return nil }
        bytes.reserveCapacity(text.count)
        places.reserveCapacity(text.count)
        var at = 0
        while at < text.count {
            let end = Self.end(of: at, in: text)
            if end == at {
                bytes.append(text[at])
                places.append(at)
                at += 1
            } else {
                at = end
            }
        }
    }

    /// Where what begins here and nobody sees ends; here, where that is nothing.
    private static func end(of start: Int, in text: [UInt8]) -> Int {
        switch text[start] {
        case 0x08, 0x0E, 0x0F: return start + 1
        case escape: break
        default: return start
        }
        guard start + 1 < text.count else { return start + 1 }
        var at = start + 2
        switch text[start + 1] {
        case UInt8(ascii: "["):
            // ECMA-48 §5.4: parameters and intermediates, then one final byte.
            while at < text.count, (0x20...0x3F).contains(text[at]) { at += 1 }
            return min(text.count, at + 1)
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"), UInt8(ascii: "X"):
            // What stands in a string that ends is text like any other: only its frame goes.
            return at
        case 0x20...0x2F:
            while at < text.count, (0x20...0x2F).contains(text[at]) { at += 1 }
            return min(text.count, at + 1)
        default: return at
        }
    }

    /// A part of ``bytes`` as a part of the original, with what stands inside of it.
    func original(_ range: Range<Int>) -> Range<Int> {
        guard let last = range.last, range.lowerBound >= 0, last < places.count else { return 0..<0 }
        return places[range.lowerBound]..<(places[last] + 1)
    }
}
