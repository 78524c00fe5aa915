import Gateway
import NIOCore

@testable import GatewayWeb

/// A terminal that sends every message back, and one of its own as soon as it is there.
struct EchoTerminal: TerminalEndpoint {
    static let greeting = "ready"

    func accept(_ caller: Caller) async throws -> TerminalHandlerFactory {
        { _ in EchoHandler() }
    }
}

private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func handlerAdded(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: EchoTerminal.greeting)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(data, promise: nil)
    }
}

/// Frames as a client sends them, and as it reads them (RFC 6455 §5.2).
enum WebSocketClient {
    static let key = "dGhlIHNhbXBsZSBub25jZQ=="
    /// The answer to ``key`` that RFC 6455 §1.3 gives.
    static let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    static func handshake(port: Int, path: String = "/api/terminal", headers: [String]) -> String {
        ([
            "GET \(path) HTTP/1.1", "Host: localhost:\(port)", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Protocol: copilot.term.v1",
        ] + headers).joined(separator: "\r\n") + "\r\n\r\n"
    }

    static func frame(_ opcode: UInt8, _ payload: [UInt8], fin: Bool = true) -> [UInt8] {
        let mask: [UInt8] = [1, 2, 3, 4]
        let length: [UInt8] =
            payload.count < 126
            ? [0x80 | UInt8(payload.count)]
            : [0x80 | 127] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: payload.count >> ($0 * 8)) }
        return [(fin ? 0x80 : 0) | opcode] + length + mask
            + payload.enumerated().map { $0.element ^ mask[$0.offset % 4] }
    }

    static func readFrame(_ connection: RawConnection) async throws -> (opcode: UInt8, payload: [UInt8]) {
        let head = try await connection.bytes(2)
        var length = Int(head[1] & 0x7F)
        if length == 126 { length = try await connection.bytes(2).reduce(0) { $0 << 8 | Int($1) } }
        if length == 127 { length = try await connection.bytes(8).reduce(0) { $0 << 8 | Int($1) } }
        return (head[0] & 0x0F, try await connection.bytes(length))
    }
}
