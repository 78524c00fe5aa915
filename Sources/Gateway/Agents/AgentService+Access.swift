import Audit
import NIOCore
import Storage

/// A session or a request as its agent sees it.
public struct AgentSessionView: Sendable, Encodable {
    public struct Terminal: Sendable, Encodable {
        public let cols: Int
        public let rows: Int
        public let title: String
        /// How often the host was lost and connected again: each time there is a new shell.
        public let generation: Int
        /// People do something there that is not for you to see.
        public let isPrivate: Bool
        public let waiting: WaitingView?
    }

    public let id: String
    public let name: String
    /// `pending`, `ai_control`, `user_control`, `paused` or `reconnecting`; then `denied`, `expired`, `withdrawn`, `connect_failed`,
    /// `closed`.
    public let status: String
    public let state: String
    public let isRecording: Bool
    public let handoffMessage: String?
    public let host: String
    public let username: String
    public let reason: String
    public let createdAt: String
    public let expiresAt: String
    /// Where a person decides.
    public let approveUrl: String
    public let decidedBy: String?
    public let decision: String?
    public let grant: AgentGrant?
    public let control: ControlView?
    public let terminal: Terminal?
    public let runningCommands: [String]
    public let pendingApprovals: [String]
    public let handback: HandbackView?
    public let closed: String?
}

/// An agent's sessions and requests.
public struct AgentSessionList: Sendable, Encodable {
    public let active: [AgentSessionView]
    public let pending: [AgentSessionView]
    /// The number of the agent's newest event.
    public let seq: Int
}

/// A host as an agent may know of it: no address beyond what its own requests name, no credential.
public struct AgentHostView: Sendable, Encodable {
    public let alias: String
    public let username: String
    public let environment: String
    public let tags: [String]
}

/// Until when an agent waits for its session to change.
public enum SessionWait: Sendable, Equatable {
    /// A request is decided.
    case decision
    /// The agent has the keyboard, or the session is over.
    case control
    /// Anything.
    case change
}

extension AgentService {
    /// Hosts that the person who made the agent's token may start sessions on.
    public func hosts(_ agent: Agent) async throws(GatewayError) -> [AgentHostView] {
        guard let owner = await owner(of: agent) else { return [] }
        let hosts = try await services.hosts.hosts(owner)
        return hosts.filter(\.may.connect).map {
            AgentHostView(
                alias: words($0.alias), username: words($0.username), environment: $0.environment.rawValue,
                tags: $0.tags.map { words($0) })
        }
    }

    /// Who made the agent's token, with what they may do now; nil for somebody who may nothing any more.
    private func owner(of agent: Agent) async -> Caller? {
        let commandLine = Caller.commandLine(tenant: services.tenant, account: "").userID
        if agent.ownerID.hasPrefix(commandLine) {
            let account = String(agent.ownerID.dropFirst(commandLine.count))
            return .commandLine(tenant: services.tenant, account: account)
        }
        guard let user = try? await services.people.user(id: agent.ownerID), !user.disabled else { return nil }
        return user.asCaller(tenant: services.tenant)
    }

    /// An agent's sessions and requests.
    /// - Parameters:
    ///   - since: with a wait, returns when there is a newer event than this.
    ///   - wait: at most.
    public func sessions(_ agent: Agent, since: Int? = nil, wait: Duration = .zero) async throws(GatewayError)
        -> AgentSessionList
    {
        if let since {
            _ = try await waiting(on: board.changes, for: wait, agent) { () throws(GatewayError) -> Bool? in
                (board.read { $0.events[agent.id]?.last ?? 0 }) > since ? true : nil
            }
        }
        let (requests, seq) = board.read { state in
            (
                state.requests.values.filter { $0.agent.id == agent.id }.sorted { $0.createdAt < $1.createdAt },
                state.events[agent.id]?.last ?? 0
            )
        }
        var active: [AgentSessionView] = []
        var pending: [AgentSessionView] = []
        for request in requests {
            if let session = board.read({ $0.sessions[request.id] }), request.state.name != "connecting" {
                if session.state.ending == nil { active.append(await view(session)) }
            } else if ["pending", "connecting", "connect_failed"].contains(request.state.name) {
                pending.append(view(request))
            }
        }
        return AgentSessionList(active: active, pending: pending, seq: seq)
    }

    /// One session or request.
    public func session(
        _ id: String, _ agent: Agent, until: SessionWait = .decision, wait: Duration = .zero
    ) async throws(GatewayError) -> AgentSessionView {
        let start = board.read { $0.events[agent.id]?.last ?? 0 }
        guard wait > .zero else { return try await look(id, agent) }
        let found = try await waiting(on: board.changes, for: wait, agent) {
            () async throws(GatewayError) -> AgentSessionView? in
            let view = try await look(id, agent)
            let isDue =
                switch until {
                case .decision: view.status != "pending"
                case .control: !["pending", "user_control", "paused", "reconnecting"].contains(view.status)
                case .change: (board.read { $0.events[agent.id]?.last ?? 0 }) > start
                }
            return isDue ? view : nil
        }
        if let found { return found }
        return try await look(id, agent)
    }

    private func look(_ id: String, _ agent: Agent) async throws(GatewayError) -> AgentSessionView {
        let (request, session) = board.read { ($0.requests[id], $0.sessions[id]) }
        // While it is being connected it has no keyboard yet: it is not yet a session for its agent.
        if let session, session.agent.id == agent.id, request?.state.name != "connecting" { return await view(session) }
        guard let request, request.agent.id == agent.id else { throw .notFound("session") }
        return view(request)
    }

