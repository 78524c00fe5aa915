// Forwards whose channels somebody else opens: over one connection today, over another one after a loss.

import NIOConcurrencyHelpers
public import NIOCore
public import SSHProtocol

extension SSHForward {
    /// Listens on this machine, and joins each connection that comes to a channel that `open` brings.
    ///
    /// - Parameters:
    ///   - endpoint: Where to listen.
    ///   - target: Where each connection leads; nil: each says so itself by SOCKS 4, 4a or 5.
    ///   - eventLoop: The loop of the channels.
    ///   - end: Nothing listens any more after that; nil: until the value that comes back is closed or dropped.
    ///   - open: Opens a channel that the delegate owns. On the event loop.
    /// - Throws: `listen_failed`.
    public static func listen(
        on endpoint: SSHForwardEndpoint, to target: SSHForwardEndpoint?, eventLoop: any EventLoop,
        until end: EventLoopFuture<SSHError?>? = nil,
        open: @escaping @Sendable (ChannelOpenRequest, any SSHChannelDelegate) -> EventLoopFuture<SSHChannel>
    ) async throws(SSHError) -> SSHForward {
        let tunnels = NIOLoopBoundBox.makeBoxSendingValue(TunnelSet(), eventLoop: eventLoop)
        let listener: SocketListener
        do {
            listener = try await SocketListener.bind(endpoint, on: eventLoop) { socket in
                try serve(socket, target, tunnels.value, open)
            }.get()
        } catch {
            throw .listenFailed(endpoint.description, error)
        }
        end?.whenComplete { _ in listener.close() }
        return SSHForward(listener.endpoint) {
            listener.close()
            eventLoop.execute { tunnels.value.end() }
            return listener.closed(on: eventLoop)
        }
    }

    /// A socket that came to one of our listeners. On the loop.
    private static func serve(
        _ socket: any Channel, _ target: SSHForwardEndpoint?, _ tunnels: TunnelSet,
        _ open: @escaping (ChannelOpenRequest, any SSHChannelDelegate) -> EventLoopFuture<SSHChannel>
    ) throws {
        guard let target else {
            let handler = SocksHandler(tunnels) { endpoint, tunnel, originator in
                open(endpoint.channelRequest(originator: originator), tunnel)
            }
            return try socket.pipeline.syncOperations.addHandler(handler)
        }
        let tunnel = SocketTunnel(tunnels)
        try socket.pipeline.syncOperations.addHandler(tunnel)
        open(target.channelRequest(originator: socket.originator), tunnel).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): tunnel.adopt(channel)
            case .failure: socket.close(promise: nil)
            }
        }
    }
}

/// Sockets of this machine that a peer's channels are joined to, as one group. Loop-bound.
public final class SSHTunnels {
    private let set = TunnelSet()

    public init() {}

    /// Ends all of them, and those to come.
    public func end() { set.end() }

    /// Connects for a channel of the peer and joins the two, or refuses it.
    ///
    /// - Parameters:
    ///   - incoming: What the peer opens.
    ///   - endpoint: Where it leads, from here.
    ///   - ended: Told once, when the channel is over, or was refused.
    public func connect(_ incoming: SSHIncomingChannel, to endpoint: SSHForwardEndpoint, ended: @escaping () -> Void) {
        SocketListener.answer(incoming, with: endpoint, tunnels: set, ended: ended)
    }

    /// The same towards a display, for a program that brings the cookie which went to the host.
    public func connect(_ incoming: SSHIncomingChannel, to forward: SSHX11Forward, ended: @escaping () -> Void) {
        SocketListener.answer(
            incoming, with: forward.display.endpoint, tunnels: set, exchange: forward.exchange, ended: ended)
    }

    /// Joins a channel that is carried already, and has brought `received`, to a display.
    ///
    /// - Parameters:
    ///   - channel: The channel that is carried.
    ///   - forward: The display, and its cookie.
    ///   - taken: Asked when the display has answered, for what the channel has brought meanwhile and whether its data
    ///     has ended; nil when the channel is over. From then on the channel is the tunnel's.
    ///   - ended: Told once, when the channel is over.
    public func connect(
        _ channel: SSHRelayChannel, to forward: SSHX11Forward,
        taken: @escaping () -> (received: ByteBuffer, hasEnded: Bool)?, ended: @escaping () -> Void
    ) {
        let tunnel = SocketTunnel(set, exchange: forward.exchange, ended: ended)
        let bound = NIOLoopBound(tunnel, eventLoop: channel.eventLoop)
        SocketListener.connect(to: forward.display.endpoint, on: channel.eventLoop) { bound.value }
            .assumeIsolated().whenComplete { result in
                guard case .success(let socket) = result else {
                    channel.abort()
                    return tunnel.giveUp()
                }
                guard let (received, hasEnded) = taken() else {
                    socket.close(promise: nil)
                    return tunnel.giveUp()
                }
                channel.handOver { handed in
                    tunnel.adopt(handed)
                    if received.readableBytes > 0 { tunnel.channel(handed, received: received) }
                    if hasEnded { tunnel.channelEndOfFile(handed) }
                    return tunnel
                }
            }
    }

    /// Has a channel of the peer say by SOCKS where it leads from here, as with `-R port`.
    ///
    /// - Parameters:
    ///   - incoming: What the peer opens.
    ///   - ended: Told once, when the channel is over.
    public func serveSocks(_ incoming: SSHIncomingChannel, ended: @escaping () -> Void) {
        incoming.accept { _ in RemoteSocksClient(set, { _, _ in true }, ended: ended) }
    }
}
