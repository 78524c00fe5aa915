public import SSHProtocol

/// What a server does with a connection that a client wants to have made (direct-tcpip, direct-streamlocal@openssh.com).
public enum SSHConnectDecision: Sendable {
    case refuse(ChannelRefusal, String)
    /// Connect there: where the client said, or somewhere else.
    case connect(SSHForwardEndpoint)
    /// The closure takes the channel, on the connection's loop.
    case handle(@Sendable (SSHIncomingChannel) -> Void)
}

/// What a server does when a client wants it to listen (tcpip-forward, streamlocal-forward@openssh.com).
public enum SSHListenDecision: Sendable {
    case refuse
    /// Listen there: where the client said, or somewhere else.
    case listen(SSHForwardEndpoint)
    /// Somebody else listens, on this port where the client asked for port 0, and opens channels towards the client.
    /// `ended` is called once, when the client cancels it or goes away.
    case handle(port: Int, ended: @Sendable () -> Void)
}

/// What clients may forward (RFC 4254 §7).
public struct SSHServerForwarding: Sendable {
    public var connect: @Sendable (SSHForwardEndpoint, SSHServerConnection) async -> SSHConnectDecision
    public var listen: @Sendable (SSHForwardEndpoint, SSHServerConnection) async -> SSHListenDecision

    public init(
        connect: @escaping @Sendable (SSHForwardEndpoint, SSHServerConnection) async -> SSHConnectDecision,
        listen: @escaping @Sendable (SSHForwardEndpoint, SSHServerConnection) async -> SSHListenDecision
    ) {
        self.connect = connect
        self.listen = listen
    }

    /// Nothing.
    public static let refused = SSHServerForwarding(
        connect: { _, _ in .refuse(.administrativelyProhibited, "forwarding is not allowed") },
        listen: { _, _ in .refuse })

    /// Everything that sshd allows by default: connections to anywhere, and listeners on loopback, on ports from 1024 on.
    public static let allowed = SSHServerForwarding(
        connect: { endpoint, _ in .connect(endpoint) },
        listen: { endpoint, _ in
            switch endpoint {
            case .tcp(_, let port) where port == 0 || (1024...65535).contains(port):
                .listen(.tcp(host: "localhost", port: port))
            case .tcp: .refuse
            case .unix: .listen(endpoint)
            }
        })
}
