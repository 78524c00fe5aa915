import NIOCore

/// Knows when a connection's peer has gone, or sends nothing more, while an answer is still being made.
final class InputEnd: ChannelInboundHandler {
    typealias InboundIn = Any

    /// Completes then.
    let future: EventLoopFuture<Void>
    private let promise: EventLoopPromise<Void>
    private var isOver = false

    init(eventLoop: any EventLoop) {
        promise = eventLoop.makePromise()
        future = promise.futureResult
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, case .inputClosed = event { end() }
        context.fireUserInboundEventTriggered(event)
    }

    private func end() {
        guard !isOver else { return }
        isOver = true
        promise.succeed()
    }
}
