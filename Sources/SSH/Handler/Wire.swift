// What carries a connection's bytes: a socket, a channel of another connection, or any stream of bytes.

import NIOCore

/// Where a connection's bytes go. Loop-bound; it tells the driver what comes.
protocol Wire: AnyObject {
    /// Takes bytes and sends them. What it cannot send at once it keeps, and says so by `isWritable`.
    func send(_ bytes: ByteBuffer)
    var isWritable: Bool { get }
    /// Reading was held back because the driver wanted nothing more; now it does.
    func resumeReading()
    /// Asks for prompt acknowledgements of what was received, where that exists.
    func acknowledgeQuickly()
    /// Sends what was taken and closes.
    func close()
}

/// The end of a wire as it is seen from outside of the event loop.
struct WireHandle: Sendable {
    let eventLoop: any EventLoop
    /// Closes at once. May be called from anywhere.
    let close: @Sendable () -> Void
    let closed: EventLoopFuture<Void>
}

/// A socket as a wire: the one handler of its pipeline. Loop-bound.
final class SocketWire: ChannelDuplexHandler, Wire {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    private let driver: ConnectionDriver
    private var context: ChannelHandlerContext?
    private var hasHeldRead = false

    init(_ driver: ConnectionDriver) { self.driver = driver }

    /// What every socket of ours wants: no delay by Nagle's algorithm, large reads, and a bounded output. Reads begin small
    /// and grow with what comes: a channel keeps its last buffer, and most sessions are idle.
    static let receiveBuffers = AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 4096, maximum: 262_144)
    static let outputMarks = ChannelOptions.Types.WriteBufferWaterMark(low: 256 * 1024, high: 1024 * 1024)

    // MARK: Wire

    func send(_ bytes: ByteBuffer) { context?.writeAndFlush(wrapOutboundOut(bytes), promise: nil) }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func resumeReading() {
        guard hasHeldRead else { return }
        hasHeldRead = false
        context?.read()
    }

    /// Linux delays acknowledgements by 40 ms, which a peer with Nagle's algorithm on waits for between two small
    /// packets of the handshake. The option is not sticky: it is set again after each read until authentication is over.
    func acknowledgeQuickly() {
        #if os(Linux)
        let quickAcknowledge = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: 12))
        try? context?.channel.syncOptions?.setOption(quickAcknowledge, value: 1)
        #endif
    }

    func close() { context?.close(mode: .all, promise: nil) }

    // MARK: Pipeline

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { driver.start(on: self) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        driver.wireEnded()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        driver.start(on: self)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // The channel's pool keeps the memory, to use it again when we have let go of it.
        driver.received(unwrapInboundIn(data), isOwned: true)
    }

    func channelReadComplete(context: ChannelHandlerContext) { driver.readCompleted() }

    /// While a question waits for its answer only a little is read ahead, so that the peer cannot fill our memory.
    func read(context: ChannelHandlerContext) {
        if driver.wantsInput {
            context.read()
        } else {
            hasHeldRead = true
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        driver.writabilityChanged()
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        driver.wireEnded()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A socket error ends the stream; the core says what that means now.
        driver.wireFailed()
        context.close(promise: nil)
    }
}
