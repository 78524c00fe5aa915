import NIOCore
import SSH
import Terminal

/// The way of a byte from the host: log, screen, recorder, seats.
extension LiveSession {
    /// The host sent output. `bytes` are in order and are shown to nobody before the recorder has them.
    func received(_ bytes: ByteBuffer) {
        guard state != .ended else { return }
        guard state == .live, heldOutput.isEmpty, !isWaitingForSeat else {
            // Bounded by the channel's window, which gets no credit before the session is live, while it is paused and
            // while a seat that must not lose anything is behind.
            heldOutput.append(bytes)
            return
        }
        accept(bytes)
        let count = bytes.readableBytes
        if isRecorderBehind {
            withheldCredit += count
        } else {
            wire?.consumed(count)
        }
    }

    func accept(_ bytes: ByteBuffer) {
        let title = screen.title
        let offset = log.end
        lastScreen = nil
        log.append(bytes)
        if transcript == nil {
            bytes.withUnsafeReadableBytes { screen.feed($0) }
        } else {
            bytes.withUnsafeReadableBytes { transcript?.feed($0, into: &screen, from: offset) }
        }
        recorder.output(bytes, keyframe: { self.keyframe() })
        let responses = screen.takeResponses()
        if !responses.isEmpty { answer(responses) }
        let events = screen.takeEvents()
        if journal.isWaiting || !events.isEmpty { journal.observe(events, at: recorder.elapsed, on: screen) }
        if screen.title != title { stateChanged(within: .milliseconds(250)) }
        if isEcho(bytes) { flush(final: false) } else { scheduleFlush() }
    }

    /// What follows somebody's key at once, and is small: it does not wait for the end of the tick. Only the first of what
    /// comes together; the rest leaves together.
    private func isEcho(_ bytes: ByteBuffer) -> Bool {
        guard bytes.readableBytes <= Self.keyStroke, !isFlushScheduled, heldOutput.isEmpty else { return false }
        let now = NIODeadline.now()
        return now - lastInputAt < Self.echoTime && now - lastFlushAt > Self.together
    }

    private static let echoTime = TimeAmount.seconds(1)
    private static let together = TimeAmount.microseconds(250)

    private func answer(_ responses: [UInt8]) {
        guard !isOpenToInput else {
            wire?.write(ByteBuffer(bytes: responses))
            return
        }
        let room = max(0, Self.heldAnswersLimit - heldAnswers.count)
        if responses.count <= room { heldAnswers += responses }
    }

    private func keyframe() -> SessionRecorder.Frame {
        .init(columns: columns, rows: rows, offset: log.end, snapshot: screen.snapshot(scrollback: 0))
    }

    func releaseHeldOutput() {
        let held = heldOutput
        heldOutput = []
        for bytes in held {
            accept(bytes)
            withheldCredit += bytes.readableBytes
        }
        returnCredit()
    }

    func returnCredit() {
        guard withheldCredit > 0, state == .live, !isRecorderBehind else { return }
        wire?.consumed(withheldCredit)
        withheldCredit = 0
    }

    // MARK: To the seats

