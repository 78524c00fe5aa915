import NIOCore

/// Who types: taking the keyboard, giving it, asking for it. It changes hands between two keys, never inside a paste, an
/// escape sequence or a line that is just being sent.
extension LiveSession {
    /// A change of holder that waits for what the holder is sending.
    struct PendingTransfer {
        enum Target {
            case taken(by: String)
            case given(by: String, to: String?)
        }

        let target: Target
        let since: NIODeadline
    }

    /// How long input may stay open before the keyboard goes to another seat all the same.
    static let transferPatience = TimeAmount.seconds(3)

    /// A request for the keyboard, as the holder's page gets it.
    struct KeyboardRequest: Encodable, Sendable {
        let seatId: String
        let userId: String
        let name: String
        let mode: SeatMode
    }

    /// A seat takes the keyboard from whoever has it.
    public func takeKeyboard(seat id: String) {
        guard let index = seatIndex(id), state != .ended else { return }
        guard seats[index].mode == .control else { return refuseViewer(index) }
        guard lease.holder?.seatId != id else { return }
        guard admit(seats[index].caller, \.takes) else { return tooFast(index, "You took the keyboard too often.") }
        transfer(.taken(by: id))
    }

    /// The holder gives the keyboard to another seat, or lets go of it.
    public func giveKeyboard(seat id: String, to other: String?) {
        guard let index = seatIndex(id), state != .ended else { return }
        guard lease.holder?.seatId == id else {
            return send(index, "not_keyboard_holder", "You don't have the keyboard.")
        }
        if let other, seatIndex(other).map({ seats[$0].mode != .control }) ?? true {
            return send(index, "view_only", "That person is only watching: give full control first.")
        }
        transfer(.given(by: id, to: other))
    }

    /// A seat asks the holder for the keyboard. The request names the seat, so that the answer can't go to another one.
    public func requestKeyboard(seat id: String) {
        guard let index = seatIndex(id), let holder = lease.holder, holder.seatId != id, seatIndex(holder.seatId) != nil
        else { return }
        let caller = seats[index].caller
        guard admit(caller, \.requests) else { return tooFast(index, "You asked for the keyboard too often.") }
        tell(
            "keyboard.request",
            KeyboardRequest(seatId: id, userId: caller.userID, name: caller.name, mode: seats[index].mode),
            to: .seat(holder.seatId))
    }

    /// The holder keeps the keyboard, and says so to the seat that asked.
    func declineRequest(by id: String, of asking: String) {
        guard let index = seatIndex(id), lease.holder?.seatId == id, seatIndex(asking) != nil else { return }
        tell("keyboard.declined", ["name": seats[index].caller.name], to: .seat(asking))
    }

    /// Takes the keyboard away from whoever has it, without giving it to anybody: a moderator's hand.
    func dropKeyboard() {
        guard let holder = lease.holder, lease.revoke(seat: holder.seatId) else { return }
        keyboardChanged()
    }

    private func refuseViewer(_ index: Int) {
        let (code, sentence) = InputRefusal.viewOnly.words
        send(index, code, sentence, hint: "Ask the owner of the session for full control.")
    }

    private func tooFast(_ index: Int, _ sentence: String) {
        send(index, "too_fast", sentence, hint: "Wait a few seconds.")
    }

    func send(_ index: Int, _ code: String, _ sentence: String, hint: String = "") {
        seats[index].outlet?.send(.notice(code: code, sentence: sentence, hint: hint))
    }

    /// Whether this person may do it once more now.
    func admit(_ caller: Caller, _ limit: WritableKeyPath<PersonRates, RateLimit>) -> Bool {
        rates[caller.userID, default: PersonRates()][keyPath: limit].admit()
    }

    // MARK: From one hand to the other

    private func transfer(_ target: PendingTransfer.Target) {
        pendingTransfer = PendingTransfer(target: target, since: .now())
        settleTransfer()
    }

    /// Does what waits, as soon as the door is between two keys.
    func settleTransfer() {
        guard let pending = pendingTransfer, state != .ended else { return }
        let now = NIODeadline.now()
        let quiet = now - lastHolderInputAt
        let wait: TimeAmount
        switch boundary.open {
        case .nothing: wait = .zero
        case .sequence: wait = .milliseconds(100)
        // A line that somebody types key by key is on everybody's screen; one that is on its way is a fraction old.
        case .line: wait = .milliseconds(250)
        case .paste: wait = .seconds(2)
        }
        if lease.holder == nil || quiet >= wait || now - pending.since >= Self.transferPatience {
            pendingTransfer = nil
            transferTask?.cancel()
            transferTask = nil
            return perform(pending.target)
        }
        transferTask?.cancel()
        transferTask = eventLoop.scheduleTask(in: min(wait - quiet, .milliseconds(250))) {
            self.assumeIsolated { session in
                session.transferTask = nil
                session.settleTransfer()
            }
        }
    }

    private func perform(_ target: PendingTransfer.Target) {
        do throws(KeyboardLease.Refusal) {
            switch target {
            case .taken(let id):
                guard let index = seatIndex(id) else { return }
                if try lease.take(seats[index].holder, mayType: seats[index].mode == .control) { keyboardChanged() }
            case .given(let id, let other):
                let receiver = other.flatMap { seatIndex($0) }.map { seats[$0] }
                if other != nil, receiver == nil { return }
                try lease.give(
                    from: id, to: receiver?.holder, mayType: receiver.map { $0.mode == .control } ?? true)
                keyboardChanged()
            }
        } catch {
            // Somebody lost the right, or the keyboard, while it waited: there is nothing left to do.
        }
    }

    func keyboardChanged() {
        graceTask?.cancel()
        closeOpenInput()
        recorder.keyboardChanged(lease.holder?.name)
        access.keyboardChanged(origin, lease.holder)
        if let holder = lease.holder, let index = seatIndex(holder.seatId) {
            resize(columns: seats[index].columns, rows: seats[index].rows)
        }
        stateChanged()
    }

    /// A paste whose end did not come is ended here: else the next seat's keys would be part of it.
    private func closeOpenInput() {
        // A holder whose link was lost in the middle of a paste goes on with it.
        guard boundarySeat != lease.holder?.seatId else { return }
        boundarySeat = lease.holder?.seatId
        if boundary.open == .paste { enqueue(ByteBuffer(bytes: InputBoundary.pasteEnd), seat: "", sequence: 0) }
        boundary.reset()
        journal.holderChanged()
    }
}
