import NIOCore
import NIOWebSocket

/// Asks ``WebSocketMessages`` to end the connection with a close code of RFC 6455 §7.4 and a reason.
/// Sent as an outbound event: `context.triggerUserOutboundEvent(CloseWebSocket(…), promise: nil)`.
public struct CloseWebSocket: Sendable {
    public let code: UInt16
    public let reason: String

    public init(code: UInt16, reason: String) {
        self.code = code
        self.reason = reason
    }
}

/// The WebSocket protocol around a handler that only knows messages: whole binary messages go in and out as
/// `ByteBuffer`.
///
/// It answers pings, asks a silent peer whether it is still there, holds the close handshake (RFC 6455 §7), joins
/// fragments up to the limit, refuses text, and says 1001 when the server stops.
final class WebSocketMessages: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = WebSocketFrame

    /// How long the peer may take to answer our close frame.
    private static let closeTime: TimeAmount = .seconds(2)

    private let limits: WebLimits
    private var fragments: ByteBuffer?
    private var lastHeard = NIODeadline.now()
    private var pings: RepeatedTask?
    private var isClosing = false

    init(limits: WebLimits) {
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        lastHeard = .now()
        let this = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        pings = context.eventLoop.scheduleRepeatedTask(initialDelay: limits.pingInterval, delay: limits.pingInterval) {
            _ in
            let (handler, context) = this.value
            handler.checkPeer(context: context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        pings?.cancel()
        pings = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        pings?.cancel()
        pings = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        lastHeard = .now()
        // RFC 6455 §5.1: a client masks every frame; §5.2: reserved bits are zero without an extension.
        guard frame.maskKey != nil, !frame.rsv1, !frame.rsv2, !frame.rsv3 else {
            return close(.protocolError, "This frame breaks the protocol.", context: context)
        }
        switch frame.opcode {
        case .binary, .continuation:
            receive(frame, context: context)
        case .text:
            close(.unacceptableData, "Only binary messages are understood.", context: context)
        case .ping:
            // A peer that sends pings and reads nothing gets no answers: nothing piles up.
            guard context.channel.isWritable, !isClosing else { return }
            let pong = WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData)
            context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
        case .pong:
            break
        case .connectionClose:
            answerClose(frame, context: context)
        default:
            close(.protocolError, "This frame breaks the protocol.", context: context)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isClosing else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        let frame = WebSocketFrame(fin: true, opcode: .binary, data: unwrapOutboundIn(data))
        context.write(wrapOutboundOut(frame), promise: promise)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let request = event as? CloseWebSocket else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        close(WebSocketErrorCode(codeNumber: Int(request.code)), request.reason, context: context)
        promise?.succeed()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The session hears of it first, and may still say something.
        context.fireUserInboundEventTriggered(event)
        if event is ChannelShouldQuiesceEvent {
            close(.goingAway, "The server is stopping.", context: context)
        } else if case ChannelEvent.inputClosed? = event as? ChannelEvent {
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error as? NIOWebSocketError {
        case .invalidFrameLength?:
            close(.messageTooLarge, "This message is too large.", context: context)
        case .some:
            close(.protocolError, "This frame breaks the protocol.", context: context)
        case nil:
            context.close(promise: nil)
        }
    }

    private func receive(_ frame: WebSocketFrame, context: ChannelHandlerContext) {
        guard !isClosing else { return }
        var data = frame.unmaskedData
        if frame.opcode == .continuation {
            guard var joined = fragments else {
                return close(.protocolError, "This fragment continues nothing.", context: context)
            }
            guard joined.readableBytes + data.readableBytes <= limits.messageBytes else {
                return close(.messageTooLarge, "This message is too large.", context: context)
            }
            fragments = nil
            joined.writeBuffer(&data)
            data = joined
        } else if fragments != nil {
            return close(.protocolError, "A fragmented message was not finished.", context: context)
        }
        if frame.fin {
            context.fireChannelRead(wrapInboundOut(data))
        } else {
            fragments = data
        }
    }

    private func checkPeer(context: ChannelHandlerContext) {
        guard !isClosing else { return }
        if NIODeadline.now() - lastHeard > limits.silenceTime { return context.close(promise: nil) }
        guard context.channel.isWritable else { return }
        let ping = WebSocketFrame(fin: true, opcode: .ping, data: context.channel.allocator.buffer(capacity: 0))
        context.writeAndFlush(wrapOutboundOut(ping), promise: nil)
    }

    private func answerClose(_ frame: WebSocketFrame, context: ChannelHandlerContext) {
        guard !isClosing else { return context.close(promise: nil) }
        var data = frame.unmaskedData
        let code = data.readWebSocketErrorCode() ?? .normalClosure
        close(code, "", context: context)
    }

    private func close(_ code: WebSocketErrorCode, _ reason: String, context: ChannelHandlerContext) {
        guard !isClosing else { return }
        isClosing = true
        var data = context.channel.allocator.buffer(capacity: 2 + reason.utf8.count)
        data.write(webSocketErrorCode: code)
        // A control frame carries at most 125 bytes (RFC 6455 §5.5).
        data.writeBytes(reason.utf8.prefix(120))
        let frame = WebSocketFrame(fin: true, opcode: .connectionClose, data: data)
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        let channel = context.channel
        let deadline = context.eventLoop.scheduleTask(in: Self.closeTime) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in deadline.cancel() }
    }
}
