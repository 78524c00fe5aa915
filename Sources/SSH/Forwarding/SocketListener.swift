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
    let channel: any Channel
    /// With the port that was chosen.
    let endpoint: SSHForwardEndpoint
    private let isClosed = NIOLockedValueBox(false)

    private init(channel: any Channel, endpoint: SSHForwardEndpoint) {
        self.channel = channel
        self.endpoint = endpoint
    }

    /// - Parameter accepted: Adds the handlers of an accepted socket, on the loop. It is not read before they ask.
    static func bind(
        _ endpoint: SSHForwardEndpoint, on eventLoop: any EventLoop,
        accepted: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<SocketListener> {
        let bootstrap = ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: 128)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in channel.eventLoop.makeCompletedFuture { try accepted(channel) } }
        switch endpoint {
        case .tcp(let host, let port):
            return
                bootstrap
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .bind(host: host, port: port)
                .map { channel in
                    let port = channel.localAddress?.port ?? port
                    return SocketListener(channel: channel, endpoint: .tcp(host: host, port: port))
                }
        case .unix(let path):
            return bootstrap.bind(unixDomainSocketPath: path).map { channel in
                // As OpenSSH: what others on this machine may not read, they may not talk to either.
                chmod(path, 0o600)
                return SocketListener(channel: channel, endpoint: endpoint)
            }
        }
    }

    /// Listens no more; a unix socket's file goes too. Once: later the path may be somebody else's.
    func close() {
        let wasClosed = isClosed.withLockedValue { isClosed in
            defer { isClosed = true }
            return isClosed
        }
        guard !wasClosed else { return }
        channel.close(promise: nil)
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
    static func answer(
        _ incoming: SSHIncomingChannel, with endpoint: SSHForwardEndpoint, tunnels: TunnelSet,
        exchange: X11CookieExchange? = nil
    ) {
        let eventLoop = incoming.eventLoop
        let tunnel = NIOLoopBound(SocketTunnel(tunnels, exchange: exchange), eventLoop: eventLoop)
        connect(to: endpoint, on: eventLoop) { tunnel.value }.assumeIsolated().whenComplete { result in
            switch result {
            case .success:
                incoming.accept { channel in
                    tunnel.value.adopt(channel)
                    return tunnel.value
                }
            case .failure:
                incoming.refuse(.connectFailed, "the connection failed")
            }
        }
    }
}
