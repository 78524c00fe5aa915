import NIOCore
import Storage
import Terminal

/// The door: every key stroke of every seat comes through here, and nowhere else.
extension LiveSession {
    /// Input that may wait for the host's window, over all seats.
    static let waitingInputLimit = 1024 * 1024
    /// What keeping one message takes beside its bytes: without it, empty messages would wait without end.
    static let waitingInputOverhead = 128
    /// What leaves for the host within the call: a key, a short line. A paste comes in many pieces, which leave together.
    static let keyStroke = 256

    /// A seat typed.
    /// - Parameters:
    ///   - sequence: the seat's own count, growing; what was accepted once is never taken twice.
    public func input(seat id: String, sequence: UInt64, bytes: ByteBuffer) {
        guard let index = seatIndex(id) else { return }
        guard sequence > seats[index].inputSequence else {
            seats[index].outlet?.send(.inputAccepted(sequence: seats[index].inputSequence))
            return
        }
        seats[index].inputSequence = sequence
        if isReport(bytes, of: index) {
            seats[index].outlet?.send(.inputAccepted(sequence: sequence))
            return
        }
        do {
            try admit(index)
        } catch {
            let (code, sentence) = error.words
            seats[index].outlet?.send(.inputRefused(sequence: sequence, code: code, sentence: sentence))
            return
        }
        let cost = bytes.readableBytes + Self.waitingInputOverhead
        guard waitingInputBytes + cost <= Self.waitingInputLimit else {
            let (code, sentence) = InputRefusal.tooMuch.words
            seats[index].outlet?.send(.inputRefused(sequence: sequence, code: code, sentence: sentence))
            return
        }
        lastInputAt = .now()
        lastHolderInputAt = lastInputAt
        let name = seats[index].caller.name
        // On its way first. What is written down of it is written down while the host answers: nothing that the host says
        // is looked at before, since this loop is busy with the key.
        enqueue(bytes, seat: id, sequence: sequence)
        guard state != .ended else { return }
        recorder.input(bytes, by: name)
        armRedaction()
        boundary.feed(bytes.readableBytesView)
        boundarySeat = id
        note(bytes, by: name)
        noticeTyping(by: id)
        if pendingTransfer != nil, boundary.open == .nothing { settleTransfer() }
    }

    /// For whoever takes over: what was typed, as the screen shows it.
    private func note(_ bytes: ByteBuffer, by name: String) {
        if screen.isAlternate { return journal.leftLine() }
        if journal.goesOn(bytes.readableBytesView) { return }
        journal.typed(bytes.readableBytesView, by: name, at: recorder.elapsed, on: screen)
    }

    /// Input on its way to the host, behind all that is there already.
    func enqueue(_ bytes: ByteBuffer, seat: String, sequence: UInt64) {
        if waitingInput.isEmpty, state == .live, isOpenToInput, let wire, wire.isWritable {
            wire.write(bytes, isUrgent: bytes.readableBytes <= Self.keyStroke)
            if let index = seatIndex(seat) { seats[index].outlet?.send(.inputAccepted(sequence: sequence)) }
            return
        }
        waitingInput.append((seat, sequence, bytes))
        waitingInputBytes += bytes.readableBytes + Self.waitingInputOverhead
        drainInput()
    }

