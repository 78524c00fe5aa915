import Audit
import NIOConcurrencyHelpers
import NIOCore
import Policy
import SSH
import Storage

/// What AI agents may do, and what people decide about it: one method for each operation, which REST and MCP both call.
///
/// An agent is one more seat at a live session. Its keys go through the session's door, its commands are in the session's
/// recording and in the audit log, and its rights end where those of the person end who let it in.
public struct AgentService: Sendable {
    let services: Services
    let sessions: Sessions
    let files: FileService
    public let tokens: AgentTokens
    /// By which people decide, where they have one.
    public let passkeys: Passkeys
    let board = AgentBoard()
    let durables: DurableCommands
    let waitingRequests: WaitingRequests
    /// Where people reach this copilot, for links in answers to agents. Never taken from a request.
    private let addressBox: NIOLockedValueBox<String>
    private let stopping = NIOLockedValueBox(false)
    /// What time it is: a test turns it forward.
    let clock: @Sendable () -> Timestamp
    private let rights = NIOLockedValueBox<[String: (user: User, until: Timestamp)]>([:])

    /// An answer waits no longer than this, whatever was asked for.
    public static let longestWait: Duration = .seconds(120)

    init(
        services: Services, sessions: Sessions, files: FileService, address: String,
        clock: @escaping @Sendable () -> Timestamp = { .now() }
    ) {
        self.clock = clock
        self.services = services
        self.sessions = sessions
        self.files = files
        passkeys = Passkeys(store: services.store, audit: services.audit, tenant: services.tenant)
        waitingRequests = WaitingRequests(store: services.store, tenant: services.tenant)
        durables = DurableCommands(store: services.store, tenant: services.tenant)
        tokens = AgentTokens(store: services.store, audit: services.audit, policy: services.policy)
        addressBox = NIOLockedValueBox(address)
    }

    /// The address that people are told, such as `https://localhost:8080`.
    public var address: String {
        get { addressBox.withLockedValue { $0 } }
    }

    /// Says where this copilot really listens, once it does.
    public func listens(at address: String) { addressBox.withLockedValue { $0 = address } }

    /// Whose token this is.
    /// - Throws: 401 `not_signed_in`.
    public func authenticate(token: String, address: String) async throws(GatewayError) -> Agent {
        try await tokens.authenticate(token, address: address)
    }

    /// Writes down that an agent tried a door that is for people.
    public func refused(_ agent: Agent, at place: String) {
        services.recordSoon(
            AuditEvent(
                actor: agent.auditActor, action: "agent.refused", object: .init(kind: "call", id: place, name: place),
                outcome: .refused, details: ["code": "not_for_agents"]))
    }

    // MARK: Time

    /// The copilot is stopped: every wait returns as if its time were over.
    public func endWaits() {
        stopping.withLockedValue { $0 = true }
        board.changes.changed()
    }

    var isStopping: Bool { stopping.withLockedValue { $0 } }

