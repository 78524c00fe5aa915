import NIOCore
import SSHProtocol

/// The handler of a SOCKS client's socket until its channel stands; a `SocketTunnel` takes its place. Loop-bound.
final class SocksHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Opens a channel for a tunnel.
    typealias Opening = (SSHForwardEndpoint, SocketTunnel, TCPAddress) -> EventLoopFuture<SSHChannel>

    private let tunnels: TunnelSet
    private let open: Opening
    private var negotiation = SocksNegotiation()
    private var input = ByteBuffer()
    private var isOpening = false
    private var timeout: Scheduled<Void>?

    init(_ tunnels: TunnelSet, open: @escaping Opening) {
        self.tunnels = tunnels
        self.open = open
    }

    func handlerAdded(context: ChannelHandlerContext) {
        // A client that connects and says nothing keeps a socket, and nothing else, for a while.
        let channel = context.channel
        timeout = context.eventLoop.scheduleTask(in: .seconds(30)) { channel.close(promise: nil) }
        if context.channel.isActive { context.read() }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timeout?.cancel() }

    func channelActive(context: ChannelHandlerContext) {
        context.read()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        input.writeImmutableBuffer(unwrapInboundIn(data))
        advance(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !isOpening { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func advance(_ context: ChannelHandlerContext) {
        while !isOpening {
            switch negotiation.advance(&input) {
            case .needsMore: return
            case .reply(let bytes): send(bytes, context)
            case .connect(let host, let port): connect(host, port, context)
            case .fail(let bytes): return fail(bytes, context)
            }
        }
    }

    private func connect(_ host: String, _ port: Int, _ context: ChannelHandlerContext) {
        isOpening = true
        timeout?.cancel()
        let tunnel = SocketTunnel(tunnels, early: input)
        open(.tcp(host: host, port: port), tunnel, context.channel.originator).assumeIsolated()
            .whenComplete { result in
                guard case .success(let channel) = result else { return self.fail(self.negotiation.refused, context) }
                guard context.channel.isActive else { return channel.close() }
                self.send(self.negotiation.granted, context)
                do {
                    try context.pipeline.syncOperations.addHandler(tunnel)
                    context.pipeline.syncOperations.removeHandler(self, promise: nil)
                    tunnel.adopt(channel)
                } catch {
                    channel.close()
                    context.close(promise: nil)
                }
            }
    }

    private func send(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }

    private func fail(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        isOpening = true
        guard !bytes.isEmpty else { return context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes))).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }
}

extension Channel {
    /// Who connected, for the host's log (RFC 4254 §7.2).
    var originator: TCPAddress {
        TCPAddress(host: remoteAddress?.ipAddress ?? "127.0.0.1", port: UInt32(clamping: remoteAddress?.port ?? 0))
    }
}
