/// What is said to the process that keeps a connection, and what it answers: `KeeperMessage` of SSHTools, as much of it as
/// a command without a terminal needs. A length, a number for the kind, and fields of SSH's string encoding.
enum CallMessage {
    /// Larger than any environment and command.
    static let maximumLength = 1 << 20
    /// Both ends must be of one make.
    private static let version: UInt32 = 1

    /// - Parameter environment: NAME=VALUE each.
    static func call(_ words: [[UInt8]], environment: [[UInt8]]) -> [UInt8] {
        var body: [UInt8] = [9]
        append(version, &body)
        for list in [words, environment] {
            append(UInt32(truncatingIfNeeded: list.count), &body)
            for text in list {
                append(UInt32(truncatingIfNeeded: text.count), &body)
                body += text
            }
        }
        var message: [UInt8] = []
        append(UInt32(truncatingIfNeeded: body.count), &message)
        return message + body
    }

    private static func append(_ number: UInt32, _ bytes: inout [UInt8]) {
        for shift in [UInt32(24), 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    enum Reply {
        case taken
        case ended(Int32)
        case failed(sentence: [UInt8], hint: [UInt8])
        /// Declined, or nothing that this program knows.
        case other

        /// The next whole message, which is taken out; nil while it has not come whole.
        static func next(_ input: inout [UInt8]) -> Reply? {
            guard let length = CallMessage.number(input[...]) else { return nil }
            guard length <= maximumLength else { return .other }
            guard input.count - 4 >= Int(length) else { return nil }
            let body = input[4..<(4 + Int(length))]
            defer { input.removeFirst(4 + Int(length)) }
            switch body.first {
            // It begins, and what it says of a terminal at its end, where there is none.
            case 4, 5: return .taken
            case 7: return CallMessage.number(body.dropFirst()).map { .ended(Int32(truncatingIfNeeded: $0)) } ?? .other
            case 8:
                var rest = body.dropFirst()
                guard let sentence = CallMessage.text(&rest), let hint = CallMessage.text(&rest) else { return .other }
                return .failed(sentence: Array(sentence), hint: Array(hint))
            default: return .other
            }
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        guard bytes.count >= 4 else { return nil }
        return bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func text(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let length = number(bytes), bytes.count - 4 >= Int(length) else { return nil }
        let text = bytes.dropFirst(4).prefix(Int(length))
        bytes = bytes.dropFirst(4 + Int(length))
        return text
    }
}
