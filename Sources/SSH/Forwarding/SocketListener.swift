// Listening and connecting for forwards, on the loop of the connection that they belong to.

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSHProtocol

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A listener of a forward.
struct SocketListener: Sendable {
    /// With the port that was chosen.
    let endpoint: SSHForwardEndpoint
    /// "localhost" is two sockets, else one.
    private let sockets: [any Channel]
    private let isClosed = NIOLockedValueBox(false)

    private init(_ sockets: [any Channel], endpoint: SSHForwardEndpoint) {
        self.sockets = sockets
        self.endpoint = endpoint
    }

    /// Completes when nothing listens any more.
    func closed(on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
        EventLoopFuture.andAllComplete(sockets.map(\.closeFuture), on: eventLoop)
    }

    /// "localhost" listens on the loopback of both IP versions, as OpenSSH does: who looks the name up may get either.
    ///
    /// - Parameter accepted: Adds the handlers of an accepted socket, on the loop. It is not read before they ask.
    static func bind(
        _ endpoint: SSHForwardEndpoint, on eventLoop: any EventLoop,
        accepted: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<SocketListener> {
        switch endpoint {
        case .tcp(let host, let port):
            let bindTCP: @Sendable (String, Int) -> EventLoopFuture<any Channel> = { host, port in
                bootstrap(eventLoop, accepted)
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .bind(host: host, port: port)
            }
            let sockets = host == "localhost" ? loopback(port, eventLoop, bindTCP) : bindTCP(host, port).map { [$0] }
            return sockets.map { sockets in
                let port = sockets.first?.localAddress?.port ?? port
                return SocketListener(sockets, endpoint: .tcp(host: host, port: port))
            }
        case .unix(let path):
            return bootstrap(eventLoop, accepted).bind(unixDomainSocketPath: path).map { channel in
                // As OpenSSH: what others on this machine may not read, they may not talk to either.
                chmod(path, 0o600)
                return SocketListener([channel], endpoint: endpoint)
            }
        }
    }

    /// One of the two is enough: a machine may have one IP version alone. The second takes the port that the first got.
    ///
    /// A port of 127.0.0.1 that somebody else has fails the whole: whoever connects would reach them.
    private static func loopback(
        _ port: Int, _ eventLoop: any EventLoop,
        _ bind: @escaping @Sendable (String, Int) -> EventLoopFuture<any Channel>
    ) -> EventLoopFuture<[any Channel]> {
        bind("127.0.0.1", port).map { Result<any Channel, any Error>.success($0) }.recover { .failure($0) }
            .flatMap { first in
                switch first {
                case .success(let first):
                    bind("::1", first.localAddress?.port ?? port).map { [first, $0] }.recover { _ in [first] }
                case .failure(let error as IOError) where error.errnoCode == EADDRNOTAVAIL:
                    bind("::1", port).map { [$0] }.flatMapErrorThrowing { _ in throw error }
                case .failure(let error): eventLoop.makeFailedFuture(error)
                }
            }
    }

    /// Connections that wait to be accepted. Somebody's program may make hundreds at once; one beyond this number gets no
    /// answer, and is tried again by its system a whole second later.
    static let backlog: Int32 = 1024

    private static func bootstrap(
        _ eventLoop: any EventLoop, _ accepted: @escaping @Sendable (any Channel) throws -> Void
    ) -> ServerBootstrap {
        ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: backlog)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in channel.eventLoop.makeCompletedFuture { try accepted(channel) } }
    }

    /// Listens no more; a unix socket's file goes too. Once: later the path may be somebody else's.
    func close() {
        let wasClosed = isClosed.withLockedValue { isClosed in
            defer { isClosed = true }
            return isClosed
        }
        guard !wasClosed else { return }
        for socket in sockets { socket.close(promise: nil) }
        if case .unix(let path) = endpoint { unlink(path) }
    }

    /// Connects a socket with one handler, which is not read before the handler asks.
    static func connect(
        to endpoint: SSHForwardEndpoint, on eventLoop: any EventLoop,
        handler: @escaping @Sendable () -> any ChannelHandler
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(.seconds(30))
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler()) }
            }
        switch endpoint {
        case .tcp(let host, let port):
            guard (1...65535).contains(port) else {
                return eventLoop.makeFailedFuture(SSHError.invalidPort(SSHEndpoint(host: host, port: port)))
            }
            return bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1).connect(host: host, port: port)
        case .unix(let path):
            return bootstrap.connect(unixDomainSocketPath: path)
        }
    }

    /// Connects for a channel of the peer and joins the two, or refuses it. On the loop.
    ///
    /// - Parameter ended: Told once, when the channel is over, or was refused.
    static func answer(
        _ incoming: SSHIncomingChannel, with endpoint: SSHForwardEndpoint, tunnels: TunnelSet,
        exchange: X11CookieExchange? = nil, ended: @escaping () -> Void = {}
    ) {
        let eventLoop = incoming.eventLoop
        let tunnel = NIOLoopBound(SocketTunnel(tunnels, exchange: exchange, ended: ended), eventLoop: eventLoop)
        connect(to: endpoint, on: eventLoop) { tunnel.value }.assumeIsolated().whenComplete { result in
            switch result {
            case .success:
                incoming.accept { channel in
                    tunnel.value.adopt(channel)
                    return tunnel.value
                }
            case .failure:
                incoming.refuse(.connectFailed, "the connection failed")
                tunnel.value.giveUp()
            }
        }
    }
}