    /// Ends what is over by time or by revocation, about every half second. Runs until it is cancelled.
    func run() async {
        await findRequests()
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(500))
            await expire(now: clock())
        }
        for session in board.read({ Array($0.sessions.values) }) { await session.channels.close() }
    }

    /// Requests that waited when the copilot was stopped wait on.
    private func findRequests() async {
        guard let found = try? await waitingRequests.all() else { return }
        board.change { state in
            for request in found where state.requests[request.id] == nil { state.requests[request.id] = request }
        }
    }

    func expire(now: Timestamp) async {
        for request in board.read({ $0.requests.values.filter { $0.expiresAt < now } }) {
            guard case .pending = request.state else { continue }
            settle(request.id, .expired, from: ["pending"])
            audit(request.agent.auditActor, "request.expired", request.id, request.host)
        }
        for approval in board.read({ $0.approvals.values.filter { $0.state == .pending && $0.expiresAt < now } }) {
            close(approval, .expired)
        }
        let live = board.read { $0.sessions.values.filter { $0.state.ending == nil } }
        for session in live where session.grant.expires < now {
            await dismiss(session, .expired, because: "The time that was granted is over.")
        }
        if !live.isEmpty, let good = try? await tokens.good(Set(live.map(\.agent.id))) {
            for session in live where !good.contains(session.agent.id) {
                // Whoever waits for this agent is told that, and not what follows from it.
                tokens.forget(session.agent.id)
                await dismiss(session, .revoked(by: "the token's end"), because: "The agent's token was revoked.")
            }
        }
        board.forgetOld(now: now)
    }

    /// Waits until `check` gives something, or `duration` is over. A token that is revoked meanwhile ends it with 401.
    func waiting<Value: Sendable>(
        on signal: ChangeSignal, for duration: Duration, _ agent: Agent,
        _ check: @Sendable () async throws(GatewayError) -> Value?
    ) async throws(GatewayError) -> Value? {
        let deadline = ContinuousClock.now + min(duration, Self.longestWait)
        while true {
            let seen = signal.version
            if let value = try await check() {
                try await tokens.check(agent)
                return value
            }
            guard ContinuousClock.now < deadline, !Task.isCancelled, !isStopping else { return nil }
            await signal.wait(after: seen, until: min(deadline, .now + .milliseconds(400)))
            try await tokens.check(agent)
        }
    }

    // MARK: Finding

    /// A session of this agent, over or not.
    func find(_ id: String, _ agent: Agent) throws(GatewayError) -> AgentSession {
        guard let session = board.read({ $0.sessions[id] }), session.agent.id == agent.id else {
            throw .notFound("session")
        }
        return session
    }

    /// A session of this agent at which it may still do something: the grant holds, and so do the rights of the person
    /// who gave it.
    func active(_ id: String, _ agent: Agent) async throws(GatewayError) -> AgentSession {
        if let request = board.read({ $0.requests[id] }), request.agent.id == agent.id,
            board.read({ $0.sessions[id] }) == nil
        {
            throw Self.notConnected(request)
        }
        let session = try find(id, agent)
        if let ending = session.state.ending {
            throw GatewayError(
                "closed", status: 410, "This session is over for you: \(ending.reason).", hint: "Ask for access again.")
        }
        guard session.grant.expires > clock() else {
            throw GatewayError(
                "grant_expired", status: 403, "The time that was granted is over.", hint: "Ask for access again.")
        }
        guard !session.state.isReconnecting else {
            throw GatewayError(
                "reconnecting", status: 425, "The host was lost, and is being connected again.",
                hint: "Wait with GET /api/sessions/\(id)?waitMs=30000&until=control.", retryAfter: 1)
        }
        try await checkRights(of: session)
        return session
    }

    private static func notConnected(_ request: AgentRequest) -> GatewayError {
        switch request.state {
        case .pending, .connecting, .failed, .approved:
            GatewayError(
                "not_connected", status: 425, "A person has not let you in yet.",
                hint: "Wait with GET /api/sessions/\(request.id)?waitMs=30000.", retryAfter: 1)
        case .denied(let reason, _):
            GatewayError("denied", status: 410, "The request was denied: \(reason)", hint: "Ask differently, or not.")
        case .expired, .withdrawn:
            GatewayError(
                "closed", status: 410, "The request is over: \(request.state.name).", hint: "Ask for access again.")
        }
    }

    /// The person who let the agent in may have lost a right since: then the agent has, too.
    func checkRights(of session: AgentSession) async throws(GatewayError) {
        let id = session.approver.userID
        let now = Timestamp.now()
        let user: User
        if let known = rights.withLockedValue({ $0[id] }), known.until > now {
            user = known.user
        } else {
            user = try await services.people.user(id: id)
            rights.withLockedValue { rights in
                if rights.count > 1000 { rights = [:] }
                rights[id] = (user, now + .milliseconds(800))
            }
        }
        let needed: Permission = session.grant.mode >= .supervised ? .sessionType : .sessionView
        let person = user.asCaller(tenant: services.tenant)
        guard !user.disabled, services.may(needed, person, on: session.live.access.host) else {
            throw GatewayError(
                "grant_withdrawn", status: 403, "The person who let you in has no right to this any more.",
                hint: "Ask for access again.")
        }
    }

    /// Whether the agent may do something now: it has the keyboard, or it needs none.
    func requireControl(_ session: AgentSession, forCommand: Bool) async throws(GatewayError) {
        let grant = session.grant
        let control = await session.live.control(since: session.seat.controlSince)
        if session.state.isPaused { throw .controlHeld(control, session: session.id) }
        if forCommand, grant.mode < .supervised || grant.execDuringHuman { return }
        guard control.holder == "agent" else { throw .controlHeld(control, session: session.id) }
    }

    // MARK: Books

    func audit(
        _ actor: AuditActor, _ action: String, _ session: String, _ host: String, outcome: AuditOutcome = .succeeded,
        _ details: [String: String] = [:]
    ) {
        // After a lost host the terminal has a recording of its own, and its own name in the books.
        let place = board.read { $0.sessions[session]?.live.id } ?? session
        services.recordSoon(
            AuditEvent(
                actor: actor, action: action, object: .init(kind: "session", id: session, name: host), outcome: outcome,
                details: details, session: place))
    }

    /// Moves a request on, when it is where it should be.
    @discardableResult
    func settle(_ id: String, _ state: AgentRequest.State, from names: Set<String>) -> Bool {
        let agent = board.change { board -> Agent? in
            guard var request = board.requests[id], names.contains(request.state.name) else { return nil }
            request.state = state
            request.decidedAt = .now()
            board.requests[id] = request
            return request.agent
        }
        guard let agent else { return false }
        if !["pending", "connecting", "connect_failed"].contains(state.name) {
            Task { try? await waitingRequests.remove(id) }
        }
        board.tell(agent.id, "request." + state.name, session: id)
        return true
    }

    /// Ends the agent's part at a session. The session itself stays for people.
    func dismiss(_ session: AgentSession, _ ending: AgentSession.Ending, because sentence: String) async {
        let isFirst = session.box.withLockedValue { state in
            guard state.ending == nil else { return false }
            state.ending = ending
            return true
        }
        guard isFirst else { return }
        for approval in board.read({ $0.approvals.values.filter { $0.sessionID == session.id && $0.state == .pending } }
        ) {
            close(approval, .withdrawn)
        }
        await session.live.dismiss(agent: session.agent.id, because: sentence)
        for command in session.unfinished { await stop(command, session) }
        await session.channels.close()
        audit(
            .copilot, "grant." + (ending.reason == "grant_expired" ? "expired" : "ended"), session.id,
            session.live.origin.host.alias, ["reason": ending.reason])
        board.tell(session.agent.id, "session.closed", session: session.id, text: ending.reason)
        session.seat.changes.changed()
    }
}

extension AgentMode: Comparable {
    public static func < (left: AgentMode, right: AgentMode) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}
