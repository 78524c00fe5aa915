/// A stream of messages in one HTTP response (WHATWG HTML §9.2).
public enum ServerSentEvents {
    /// One message as an event.
    public static func event(_ message: JSONValue) -> [UInt8] {
        Array("event: message\ndata: ".utf8) + message.bytes + Array("\n\n".utf8)
    }

    /// A comment, which readers skip: keeps the line open, and notices when nobody is there any more.
    public static let beat = Array(": beat\n\n".utf8)

    /// Takes the data of events out of a stream that comes in pieces.
    public struct Reader: Sendable {
        private var line: [UInt8] = []
        private var data: [UInt8]?
        private var endedWithReturn = false

        /// An event that is longer is given up. Bytes.
        public static let maximumEvent = 64 << 20

        public init() {}

        /// - Returns: the events that ended within these bytes; nil when one is too long.
        public mutating func read(_ bytes: some Sequence<UInt8>) -> [[UInt8]]? {
            var events: [[UInt8]] = []
            for byte in bytes {
                defer { endedWithReturn = byte == 13 }
                if byte == 10, endedWithReturn { continue }
                guard byte == 10 || byte == 13 else {
                    line.append(byte)
                    if line.count + (data?.count ?? 0) > Self.maximumEvent { return nil }
                    continue
                }
                if let event = endLine() { events.append(event) }
            }
            return events
        }

        private mutating func endLine() -> [UInt8]? {
            defer { line.removeAll(keepingCapacity: true) }
            guard !line.isEmpty else {
                defer { data = nil }
                return data
            }
            let field = Array("data:".utf8)
            guard line.starts(with: field) else { return nil }
            var value = line.dropFirst(field.count)
            if value.first == 0x20 { value = value.dropFirst() }
            if data != nil { data?.append(10) }
            data = (data ?? []) + value
            return nil
        }
    }
}
