public import NIOCore
public import NIOPosix
public import SSHProtocol

/// Makes connections to SSH hosts.
///
/// ```swift
/// let connection = try await SSHClient.connect(
///     to: SSHEndpoint(host: "web-1.example.org"),
///     configuration: SSHClientConfiguration(username: "deploy", credentials: [.privateKey(key)]) { question in
///         question.publicKey == recorded ? .accept : .refuse(reason: "The key of web-1 is another one.")
///     })
/// let uptime = try await connection.run("uptime", limit: 64 * 1024)
/// await connection.close()
/// ```
public enum SSHClient {
    /// Resolves, connects, exchanges keys, asks for the host key's acceptance, and authenticates.
    ///
    /// Cancelling the task closes the socket.
    ///
    /// - Parameters:
    ///   - endpoint: Where the host listens.
    ///   - configuration: Who is asking, with which credentials and limits.
    ///   - eventLoop: The loop that everything of the connection will happen on; one of the process's shared ones if none
    ///     is named.
    ///   - allowAddress: Vets every resolved address; the connection goes to exactly one that was allowed.
    /// - Returns: An authenticated connection.
    /// - Throws: A code of its own for each way to fail, up to `authentication_failed`.
    public static func connect(
        to endpoint: SSHEndpoint,
        configuration: SSHClientConfiguration,
        on eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.any(),
        allowAddress: @escaping @Sendable (SocketAddress) -> Bool = { _ in true }
    ) async throws(SSHError) -> SSHConnection {
        let deadline = NIODeadline.now() + TimeAmount(configuration.connectTimeout)
        let addresses = try await AddressResolver.resolve(endpoint, deadline: deadline, on: eventLoop)
        let allowed = addresses.filter(allowAddress)
        guard !allowed.isEmpty else { throw .addressNotAllowed(endpoint, addresses) }
        return try await connect(
            toAny: allowed, endpoint: endpoint, configuration: configuration, deadline: deadline, on: eventLoop)
    }

    /// Connects to an address that is already resolved and vetted, such as the one a host key was read from.
    public static func connect(
        to address: SocketAddress,
        endpoint: SSHEndpoint,
        configuration: SSHClientConfiguration,
        on eventLoop: any EventLoop
    ) async throws(SSHError) -> SSHConnection {
        let deadline = NIODeadline.now() + TimeAmount(configuration.connectTimeout)
        return try await connect(
            toAny: [address], endpoint: endpoint, configuration: configuration, deadline: deadline, on: eventLoop)
    }

    /// Connects to a host behind another one: over a direct-tcpip channel of a connection that stands (RFC 4254 §7.2), as
    /// `ssh -J` does. Any number of hosts may lie on the way.
    ///
    /// The new connection keeps the one it goes through alive, and ends with it.
    ///
    /// - Parameters:
    ///   - jump: The connection to go through.
    ///   - endpoint: Where the host listens, as the jump host sees it.
    ///   - configuration: Who is asking, with which credentials and limits.
    /// - Throws: `channel_refused` when the jump host cannot or may not reach the endpoint, and everything `connect` does.
    public static func connect(
        through jump: SSHConnection, to endpoint: SSHEndpoint, configuration: SSHClientConfiguration
    ) async throws(SSHError) -> SSHConnection {
        try await Handshake.begin(through: jump, endpoint: endpoint, configuration: configuration.withAgentKeys())
            .authenticate()
    }

    /// Connects over any stream of bytes: a proxy's socket, a program's standard streams, a pipe of a test.
    ///
    /// - Parameters:
    ///   - stream: Carries the connection, which closes it at its end.
    ///   - endpoint: What lies at its other end, for questions and errors.
    ///   - configuration: Who is asking, with which credentials and limits.
    ///   - eventLoop: The loop that everything of the connection will happen on.
    public static func connect(
        over stream: any SSHByteStream, to endpoint: SSHEndpoint, configuration: SSHClientConfiguration,
        on eventLoop: any EventLoop
    ) async throws(SSHError) -> SSHConnection {
        try await Handshake.begin(
            over: stream, endpoint: endpoint, configuration: configuration.withAgentKeys(), on: eventLoop
        ).authenticate()
    }

    /// Connects over a stream socket that is connected already, such as one end of a pair whose other end a program has.
    ///
    /// - Parameters:
    ///   - descriptor: The connection takes it over, and closes it at its end.
    ///   - endpoint: What lies at its other end, for questions and errors.
    ///   - configuration: Who is asking, with which credentials and limits.
    ///   - eventLoop: The loop that everything of the connection will happen on.
    public static func connect(
        overSocket descriptor: NIOBSDSocket.Handle, to endpoint: SSHEndpoint, configuration: SSHClientConfiguration,
        on eventLoop: any EventLoop
    ) async throws(SSHError) -> SSHConnection {
        try await Handshake.begin(
            overSocket: descriptor, endpoint: endpoint, configuration: configuration.withAgentKeys(), on: eventLoop
        ).authenticate()
    }

    /// Shakes hands as far as the host key, which the host proves, and leaves before authentication.
    ///
    /// - Parameters:
    ///   - endpoint: Where the host listens.
    ///   - algorithms: What to offer; the first host key algorithm that the host has decides which key is shown.
    ///   - timeout: For the whole of it.
    ///   - eventLoop: The loop to use.
    ///   - allowAddress: Vets every resolved address.
    public static func readHostKey(
        of endpoint: SSHEndpoint,
        algorithms: AlgorithmPreferences = .standard,
        timeout: Duration = .seconds(10),
        on eventLoop: any EventLoop,
        allowAddress: @escaping @Sendable (SocketAddress) -> Bool = { _ in true }
    ) async throws(SSHError) -> HostKeyReport {
        let deadline = NIODeadline.now() + TimeAmount(timeout)
        let addresses = try await AddressResolver.resolve(endpoint, deadline: deadline, on: eventLoop)
        let allowed = addresses.filter(allowAddress)
        guard !allowed.isEmpty else { throw .addressNotAllowed(endpoint, addresses) }
        var configuration = SSHClientConfiguration(username: "", credentials: []) { _ in
            .refuse(reason: "Only the host key was asked for.")
        }
        configuration.algorithms = algorithms
        configuration.handshakeTimeout = timeout
        let handshake = try await Handshake.begin(
            toAny: allowed, endpoint: endpoint, configuration: configuration, deadline: deadline, on: eventLoop)
        return try await handshake.readHostKey()
    }

    private static func connect(
        toAny addresses: [SocketAddress], endpoint: SSHEndpoint, configuration: SSHClientConfiguration,
        deadline: NIODeadline, on eventLoop: any EventLoop
    ) async throws(SSHError) -> SSHConnection {
        let handshake = try await Handshake.begin(
            toAny: addresses, endpoint: endpoint, configuration: configuration.withAgentKeys(), deadline: deadline,
            on: eventLoop)
        return try await handshake.authenticate()
    }
}
