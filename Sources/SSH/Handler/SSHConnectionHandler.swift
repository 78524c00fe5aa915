// Pumps bytes between a socket and the core. No rule of the protocol lives here: bytes, time and the owner's wishes go
// in, events and bytes come out.

import NIOConcurrencyHelpers
import NIOCore
import SSHCrypto
import SSHProtocol

/// The one handler of a client connection's pipeline. Loop-bound.
///
/// One read turn of the loop may bring many packets; what they cause to be sent leaves with one flush at its end. What
/// the owner sends outside of a read turn leaves with one flush at the end of the loop's tick.
final class SSHConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    /// What is seen from outside of the event loop.
    struct Shared: Sendable {
        let algorithms: NIOLockedValueBox<NegotiatedAlgorithms> = NIOLockedValueBox(.none)
        let isOpen = NIOLockedValueBox(true)
        let closed: EventLoopPromise<SSHError?>
    }

    /// A session channel as its owner knows it.
    struct Session {
        var channel: SSHSessionChannel
        var delegate: any SessionChannelDelegate
    }

    /// A session channel that the host has not confirmed yet.
    struct Opening {
        var promise: EventLoopPromise<SSHSessionChannel>
        var delegate: any SessionChannelDelegate
        var make: (ChannelID) -> SSHSessionChannel
    }

    /// A channel request that wants an answer.
    struct PendingRequest {
        var promise: EventLoopPromise<Void>
        var channel: ChannelID
        var name: String
    }

    var machine: ConnectionMachine
    var sessions: [ChannelID: Session] = [:]
    var openings: [ChannelID: Opening] = [:]
    var requests: [RequestToken: PendingRequest] = [:]
    var pings: [RequestToken: EventLoopPromise<Void>] = [:]
    var context: ChannelHandlerContext?
    let eventLoop: any EventLoop
    /// Why the connection ended; set once.
    var ending: SSHError??

    private let shared: Shared
    private let handshake: AsyncStream<HandshakeEvent>.Continuation
    private let showBanner: @Sendable (String) -> Void
    private var isInReadTurn = false
    private var isProcessing = false
    private var isFlushScheduled = false
    private var hasHeldRead = false
    private var isAuthenticated = false
    private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?

    init(
        _ configuration: SSHClientConfiguration, shared: Shared,
        handshake: AsyncStream<HandshakeEvent>.Continuation, on eventLoop: any EventLoop
    ) {
        self.eventLoop = eventLoop
        self.machine = ConnectionMachine(client: ClientConfiguration(configuration), random: SystemRandom.bytes)
        self.shared = shared
        self.handshake = handshake
        self.showBanner = configuration.banner
    }

    // MARK: Pipeline

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { start(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    private func start(_ context: ChannelHandlerContext) {
        acknowledgeQuickly(context)
        machine.start(now: .now())
        process()
        flushOutput()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isInReadTurn = true
        machine.receive(unwrapInboundIn(data), now: .now())
        process()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isInReadTurn = false
        if !isAuthenticated { acknowledgeQuickly(context) }
        flushOutput()
    }

    /// While a question waits for its answer only a little is read ahead, so that the host cannot fill our memory.
    func read(context: ChannelHandlerContext) {
        if machine.wantsInput {
            context.read()
        } else {
            hasHeldRead = true
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        machine.setWritable(context.channel.isWritable)
        if context.channel.isWritable {
            process()
            flushOutput()
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        machine.connectionLost()
        process()
        end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A socket error ends the stream; the core says what that means now.
        machine.connectionLost()
        process()
        context.close(promise: nil)
    }

    // MARK: Turning

    /// Hands every event that is ready to whom it concerns.
    func process() {
        // An owner that calls back into us from an event is served by the loop that is running already.
        guard !isProcessing else { return }
        isProcessing = true
        while let event = machine.nextEvent() { dispatch(event) }
        isProcessing = false
        if hasHeldRead, machine.wantsInput, let context {
            hasHeldRead = false
            context.read()
        }
        scheduleTimer()
    }

    /// After a call of the owner: events first (a call may cause some), bytes at the end of this tick.
    func turn() {
        process()
        guard !isInReadTurn, !isFlushScheduled, let context else { return }
        isFlushScheduled = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            bound.value.isFlushScheduled = false
            bound.value.flushOutput()
        }
    }

    private func flushOutput() {
        guard let context, !isInReadTurn else { return }
        // At most 1 MiB for each turn, so that one bulk channel leaves the loop to the other connections.
        var rounds = 4
        while rounds > 0, let output = machine.drainOutput(now: .now()) {
            context.writeAndFlush(wrapOutboundOut(output), promise: nil)
            machine.setWritable(context.channel.isWritable)
            rounds -= 1
        }
        // Draining may have made room in a channel's queue.
        process()
        if rounds == 0, context.channel.isWritable { turn() }
        if case .some = ending { context.close(mode: .all, promise: nil) }
    }

    /// Linux delays acknowledgements by 40 ms, which a peer with Nagle's algorithm on waits for between two small
    /// packets of the handshake. The option is not sticky: it is set again after each read until authentication is over.
    private func acknowledgeQuickly(_ context: ChannelHandlerContext) {
        #if os(Linux)
        let quickAcknowledge = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: 12))
        try? context.channel.syncOptions?.setOption(quickAcknowledge, value: 1)
        #endif
    }

    private func scheduleTimer() {
        guard let context, let deadline = machine.nextDeadline else { return }
        // A timer that fires too early does nothing but come again: most deadlines only ever move back.
        if let timer, timer.deadline <= deadline { return }
        timer?.task.cancel()
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let task = context.eventLoop.scheduleTask(deadline: deadline) { bound.value.tick() }
        timer = (deadline, task)
    }

    private func tick() {
        timer = nil
        machine.tick(now: .now())
        process()
        flushOutput()
    }

    // MARK: Events

    private func dispatch(_ event: ConnectionEvent) {
        switch event {
        case .banner(let text):
            showBanner(text)
        case .verifyHostKey(let offer):
            handshake.yield(
                .hostKey(
                    offer, serverIdentification: machine.serverIdentification,
                    preface: machine.preface.isEmpty ? nil : machine.preface))
        case .prompt(let prompt):
            handshake.yield(.prompt(prompt))
        case .keysChanged(let algorithms):
            shared.algorithms.withLockedValue { $0 = algorithms }
        case .authenticated:
            isAuthenticated = true
            handshake.yield(.authenticated(serverIdentification: machine.serverIdentification))
            handshake.finish()
        case .channel(let id, let event):
            dispatch(event, of: id)
        case .passwordExpired, .sign, .mayOfferKey, .authorize, .hostKeysOffered, .pong:
            // Nothing here asks for them: a client with keys of its own only.
            break
        case .globalReply(let token, _):
            pings.removeValue(forKey: token)?.succeed()
        case .closed(let error):
            close(because: error.code == .closedByOwner ? nil : SSHError(error))
        }
    }

    /// The stream is gone: whoever still waits learns why.
    private func end() {
        timer?.task.cancel()
        timer = nil
        if case .none = ending { close(because: SSHError(ProtocolError.streamEnded)) }
    }

    private func close(because error: SSHError?) {
        guard case .none = ending else { return }
        ending = .some(error)
        timer?.task.cancel()
        timer = nil
        let failure = error ?? .connectionClosed
        handshake.yield(.failed(failure))
        handshake.finish()
        endChannels(error, failure)
        shared.isOpen.withLockedValue { $0 = false }
        shared.closed.succeed(error)
    }
}

extension NegotiatedAlgorithms {
    /// Before the first key exchange; never seen by an owner, who gets a connection only after it.
    fileprivate static let none = NegotiatedAlgorithms(
        keyExchange: .curve25519, hostKey: .ed25519, cipherClientToServer: .aes128GCM,
        cipherServerToClient: .aes128GCM, macClientToServer: nil, macServerToClient: nil, isStrict: false)
}
