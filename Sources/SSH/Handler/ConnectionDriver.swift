// Pumps bytes between a wire and the core. No rule of the protocol lives here: bytes, time and the owner's wishes go
// in, events and bytes come out.

import NIOConcurrencyHelpers
import NIOCore
import SSHCrypto
import SSHProtocol

/// Who answers what a connection asks, and learns of its end. Loop-bound.
protocol ConnectionOwner: AnyObject {
    /// An event that concerns neither a channel that stands nor the end.
    func connection(_ driver: ConnectionDriver, event: ConnectionEvent)
    /// The end; nil when it was closed at this end. Channels are gone already.
    func connection(_ driver: ConnectionDriver, closed error: SSHError?)
}

/// What the driver tells the owner of one channel. Loop-bound.
protocol ChannelOwner: AnyObject {
    func channelEvent(_ event: SessionChannelEvent)
    func channelClosed(_ error: SSHError?)
}

/// One connection on its event loop, in either role. Loop-bound.
///
/// One read turn of the loop may bring many packets; what they cause to be sent leaves with one write at its end. What
/// the owner sends outside of a read turn leaves with one write at the end of the loop's tick.
final class ConnectionDriver {
    /// What is seen from outside of the event loop.
    struct Shared: Sendable {
        let algorithms: NIOLockedValueBox<NegotiatedAlgorithms> = NIOLockedValueBox(.none)
        let isOpen = NIOLockedValueBox(true)
        let closed: EventLoopPromise<SSHError?>
    }

    /// A channel request that wants an answer.
    struct PendingRequest {
        var promise: EventLoopPromise<Void>
        var name: String
    }

    /// A channel as it is known here.
    struct ChannelEntry {
        var owner: any ChannelOwner
        /// Until the peer has confirmed it.
        var opening: EventLoopPromise<Void>?
        /// What is opened, in words for an error.
        var name: String
        var requests: [RequestToken: PendingRequest] = [:]
    }

    /// A global request of ours: kept until one more may be sent, then until its answer comes.
    struct GlobalWish {
        var send: (inout ConnectionMachine) throws(ProtocolError) -> RequestToken
        var promise: EventLoopPromise<RemoteForward?>
    }

    var machine: ConnectionMachine
    var channels: [ChannelID: ChannelEntry] = [:]
    var globalWishes = CircularBuffer<GlobalWish>()
    var globalRequests: [RequestToken: EventLoopPromise<RemoteForward?>] = [:]
    let eventLoop: any EventLoop
    let shared: Shared
    /// Why the connection ended; set once.
    private(set) var ending: SSHError??
    /// Whether bytes can come and go.
    private(set) var hasWire = false
    /// Kept by the owner's own wish; the wire keeps the driver, and the driver its owner, until the end.
    private var owner: (any ConnectionOwner)?

    private var wire: (any Wire)?
    private var isInReadTurn = false
    private var isProcessing = false
    private var isFlushScheduled = false
    private var isAuthenticated = false
    /// Reads after authentication that are still acknowledged at once: OpenSSH turns Nagle's algorithm off only when the
    /// first session has begun, and says several small things until then.
    private var quickReads = 16
    private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?

    init(_ machine: ConnectionMachine, shared: Shared, owner: any ConnectionOwner, on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.machine = machine
        self.shared = shared
        self.owner = owner
    }

    // MARK: The wire

    func start(on wire: any Wire) {
        guard self.wire == nil, ending == nil else { return }
        self.wire = wire
        hasWire = true
        wire.acknowledgeQuickly()
        machine.start(now: .now())
        process()
        flushOutput()
    }

    /// - Parameter isOwned: Nobody else reads these bytes any more.
    func received(_ bytes: ByteBuffer, isOwned: Bool = false) {
        isInReadTurn = true
        machine.receive(bytes, isOwned: isOwned, now: .now())
        process()
    }

    func readCompleted() {
        isInReadTurn = false
        if quickReads > 0 {
            if isAuthenticated { quickReads -= 1 }
            wire?.acknowledgeQuickly()
        }
        flushOutput()
    }

    var wantsInput: Bool { machine.wantsInput }

