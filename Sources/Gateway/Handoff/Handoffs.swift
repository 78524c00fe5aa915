import Audit
import NIOConcurrencyHelpers
import Policy
import Storage

/// Sessions on their way from one person to the next: offered with a brief, taken by a tap, each step in the audit log.
///
/// An offer lives no longer than its session, and a session no longer than this process: none of it is stored, the
/// screen and the chat in the brief least of all.
public final class Handoffs: Sendable {
    /// Characters of a note.
    static let noteLimit = 1000
    private static let minutes = 1...(24 * 60)
    /// Decided offers that are still shown.
    private static let remembered = 500

    private let services: Services
    private let sessions: Sessions
    /// Told when an offer is made, for whoever reaches people outside of the page.
    private let listener = NIOLockedValueBox<(@Sendable (Handoff) async -> Void)?>(nil)
    private let table = NIOLockedValueBox<[Handoff]>([])

    init(services: Services, sessions: Sessions) {
        self.services = services
        self.sessions = sessions
    }

    /// Calls `listener` for each new offer.
    public func onOffer(_ listener: @escaping @Sendable (Handoff) async -> Void) {
        self.listener.withLockedValue { $0 = listener }
    }

    // MARK: Offer

    /// Offers a session to the person who is next.
    /// - Throws: 403 when it is not the caller's to give or the other may not work on that host, 409 `handoff_open`.
    public func offer(
        _ sessionID: String, to userID: String, note: String, minutes: Int, caller: Caller
    ) async throws(GatewayError) -> Handoff {
        let session = try await sessions.sharable(sessionID, caller)
        guard Self.minutes.contains(minutes) else {
            throw .invalid("minutes", "An offer lives from one minute to a day.", hint: "Choose 1 to 1440 minutes.")
        }
        let note = try Self.checked(note)
        let user = try await services.people.user(id: userID)
        guard !user.disabled, user.id != session.owner.id else {
            throw .conflict(
                "conflict", "\(user.name) can't take this session over.", hint: "Choose somebody else who is active.")
        }
        try requireMayOwn(session, user)
        let now = Timestamp.now()
        let expires = now + .seconds(minutes * 60)
        let handoff = Handoff(
            id: Identifier.make("hnd"), sessionId: sessionID, host: session.origin.host,
            from: .init(id: caller.userID, name: caller.name), to: .init(id: user.id, name: user.name), note: note,
            createdAt: now.iso8601, expiresAt: expires.iso8601, state: .open, decidedAt: nil,
            brief: await session.brief(), expires: expires)
        let isAdded = table.withLockedValue { all in
            guard !all.contains(where: { $0.sessionId == sessionID && $0.state == .open }) else { return false }
            all.append(handoff)
            if all.count > Self.remembered, let old = all.firstIndex(where: { $0.state != .open }) {
                all.remove(at: old)
            }
            return true
        }
        guard isAdded else {
            throw .conflict(
                "handoff_open", "This session is offered to somebody already.", hint: "Withdraw that offer first.")
        }
        await services.record(
            sessions.event(session, caller, "session.handoff", ["to": user.name, "minutes": String(minutes)]))
        await announce(handoff)
        let listener = listener.withLockedValue { $0 }
        await listener?(handoff)
        return handoff
    }

    private static func checked(_ note: String) throws(GatewayError) -> String {
        guard note.contains(where: { !$0.isWhitespace }) else { return "" }
        let clean = try ChatText.checked(note)
        guard clean.count <= noteLimit else {
            throw .invalid("note", "The note is longer than \(noteLimit) characters.", hint: "Shorten it.")
        }
        return clean
    }

    /// Whoever takes a session over answers for it: they need what they would need to start one there.
    private func requireMayOwn(_ session: LiveSession, _ user: User) throws(GatewayError) {
        let person = user.asCaller(tenant: services.tenant)
        try session.access.requireMay(.control, person)
        guard
            case .refuse(let missing, let reason) = services.policy.decide(
                person.subject, .sessionStart, on: session.access.host)
        else { return }
        throw GatewayError(
            "not_permitted", status: 403, "\(user.name) can't take this session over. \(reason)",
            hint: "Choose somebody who works on this host.", missing: missing.rawValue)
    }

    // MARK: Look

    /// The offers from and to this person, the newest first.
    public func handoffs(_ caller: Caller) -> [Handoff] {
        table.withLockedValue { $0.filter { Self.concerns($0, caller) } }.reversed()
    }

    /// One offer with its brief, for the two people that it concerns.
    public func handoff(_ id: String, caller: Caller) throws(GatewayError) -> Handoff {
        let found = table.withLockedValue { $0.first { $0.id == id } }
        guard let found, Self.concerns(found, caller) else { throw .notFound("offer") }
        return found
    }

    private static func concerns(_ handoff: Handoff, _ caller: Caller) -> Bool {
        handoff.to.id == caller.userID || handoff.from.id == caller.userID
    }

    // MARK: Decide

