import NIOCore

/// What a client of a control socket is told.
enum ControlReply: Hashable {
    case hello
    case ok(id: UInt32)
    /// It is not allowed.
    case denied(id: UInt32, String)
    /// It failed. A client that wanted a session goes on by the endpoint.
    case failure(id: UInt32, String)
    case alive(id: UInt32, process: UInt32)
    case opened(id: UInt32, session: UInt32)
    /// The port that the host chose.
    case port(id: UInt32, UInt32)
    /// The program runs without the terminal that was asked for.
    case lacksTerminal(session: UInt32)
    /// How the program ended; the last word of a session.
    case exit(session: UInt32, status: UInt32)

    static let version: UInt32 = 4

    func encoded() -> ByteBuffer {
        var body = ByteBuffer()
        switch self {
        case .hello: body.writeMultipleIntegers(UInt32(1), Self.version)
        case .ok(let id): body.writeMultipleIntegers(UInt32(0x8000_0001), id)
        case .denied(let id, let words):
            body.writeMultipleIntegers(UInt32(0x8000_0002), id)
            body.writeField(words)
        case .failure(let id, let words):
            body.writeMultipleIntegers(UInt32(0x8000_0003), id)
            body.writeField(words)
        case .exit(let session, let status): body.writeMultipleIntegers(UInt32(0x8000_0004), session, status)
        case .alive(let id, let process): body.writeMultipleIntegers(UInt32(0x8000_0005), id, process)
        case .opened(let id, let session): body.writeMultipleIntegers(UInt32(0x8000_0006), id, session)
        case .port(let id, let port): body.writeMultipleIntegers(UInt32(0x8000_0007), id, port)
        case .lacksTerminal(let session): body.writeMultipleIntegers(UInt32(0x8000_0008), session)
        }
        var framed = ByteBuffer(integer: UInt32(clamping: body.readableBytes))
        framed.writeBuffer(&body)
        return framed
    }
}

extension ByteBuffer {
    fileprivate mutating func writeField(_ text: String) {
        writeInteger(UInt32(clamping: text.utf8.count))
        writeString(text)
    }
}