    func writabilityChanged() {
        let isWritable = wire?.isWritable ?? false
        machine.setWritable(isWritable)
        if isWritable {
            process()
            flushOutput()
        }
    }

    func wireFailed() {
        machine.connectionLost()
        process()
    }

    /// The stream is gone: whoever still waits learns why.
    func wireEnded() {
        machine.connectionLost()
        process()
        timer?.task.cancel()
        timer = nil
        if case .none = ending { finish(because: SSHError(ProtocolError.streamEnded)) }
        hasWire = false
        wire = nil
    }

    // MARK: Turning

    /// Hands every event that is ready to whom it concerns.
    func process() {
        // An owner that calls back into us from an event is served by the loop that is running already.
        guard !isProcessing else { return }
        isProcessing = true
        while let event = machine.nextEvent() { dispatch(event) }
        isProcessing = false
        if machine.wantsInput { wire?.resumeReading() }
        scheduleTimer()
    }

    /// After a call of the owner: events first (a call may cause some), bytes at the end of this tick.
    func turn() {
        process()
        guard !isInReadTurn, !isFlushScheduled, wire != nil else { return }
        isFlushScheduled = true
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute {
            bound.value.isFlushScheduled = false
            bound.value.flushOutput()
        }
    }

    /// As `turn`, and the bytes leave now: a key stroke does not wait for what else is done for it in this tick. Within a
    /// read turn of this connection they leave at its end, as always.
    func turnAtOnce() {
        guard !isInReadTurn, !isProcessing, wire != nil else { return turn() }
        flushOutput()
    }

    private func flushOutput() {
        guard let wire, !isInReadTurn else { return }
        // At most 1 MiB for each turn, so that one bulk channel leaves the loop to the other connections.
        let limit = 4
        var rounds = limit
        while rounds > 0, let output = machine.drainOutput(now: .now()) {
            wire.send(output)
            machine.setWritable(wire.isWritable)
            rounds -= 1
        }
        // Draining may have made room in a channel's queue.
        if rounds < limit || machine.hasEvents { process() }
        if rounds == 0, wire.isWritable { turn() }
        if case .some = ending { wire.close() }
    }

    private func scheduleTimer() {
        guard wire != nil, let deadline = machine.nextDeadline else { return }
        // A timer that fires too early does nothing but come again: most deadlines only ever move back.
        if let timer, timer.deadline <= deadline { return }
        timer?.task.cancel()
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let task = eventLoop.scheduleTask(deadline: deadline) { bound.value.tick() }
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
        case .keysChanged(let algorithms):
            shared.algorithms.withLockedValue { $0 = algorithms }
            owner?.connection(self, event: event)
        case .authenticated:
            isAuthenticated = true
            owner?.connection(self, event: event)
        case .channel(let id, let event):
            dispatch(event, of: id)
        case .globalReply(let token, let success):
            // A keepalive's answer says the same whether it is yes or no; for the end of a forward no means unknown.
            _ = success
            finishGlobal(token, nil)
        case .forwardAnswer(let token, let forward):
            finishGlobal(token, forward)
        case .closed(let error):
            finish(because: error.code == .closedByOwner ? nil : SSHError(error))
        default:
            owner?.connection(self, event: event)
        }
    }

    private func finish(because error: SSHError?) {
        guard case .none = ending else { return }
        ending = .some(error)
        timer?.task.cancel()
        timer = nil
        endChannels(error, error ?? .connectionClosed)
        owner?.connection(self, closed: error)
        owner = nil
        shared.isOpen.withLockedValue { $0 = false }
        shared.closed.succeed(error)
    }

    /// Why the connection ended, once it has.
    var endingError: SSHError? {
        guard case .some(let ended) = ending else { return nil }
        return ended ?? .connectionClosed
    }
}

extension NegotiatedAlgorithms {
    /// Before the first key exchange; never seen by an owner, who gets a connection only after it.
    fileprivate static let none = NegotiatedAlgorithms(
        keyExchange: .curve25519, hostKey: .ed25519, cipherClientToServer: .aes128GCM,
        cipherServerToClient: .aes128GCM, macClientToServer: nil, macServerToClient: nil, isStrict: false)
}
