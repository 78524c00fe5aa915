import NIOCore
import Storage
import Terminal

/// The door: every key stroke of every seat comes through here, and nowhere else.
extension LiveSession {
    /// Input that may wait for the host's window, over all seats.
    static let waitingInputLimit = 1024 * 1024
    /// What keeping one message takes beside its bytes: without it, empty messages would wait without end.
    static let waitingInputOverhead = 128

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
        recorder.input(bytes, by: seats[index].caller)
        armRedaction()
        waitingInput.append((id, sequence, bytes))
        waitingInputBytes += cost
        drainInput()
    }

    /// Why input was not accepted.
    enum InputRefusal: Error {
        case viewOnly
        case heldBy(String)
        case paused
        case ended
        case tooMuch

        var words: (code: String, sentence: String) {
            switch self {
            case .viewOnly: ("view_only", "You are watching this session: typing is not open to you.")
            case .heldBy(let name): ("not_keyboard_holder", "\(name) has the keyboard. Take it to type.")
            case .paused: ("paused", "The session is paused because its recording cannot be written.")
            case .ended: ("ended", "The session has ended.")
            case .tooMuch: ("too_much_input", "The host does not read as fast as you send: nothing of this was sent.")
            }
        }
    }

    private func admit(_ index: Int) throws(InputRefusal) {
        switch state {
        case .live: break
        case .paused: throw .paused
        case .connecting, .ended: throw .ended
        }
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
        guard state == .live, let wire else { return }
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

    // MARK: The keyboard

    /// A seat takes the keyboard from whoever has it.
    public func takeKeyboard(seat id: String) {
        guard let index = seatIndex(id), state != .ended else { return }
        do {
            if try lease.take(seats[index].holder, mayType: seats[index].mode == .control) { keyboardChanged() }
        } catch {
            let (code, sentence) = InputRefusal.viewOnly.words
            seats[index].outlet?.send(
                .notice(code: code, sentence: sentence, hint: "Ask the owner of the session for full control."))
        }
    }

    /// The holder gives the keyboard to another seat, or lets go of it.
    public func giveKeyboard(seat id: String, to other: String?) {
        guard let index = seatIndex(id), state != .ended else { return }
        let target = other.flatMap { seatIndex($0) }
        do throws(KeyboardLease.Refusal) {
            try lease.give(
                from: id, to: target.map { seats[$0].holder },
                mayType: target.map { seats[$0].mode == .control } ?? true)
            keyboardChanged()
        } catch {
            let refusal: (String, String) =
                error == .viewOnly
                ? ("view_only", "That person is only watching: give full control first.")
                : ("not_keyboard_holder", "You don't have the keyboard.")
            seats[index].outlet?.send(.notice(code: refusal.0, sentence: refusal.1, hint: ""))
        }
    }

    /// A seat asks the holder for the keyboard.
    public func requestKeyboard(seat id: String) {
        guard let index = seatIndex(id), let holder = lease.holder, let other = seatIndex(holder.seatId) else { return }
        seats[other].outlet?.send(
            .notice(
                code: "keyboard_requested", sentence: "\(seats[index].caller.name) asks for the keyboard.",
                hint: "Give it in the list of people, or go on typing."))
    }

    func keyboardChanged() {
        graceTask?.cancel()
        recorder.keyboardChanged(lease.holder?.name)
        access.keyboardChanged(origin, lease.holder)
        if let holder = lease.holder, let index = seatIndex(holder.seatId) {
            resize(columns: seats[index].columns, rows: seats[index].rows)
        }
        stateChanged()
    }

    // MARK: The size

    /// A seat's own size. The keyboard holder's is the session's; while nobody holds it, a seat in control may set it.
    public func sized(seat id: String, columns: Int, rows: Int) {
        guard let index = seatIndex(id) else { return }
        let size = Self.clamped(columns: columns, rows: rows)
        seats[index].columns = size.columns
        seats[index].rows = size.rows
        let leads = lease.holder.map { $0.seatId == id } ?? (seats[index].mode == .control)
        if leads { resize(columns: size.columns, rows: size.rows) }
    }

    static func clamped(columns: Int, rows: Int) -> (columns: Int, rows: Int) {
        (min(max(columns, 2), 1000), min(max(rows, 1), 1000))
    }

    private func resize(columns: Int, rows: Int) {
        guard state != .ended, columns != self.columns || rows != self.rows else { return }
        self.columns = columns
        self.rows = rows
        screen.resize(columns: columns, rows: rows)
        log.resize(columns: columns, rows: rows)
        recorder.resized(columns: columns, rows: rows)
        wire?.resize(columns: columns, rows: rows)
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
