import Audit
import NIOConcurrencyHelpers
import NIOCore
import Policy
import Redaction
import SSH
import Storage

/// People's side: letting agents in, or not.
extension AgentService {
    static let columns = 120
    static let rows = 32

    /// The requests of the last hour, those that wait first.
    /// - Parameter wait: for a change, when `seen` is the newest that the caller knows.
    public func inbox(_ caller: Caller) async throws(GatewayError) -> [AgentRequestView] {
        try services.require(.agentApprove, caller, on: nil)
        let requests = board.read { Array($0.requests.values) }
        let hosts = requests.isEmpty ? [] : try await services.hosts.hosts(caller)
        return requests.sorted { left, right in
            let (leftWaits, rightWaits) = (left.state.name == "pending", right.state.name == "pending")
            return leftWaits == rightWaits ? left.createdAt > right.createdAt : leftWaits
        }.map { request in
            var view = AgentRequestView(request)
            view.suggestedHostIds = Self.suggestions(for: request, in: hosts)
            return view
        }
    }

    private static func suggestions(for request: AgentRequest, in hosts: [HostView]) -> [String] {
        let wanted = request.host.lowercased()
        let named = hosts.filter { host in
            host.may.connect && (host.alias.lowercased() == wanted || host.address.lowercased() == wanted)
                && (request.wish.port == nil || request.wish.port == host.port)
        }
        return (named.filter { $0.username == request.username } + named.filter { $0.username != request.username })
            .map(\.id)
    }

    /// Lets an agent in: a session begins at the host that the person chose, with the credential of that host, and the
    /// agent gets a seat with what was granted. The person is the session's owner.
    /// - Parameter proof: the passkey's answer over this very choice, from whoever has a passkey.
    public func approve(
        _ id: String, _ choice: AgentGrant.Choice, proof: PasskeyProof, caller: Caller
    ) async throws(GatewayError) -> AgentRequestView {
        try services.require(.agentApprove, caller, on: nil)
        guard let request = board.read({ $0.requests[id] }) else { throw .notFound("request") }
        let grant = try AgentGrant(choice, now: clock())
        let host = try await services.hosts.sessionHost(choice.hostId, caller: caller)
        try services.require(grant.mode >= .supervised ? .sessionType : .sessionView, caller, on: host.policyObject)
        try await passkeys.require("let an agent in by \(id): \(AgentGrant.words(choice))", proof, caller)
        guard settle(id, .connecting(by: caller.name), from: ["pending", "connect_failed"]) else {
            throw .conflict(
                "not_pending", "This request does not wait any more: it is \(request.state.name).",
                hint: "Reload the list.")
        }
        do throws(GatewayError) {
            try await tokens.check(request.agent)
            try await begin(request, grant, hostID: choice.hostId, caller: caller)
        } catch {
            settle(id, .failed(error), from: ["connecting"])
            audit(
                caller.auditActor, "request.approved", id, host.alias, outcome: .failed,
                ["agent": request.agent.name, "code": error.code])
            throw error
        }
        settle(id, .approved(by: caller.name), from: ["connecting"])
        return AgentRequestView(board.read { $0.requests[id] } ?? request)
    }

    private func begin(
        _ request: AgentRequest, _ grant: AgentGrant, hostID: String, caller: Caller
    ) async throws(GatewayError) {
        let agent = request.agent
        var start = Sessions.Request(hostID: hostID, columns: Self.columns, rows: Self.rows)
        start.id = request.id
        start.startedBy = agent.person
        let view = try await sessions.start(start, caller: caller)
        guard let live = sessions.live(view.id), let connection = await live.connectionOfAgents else {
            throw .sessionEnded(view.recordingId)
        }
        let mode: SeatMode = grant.mode >= .supervised ? .control : .view
        let seat = seat(of: request.id)
        let hosts = services.hosts
        let channels = channels(at: hostID, beside: connection, caller)
        let session = AgentSession(
            request: request, agent: agent, hostID: hostID, approver: caller,
            place: .init(live: live, seat: seat, channels: channels), grant: grant,
            redaction: SecretRedaction(known: KnownSecrets(await hosts.secretsToHide(hostID)), numbers: SecretNumbers())
        )
        board.change { $0.sessions[request.id] = session }
        do throws(GatewayError) {
            let seatID = try await live.admit(
                agent.caller(actingFor: caller), mode: mode, seat: seat, columns: Self.columns, rows: Self.rows,
                firstLine: 0)
            session.box.withLockedValue { $0.seatID = seatID }
            if mode == .control { await live.handKeyboard(toAgent: seatID) }
            let (records, participant) = (
                sessions.records, SessionView.Participant(userId: agent.id, name: agent.name, mode: mode)
            )
            let event = AuditEvent(
                actor: caller.auditActor, action: "request.approved",
                object: .init(kind: "session", id: request.id, name: view.host.alias),
                details: grantDetails(grant, request), session: request.id)
            let audit = services.audit
            try await services.write { tx in
                try records.share(session: request.id, participant, by: caller, in: tx)
                _ = try audit.append(event, in: tx)
            }
            await findDurables(again: session)
        } catch {
            board.change { _ = $0.sessions.removeValue(forKey: request.id) }
            await channels.close()
            await live.end(SessionEnding(reason: .failed, detail: error.error))
            throw error
        }
    }

