import NIOCore
import Storage

/// Taking a seat, leaving it, and what a seat may do.
extension LiveSession {
    func seatIndex(_ id: String) -> Int? { seats.firstIndex { $0.id == id } }

    /// Takes a seat, or takes up again the one that the same tab held before its link broke.
    ///
    /// - Parameters:
    ///   - clientID: made by the tab and kept by it; the same tab keeps its seat, its keyboard and its input count.
    ///   - have: the offset up to which the seat's terminal has written the output; nil when it has nothing.
    /// - Returns: the seat's identifier. Its first message is the state; then comes what it misses.
    public func attach(
        _ caller: Caller, clientID: String, device: String, have: UInt64?, columns: Int, rows: Int,
        outlet: any SeatOutlet
    ) throws(GatewayError) -> String {
        guard state != .ended else { throw .sessionEnded(origin.recordingID) }
        let mode = try mode(of: caller)
        let size = Self.clamped(columns: columns, rows: rows)
        let index: Int
        if let known = seats.firstIndex(where: { $0.clientID == clientID && $0.caller.userID == caller.userID }) {
            seats[known].outlet?.send(.removed)
            seats[known].outlet = outlet
            seats[known].mode = mode
            seats[known].caller = caller
            seats[known].isVisible = true
            seats[known].isInForeground = true
            seats[known].heardAt = .now()
            index = known
        } else {
            try makeRoom(for: caller)
            seats.append(
                Seat(
                    id: Identifier.make("seat"), clientID: clientID, device: device, caller: caller, mode: mode,
                    outlet: outlet, cursor: log.endCursor, acknowledged: log.end, columns: size.columns,
                    rows: size.rows))
            index = seats.count - 1
            recorder.joined(caller.name, mode: mode)
        }
        seats[index].columns = size.columns
        seats[index].rows = size.rows
        welcome(index, outlet, have: have)
        return seats[index].id
    }

    private func welcome(_ index: Int, _ outlet: any SeatOutlet, have: UInt64?) {
        let seat = seats[index]
        lease.holderConnected(seat: seat.id)
        if lease.holder == nil, seat.caller.userID == owner.id, seat.mode == .control {
            // The person who started the session has the keyboard without asking for it.
            if (try? lease.take(seat.holder, mayType: true)) == true { keyboardChanged() }
        } else if lease.holder?.seatId == seat.id {
            keyboardChanged()
        }
        cancelExpiry()
        judgeWatch()
        outlet.send(.state(state(of: seats[index], in: view())))
        if let have, let cursor = log.cursor(at: have) {
            seats[index].cursor = cursor
            seats[index].acknowledged = have
            seats[index].awaitedScreen = nil
            seats[index].behindSince = nil
            seats[index].pace.restart(at: have)
            pump(index)
        } else {
            sendSnapshot(index, outlet, scrollback: 1000)
        }
        if state == .paused {
            outlet.send(
                .notice(
                    code: "recording_stalled", sentence: "The session is paused: its recording cannot be written.",
                    hint: "Nothing is lost. It goes on by itself as soon as the recording can be written again."))
        }
        stateChanged()
    }

    private func makeRoom(for caller: Caller) throws(GatewayError) {
        let own = seats.count { $0.caller.userID == caller.userID }
        let isOneTooMany = own >= limits.seatsEach
        guard isOneTooMany || seats.count >= limits.seats else { return }
        let gone = seats.firstIndex {
            !$0.isConnected && lease.holder?.seatId != $0.id && (!isOneTooMany || $0.caller.userID == caller.userID)
        }
        guard let gone else {
            throw GatewayError(
                "too_many_seats", status: 409,
                isOneTooMany
                    ? "You have \(own) seats at this session already."
                    : "This session already has \(seats.count) seats.",
                hint: isOneTooMany ? "Close some of your tabs." : "Somebody has to leave first.")
        }
        seats.remove(at: gone)
    }

    /// The seat's link is gone; the seat stays for its return.
    /// - Parameter outlet: the link that ended. A newer link of the same seat is left alone.
    public func disconnected(seat id: String, outlet: any SeatOutlet) {
        guard let index = seatIndex(id), seats[index].outlet === outlet else { return }
        seats[index].outlet = nil
        if lease.holder?.seatId == id {
            let grace = Int64(limits.leaseGraceSeconds)
            lease.holderDisconnected(seat: id, until: Timestamp.now().microseconds + grace * 1_000_000)
            graceTask?.cancel()
            graceTask = eventLoop.scheduleTask(in: .seconds(grace)) {
                self.assumeIsolated { session in
                    guard session.seatIndex(id).map({ !session.seats[$0].isConnected }) ?? true else { return }
                    if session.lease.revoke(seat: id) { session.keyboardChanged() }
                }
            }
        }
        armExpiry()
        stateChanged()
    }

    /// The person leaves this seat; the session goes on.
    public func detach(seat id: String) {
        guard let index = seatIndex(id) else { return }
        let seat = seats.remove(at: index)
        recorder.left(seat.caller.name)
        if lease.revoke(seat: id) { keyboardChanged() }
        armExpiry()
        stateChanged()
    }

