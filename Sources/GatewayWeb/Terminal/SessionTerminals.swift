import Gateway
import NIOCore

/// The sessions behind `/api/terminal`.
public struct SessionTerminals: TerminalEndpoint {
    /// Sockets of one person at most: a tab has one.
    static let socketsPerUser = 64

    private let sessions: Sessions
    private let sockets: TerminalSockets

    public init(sessions: Sessions, sockets: TerminalSockets) {
        self.sessions = sessions
        self.sockets = sockets
    }

    public func accept(_ caller: Caller) async throws -> TerminalHandlerFactory {
        guard sockets.count(userID: caller.userID) < Self.socketsPerUser else {
            throw GatewayError(
                "too_many_sockets", status: 429, "You have \(Self.socketsPerUser) terminal connections open.",
                hint: "Close some of your tabs.")
        }
        let (sessions, sockets) = (sessions, sockets)
        return { _ in TerminalSocketHandler(caller: caller, sessions: sessions, sockets: sockets) }
    }
}
