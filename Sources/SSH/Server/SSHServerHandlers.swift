public import NIOCore
public import SSHKeys
public import SSHProtocol

/// Serves one session: a shell, a command or a subsystem. What it returns is how the program ended; when it throws, the
/// session ends with status 255. The task is cancelled when the client closes the session or goes away.
public typealias SSHSessionHandler = @Sendable (SSHServerSession) async throws -> CommandResult.Exit

/// Goes about a session handler: it may look at the session, refuse it by returning, or call the next one.
public typealias SSHSessionMiddleware =
    @Sendable (SSHServerSession, _ next: SSHSessionHandler) async throws -> CommandResult.Exit

/// What a server does. Nothing is allowed that is not named here.
///
/// ```swift
/// var handlers = SSHServerHandlers { request, _ in
///     guard case .publicKey(let identity, _, _) = request.method else { return .refuse }
///     return identity.publicKey == alice ? .accept : .refuse
/// }
/// handlers.session = { session in
///     try await session.write("Hello, \(session.user.username)\r\n")
///     return .status(0)
/// }
/// ```
public struct SSHServerHandlers: Sendable {
    /// Whether a user may come in. A key's signature is verified before this is asked. Unknown users and wrong
    /// credentials must take the same way here; the answer that the client sees is the same.
    public var authorize: @Sendable (AuthorizationRequest, SSHServerConnection) async -> AuthorizationAnswer
    /// Asked first, on the connection's loop, so that no change of threads lies between the question and what is known
    /// without waiting, such as keys in memory: it must answer at once. nil leaves the question to `authorize`.
    public var authorizeAtOnce: (@Sendable (AuthorizationRequest, SSHServerConnection) -> AuthorizationAnswer?)?
    /// Whether a signature with this key would be worth the user's while; a hint that lets nobody in.
    public var mayOfferKey: @Sendable (_ username: String, PublicIdentity, SSHServerConnection) async -> Bool = anyKey {
        didSet { judgesKeyOffers = true }
    }
    private static let anyKey: @Sendable (String, PublicIdentity, SSHServerConnection) async -> Bool = { _, _, _ in true
    }
    /// False while every key may be offered: nobody needs to be asked then.
    private(set) var judgesKeyOffers = false
    /// Serves shells and commands, and subsystems that are not in the map. nil refuses them.
    public var session: SSHSessionHandler?
    /// Serves subsystems by name, such as "sftp".
    public var subsystems: [String: SSHSessionHandler] = [:]
    /// The loop-bound form, asked first: an owner that is called on the connection's loop without a task in between. nil
    /// leaves the session to the others.
    public var sessionDelegate: (@Sendable (SSHServerSessionChannel) -> (any SSHServerSessionDelegate)?)?
    /// Whether a session may have a terminal (pty-req).
    public var allowsTerminal: @Sendable (AuthenticatedUser) -> Bool = { _ in true }
    /// Whether a session may reach the client's agent (auth-agent-req@openssh.com).
    public var allowsAgentForwarding: @Sendable (AuthenticatedUser) -> Bool = { _ in false }
    /// Whether a session may reach the client's display (x11-req).
    public var allowsX11: @Sendable (AuthenticatedUser) -> Bool = { _ in false }
    /// Asked too for each of these three, where one connection of a user may do more than another.
    public var permits: @Sendable (SSHServerPermission, SSHServerConnection) -> Bool = { _, _ in true }
    /// Whether a connection from there is taken in at all; nil for a stream without an address. On the listener's loop:
    /// it must answer at once.
    public var admits: @Sendable (SocketAddress?) -> Bool = { _ in true }
    public var forwarding: SSHServerForwarding = .refused
    /// Takes a channel of a user who was let in, of whatever kind, before any other handler is asked; it is accepted or
    /// refused when it suits. On the connection's loop. nil, or false, leaves the channel to the others.
    public var takeChannel: (@Sendable (SSHIncomingChannel, SSHServerConnection) -> Bool)?
    /// Told what happens, on the connection's loop: for logs.
    public var observe: @Sendable (SSHServerEvent) -> Void = { _ in }

    /// Outermost first.
    private var middleware: [SSHSessionMiddleware] = []

    public init(
        authorize: @escaping @Sendable (AuthorizationRequest, SSHServerConnection) async -> AuthorizationAnswer
    ) {
        self.authorize = authorize
    }

    /// Puts something about all session handlers of the asynchronous form. What is added first is outermost.
    public mutating func use(_ middleware: @escaping SSHSessionMiddleware) { self.middleware.append(middleware) }

    /// The handler of a program, with everything that goes about it; nil where there is none.
    func handler(for program: SSHServerProgram) -> SSHSessionHandler? {
        let innermost: SSHSessionHandler? =
            if case .subsystem(let name) = program { subsystems[name] ?? session } else { session }
        guard let innermost else { return nil }
        return middleware.reversed().reduce(innermost) { next, layer in { try await layer($0, next) } }
    }
}

/// Something that a session may have or not.
public enum SSHServerPermission: Sendable, Hashable {
    case terminal
    case agentForwarding
    case x11
}

/// Something that happened on a server.
public enum SSHServerEvent: Sendable {
    case connected(SSHServerConnection)
    /// A connection was not taken in.
    case refused(ConnectionLimiter.Refusal, address: String)
    case authenticated(SSHServerConnection, AuthenticatedUser)
    /// nil for an orderly end.
    case closed(SSHServerConnection, SSHError?)
}
