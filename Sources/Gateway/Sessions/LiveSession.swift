import NIOConcurrencyHelpers
import NIOCore
import Recording
import SSH
import Storage
import Terminal

/// A live session: one connection to one host, its terminal, and the seats of everybody who takes part.
///
/// Policy, keyboard lease, recording and the output log sit here and nowhere else, so no face (web, SSH, agent) can
/// forget one. The session runs on the event loop of its host connection: a byte from the host reaches the log, the
/// screen, the recorder and every seat on that loop without changing threads.
public actor LiveSession {
    /// What stays the same for the whole life of a session.
    public struct Origin: Sendable {
        public let id: String
        public let tenant: String
        public let host: SessionView.Host
        public let owner: SessionView.Person
        public let startedBy: SessionView.Person?
        public let startedAt: Timestamp
        public let recordingID: String
        public let command: String?
    }

    /// How long things may last, in seconds.
    public struct Limits: Sendable {
        public var seatlessSeconds: Int
        public var idleSeconds: Int
        public var leaseGraceSeconds: Int
        public var seats: Int
        /// Of those, how many one person may hold: nobody fills a session so that its owner finds no place.
        public var seatsEach: Int

        public init(
            seatlessSeconds: Int = 1800, idleSeconds: Int = 0, leaseGraceSeconds: Int = 15, seats: Int = 512,
            seatsEach: Int = 64
        ) {
            self.seatlessSeconds = seatlessSeconds
            self.idleSeconds = idleSeconds
            self.leaseGraceSeconds = leaseGraceSeconds
            self.seats = seats
            self.seatsEach = seatsEach
        }
    }

    public nonisolated let origin: Origin
    public nonisolated let eventLoop: any EventLoop
    public nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }
    public nonisolated var id: String { origin.id }
    /// Whose session it is now: who started it, until it was handed over.
    public nonisolated var owner: SessionView.Person { ownerBox.withLockedValue { $0 } }

    let access: SessionAccess
    var limits: Limits
    let recorder: SessionRecorder
    var wire: (any SessionWire)?

    var state: SessionState = .connecting
    var ending: SessionEnding?
    var endedAt: Timestamp?
    /// What was written, once the session has ended.
    var recording: RecordingSummary?
    var log: OutputLog
    var screen: Screen
    /// The clean text line by line, kept from when an agent takes its seat.
    var transcript: SessionTranscript?
    /// What an agent does not get to see of it.
    var hidden = HiddenOutput()
    var lease = KeyboardLease()
    /// What the holder's input has open, so that the keyboard changes hands between two keys.
    var boundary = InputBoundary()
    /// Whose input that is.
    var boundarySeat: String?
    var pendingTransfer: PendingTransfer?
    var transferTask: Scheduled<Void>?
    var lastHolderInputAt = NIODeadline.now()
    var rates: [String: PersonRates] = [:]
    var watch: SessionWatch
    var watchTask: Scheduled<Void>?
    /// Answers of the terminal, and the terminal's size, that wait for a watcher.
    var heldAnswers: [UInt8] = []
    var isResizeHeld = false
    var chat = ChatLog()
    /// What was run, for whoever takes over.
    var journal = CommandJournal()
    var typingToldAt: [String: NIODeadline] = [:]
    /// Teams that were invited as a whole.
    var teams: [TeamShare] = []
    private let ownerBox: NIOLockedValueBox<SessionView.Person>
    var seats: [Seat] = []
    var participants: [SessionView.Participant]
    var columns: Int
    var rows: Int
    var exit: (status: Int?, signal: String?) = (nil, nil)

    /// Output that came while the recording could not be written: shown to nobody before it is recorded.
    var heldOutput: [ByteBuffer] = []
    /// Bytes whose window credit the host gets back once the recorder has caught up.
    var withheldCredit = 0
    /// More waits for the recorder's disk than should: the host's window stays closed meanwhile.
    var isRecorderBehind = false
    /// The host closed its end, with this error, before its last output was shown.
    var hostEnd: SSHError??
    /// Input that the host's window has no room for yet.
    var waitingInput: [(seat: String, sequence: UInt64, bytes: ByteBuffer)] = []
    var waitingInputBytes = 0

    var isFlushScheduled = false
    var lastFlushAt = NIODeadline.uptimeNanoseconds(0)
    /// The screen as it was last given to a seat, for the next one that wants the same.
    var lastScreen: ScreenOfMoment?
    /// When which output came.
    var outputTimes = OutputTimes()
    /// The size that a seat wants while another one has just been taken.
    var wantedSize: (columns: Int, rows: Int)?
    var resizeTask: Scheduled<Void>?
    var isStateScheduled = false
    var stateToldAt = NIODeadline.uptimeNanoseconds(0)
    var graceTask: Scheduled<Void>?
    var expiryTask: Scheduled<Void>?
    var idleTask: Scheduled<Void>?
    var redactionTask: Scheduled<Void>?
    var expiresAt: Timestamp?
    var lastInputAt: NIODeadline = .now()
    let endedPromise: EventLoopPromise<SessionEnding>

    /// Succeeds once, with the reason, when the session is over and its recording is closed.
    public nonisolated var ended: EventLoopFuture<SessionEnding> { endedPromise.futureResult }

    init(
        origin: Origin, columns: Int, rows: Int, access: SessionAccess, limits: Limits, recorder: SessionRecorder,
        participants: [SessionView.Participant], demand: SessionWatch.Demand? = nil, eventLoop: any EventLoop
    ) {
        self.ownerBox = NIOLockedValueBox(origin.owner)
        self.watch = SessionWatch(demand: demand)
        self.origin = origin
        self.columns = columns
        self.rows = rows
        self.access = access
        self.limits = limits
        self.recorder = recorder
        self.participants = participants
        self.eventLoop = eventLoop
        self.log = OutputLog()
        self.screen = Screen(columns: columns, rows: rows, scrollbackLimit: 2000)
        self.endedPromise = eventLoop.makePromise()
        log.resize(columns: columns, rows: rows)
    }

    /// Runs `body` on the session's loop: at once when the caller is there, else as the loop's next task.
    public nonisolated func submit(_ body: @escaping @Sendable (isolated LiveSession) -> Void) {
        if eventLoop.inEventLoop {
            assumeIsolated { body($0) }
        } else {
            eventLoop.execute { self.assumeIsolated { body($0) } }
        }
    }

    /// The host's side is open: from here on bytes flow.
    func began(_ wire: any SessionWire) {
        guard state == .connecting else {
            wire.close()
            return
        }
        self.wire = wire
        state = .live
        recorder.onChange { [weak self] change in
            self?.submit { $0.recordingChanged(change) }
        }
        recorder.onNote { [weak self] note in
            self?.submit { $0.journal.note(note, at: $0.recorder.elapsed) }
        }
        releaseHeldOutput()
        armExpiry()
        armIdle()
        stateChanged()
    }

    /// The session's connection to its host, for further channels beside the terminal; nil before it is live and after.
    /// Nil, too, while the host may hear nothing because nobody watches: ``requireOpen()`` says why.
    public var hostConnection: SSHConnection? { state == .live && isOpenToInput ? wire?.connection : nil }

    /// Somebody else answers for this session from now on.
    func belongs(to person: SessionView.Person) { ownerBox.withLockedValue { $0 = person } }

    /// The session as everybody sees it.
    public func view() -> SessionView {
        SessionView(
            id: origin.id, host: origin.host, owner: owner, startedBy: origin.startedBy, title: screen.title,
            state: state, startedAt: origin.startedAt.iso8601, endedAt: endedAt?.iso8601, ending: ending,
            columns: columns, rows: rows, recordingId: origin.recordingID,
            keyboard: .init(holder: lease.holder, epoch: lease.epoch),
            seats: seats.map {
                .init(
                    seatId: $0.id, userId: $0.caller.userID, name: $0.caller.name, mode: $0.mode,
                    connected: $0.isConnected, looking: $0.isLooking, device: $0.device)
            },
            participants: participants, teams: teams.map(\.summary),
            watch: .init(
                required: watch.demand != nil, by: watch.demand?.rawValue,
                watchers: watchers.map { .init(id: $0.caller.userID, name: $0.caller.name) }, heldBy: watch.heldBy),
            expiresAt: expiresAt?.iso8601)
    }

    private func recorded(_ summary: RecordingSummary) { recording = summary }

    // MARK: State to the seats

    /// Tells every seat what changed. Changes that follow each other closely become one message: two hundred people who
    /// join at once must not be told two hundred times.
    func stateChanged(within delay: TimeAmount = .zero) {
        judgeWatch()
        guard !isStateScheduled else { return }
        isStateScheduled = true
        let tell: @Sendable () -> Void = { self.assumeIsolated { $0.tellState() } }
        let pause: TimeAmount = seats.count > 16 ? .milliseconds(250) : .milliseconds(20)
        let due = max(NIODeadline.now() + delay, stateToldAt + pause)
        if due <= .now() { eventLoop.execute(tell) } else { eventLoop.scheduleTask(deadline: due, tell) }
    }

    private func tellState() {
        isStateScheduled = false
        stateToldAt = .now()
        let view = view()
        for seat in seats { seat.outlet?.send(.state(state(of: seat, in: view))) }
        // Whoever the host waited for may have left, or given the keyboard away.
        releaseOutputForSeat()
    }

    func state(of seat: Seat, in view: SessionView) -> SeatState {
        let holds = lease.holder?.seatId == seat.id
        return SeatState(
            session: view,
            you: .init(
                seatId: seat.id, mode: seat.mode, holder: holds,
                mayType: seat.mode == .control && state == .live && isOpenToInput
                    && (holds || lease.holder?.isAgent ?? true)))
    }

    func tellAll(_ message: SeatMessage) {
        for seat in seats { seat.outlet?.send(message) }
    }

    // MARK: The end

    /// Ends the session once; later calls change nothing.
    public func end(_ why: SessionEnding) {
        guard state != .ended else { return }
        state = .ended
        ending = why
        endedAt = .now()
        for task in [graceTask, expiryTask, idleTask, redactionTask, transferTask, watchTask] { task?.cancel() }
        expiresAt = nil
        releaseHeldOutput()
        flush(final: true)
        recorder.ended(why)
        wire?.close()
        wire = nil
        tellState()
        tellAll(.ended(why))
        let promise = endedPromise
        let recorder = recorder
        promise.completeWithTask {
            await self.recorded(recorder.close())
            return why
        }
    }
}
