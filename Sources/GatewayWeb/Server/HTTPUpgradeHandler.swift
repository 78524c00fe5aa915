import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Turns a connection into another protocol when a route answers 101, and closes it where HTTP cannot go on.
///
/// A response with status 101 *is* the upgrade: the request runs through every middleware and an ordinary route, the
/// route calls ``prepare(_:)`` and answers 101 or anything else. The HTTP decoder parses nothing more after a request
/// with an upgrade field (RFC 9110 §7.8), so a connection whose upgrade was not accepted, a WebSocket that was
/// refused or a client that offered h2c, answers once and closes: `Connection: close` says so.
///
/// After the switch this handler stays as a wall between the new protocol's handlers and the HTTP server's
/// channel, which sleeps behind it until the connection closes: nothing of the wrong type may reach it.
final class HTTPUpgradeHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Makes the new protocol's handlers, in pipeline order, on the connection's event loop.
    typealias MakeHandlers = (any Channel) throws -> [any ChannelHandler]

    private enum State {
        case http
        /// The request with this number has an upgrade field: nothing after it is parsed.
        case parserStopped(request: Int)
        case switching
        case switched
        case closing
    }

    /// How long the peer may take to close its side once ours is closed.
    private static let linger: TimeAmount = .seconds(2)

    private let decoder: any RemovableChannelHandler
    private let otherHTTPHandlers: [any RemovableChannelHandler]
    private var state = State.http
    private var requestsRead = 0
    private var responsesWritten = 0
    private var closesAfterResponse = false
    private var makeHandlers: MakeHandlers?

    /// - Parameters:
    ///   - decoder: the request decoder, which hands over the bytes behind the request when it is removed.
    ///   - otherHTTPHandlers: everything else of HTTP in front of this handler.
    init(decoder: any RemovableChannelHandler, otherHTTPHandlers: [any RemovableChannelHandler]) {
        self.decoder = decoder
        self.otherHTTPHandlers = otherHTTPHandlers
    }

    /// Says what a 101 response to the current request switches to. On the event loop.
    ///
    /// - Returns: false when the current request did not ask for an upgrade.
    func prepare(_ makeHandlers: @escaping MakeHandlers) -> Bool {
        guard case .parserStopped(let request) = state, request == responsesWritten + 1 else { return false }
        self.makeHandlers = makeHandlers
        return true
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .switched, .closing:
            return
        case .http, .parserStopped, .switching:
            if case .head(let head) = unwrapInboundIn(data) {
                requestsRead += 1
                if Self.stopsParser(head) { state = .parserStopped(request: requestsRead) }
            }
            context.fireChannelRead(data)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch (state, unwrapOutboundIn(data)) {
        case (.switched, _), (.closing, _):
            promise?.fail(ChannelError.ioOnClosedChannel)
        case (.parserStopped(let request), .head(var head)) where request == responsesWritten + 1:
            if head.status == .switchingProtocols, makeHandlers != nil {
                state = .switching
                head.headerFields[.contentLength] = nil
            } else {
                head.headerFields[.connection] = "close"
                closesAfterResponse = true
            }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case (_, .head(let head)):
            closesAfterResponse = closesAfterResponse || head.headerFields[.connection]?.lowercased() == "close"
            context.write(data, promise: promise)
        case (_, .body):
            context.write(data, promise: promise)
        case (.switching, .end):
            // A 101 response has no end of its own: the next byte is the new protocol's.
            context.flush()
            promise?.succeed()
            switchProtocol(context: context)
        case (_, .end):
            responsesWritten += 1
            if closesAfterResponse {
                finish(context: context, data: data, promise: promise)
            } else {
                context.write(data, promise: promise)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .switched = state {
            context.close(promise: nil)
        } else {
            context.fireErrorCaught(error)
        }
    }

    private func finish(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        state = .closing
        let written = promise ?? context.eventLoop.makePromise()
        let channel = context.channel
        written.futureResult.whenComplete { _ in
            channel.close(mode: .output, promise: nil)
            channel.eventLoop.scheduleTask(in: Self.linger) { channel.close(promise: nil) }
        }
        context.writeAndFlush(data, promise: written)
    }

    /// The order matters. First HTTP's handlers go, so that nothing written by the new ones meets an HTTP encoder
    /// (a part of the wrong type ends the whole process); then the new ones come; the decoder goes last, since it
    /// hands the bytes that came behind the request to whatever then follows it.
    private func switchProtocol(context: ChannelHandlerContext) {
        guard let makeHandlers else { return context.close(promise: nil) }
        self.makeHandlers = nil
        state = .switched
        let pipeline = context.pipeline.syncOperations
        do {
            let handlers = try makeHandlers(context.channel)
            for handler in otherHTTPHandlers { pipeline.removeHandler(handler, promise: nil) }
            try pipeline.addHandlers(handlers, position: .before(self))
            pipeline.removeHandler(decoder, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }

    /// Whether NIO's decoder parses nothing after this request. Too wide an answer costs one connection, too
    /// narrow a one leaves it hanging.
    private static func stopsParser(_ head: HTTPRequest) -> Bool {
        if head.method == .connect || head.headerFields[.upgrade] != nil { return true }
        return head.headerFields[values: .connection].contains { $0.lowercased().contains("upgrade") }
    }
}