    /// Whether nobody typed this: the terminal of a seat answered what the session had answered already, or reports to a
    /// program that listens to another seat.
    private func isReport(_ bytes: ByteBuffer, of index: Int) -> Bool {
        guard bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) == 0x1B,
            let kind = AutomaticReport.kind(of: bytes.readableBytesView)
        else { return false }
        return kind == .answer || lease.holder?.seatId != seats[index].id
    }

    /// Why input was not accepted.
    enum InputRefusal: Error {
        case viewOnly
        case heldBy(String)
        case paused
        /// Nobody watches a session that must be watched.
        case unwatched
        /// Somebody stopped the input by hand.
        case stopped(String)
        case ended
        case tooMuch

        var words: (code: String, sentence: String) {
            switch self {
            case .viewOnly: ("view_only", "You are watching this session: typing is not open to you.")
            case .heldBy(let name): ("not_keyboard_holder", "\(name) has the keyboard. Take it to type.")
            case .paused: ("paused", "The session is paused because its recording cannot be written.")
            case .unwatched:
                ("unwatched", "Nobody watches: the host hears nothing until a moderator looks at this session.")
            case .stopped(let name): ("held", "\(name) stopped the input of this session.")
            case .ended: ("ended", "The session has ended.")
            case .tooMuch: ("too_much_input", "The host does not read as fast as you send: nothing of this was sent.")
            }
        }
    }

    private func admit(_ index: Int) throws(InputRefusal) {
        try requireInput()
        if seats[index].mode == .control, lease.holder?.seatId == seats[index].id { return }
        let seat = seats[index]
        do throws(KeyboardLease.Refusal) {
            let changed = try lease.typing(
                seat.holder, mayType: seat.mode == .control, now: Timestamp.now().microseconds)
            if changed { keyboardChanged() }
        } catch {
            switch error {
            case .heldBy(let holder): throw .heldBy(holder.name)
            case .viewOnly, .notHolder: throw .viewOnly
            }
        }
    }

    /// Hands waiting input to the host as far as its window goes, and tells each seat what was taken.
    func drainInput() {
        guard state == .live, isOpenToInput, let wire else { return }
        var taken = 0
        for item in waitingInput {
            guard wire.isWritable else { break }
            wire.write(item.bytes)
            waitingInputBytes -= item.bytes.readableBytes + Self.waitingInputOverhead
            taken += 1
            if let index = seatIndex(item.seat) {
                seats[index].outlet?.send(.inputAccepted(sequence: item.sequence))
            }
        }
        waitingInput.removeFirst(taken)
    }

    /// Input that nothing echoes is decided about even when nothing else happens.
    private func armRedaction() {
        guard redactionTask == nil, recorder.hasUndecidedInput else { return }
        redactionTask = eventLoop.scheduleTask(in: .milliseconds(500)) {
            self.assumeIsolated { session in
                session.redactionTask = nil
                guard session.state != .ended else { return }
                session.recorder.settle()
                session.armRedaction()
            }
        }
    }

    // MARK: The size

    /// A seat's own size. The keyboard holder's is the session's; while nobody holds it, a seat in control may set it.
    public func sized(seat id: String, columns: Int, rows: Int) {
        guard let index = seatIndex(id) else { return }
        let size = Self.clamped(columns: columns, rows: rows)
        seats[index].columns = size.columns
        seats[index].rows = size.rows
        let leads = lease.holder.map { $0.seatId == id } ?? (seats[index].mode == .control)
        if leads { follow(columns: size.columns, rows: size.rows) }
    }

    /// A window's edge under a hand, or somebody's ill will, sends sizes by the hundred, and each one lays the history out
    /// anew. Of those that come within a moment the last one counts.
    private func follow(columns: Int, rows: Int) {
        guard resizeTask == nil else {
            wantedSize = (columns, rows)
            return
        }
        guard columns != self.columns || rows != self.rows else { return }
        resize(columns: columns, rows: rows)
        resizeTask = eventLoop.scheduleTask(in: .milliseconds(60)) {
            self.assumeIsolated { session in
                session.resizeTask = nil
                guard let wanted = session.wantedSize else { return }
                session.wantedSize = nil
                session.follow(columns: wanted.columns, rows: wanted.rows)
            }
        }
    }

    static func clamped(columns: Int, rows: Int) -> (columns: Int, rows: Int) {
        (min(max(columns, 2), 1000), min(max(rows, 1), 1000))
    }

    func resize(columns: Int, rows: Int) {
        wantedSize = nil
        guard state != .ended, columns != self.columns || rows != self.rows else { return }
        self.columns = columns
        self.rows = rows
        screen.resize(columns: columns, rows: rows)
        log.resize(columns: columns, rows: rows)
        recorder.resized(columns: columns, rows: rows)
        if isOpenToInput { wire?.resize(columns: columns, rows: rows) } else { isResizeHeld = true }
        scheduleFlush()
        stateChanged()
    }

    // MARK: Idleness

    func armIdle() {
        idleTask?.cancel()
        guard limits.idleSeconds > 0, state != .ended else { return }
        let due = lastInputAt + .seconds(Int64(limits.idleSeconds))
        idleTask = eventLoop.scheduleTask(deadline: due) { self.assumeIsolated { $0.idleDue() } }
    }

    private func idleDue() {
        guard limits.idleSeconds > 0 else { return }
        if NIODeadline.now() - lastInputAt >= .seconds(Int64(limits.idleSeconds)) {
            end(
                SessionEnding(
                    reason: .idle, detail: "Nobody typed for \(limits.idleSeconds / 60) minutes, the limit set here."))
        } else {
            armIdle()
        }
    }
}