    /// Takes the session over: ownership, the keyboard and the name in the audit log follow.
    /// - Throws: 403 when it was offered to somebody else, 409 `handoff_closed`.
    public func accept(_ id: String, caller: Caller) async throws(GatewayError) -> Handoff {
        let handoff = try open(id, caller)
        guard handoff.to.id == caller.userID else {
            throw GatewayError(
                "not_permitted", status: 403, "This session is offered to \(handoff.to.name).", hint: "Ask them.")
        }
        guard let session = sessions.live(handoff.sessionId) else {
            _ = close(id, .ended)
            throw Self.closed(.ended)
        }
        try requireMayOwn(session, try await services.people.user(id: caller.userID))
        guard try await mayStillGive(handoff, session) else {
            _ = close(id, .withdrawn)
            throw Self.closed(.withdrawn)
        }
        guard let taken = close(id, .accepted) else { throw Self.closed(self.state(id)) }
        let before = session.owner
        let person = SessionView.Person(id: caller.userID, name: caller.name)
        let happened = sessions.event(session, caller, "session.handoff_accept", ["from": before.name])
        let (records, audit) = (sessions.records, services.audit)
        do throws(GatewayError) {
            try await services.write { tx in
                try records.handOver(session: handoff.sessionId, to: person, from: before, by: caller, in: tx)
                _ = try audit.append(happened, in: tx)
            }
        } catch {
            reopen(id)
            throw error
        }
        await session.handOver(to: person)
        await announce(taken)
        return taken
    }

    /// Whoever made the offer is still somebody who may.
    private func mayStillGive(_ handoff: Handoff, _ session: LiveSession) async throws(GatewayError) -> Bool {
        let user = try await services.people.user(id: handoff.from.id)
        let giver = user.asCaller(tenant: services.tenant)
        let isTheirs = session.owner.id == user.id || services.may(.sessionEndAny, giver, on: nil)
        return !user.disabled && isTheirs && session.access.may(.sessionShare, giver)
    }

    /// Says no to an offer.
    public func decline(_ id: String, caller: Caller) async throws(GatewayError) -> Handoff {
        let handoff = try open(id, caller)
        guard handoff.to.id == caller.userID else {
            throw GatewayError(
                "not_permitted", status: 403, "This session is offered to \(handoff.to.name).",
                hint: "Withdraw the offer instead.")
        }
        return try await finish(id, .declined, "session.handoff_decline", caller)
    }

    /// Takes an offer back.
    public func withdraw(_ id: String, caller: Caller) async throws(GatewayError) -> Handoff {
        let handoff = try open(id, caller)
        guard handoff.from.id == caller.userID else {
            throw GatewayError(
                "not_permitted", status: 403, "\(handoff.from.name) made this offer.", hint: "Decline it instead.")
        }
        return try await finish(id, .withdrawn, "session.handoff_withdraw", caller)
    }

    private func finish(
        _ id: String, _ state: Handoff.State, _ action: String, _ caller: Caller
    ) async throws(GatewayError) -> Handoff {
        guard let done = close(id, state) else { throw Self.closed(self.state(id)) }
        await services.record(event(done, caller.auditActor, action))
        await announce(done)
        return done
    }

    private func event(_ handoff: Handoff, _ actor: AuditActor, _ action: String) -> AuditEvent {
        .init(
            actor: actor, action: action,
            object: .init(kind: "session", id: handoff.sessionId, name: handoff.host.alias), outcome: .succeeded,
            details: ["from": handoff.from.name, "to": handoff.to.name], session: handoff.sessionId)
    }

    private func open(_ id: String, _ caller: Caller) throws(GatewayError) -> Handoff {
        let handoff = try self.handoff(id, caller: caller)
        guard handoff.state == .open, handoff.expires > .now() else { throw Self.closed(handoff.state) }
        return handoff
    }

    private func state(_ id: String) -> Handoff.State {
        table.withLockedValue { $0.first { $0.id == id }?.state } ?? .ended
    }

    private static func closed(_ state: Handoff.State) -> GatewayError {
        .conflict(
            "handoff_closed", "This offer is not open any more\(state == .open ? "" : ": it is \(state.rawValue)").",
            hint: "Ask for a new one.")
    }

    /// One of two decisions at the same time wins.
    private func close(_ id: String, _ state: Handoff.State) -> Handoff? {
        table.withLockedValue { all in
            guard let index = all.firstIndex(where: { $0.id == id && $0.state == .open }) else { return nil }
            all[index].state = state
            all[index].decidedAt = Timestamp.now().iso8601
            return all[index]
        }
    }

    private func reopen(_ id: String) {
        table.withLockedValue { all in
            guard let index = all.firstIndex(where: { $0.id == id }) else { return }
            all[index].state = .open
            all[index].decidedAt = nil
        }
    }

    // MARK: News

    /// What both people's pages get: enough for a line, never the brief.
    private struct News: Encodable, Sendable {
        let id: String
        let sessionId: String
        let alias: String
        let from: SessionView.Person
        let to: SessionView.Person
        let note: String
        let expiresAt: String
        let state: Handoff.State
    }

    private func announce(_ handoff: Handoff) async {
        let news = News(
            id: handoff.id, sessionId: handoff.sessionId, alias: handoff.host.alias, from: handoff.from, to: handoff.to,
            note: handoff.note, expiresAt: handoff.expiresAt, state: handoff.state)
        for person in Set([handoff.from.id, handoff.to.id]) { await sessions.tell(person, "handoff", news) }
    }

    /// Offers that nobody took in time, and those whose session is over.
    func expire() async {
        let now = Timestamp.now()
        let open = table.withLockedValue { $0.filter { $0.state == .open } }
        for handoff in open {
            let isOver = sessions.live(handoff.sessionId) == nil
            guard isOver || handoff.expires <= now else { continue }
            guard let done = close(handoff.id, isOver ? .ended : .expired) else { continue }
            services.recordSoon(event(done, .copilot, "session.handoff_\(done.state.rawValue)"))
            await announce(done)
        }
    }
}