    /// An agent's end of a seat at a session.
    func seat(of id: String) -> AgentSeat {
        AgentSeat(
            onControl: { [board] in Self.controlChanged(id, $0, to: $1, board) },
            onEnd: { seatEnded(id, $0, $1) })
    }

    /// Channels for an agent's commands, on this connection first.
    func channels(at hostID: String, beside connection: SSHConnection, _ caller: Caller) -> ExecChannels {
        let hosts = services.hosts
        return ExecChannels(connection) { () throws(GatewayError) -> SSHConnection in
            try await hosts.connect(hostID, caller: caller, on: connection.eventLoop)
        }
    }

    private func grantDetails(_ grant: AgentGrant, _ request: AgentRequest) -> [String: String] {
        var details = [
            "agent": request.agent.name, "agentId": request.agent.id, "mode": grant.mode.rawValue,
            "sudo": grant.sudo.rawValue, "until": grant.expiresAt, "wanted": "\(request.username)@\(request.host)",
        ]
        if !grant.allow.isEmpty { details["allow"] = grant.allow.joined(separator: "\n") }
        if !grant.deny.isEmpty { details["deny"] = grant.deny.joined(separator: "\n") }
        if !grant.files.read.isEmpty { details["files.read"] = grant.files.read.joined(separator: "\n") }
        if !grant.files.write.isEmpty { details["files.write"] = grant.files.write.joined(separator: "\n") }
        return details
    }

    /// The keyboard has another holder: who waits for a command of this session gets to know.
    private static func controlChanged(
        _ id: String, _ seat: AgentSeat, to holder: KeyboardLease.Holder?, _ board: AgentBoard
    ) {
        guard let session = board.read({ $0.sessions[id] }), session.seat === seat else { return }
        if let holder, holder.isAgent {
            session.box.withLockedValue { state in
                state.handoff = nil
                state.isPaused = false
                state.leftAt = nil
            }
        } else {
            session.box.withLockedValue { state in
                state.typed.touchedByOthers()
                state.leftAt = state.leftAt ?? .now()
            }
        }
        let (kind, by) =
            switch holder {
            case nil: ("control.none", String?.none)
            case let holder? where holder.isAgent: ("control.returned", holder.name)
            case let holder?: ("control.taken", holder.name)
            }
        board.tell(session.agent.id, kind, session: id, by: by)
        for command in session.unfinished { command.changes.changed() }
    }

    private func seatEnded(_ id: String, _ seat: AgentSeat, _ ending: SessionEnding?) {
        guard let session = board.read({ $0.sessions[id] }), session.seat === seat else { return }
        if ending?.reason == .hostLost, beginReconnecting(session) { return }
        let isFirst = session.box.withLockedValue { state in
            guard state.ending == nil else { return false }
            state.ending = .closed(ending?.reason.rawValue ?? "removed")
            return true
        }
        guard isFirst else { return }
        let channels = session.channels
        Task { await channels.close() }
        board.tell(
            session.agent.id, "session.closed", session: id, text: ending?.detail ?? "The seat was taken away.")
    }

    /// Turns an agent away.
    public func deny(_ id: String, reason: String, caller: Caller) async throws(GatewayError) -> AgentRequestView {
        try services.require(.agentApprove, caller, on: nil)
        guard let request = board.read({ $0.requests[id] }) else { throw .notFound("request") }
        let reason = try VisibleText.line(reason, field: "reason", what: "The reason", limit: 500)
        guard settle(id, .denied(reason: reason, by: caller.name), from: ["pending", "connect_failed"]) else {
            throw .conflict(
                "not_pending", "This request does not wait any more: it is \(request.state.name).",
                hint: "Reload the list.")
        }
        audit(
            caller.auditActor, "request.denied", id, request.host, outcome: .refused,
            ["agent": request.agent.name, "reason": reason])
        return AgentRequestView(board.read { $0.requests[id] } ?? request)
    }
}
