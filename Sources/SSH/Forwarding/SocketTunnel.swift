// A socket and a channel joined: what one brings the other takes, at the pace of the slower one, each direction ending for
// itself.

import NIOCore
import SSHProtocol

/// The handler of a socket whose bytes go through a channel. Loop-bound; socket and channel share a loop.
///
/// Nothing is kept here: the socket is read only while the channel has room, and the channel's window is given back when
/// the socket has taken the bytes.
final class SocketTunnel: ChannelInboundHandler, SSHChannelDelegate {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var context: ChannelHandlerContext?
    private var channel: SSHChannel?
    private let tunnels: TunnelSet
    /// Read from the socket before the channel stood.
    private var early: ByteBuffer?
    /// While an X11 connection's cookie has not come.
    private var exchange: X11CookieExchange?
    private var hasSocketEnded = false
    private var waitsForRoom = false
    private var unwritten = 0
    /// What the socket is closed for once it has taken everything.
    private var closing: CloseMode?
    /// Told once, when the channel is over.
    private var ended: () -> Void

    /// - Parameter early: Bytes of the socket that were read already and belong to the channel.
    init(
        _ tunnels: TunnelSet, early: ByteBuffer? = nil, exchange: X11CookieExchange? = nil,
        ended: @escaping () -> Void = {}
    ) {
        self.tunnels = tunnels
        self.early = early
        self.exchange = exchange
        self.ended = ended
    }

    /// The channel stands: bytes may flow.
    func adopt(_ channel: SSHChannel) {
        guard context != nil || !hasSocketEnded else { return channel.close() }
        self.channel = channel
        if let early { channel.write(early) }
        early = nil
        if hasSocketEnded { channel.sendEOF() } else { readSocket() }
    }

    /// There is no socket and will be none.
    func giveUp() {
        let ended = ended
        self.ended = {}
        ended()
    }

    /// Ends both at once.
    func abort() {
        channel?.abort()
        context?.close(promise: nil)
    }

    // MARK: The socket

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        tunnels.insert(self)
        if channel != nil { readSocket() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        hasSocketEnded = true
        self.context = nil
        tunnels.remove(self)
        channel?.close()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        guard let channel else {
            early = (early ?? ByteBuffer()).appending(bytes)
            return
        }
        // The host takes no more: neither do we.
        if !channel.write(bytes) { context.close(promise: nil) }
    }

    func channelReadComplete(context: ChannelHandlerContext) { readSocket() }

    private func readSocket() {
        guard let channel, !hasSocketEnded else { return }
        guard channel.isWritable else {
            waitsForRoom = true
            return
        }
        waitsForRoom = false
        context?.read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent {
            hasSocketEnded = true
            channel?.sendEOF()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        hasSocketEnded = true
        channel?.close()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    // MARK: The channel

    func channel(_ channel: SSHChannel, received data: ByteBuffer) {
        switch exchange?.advance(data) {
        case nil:
            pass(data, credit: data.readableBytes, channel)
        case .needsMore:
            channel.consumed(data.readableBytes)
        case .pass(let setup):
            exchange = nil
            pass(setup, credit: data.readableBytes, channel)
        case .refuse:
            abort()
        }
    }

    /// - Parameter count: What is given back to the channel when the socket has taken the bytes.
    private func pass(_ data: ByteBuffer, credit count: Int, _ channel: SSHChannel) {
        guard let context else { return channel.consumed(count) }
        unwritten += count
        context.writeAndFlush(wrapOutboundOut(data)).assumeIsolated().whenComplete { _ in
            self.unwritten -= count
            channel.consumed(count)
            self.closeIfWritten()
        }
    }

    func channelEndOfFile(_ channel: SSHChannel) {
        if closing == nil { closing = .output }
        closeIfWritten()
    }

    func channel(_ channel: SSHChannel, writabilityChanged isWritable: Bool) {
        if isWritable, waitsForRoom { readSocket() }
    }

    func channel(_ channel: SSHChannel, closed error: SSHError?) {
        self.channel = nil
        closing = .all
        closeIfWritten()
        giveUp()
    }

    private func closeIfWritten() {
        guard unwritten == 0, let mode = closing, let context else { return }
        closing = nil
        context.close(mode: mode, promise: nil)
    }
}

extension ByteBuffer {
    fileprivate func appending(_ other: ByteBuffer) -> ByteBuffer {
        var sum = self
        sum.writeImmutableBuffer(other)
        return sum
    }
}

/// The tunnels of one forward, to end with it. Loop-bound.
final class TunnelSet {
    private var tunnels: [ObjectIdentifier: SocketTunnel] = [:]
    private var isOver = false

    func insert(_ tunnel: SocketTunnel) {
        if isOver { return tunnel.abort() }
        tunnels[ObjectIdentifier(tunnel)] = tunnel
    }

    func remove(_ tunnel: SocketTunnel) { tunnels[ObjectIdentifier(tunnel)] = nil }

    func end() {
        isOver = true
        let all = tunnels
        tunnels = [:]
        for tunnel in all.values { tunnel.abort() }
    }
}
