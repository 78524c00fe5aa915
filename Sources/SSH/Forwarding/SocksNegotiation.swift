// What a SOCKS client asks for: SOCKS 4 and 4a, RFC 1928. A value: bytes in, an answer out.

import NIOCore

struct SocksNegotiation {
    /// What to do next.
    enum Step: Equatable {
        case needsMore
        /// Send these bytes and go on.
        case reply([UInt8])
        /// The client wants to go there. Reply with `granted` or `refused`.
        case connect(host: String, port: Int)
        /// Send these bytes and close.
        case fail([UInt8])
    }

    private enum Version {
        case unknown
        case four
        /// The methods are agreed on.
        case five
    }

    /// Longer than any request can be.
    private static let limit = 1024

    private var version = Version.unknown

    /// The answer to a request that was granted.
    var granted: [UInt8] {
        switch version {
        case .four, .unknown: [0, 0x5A, 0, 0, 0, 0, 0, 0]
        case .five: [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        }
    }

    /// The answer to a request whose connection failed.
    var refused: [UInt8] {
        switch version {
        case .four, .unknown: [0, 0x5B, 0, 0, 0, 0, 0, 0]
        case .five: [5, 5, 0, 1, 0, 0, 0, 0, 0, 0]
        }
    }

    /// Takes what it understands out of `input`; what follows a request stays in it.
    mutating func advance(_ input: inout ByteBuffer) -> Step {
        guard let first = input.getInteger(at: input.readerIndex, as: UInt8.self) else { return .needsMore }
        let step: Step
        switch (version, first) {
        case (.five, _): step = request5(&input)
        case (_, 4): step = request4(&input)
        case (_, 5): step = greeting5(&input)
        default: return .fail([])
        }
        if case .needsMore = step, input.readableBytes > Self.limit { return .fail([]) }
        return step
    }

    // MARK: SOCKS 4 and 4a

    private mutating func request4(_ input: inout ByteBuffer) -> Step {
        version = .four
        var rest = input
        guard let head = rest.readBytes(length: 8), readName(&rest) != nil else { return .needsMore }
        guard head[1] == 1 else { return .fail(refused) }
        let port = Int(head[2]) << 8 | Int(head[3])
        // 4a: an address 0.0.0.x that is not 0.0.0.0 says that a name follows.
        if head[4...6].allSatisfy({ $0 == 0 }), head[7] != 0 {
            guard let name = readName(&rest) else { return .needsMore }
            guard !name.isEmpty, name.utf8.count <= 255 else { return .fail(refused) }
            input = rest
            return .connect(host: name, port: port)
        }
        input = rest
        return .connect(host: head[4...7].map(String.init).joined(separator: "."), port: port)
    }

    /// Text up to a zero byte.
    private func readName(_ rest: inout ByteBuffer) -> String? {
        guard let end = rest.readableBytesView.firstIndex(of: 0) else { return nil }
        let name = rest.readString(length: end - rest.readerIndex)
        rest.moveReaderIndex(forwardBy: 1)
        return name
    }

    // MARK: SOCKS 5

    /// RFC 1928 §3: no authentication, which is for whoever reaches the listener.
    private mutating func greeting5(_ input: inout ByteBuffer) -> Step {
        var rest = input
        guard let head = rest.readBytes(length: 2), let methods = rest.readBytes(length: Int(head[1])) else {
            return .needsMore
        }
        input = rest
        guard methods.contains(0) else { return .fail([5, 0xFF]) }
        version = .five
        return .reply([5, 0])
    }

    /// RFC 1928 §4.
    private func request5(_ input: inout ByteBuffer) -> Step {
        var rest = input
        guard let head = rest.readBytes(length: 4) else { return .needsMore }
        guard head[0] == 5 else { return .fail([]) }
        guard head[1] == 1 else { return .fail([5, 7, 0, 1, 0, 0, 0, 0, 0, 0]) }
        let host: String
        switch head[3] {
        case 1:
            guard let bytes = rest.readBytes(length: 4) else { return .needsMore }
            host = bytes.map(String.init).joined(separator: ".")
        case 3:
            guard let length = rest.readInteger(as: UInt8.self), let name = rest.readString(length: Int(length)) else {
                return .needsMore
            }
            host = name
        case 4:
            guard let bytes = rest.readBytes(length: 16) else { return .needsMore }
            host = stride(from: 0, to: 16, by: 2)
                .map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }.joined(separator: ":")
        default:
            return .fail([5, 8, 0, 1, 0, 0, 0, 0, 0, 0])
        }
        guard let port = rest.readInteger(as: UInt16.self) else { return .needsMore }
        guard !host.isEmpty, !host.utf8.contains(0) else { return .fail([5, 1, 0, 1, 0, 0, 0, 0, 0, 0]) }
        input = rest
        return .connect(host: host, port: Int(port))
    }
}