    /// Asks people for access to a host.
    /// - Parameter wait: for their decision, at most.
    public func request(_ new: AgentRequest.New, _ agent: Agent, wait: Duration = .zero) async throws(GatewayError)
        -> AgentSessionView
    {
        let request = try AgentRequest(new, agent: agent, now: clock())
        let isTaken = board.change { state in
            let waiting = state.requests.values.count { request in
                if case .pending = request.state { return request.agent.id == agent.id }
                return false
            }
            guard waiting < AgentRequest.pendingEach else { return false }
            state.requests[request.id] = request
            return true
        }
        guard isTaken else {
            throw GatewayError(
                "quota", status: 429, "\(AgentRequest.pendingEach) of your requests wait for a person already.",
                hint: "Wait for them, or withdraw some with DELETE /api/sessions/:id.", retryAfter: 30)
        }
        let waiting = waitingRequests
        try await GatewayError.mapping { try await waiting.add(request) }
        audit(
            agent.auditActor, "request.created", request.id, request.host,
            ["username": request.username, "reason": request.reason])
        board.tell(agent.id, "request.created", session: request.id)
        for person in await approvers(of: agent) {
            services.notices.notify(
                userID: person, kind: .agentRequest, text: "\(agent.name) asks for \(request.host).",
                link: "/agents?request=\(request.id)")
        }
        return try await session(request.id, agent, until: .decision, wait: wait)
    }

    /// Who is told of a request: the person who made the agent's token, or else the admins.
    private func approvers(of agent: Agent) async -> [String] {
        guard let people = try? await services.people.users(.system(tenant: services.tenant)) else { return [] }
        let active = people.filter { !$0.disabled }
        if let owner = active.first(where: { $0.id == agent.ownerID }) { return [owner.id] }
        return active.filter { $0.role == "admin" }.map(\.id)
    }

    /// Withdraws a request, or ends the agent's part at a session; a session at which nobody else sits ends with it.
    public func close(_ id: String, _ agent: Agent) async throws(GatewayError) {
        if let request = board.read({ $0.requests[id] }), request.agent.id == agent.id,
            settle(id, .withdrawn, from: ["pending", "connect_failed"])
        {
            audit(agent.auditActor, "request.withdrawn", id, request.host)
            return
        }
        let session = try find(id, agent)
        await clearDurables(of: session)
        let isShared = await session.live.hasPeople
        await dismiss(session, .closed("closed_by_agent"), because: "\(agent.name) has finished.")
        guard !isShared else { return }
        await session.live.end(SessionEnding(reason: .endedBy, detail: "\(agent.name) ended the session."))
        audit(agent.auditActor, "session.end_request", id, session.live.origin.host.alias)
    }

    // MARK: Views

    func view(_ request: AgentRequest) -> AgentSessionView {
        let shown = AgentRequestView(request)
        return AgentSessionView(
            id: request.id, name: words(request.host),
            status: ["connecting", "approved"].contains(shown.status) ? "pending" : shown.status, state: shown.status,
            isRecording: false, handoffMessage: nil, host: words(request.host), username: words(request.username),
            reason: words(request.reason), createdAt: shown.createdAt, expiresAt: shown.expiresAt,
            approveUrl: approveURL(request.id), decidedBy: shown.decidedBy.map { words($0) },
            decision: shown.decision.map { words($0) }, grant: nil,
            control: nil, terminal: nil, runningCommands: [], pendingApprovals: [], handback: nil, closed: nil)
    }

    func approveURL(_ id: String) -> String { "\(address)/#/agents?request=\(id)" }

    func view(_ session: AgentSession) async -> AgentSessionView {
        let state = session.state
        let live = await session.live.view()
        let control = await session.live.control(since: session.seat.controlSince)
        let status =
            if state.ending != nil {
                "closed"
            } else if state.isReconnecting {
                "reconnecting"
            } else if live.state == .paused || state.isPaused {
                "paused"
            } else {
                control.holder == "agent" || (state.grant.mode < .supervised && state.handoff == nil)
                    ? "ai_control" : "user_control"
            }
        let approvals = board.read { board in
            board.approvals.values.filter { $0.sessionID == session.id && $0.state == .pending }.map(\.id).sorted()
        }
        let alias = words(live.host.alias, session)
        return AgentSessionView(
            id: session.id, name: alias, status: status,
            state: state.ending != nil
                ? "closed"
                : state.isReconnecting ? "reconnecting" : live.state == .live ? "active" : live.state.rawValue,
            isRecording: live.state == .live, handoffMessage: state.handoff.map { words($0.message, session) },
            host: alias, username: words(session.request.username, session),
            reason: words(session.request.reason, session),
            createdAt: session.request.createdAt.iso8601, expiresAt: state.grant.expiresAt,
            approveUrl: "\(address)/#/s/\(live.id)", decidedBy: words(session.approver.name), decision: nil,
            grant: state.grant, control: control,
            terminal: .init(
                cols: live.columns, rows: live.rows, title: words(live.title, session),
                generation: session.place.generation, isPrivate: await session.live.hidden.isOn,
                waiting: redacted(state.waiting, session)),
            runningCommands: state.commands.filter { !$0.phase.isOver }.map(\.id), pendingApprovals: approvals,
            handback: state.handback?.map { words($0, session) }, closed: state.ending?.reason)
    }

    /// What happened to this agent since.
    public func events(_ agent: Agent, since: Int, session: String? = nil, wait: Duration = .zero)
        async throws(GatewayError) -> EventPage
    {
        let page = try await waiting(on: board.changes, for: wait, agent) { () throws(GatewayError) -> EventPage? in
            let page = board.read { ($0.events[agent.id] ?? AgentEvents()).page(since: since, session: session) }
            return page.events.isEmpty ? nil : page
        }
        return words(page ?? board.read { ($0.events[agent.id] ?? AgentEvents()).page(since: since, session: session) })
    }
}
