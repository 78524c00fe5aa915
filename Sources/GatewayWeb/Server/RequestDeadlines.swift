import NIOCore
import NIOHTTPTypes

/// Closes a connection that takes too long: to send a header, to send a body, to ask again, to read what was sent.
///
/// A header has to be complete by its deadline however busily its bytes trickle in, and so has a body: a client that
/// sends one byte every second holds its connection no longer than one that sends nothing. When the server stops,
/// a connection without a request closes at once, another one after its response.
///
/// A body that is a file takes its time: once the route knows that this person may send it, ``BodyIsFile`` says so, and
/// from then on only its pauses are measured.
final class RequestDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// The body that is being read may take long. Triggered on the channel, outbound.
    struct BodyIsFile {}

    private let limits: WebLimits
    private var inProgress = 0
    private var isReadingBody = false
    private var isBodyFile = false
    private var isStopping = false
    private var deadline: Scheduled<Void>?
    private var stallDeadline: Scheduled<Void>?

    init(limits: WebLimits) {
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        expect(within: limits.headerTime, context: context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        cancelAll()
    }

    func channelInactive(context: ChannelHandlerContext) {
        cancelAll()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            inProgress += 1
            isReadingBody = true
            isBodyFile = false
            expect(within: limits.bodyTime, context: context)
        case .body:
            if isBodyFile { expect(within: limits.bodyPauseTime, context: context) }
        case .end:
            isReadingBody = false
            if inProgress > 0 { deadline?.cancel() }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            inProgress = max(0, inProgress - 1)
            if inProgress == 0, isStopping { return writeLast(data, promise: promise, context: context) }
            if inProgress == 0, !isReadingBody { expect(within: limits.keepAliveTime, context: context) }
        }
        context.write(data, promise: promise)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is BodyIsFile else { return context.triggerUserOutboundEvent(event, promise: promise) }
        promise?.succeed()
        guard isReadingBody else { return }
        isBodyFile = true
        expect(within: limits.bodyPauseTime, context: context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        guard event is ChannelShouldQuiesceEvent else { return }
        isStopping = true
        if inProgress == 0 { context.close(promise: nil) }
    }

    private func writeLast(_ data: NIOAny, promise: EventLoopPromise<Void>?, context: ChannelHandlerContext) {
        let written = promise ?? context.eventLoop.makePromise()
        let channel = context.channel
        written.futureResult.whenComplete { _ in channel.close(promise: nil) }
        context.writeAndFlush(data, promise: written)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stallDeadline?.cancel()
        stallDeadline = context.channel.isWritable ? nil : close(in: limits.stalledReaderTime, context: context)
        context.fireChannelWritabilityChanged()
    }

    private func expect(within time: TimeAmount, context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = close(in: time, context: context)
    }

    private func close(in time: TimeAmount, context: ChannelHandlerContext) -> Scheduled<Void> {
        let channel = context.channel
        return context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }

    private func cancelAll() {
        deadline?.cancel()
        stallDeadline?.cancel()
    }
}
