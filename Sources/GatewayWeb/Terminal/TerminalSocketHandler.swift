import Foundation
import Gateway
import NIOCore
import Storage

/// One tab's WebSocket: many channels, each a seat at a session.
///
/// Bytes only: what may be done is decided by the session. Lives on the event loop of its connection; a session on the
/// same loop is reached without a change of threads.
final class TerminalSocketHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Channels of one socket at most.
    static let channelLimit = 64
    /// Bytes that may wait in this process for a client that does not read its socket.
    static let backlogLimit = 8 * 1024 * 1024
    /// Requests that may wait for one seat to be taken; a client in order waits for the seat's state itself.
    static let heldLimit = 16
    /// Output in one message at most, in bytes, when it comes in smaller pieces.
    static let outputLimit = 64 * 1024
    /// How long the news that input was accepted may wait for output to travel with.
    static let acceptedDelay = TimeAmount.milliseconds(5)
    /// RFC 6455 §7.4.1.
    static let protocolError: UInt16 = 1002

    private struct Attached {
        let session: LiveSession
        let outlet: TerminalOutlet
        var seat: String?
        /// What came while the session was still answering: a quick typist's first keys are not lost.
        var held: [TerminalFrame.Request] = []
        /// Input up to this one was accepted and the client was not told yet.
        var accepted: UInt64?
        /// The client has written everything before this; told at the end of what came together.
        var acknowledged: UInt64?
    }

    private let caller: Caller
    private let sessions: Sessions
    private let sockets: TerminalSockets
    private var channels: [UInt64: Attached] = [:]
    private var lastAttach: Task<Void, Never>?
    private var waitingAttaches = 0
    private var context: ChannelHandlerContext?
    private var acceptedTask: Scheduled<Void>?
    private var hasAcknowledged = false
    private var freshness = InputFreshness()
    private let encoder = JSONEncoder()

    init(caller: Caller, sessions: Sessions, sockets: TerminalSockets) {
        self.caller = caller
        self.sessions = sessions
        self.sockets = sockets
        encoder.outputFormatting = [.withoutEscapingSlashes]
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        sockets.add(ObjectIdentifier(self), caller: caller, eventLoop: context.eventLoop) { code, reason in
            handler.value.close(code, reason)
        }
        hello()
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    private func leave() {
        guard context != nil else { return }
        context = nil
        sockets.remove(ObjectIdentifier(self))
        acceptedTask?.cancel()
        acceptedTask = nil
        for attached in channels.values { drop(attached) }
        channels = [:]
    }

    private func drop(_ attached: Attached) {
        attached.outlet.detach()
        guard let seat = attached.seat else { return }
        let outlet = attached.outlet
        attached.session.submit { $0.disconnected(seat: seat, outlet: outlet) }
    }

    private func close(_ code: UInt16, _ reason: String) {
        context?.triggerUserOutboundEvent(CloseWebSocket(code: code, reason: reason), promise: nil)
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do {
            let (channel, request) = try TerminalFrame.decode(unwrapInboundIn(data))
            perform(request, on: channel)
        } catch {
            reply(
                channel: 0, error: "A message could not be read (\(error)).", code: "bad_frame",
                hint: "Reload the page.")
            close(Self.protocolError, "A message could not be read.")
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        tellAcknowledged()
        context.fireChannelReadComplete()
    }

    /// Of several acknowledgements that came together the last one says all.
    private func tellAcknowledged() {
        guard hasAcknowledged else { return }
        hasAcknowledged = false
        for (channel, attached) in channels {
            guard let offset = attached.acknowledged, let seat = attached.seat else { continue }
            channels[channel]?.acknowledged = nil
            attached.session.submit { $0.acknowledged(seat: seat, offset: offset) }
        }
    }

    private func perform(_ request: TerminalFrame.Request, on channel: UInt64) {
        let now = NIODeadline.now()
        switch request {
        case .acknowledge(let offset) where channels[channel]?.seat != nil:
            freshness.heard(at: now)
            channels[channel]?.acknowledged = offset
            hasAcknowledged = true
        case .attach(let attach):
            freshness.heard(at: now)
            self.attach(attach, channel)
        case .ping(let time):
            freshness.pinged(time, at: now)
            write(.pong, channel) { $0.writeVarint(time) }
            for attached in channels.values {
                if let seat = attached.seat { attached.session.submit { $0.heard(seat: seat) } }
            }
        case .input(let sequence, _) where !freshness.mayPass(at: now):
            // The session does not see it, so that the page may send it once more when the person says so.
            deliver(
                .inputRefused(
                    sequence: sequence, code: "stale",
                    sentence: "This was typed a while ago, and the link stood still: it was not sent."), channel)
        case .detach:
            guard let attached = channels.removeValue(forKey: channel), let seat = attached.seat else { return }
            attached.outlet.detach()
            attached.session.submit { $0.detach(seat: seat) }
        default:
            freshness.heard(at: now)
            guard let attached = channels[channel] else { return }
            if let seat = attached.seat {
                forward(request, seat, attached.session)
            } else if attached.held.count < Self.heldLimit {
                channels[channel]?.held.append(request)
            }
        }
    }

    private func forward(_ request: TerminalFrame.Request, _ seat: String, _ session: LiveSession) {
        switch request {
        case .input(let sequence, let bytes):
            session.submit { $0.input(seat: seat, sequence: sequence, bytes: bytes) }
        case .acknowledge(let offset): session.submit { $0.acknowledged(seat: seat, offset: offset) }
        case .size(let columns, let rows): session.submit { $0.sized(seat: seat, columns: columns, rows: rows) }
        case .take: session.submit { $0.takeKeyboard(seat: seat) }
        case .give(let other): session.submit { $0.giveKeyboard(seat: seat, to: other) }
        case .request: session.submit { $0.requestKeyboard(seat: seat) }
        case .visible(let isVisible): session.submit { $0.visible(seat: seat, isVisible) }
        case .note(let kind, let json): session.submit { $0.noted(seat: seat, kind: kind, json: json) }
        case .attach, .ping, .detach: break
        }
    }

    private func attach(_ attach: TerminalFrame.Attach, _ channel: UInt64) {
        guard channels.count < Self.channelLimit, waitingAttaches < Self.channelLimit, let context else {
            return reply(
                channel: channel, error: "This tab already has \(channels.count) terminals open.",
                code: "too_many_channels", hint: "Close one of them.")
        }
        if let old = channels.removeValue(forKey: channel) { drop(old) }
        guard let session = sessions.live(attach.session) else {
            return reply(
                channel: channel, error: "That session is not running.", code: "not_found",
                hint: "It may have ended: look in Recordings.")
        }
        let loop = context.eventLoop
        let handler = NIOLoopBound(self, eventLoop: loop)
        let outlet = TerminalOutlet(eventLoop: loop) { message in handler.value.deliver(message, channel) }
        channels[channel] = Attached(session: session, outlet: outlet, seat: nil)
        let (caller, sessions, previous) = (caller, sessions, lastAttach)
        waitingAttaches += 1
        lastAttach = Task {
            // One after another: of two for the same seat the later one counts.
            await previous?.value
            let result: Result<String, GatewayError>
            do throws(GatewayError) {
                result = .success(
                    try await sessions.attach(
                        caller, to: session, clientID: attach.clientID, device: attach.device, have: attach.have,
                        columns: attach.columns, rows: attach.rows, outlet: outlet))
            } catch {
                result = .failure(error)
            }
            loop.execute { handler.value.attached(result, channel, outlet, session) }
        }
    }

    private func attached(
        _ result: Result<String, GatewayError>, _ channel: UInt64, _ outlet: TerminalOutlet, _ session: LiveSession
    ) {
        waitingAttaches -= 1
        if waitingAttaches == 0 { lastAttach = nil }
        guard var attached = channels[channel], attached.outlet === outlet else {
            // The tab left, or attached again, while the session answered.
            if case .success(let seat) = result {
                session.submit { $0.disconnected(seat: seat, outlet: outlet) }
            }
            return
        }
        switch result {
        case .success(let seat):
            let held = attached.held
            attached.seat = seat
            attached.held = []
            channels[channel] = attached
            for request in held { forward(request, seat, session) }
        case .failure(let error):
            outlet.detach()
            channels[channel] = nil
            reply(channel: channel, error: error.error, code: error.code, hint: error.hint)
        }
    }

    // MARK: Out

    private func deliver(_ message: SeatMessage, _ channel: UInt64) {
        guard let context, channels[channel] != nil else { return }
        if case .inputAccepted = message {} else { tellAccepted() }
        switch message {
        case .pieces(let pieces): deliver(pieces, channel, context)
        case .snapshot(let offset, let columns, let rows, let vt):
            write(.snapshot, channel) {
                $0.writeVarint(offset)
                $0.writeVarint(UInt64(columns))
                $0.writeVarint(UInt64(rows))
                $0.writeBytes(vt)
            }
        case .skipped(let from, let to):
            write(.skip, channel) {
                $0.writeVarint(from)
                $0.writeVarint(to)
            }
        case .state(let state): write(.state, channel) { $0.writeTerminalString(json(state)) }
        case .inputAccepted(let sequence): accepted(sequence, channel, context)
        case .inputRefused(let sequence, let code, let sentence):
            write(.refused, channel) {
                $0.writeVarint(sequence)
                $0.writeTerminalString(code)
                $0.writeTerminalString(sentence)
            }
        case .notice(let code, let sentence, let hint):
            write(.notice, channel) {
                $0.writeTerminalString(code)
                $0.writeTerminalString(sentence)
                $0.writeTerminalString(hint)
            }
        case .note(let kind, let json):
            write(.note, channel, size: json.utf8.count) {
                $0.writeTerminalString(kind)
                $0.writeTerminalString(json)
            }
        case .ended(let ending): write(.exit, channel) { $0.writeTerminalString(json(ending)) }
        case .removed:
            channels.removeValue(forKey: channel)?.outlet.detach()
            context.flush()
        }
        guardBacklog(context)
    }

    private func deliver(_ pieces: [OutputLog.Piece], _ channel: UInt64, _ context: ChannelHandlerContext) {
        var rest = pieces[...]
        while let piece = rest.first {
            switch piece {
            case .resize(let resize):
                rest.removeFirst()
                write(.resize, channel, flush: false) {
                    $0.writeVarint(resize.offset)
                    $0.writeVarint(UInt64(resize.columns))
                    $0.writeVarint(UInt64(resize.rows))
                }
            case .output(let offset, _):
                let run = Self.takeRun(&rest)
                write(.output, channel, size: run.reduce(0) { $0 + $1.readableBytes }, flush: false) { buffer in
                    buffer.writeVarint(offset)
                    for bytes in run { buffer.writeImmutableBuffer(bytes) }
                }
            }
        }
        context.flush()
    }

    /// Pieces of output that follow each other and go into one message: a message of its own for each of the log's
    /// segments would be three TLS records instead of one.
    private static func takeRun(_ rest: inout ArraySlice<OutputLog.Piece>) -> [ByteBuffer] {
        var run: [ByteBuffer] = []
        var size = 0
        while case .output(_, let bytes)? = rest.first, size == 0 || size + bytes.readableBytes <= outputLimit {
            run.append(bytes)
            size += bytes.readableBytes
            rest.removeFirst()
        }
        return run
    }

    /// The host's echo is about to come: what was accepted is told together with it, or shortly after when none comes.
    /// A message of its own would be written before the key stroke has left for the host.
    private func accepted(_ sequence: UInt64, _ channel: UInt64, _ context: ChannelHandlerContext) {
        channels[channel]?.accepted = sequence
        guard acceptedTask == nil else { return }
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        acceptedTask = context.eventLoop.scheduleTask(in: Self.acceptedDelay) {
            handler.value.tellAccepted()
            handler.value.context?.flush()
        }
    }

    private func tellAccepted() {
        guard let task = acceptedTask else { return }
        task.cancel()
        acceptedTask = nil
        for (channel, attached) in channels {
            guard let sequence = attached.accepted else { continue }
            channels[channel]?.accepted = nil
            write(.inputAccepted, channel, flush: false) { $0.writeVarint(sequence) }
        }
    }

    private func write(
        _ type: TerminalFrame.ServerType, _ channel: UInt64, size: Int = 32, flush: Bool = true,
        _ fields: (inout ByteBuffer) -> Void
    ) {
        guard let context else { return }
        var buffer = context.channel.allocator.buffer(capacity: size + 32)
        buffer.writeTerminalHead(type, channel: channel)
        fields(&buffer)
        let message = wrapOutboundOut(buffer)
        if flush { context.writeAndFlush(message, promise: nil) } else { context.write(message, promise: nil) }
    }

    /// A client that does not even read its socket is cut: it may come back and resume.
    private func guardBacklog(_ context: ChannelHandlerContext) {
        let waiting = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        if let waiting, waiting > Self.backlogLimit { context.close(promise: nil) }
    }

    private func hello() {
        struct Hello: Encodable {
            struct Limits: Encodable {
                let ackEvery: Int
                let inputMax: Int
            }
            let `protocol`: Int
            let connection: String
            let user: String
            let serverTime: String
            let limits: Limits
        }
        let hello = Hello(
            protocol: 1, connection: UUID().uuidString, user: caller.userID, serverTime: Timestamp.now().iso8601,
            limits: .init(ackEvery: 4 * 1024, inputMax: TerminalFrame.inputLimit))
        write(.hello, 0) { $0.writeTerminalString(json(hello)) }
    }

    private func reply(channel: UInt64, error: String, code: String, hint: String) {
        write(.error, channel) { $0.writeTerminalString(json(["error": error, "code": code, "hint": hint])) }
    }

    private func json(_ value: some Encodable) -> String {
        guard let data = try? encoder.encode(value) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }
}
