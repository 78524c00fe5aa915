import NIOConcurrencyHelpers
public import NIOCore
public import NIOPosix
import SSHCrypto
import SSHProtocol

/// An SSH server: listens, takes connections in as far as its limits allow, and leaves what they want to its handlers.
///
/// ```swift
/// let server = try await SSHServer.start(
///     on: .tcp(host: "127.0.0.1", port: 2222), configuration: SSHServerConfiguration(hostKeys: [hostKey]),
///     handlers: handlers)
/// await server.waitUntilClosed()
/// ```
public final class SSHServer: Sendable {
    private struct State {
        var listeners: [any Channel] = []
        var connections: [Int: SSHServerConnection] = [:]
        var count = 0
        var isStopping = false
    }

    private let shared: ServerShared
    private let group: any EventLoopGroup
    private let state = NIOLockedValueBox(State())
    private let stopped: EventLoopPromise<Void>

    /// A server that listens nowhere: connections are given to it by `serve`.
    public init(
        configuration: SSHServerConfiguration, handlers: SSHServerHandlers,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        shared = ServerShared(
            configuration: configuration, handlers: handlers,
            limiter: ConnectionLimiter(configuration.startups, penalties: configuration.penalties))
        self.group = group
        stopped = group.any().makePromise(of: Void.self)
    }

    deinit {
        for listener in state.withLockedValue({ $0.listeners }) { listener.close(promise: nil) }
        stopped.succeed()
    }

    /// Makes a server and listens.
    ///
    /// - Throws: `listen_failed`.
    public static func start(
        on endpoint: SSHForwardEndpoint, configuration: SSHServerConfiguration, handlers: SSHServerHandlers,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws(SSHError) -> SSHServer {
        let server = SSHServer(configuration: configuration, handlers: handlers, group: group)
        try await server.listen(on: endpoint)
        return server
    }

    /// Listens at one more place.
    ///
    /// - Returns: Where, with the port that was chosen for port 0.
    @discardableResult
    public func listen(on endpoint: SSHForwardEndpoint) async throws(SSHError) -> SSHForwardEndpoint {
        let accept: @Sendable (any Channel) -> EventLoopFuture<Void> = { [weak self] channel in
            channel.eventLoop.makeCompletedFuture {
                guard let self else { throw SSHError.shuttingDown }
                try self.accept(channel)
            }
        }
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 512)
            .childChannelOption(.recvAllocator, value: SocketWire.receiveBuffers)
            .childChannelOption(.writeBufferWaterMark, value: SocketWire.outputMarks)
            .childChannelInitializer(accept)
        do {
            let listener: any Channel
            switch endpoint {
            case .tcp(let host, let port):
                listener =
                    try await bootstrap
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .bind(host: host, port: port).get()
            case .unix(let path):
                listener = try await bootstrap.bind(unixDomainSocketPath: path).get()
            }
            let isLate = state.withLockedValue { state in
                if !state.isStopping { state.listeners.append(listener) }
                return state.isStopping
            }
            if isLate { try? await listener.close() }
            guard case .tcp(let host, _) = endpoint else { return endpoint }
            return .tcp(host: host, port: listener.localAddress?.port ?? 0)
        } catch {
            throw .listenFailed(endpoint.description, error)
        }
    }

    /// The port of the first listener; 0 without one.
    public var port: Int { state.withLockedValue { $0.listeners.first?.localAddress?.port } ?? 0 }

    /// The connections that stand, those that have not authenticated among them.
    public var connections: [SSHServerConnection] { state.withLockedValue { Array($0.connections.values) } }

    // MARK: Taking in

    /// A socket, on its loop.
    private func accept(_ channel: any Channel) throws {
        guard let driver = admit(from: channel.remoteAddress, local: channel.localAddress, on: channel.eventLoop) else {
            throw SSHError.shuttingDown
        }
        do {
            try channel.pipeline.syncOperations.addHandler(SocketWire(driver))
        } catch {
            // The socket is gone already; whoever counts connections must learn it.
            driver.wireEnded()
            throw error
        }
    }

