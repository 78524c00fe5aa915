import NIOCore
import Recording

/// A second pair of eyes: where it is demanded, the host hears nothing unless a moderator watches.
struct SessionWatch: Sendable {
    /// Who demands it: the host's policy, or the people of this session. Nil: nobody.
    enum Demand: String, Sendable, Codable {
        case host
        case session
    }

    /// The tag of hosts that two people work on.
    static let hostTag = "four-eyes"

    var demand: Demand?
    /// Who stopped the session's input by hand.
    var heldBy: SessionView.Person?
    /// Whether input passed when it was looked at last.
    var wasOpen = true
}

extension LiveSession {
    /// A page tells that it is there every few seconds. A moderator whose phone lost its link does not watch.
    static let watcherSilence = TimeAmount.seconds(15)
    /// Answers of the terminal that wait for a watcher, in bytes.
    static let heldAnswersLimit = 4096

    private func watches(_ seat: Seat, _ now: NIODeadline) -> Bool {
        seat.mode == .moderate && seat.isLooking && now - seat.heardAt < Self.watcherSilence
    }

    /// Moderators who look at this session now.
    var watchers: [Seat] {
        let now = NIODeadline.now()
        return seats.filter { watches($0, now) }
    }

    /// Whether input may reach the host.
    public var isOpenToInput: Bool { watch.heldBy == nil && (watch.demand == nil || !watchers.isEmpty) }

    /// For whatever reaches the host beside the terminal (files, commands): asked before each operation.
    /// - Throws: 409 `ended`, `paused`, `held`, `unwatched`.
    public func requireOpen() throws(GatewayError) {
        do { try requireInput() } catch {
            let (code, sentence) = error.words
            throw .conflict(code, sentence, hint: "Try again when the session goes on.")
        }
    }

    func requireInput() throws(InputRefusal) {
        switch state {
        case .live: break
        case .paused: throw .paused
        case .connecting, .ended: throw .ended
        }
        if let person = watch.heldBy { throw .stopped(person.name) }
        if watch.demand != nil, watchers.isEmpty { throw .unwatched }
    }

    /// Demands a watcher from now on, or no longer.
    func demandWatch(_ isDemanded: Bool, by person: String) {
        guard watch.demand != .host, (watch.demand != nil) != isDemanded else { return }
        watch.demand = isDemanded ? .session : nil
        mark(isDemanded ? "asked for a watcher" : "ended the watch", by: person)
        for userID in Set(seats.map(\.caller.userID)) { reauthorise(userID: userID) }
        stateChanged()
    }

    /// Stops the session's input by hand, or lets it go on.
    func hold(_ person: SessionView.Person?, by name: String) {
        guard (watch.heldBy == nil) != (person == nil) else { return }
        watch.heldBy = person
        mark(person == nil ? "let the session go on" : "stopped the session's input", by: name)
        stateChanged()
    }

    /// A moment worth finding again in the recording.
    func mark(_ label: String, by person: String) { recorder.note(.marker(label: label, by: person)) }

    /// A seat's page is there.
    public func heard(seat id: String) {
        guard let index = seatIndex(id), seats[index].mode == .moderate else { return }
        let now = NIODeadline.now()
        let wasSilent = now - seats[index].heardAt >= Self.watcherSilence
        seats[index].heardAt = now
        if wasSilent { stateChanged() }
    }

    /// Compares with how it was, and lets the host have what waited, or nothing any more.
    func judgeWatch() {
        guard state != .ended else { return }
        armWatch()
        let isOpen = isOpenToInput
        guard isOpen != watch.wasOpen else { return }
        watch.wasOpen = isOpen
        guard state == .live || state == .paused else { return }
        if isOpen {
            releaseToHost()
        } else if watch.demand != nil, watch.heldBy == nil {
            mark("waits: nobody watches", by: "SSH Copilot")
        }
        if watch.demand != nil, watch.heldBy == nil { access.watchChanged(origin, isOpen) }
    }

    private func releaseToHost() {
        if watch.demand != nil { mark("watches", by: watchers.map(\.caller.name).joined(separator: ", ")) }
        if isResizeHeld {
            isResizeHeld = false
            wire?.resize(columns: columns, rows: rows)
        }
        if !heldAnswers.isEmpty {
            wire?.write(ByteBuffer(bytes: heldAnswers))
            heldAnswers = []
        }
        drainInput()
    }

    /// Looks again when the last watcher's silence would be too long.
    private func armWatch() {
        watchTask?.cancel()
        watchTask = nil
        guard watch.demand != nil, let latest = watchers.map(\.heardAt).max() else { return }
        watchTask = eventLoop.scheduleTask(deadline: latest + Self.watcherSilence) {
            self.assumeIsolated { session in
                session.watchTask = nil
                session.stateChanged()
            }
        }
    }
}