    /// Output of one turn of the loop goes out together: one encoding, one write for each seat.
    func scheduleFlush() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.execute { self.assumeIsolated { $0.flush(final: false) } }
    }

    func flush(final: Bool) {
        isFlushScheduled = false
        lastFlushAt = .now()
        outputTimes.note(end: log.end, at: lastFlushAt)
        for index in seats.indices { pump(index, final: final) }
    }

    /// Sends a seat what it may have now. A seat that does not acknowledge gets no more than its window; when its place
    /// in the log is gone, or what it would see is old, it is skipped forward to the screen as it is. Nobody else notices.
    func pump(_ index: Int, final: Bool = false) {
        guard let outlet = seats[index].outlet, seats[index].isVisible else { return }
        let now = NIODeadline.now()
        if !final {
            guard seats[index].awaitedScreen == nil else { return }
            if isStale(index, at: now) {
                skip(index, outlet)
                return
            }
        }
        while !log.isAtEnd(seats[index].cursor), seats[index].hasRoom || final {
            let inFlight = Int(clamping: seats[index].cursor.offset &- seats[index].acknowledged)
            let room = final ? log.capacity * 2 : max(1, seats[index].window - max(0, inFlight))
            guard let pieces = log.read(&seats[index].cursor, limit: room) else {
                skip(index, outlet)
                return
            }
            guard !pieces.isEmpty else { return }
            seats[index].pace.sent(upTo: seats[index].cursor.offset, at: now)
            outlet.send(.pieces(pieces))
            if let written = outlet.written, written <= seats[index].cursor.offset {
                seats[index].acknowledged = max(seats[index].acknowledged, written)
            }
        }
        if log.isAtEnd(seats[index].cursor) {
            seats[index].behindSince = nil
        } else {
            seats[index].pace.isFull()
            seats[index].behindSince = seats[index].behindSince ?? now
        }
    }

    /// Whether a seat that has no room would see something old: more than its link carries in a moment waits for it, and
    /// waits for long. A seat that must not lose anything is waited for instead.
    private func isStale(_ index: Int, at now: NIODeadline) -> Bool {
        guard seats[index].pace.isNarrow, !seats[index].isLossless, !seats[index].hasRoom, seats[index].hasAnswered,
            log.end - seats[index].cursor.offset > UInt64(seats[index].window),
            let since = seats[index].behindSince, now - since > SeatPace.stale
        else { return false }
        return outputTimes.isOlder(seats[index].cursor.offset, than: SeatPace.stale, at: now)
    }

    /// A narrow link has no room for scrollback while the screen is busy: it follows when there is time.
    private func skip(_ index: Int, _ outlet: any SeatOutlet) {
        let isNarrow = seats[index].window < Self.wideWindow
        outlet.send(.skipped(from: seats[index].cursor.offset, to: log.end))
        sendSnapshot(index, outlet, scrollback: isNarrow ? 0 : Self.skippedScrollback)
        seats[index].owesScrollback = isNarrow
        seats[index].hasAnswered = false
        awaitScreen(index)
    }

    private static let wideWindow = 128 * 1024
    private static let skippedScrollback = 200

    /// Nothing follows a screen before it has arrived, or it would only be a queue again. A client that says nothing of
    /// it gets on after a while.
    private func awaitScreen(_ index: Int) {
        let offset = log.end
        let id = seats[index].id
        seats[index].awaitedScreen = offset
        eventLoop.scheduleTask(in: .seconds(2)) {
            self.assumeIsolated { session in
                guard let index = session.seatIndex(id), session.seats[index].awaitedScreen == offset else { return }
                session.seats[index].awaitedScreen = nil
                session.pump(index)
            }
        }
    }

    /// Puts a seat at the end of the log with the screen as it is.
    func sendSnapshot(_ index: Int, _ outlet: any SeatOutlet, scrollback: Int) {
        outlet.send(
            .snapshot(offset: log.end, columns: columns, rows: rows, vt: picture(scrollback: scrollback)))
        seats[index].cursor = log.endCursor
        seats[index].acknowledged = log.end
        seats[index].awaitedScreen = nil
        seats[index].behindSince = nil
        seats[index].owesScrollback = false
        seats[index].pace.restart(at: log.end)
    }

    /// Many seats are shown the same moment: it is drawn once.
    private func picture(scrollback: Int) -> [UInt8] {
        let moment = ScreenOfMoment(
            offset: log.end, columns: columns, rows: rows, scrollback: scrollback, vt: [])
        if let lastScreen, lastScreen.isSame(as: moment) { return lastScreen.vt }
        let vt = screen.snapshot(scrollback: scrollback)
        if seats.count > 1 { lastScreen = moment.drawn(vt) }
        return vt
    }

    /// The seat's terminal has written everything before `offset`.
    public func acknowledged(seat id: String, offset: UInt64) {
        guard let index = seatIndex(id) else { return }
        // A seat can't have seen what was not sent to it; a smaller value is an old one.
        guard offset <= seats[index].cursor.offset, offset >= seats[index].acknowledged else { return }
        if let screen = seats[index].awaitedScreen, offset >= screen { seats[index].awaitedScreen = nil }
        seats[index].hasAnswered = true
        seats[index].pace.acknowledged(upTo: offset, at: .now())
        seats[index].acknowledged = offset
        pump(index)
        payScrollback(index)
        releaseOutputForSeat()
    }

    /// The seat has everything, and once the host is quiet too, what it was skipped over comes as scrollback.
    private func payScrollback(_ index: Int) {
        guard seats[index].owesScrollback, seats[index].acknowledged == log.end else { return }
        let (id, end) = (seats[index].id, log.end)
        eventLoop.scheduleTask(in: .milliseconds(500)) {
            self.assumeIsolated { session in
                guard session.log.end == end, let index = session.seatIndex(id), session.seats[index].owesScrollback,
                    session.seats[index].acknowledged == end, let outlet = session.seats[index].outlet
                else { return }
                session.sendSnapshot(index, outlet, scrollback: Self.skippedScrollback)
            }
        }
    }

    // MARK: What else the host says

    func hostExited(status: Int?, signal: String?) {
        exit = (status, signal)
    }

    /// The host closed the channel, or the connection is gone.
    func hostClosed(_ error: SSHError?) {
        guard state != .ended else { return }
        guard heldOutput.isEmpty || !isWaitingForSeat else {
            // What it said last is still to be shown, at the pace of the seat.
            hostEnd = .some(error)
            return
        }
        if let error {
            end(SessionEnding(reason: .hostLost, detail: "The connection to the host was lost: \(error.description)"))
        } else if let signal = exit.signal {
            end(SessionEnding(reason: .exit, signal: signal, detail: "The shell was ended by signal \(signal)."))
        } else if let status = exit.status {
            end(SessionEnding(reason: .exit, exitStatus: status, detail: "The shell ended with exit status \(status)."))
        } else {
            end(SessionEnding(reason: .hostLost, detail: "The host closed the session without an exit status."))
        }
    }

    // MARK: The recorder

    func recordingChanged(_ change: SessionRecorder.Change) {
        switch change {
        case .stalled(let sentence):
            guard state == .live else { return }
            state = .paused
            tellAll(
                .notice(
                    code: "recording_stalled", sentence: "The session is paused: \(sentence)",
                    hint: "Nothing is lost. It goes on by itself as soon as the recording can be written again."))
            stateChanged()
        case .recovered:
            guard state == .paused else { return }
            state = .live
            isRecorderBehind = false
            releaseHeldOutput()
            drainInput()
            tellAll(
                .notice(
                    code: "recording_recovered", sentence: "The recording is being written again.",
                    hint: "The session goes on where it stopped."))
            stateChanged()
        case .behind:
            isRecorderBehind = true
        case .caughtUp:
            isRecorderBehind = false
            returnCredit()
        }
    }
}

/// A screen with the moment that it shows.
struct ScreenOfMoment {
    let offset: UInt64
    let columns: Int
    let rows: Int
    let scrollback: Int
    let vt: [UInt8]

    func isSame(as other: ScreenOfMoment) -> Bool {
        offset == other.offset && columns == other.columns && rows == other.rows && scrollback == other.scrollback
    }

    func drawn(_ vt: [UInt8]) -> ScreenOfMoment {
        ScreenOfMoment(offset: offset, columns: columns, rows: rows, scrollback: scrollback, vt: vt)
    }
}
