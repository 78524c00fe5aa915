public import NIOCore
public import SSH

/// A host that a shim keeps a connection to.
public struct ShimUpstream: Sendable {
    /// What a local client names as the user to get there. Letters, digits, `.`, `-`, `_`.
    public var name: String
    /// The host in a person's words, such as "deploy@web-1".
    public var title: String
    /// Makes an authenticated connection on the given loop. It is called for each connection: the first, those that
    /// replace a lost one, and further ones; each time it checks the host's key. It throws `UpstreamFailure`, `SSHError`,
    /// or anything, which counts as passing.
    public var connect: @Sendable (any EventLoop) async throws -> SSHConnection

    public init(
        name: String, title: String, connect: @escaping @Sendable (any EventLoop) async throws -> SSHConnection
    ) {
        self.name = name
        self.title = title
        self.connect = connect
    }
}

/// Times and limits of an upstream.
public struct UpstreamLimits: Sendable, Hashable {
    public var backOff = BackOff()
    /// How long a new channel waits for the connection.
    public var patience: Duration = .seconds(30)
    /// Channels that wait for the connection at once; further ones are refused.
    public var maximumWaiting = 4096
    /// Connections at once.
    public var maximumConnections = 32
    /// After that a further connection without channels is closed.
    public var idleTime: Duration = .seconds(60)

    public init() {}
}