    /// Hidden seats get no output; they catch up, or get a snapshot, when they are shown again.
    public func visible(seat id: String, _ isVisible: Bool) {
        guard let index = seatIndex(id), seats[index].isVisible != isVisible else { return }
        seats[index].isVisible = isVisible
        if isVisible { pump(index) }
        stateChanged(within: .milliseconds(50))
    }

    // MARK: What a person may do here

    /// What this person may do here now: never more than their own permission on the host.
    func mode(of caller: Caller) throws(GatewayError) -> SeatMode {
        if caller.kind == .guest {
            // Whoever came by a link alone sees the one session that the link was made for, and never types.
            guard caller.sessionID == origin.id else { throw .notFound("session") }
            return .view
        }
        return try access.mode(of: caller, granted: granted(to: caller.userID), demandsWatch: watch.demand != nil)
    }

    /// What the session's people gave this person: by name, else as the most that one of their teams was given.
    func granted(to userID: String) -> SeatMode? {
        if userID == owner.id { return .control }
        if let person = participants.first(where: { $0.userId == userID }) { return person.mode }
        let modes = teams.filter { $0.members.contains(userID) }.map(\.mode)
        return [SeatMode.control, .moderate, .view].first { modes.contains($0) }
    }

    /// Whether this person was asked to this session, or may look on without that.
    func mayBeSeen(by caller: Caller) -> Bool { (try? mode(of: caller)) != nil }

    /// Adds somebody or changes what they may do; their open seats change at once.
    func share(with person: SessionView.Participant) {
        if let index = participants.firstIndex(where: { $0.userId == person.userId }) {
            participants[index] = person
        } else {
            participants.append(person)
        }
        reauthorise(userID: person.userId)
        stateChanged()
    }

    /// Takes somebody out: their seats are gone at once.
    func unshare(userID: String) {
        participants.removeAll { $0.userId == userID }
        reauthorise(userID: userID)
        stateChanged()
    }

    /// Looks again at what this person may do, after a change of role, of the share or of the sign-in.
    public func reauthorise(userID: String, role: String? = nil) {
        for id in seats.filter({ $0.caller.userID == userID }).map(\.id) {
            guard let index = seatIndex(id) else { continue }
            if let role { seats[index].caller = seats[index].caller.with(role: role) }
            guard let mode = try? mode(of: seats[index].caller) else {
                remove(seat: id, "You no longer take part in this session.")
                continue
            }
            guard mode != seats[index].mode else { continue }
            seats[index].mode = mode
            if mode != .control, lease.revoke(seat: id) { keyboardChanged() }
            seats[index].outlet?.send(
                .notice(
                    code: "mode_changed",
                    sentence: mode.news,
                    hint: mode == .control ? "Type, or take the keyboard, to begin." : ""))
        }
        stateChanged()
    }

    /// The teams that were invited, with their members as they are now. Whoever is in none of them any more is out at
    /// once.
    func share(withTeams teams: [TeamShare]) {
        self.teams = teams
        for userID in Set(seats.map(\.caller.userID)) { reauthorise(userID: userID) }
        stateChanged()
    }

    /// Ends the seats of a person who was signed out or disabled.
    public func removeSeats(where matches: (Caller) -> Bool, because sentence: String) {
        for seat in seats where matches(seat.caller) { remove(seat: seat.id, sentence) }
    }

    private func remove(seat id: String, _ sentence: String) {
        guard let index = seatIndex(id) else { return }
        let seat = seats.remove(at: index)
        seat.outlet?.send(.notice(code: "seat_removed", sentence: sentence, hint: "Ask the owner of the session."))
        seat.outlet?.send(.removed)
        recorder.left(seat.caller.name)
        if lease.revoke(seat: id) { keyboardChanged() }
        armExpiry()
        stateChanged()
    }

    // MARK: A session that nobody looks at

    func armExpiry() {
        guard expiryTask == nil, state != .ended, !seats.contains(where: \.isConnected) else { return }
        let seconds = Int64(limits.seatlessSeconds)
        expiresAt = Timestamp(microseconds: Timestamp.now().microseconds + seconds * 1_000_000)
        expiryTask = eventLoop.scheduleTask(in: .seconds(seconds)) { self.assumeIsolated { $0.expired() } }
    }

    private func cancelExpiry() {
        expiryTask?.cancel()
        expiryTask = nil
        expiresAt = nil
    }

    private func expired() {
        end(
            SessionEnding(
                reason: .noSeats,
                detail: "Nobody was at the session for \(limits.seatlessSeconds / 60) minutes, the limit set here."))
    }

    /// New limits from the settings hold for live sessions too.
    func limit(_ limits: Limits) {
        self.limits = limits
        if expiryTask != nil {
            cancelExpiry()
            armExpiry()
        }
        armIdle()
        stateChanged()
    }
}

extension SeatMode {
    fileprivate var news: String {
        switch self {
        case .control: "You have full control now."
        case .view: "You are watching only, from now on."
        case .moderate: "You are the moderator now: with you watching, the session runs."
        }
    }
}