    /// Serves a connection that came in some other way, such as over a tunnel: returns when it is over.
    ///
    /// - Parameters:
    ///   - stream: Carries the connection, which closes it at its end.
    ///   - address: Where it comes from, for limits and logs.
    public func serve(_ stream: any SSHByteStream, from address: SocketAddress? = nil) async {
        let eventLoop = group.next()
        let ended = eventLoop.makePromise(of: Void.self)
        let isTaken = try? await eventLoop.submit {
            guard let driver = self.admit(from: address, local: nil, on: eventLoop) else { return false }
            StreamWire(driver, stream, on: eventLoop).start(ended: ended)
            return true
        }.get()
        guard isTaken == true else {
            stream.close()
            return ended.succeed()
        }
        try? await ended.futureResult.get()
    }

    /// Serves a connection that comes over a channel of another one, as through a jump host, on that connection's loop:
    /// no byte changes threads. The server is kept until the connection is over.
    ///
    /// - Parameters:
    ///   - incoming: A direct-tcpip channel; it is accepted, or refused where this server takes nobody in. On its loop.
    ///   - address: Where the outer connection comes from, for limits and logs.
    public func serve(_ incoming: SSHIncomingChannel, from address: SocketAddress? = nil) {
        let eventLoop = incoming.eventLoop
        guard let driver = admit(from: address, local: nil, on: eventLoop) else {
            return incoming.refuse(.resourceShortage, "the server takes no more connections now")
        }
        let ended = eventLoop.makePromise(of: Void.self)
        ended.futureResult.whenComplete { _ in withExtendedLifetime(self) {} }
        incoming.accept { channel in
            let wire = ChannelWire(driver, ended: ended)
            wire.adopt(channel)
            return wire
        }
    }

    /// On the loop of the connection.
    private func admit(
        from address: SocketAddress?, local: SocketAddress?, on eventLoop: any EventLoop
    ) -> ConnectionDriver? {
        guard shared.handlers.admits(address) else { return nil }
        let startup: ConnectionLimiter.Startup
        switch shared.limiter.admit(address) {
        case .success(let admitted): startup = admitted
        case .failure(let refused):
            shared.handlers.observe(.refused(refused.why, address: address?.ipAddress ?? "a stream"))
            return nil
        }
        var machine = ConnectionMachine(server: shared.configuration.core, random: SystemRandom.bytes)
        machine.channelLimits = shared.configuration.channelLimits
        let facts = ConnectionDriver.Shared(closed: eventLoop.makePromise(of: SSHError?.self))
        let owner = ServerConnectionOwner(shared, startup)
        let driver = ConnectionDriver(machine, shared: facts, owner: owner, on: eventLoop)
        let bound = NIOLoopBound(driver, eventLoop: eventLoop)
        guard let number = nextNumber() else {
            facts.closed.succeed(nil)
            shared.limiter.end(startup, .authenticated, from: address)
            return nil
        }
        let connection = SSHServerConnection(number, driver: bound, shared: facts, remote: address, local: local)
        owner.adopt(connection, bound)
        state.withLockedValue { $0.connections[number] = connection }
        connection.closed.whenComplete { [state] _ in state.withLockedValue { $0.connections[number] = nil } }
        shared.handlers.observe(.connected(connection))
        return driver
    }

    private func nextNumber() -> Int? {
        state.withLockedValue { state in
            guard !state.isStopping else { return nil }
            state.count += 1
            return state.count
        }
    }

    // MARK: The end

    /// Listens no more, waits for the connections to end by themselves, and after `grace` ends those that are left.
    public func shutdown(grace: Duration = .seconds(5)) async {
        let (listeners, connections) = state.withLockedValue { state in
            defer { state.listeners = [] }
            state.isStopping = true
            return (state.listeners, Array(state.connections.values))
        }
        for listener in listeners { try? await listener.close() }
        let waiting = connections.map(\.closed)
        if grace > .zero, !waiting.isEmpty {
            let timer = group.any().scheduleTask(in: TimeAmount(grace)) { for one in connections { one.close() } }
            // None of them ever fails.
            for closed in waiting { _ = try? await closed.get() }
            timer.cancel()
        } else {
            for connection in connections { connection.close() }
            for closed in waiting { _ = try? await closed.get() }
        }
        stopped.succeed()
    }

    /// Waits until `shutdown` is done.
    public func waitUntilClosed() async { try? await stopped.futureResult.get() }
}
