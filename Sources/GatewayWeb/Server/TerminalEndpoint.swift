import Gateway
import NIOCore

/// What stands behind `/api/terminal`: the sessions' side of the WebSocket.
public protocol TerminalEndpoint: Sendable {
    /// Decides whether this person may have a terminal connection, before it is one.
    ///
    /// The handler that is returned is made on the connection's event loop when the connection has become a
    /// WebSocket. It receives one `ByteBuffer` for each binary message and writes one for each message; pings, the
    /// close handshake and fragments are not its business. `ChannelShouldQuiesceEvent` announces the server's
    /// stop; ``CloseWebSocket`` ends the connection with a code. Writability and `read` are the connection's own.
    ///
    /// - Throws: `GatewayError`, which becomes the HTTP answer.
    func accept(_ caller: Caller) async throws -> TerminalHandlerFactory
}

/// Makes the handler of one connection, on its event loop.
public typealias TerminalHandlerFactory = @Sendable (any Channel) throws -> any ChannelHandler
