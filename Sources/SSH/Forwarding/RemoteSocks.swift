// `-R port` without a target: the host listens, and this side is the SOCKS proxy that its clients find there.

import NIOCore
import NIOPosix
import SSHProtocol

extension SSHConnection {
    /// Has the host listen, and connects from here to where each of its clients asks for by SOCKS 4, 4a or 5.
    ///
    /// - Parameters:
    ///   - endpoint: Where the host shall listen; port 0 leaves the choice to it.
    ///   - mayOpen: Whether a client there may reach a host and a port from here. Asked on the event loop.
    /// - Throws: `forward_refused` when the host does not listen, or why the connection ended.
    public func forwardSocks(
        from endpoint: SSHForwardEndpoint,
        mayOpen: @escaping @Sendable (_ host: String, _ port: Int) -> Bool = { _, _ in true }
    ) async throws(SSHError) -> SSHForward {
        let eventLoop = eventLoop
        let tunnels = NIOLoopBoundBox.makeBoxSendingValue(TunnelSet(), eventLoop: eventLoop)
        return try await listenRemotely(
            on: endpoint, ended: { tunnels.value.end() },
            accept: { incoming in
                incoming.accept { _ in RemoteSocksClient(tunnels.value, mayOpen) }
            })
    }
}

/// One client at the host's end: its request first, then a `SocketTunnel` to where it leads. Loop-bound.
final class RemoteSocksClient: SSHChannelDelegate {
    private let tunnels: TunnelSet
    private let mayOpen: @Sendable (String, Int) -> Bool
    /// Told once, when the channel is over.
    private let ended: () -> Void
    private var negotiation = SocksNegotiation()
    private var input = ByteBuffer()
    private var isConnecting = false
    private var tunnel: SocketTunnel?
    /// What comes while the socket is being connected; the client waits for the answer, so it is little.
    private var hasEnded = false

    init(
        _ tunnels: TunnelSet, _ mayOpen: @escaping @Sendable (String, Int) -> Bool, ended: @escaping () -> Void = {}
    ) {
        self.tunnels = tunnels
        self.mayOpen = mayOpen
        self.ended = ended
    }

    func channel(_ channel: SSHChannel, received data: ByteBuffer) {
        if let tunnel { return tunnel.channel(channel, received: data) }
        input.writeImmutableBuffer(data)
        guard !isConnecting else {
            // Nobody sends that much before an answer.
            if input.readableBytes > 64 * 1024 { channel.abort() }
            return
        }
        // What belongs to the request is dealt with; the tunnel accounts for the rest.
        let before = input.readableBytes
        advance(channel)
        channel.consumed(before - input.readableBytes)
    }

    private func advance(_ channel: SSHChannel) {
        while !isConnecting {
            switch negotiation.advance(&input) {
            case .needsMore: return
            case .reply(let bytes): channel.write(ByteBuffer(bytes: bytes))
            case .connect(let host, let port): connect(host, port, channel)
            case .fail(let bytes): return fail(bytes, channel)
            }
        }
    }

    private func connect(_ host: String, _ port: Int, _ channel: SSHChannel) {
        isConnecting = true
        guard mayOpen(host, port) else { return fail(negotiation.refused, channel) }
        let tunnel = NIOLoopBound(SocketTunnel(tunnels), eventLoop: channel.eventLoop)
        SocketListener.connect(to: .tcp(host: host, port: port), on: channel.eventLoop) { tunnel.value }
            .assumeIsolated().whenComplete { result in
                guard case .success(let socket) = result else { return self.fail(self.negotiation.refused, channel) }
                guard !self.hasEnded else { return socket.close(promise: nil) }
                channel.write(ByteBuffer(bytes: self.negotiation.granted))
                self.tunnel = tunnel.value
                tunnel.value.adopt(channel)
                let rest = self.input
                self.input = ByteBuffer()
                if rest.readableBytes > 0 { tunnel.value.channel(channel, received: rest) }
            }
    }

    private func fail(_ bytes: [UInt8], _ channel: SSHChannel) {
        isConnecting = true
        if !bytes.isEmpty { channel.write(ByteBuffer(bytes: bytes)) }
        channel.close()
    }

    func channelEndOfFile(_ channel: SSHChannel) {
        guard let tunnel else { return channel.close() }
        tunnel.channelEndOfFile(channel)
    }

    func channel(_ channel: SSHChannel, writabilityChanged isWritable: Bool) {
        tunnel?.channel(channel, writabilityChanged: isWritable)
    }

    func channel(_ channel: SSHChannel, closed error: SSHError?) {
        hasEnded = true
        tunnel?.channel(channel, closed: error)
        ended()
    }
}
