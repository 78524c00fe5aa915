/// Service records of the DNS (RFC 2782) in its messages (RFC 1035 §4): the question, and what an answer says.
///
/// An answer comes from whoever was quick enough to send one: every length and every pointer in it is checked.
enum ServiceRecords {
    struct Record: Sendable, Hashable {
        let priority: UInt16
        let weight: UInt16
        let port: UInt16
        let target: String
    }

    enum Answer: Sendable, Hashable {
        case records([Record])
        /// It does not fit into a datagram: ask again over TCP.
        case truncated
        /// There is no such name, or the server refuses; its code.
        case failed(code: UInt8)
    }

    static let mostRecords = 1000
    private static let service: UInt16 = 33
    private static let internet: UInt16 = 1

    /// The name as it is asked for. A plain domain stands for its SSH service.
    /// - Throws: `import_failed` for what is no name.
    static func name(_ text: String) throws(GatewayError) -> String {
        var name = text.lowercased()
        while name.hasSuffix(".") { name.removeLast() }
        if !name.hasPrefix("_") { name = "_ssh._tcp." + name }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count)
                && label.utf8.allSatisfy {
                    (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || "-_".utf8.contains($0)
                }
        }
        guard isName, labels.count >= 3, name.utf8.count <= 253 else {
            throw .importFailed(
                "“\(text.prefix(80))” is no name of service records.", hint: "For example _ssh._tcp.example.org.")
        }
        return name
    }

    /// The question for a name that ``name(_:)`` gave.
    static func question(_ name: String, id: UInt16) -> [UInt8] {
        var bytes: [UInt8] = []
        // Recursion is desired; one question.
        for word in [id, 0x0100, 1, 0, 0, 0] { bytes += [UInt8(word >> 8), UInt8(word & 0xFF)] }
        for label in name.split(separator: ".") {
            bytes.append(UInt8(truncatingIfNeeded: label.utf8.count))
            bytes += label.utf8
        }
        bytes += [0, 0, UInt8(service), 0, UInt8(internet)]
        return bytes
    }

    /// What a message says; nil when it is not the answer to this question, or malformed.
    static func answer(_ message: [UInt8], to name: String, id: UInt16) -> Answer? {
        var reader = Reader(message)
        guard message.count <= 65_535, reader.word() == id, let flags = reader.word(), flags & 0x8000 != 0,
            reader.word() == 1, let answers = reader.word(), reader.word() != nil, reader.word() != nil,
            reader.name() == name, reader.word() == service, reader.word() == internet
        else { return nil }
        if flags & 0x0200 != 0 { return .truncated }
        guard flags & 0x000F == 0 else { return .failed(code: UInt8(flags & 0x000F)) }
        var records: [Record] = []
        for _ in 0..<min(Int(answers), mostRecords) {
            guard let owner = reader.name(), let kind = reader.word(), let family = reader.word(), reader.skip(4),
                let length = reader.word()
            else { return nil }
            guard kind == service, family == internet, owner == name else {
                // An alias of the name, or something that was not asked for.
                guard reader.skip(Int(length)) else { return nil }
                continue
            }
            let end = reader.index + Int(length)
            guard let priority = reader.word(), let weight = reader.word(), let port = reader.word(),
                let target = reader.name(), reader.index == end
            else { return nil }
            // "." says that the service is not there.
            if !target.isEmpty {
                records.append(Record(priority: priority, weight: weight, port: port, target: target))
            }
        }
        return .records(records)
    }

    private struct Reader {
        private let bytes: [UInt8]
        private(set) var index = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        mutating func word() -> UInt16? {
            guard index + 2 <= bytes.count else { return nil }
            defer { index += 2 }
            return UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
        }

        mutating func skip(_ count: Int) -> Bool {
            guard count >= 0, index + count <= bytes.count else { return false }
            index += count
            return true
        }

        /// A name in lower case. Pointers lead backwards alone, so a name has an end.
        mutating func name() -> String? {
            var labels: [String] = []
            var (place, length) = (index, 0)
            var limit = bytes.count
            var isAway = false
            while place < bytes.count {
                let byte = Int(bytes[place])
                if byte & 0xC0 == 0xC0 {
                    guard place + 1 < bytes.count else { return nil }
                    let target = (byte & 0x3F) << 8 | Int(bytes[place + 1])
                    if !isAway { index = place + 2 }
                    guard target < min(place, limit) else { return nil }
                    (place, limit, isAway) = (target, target, true)
                    continue
                }
                guard byte & 0xC0 == 0 else { return nil }
                if byte == 0 {
                    if !isAway { index = place + 1 }
                    return labels.joined(separator: ".")
                }
                length += byte + 1
                guard length <= 254, place + 1 + byte <= bytes.count else { return nil }
                let label = bytes[(place + 1)..<(place + 1 + byte)]
                guard label.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x2E }) else { return nil }
                labels.append(String(decoding: label, as: UTF8.self).lowercased())
                place += 1 + byte
            }
            return nil
        }
    }
}
