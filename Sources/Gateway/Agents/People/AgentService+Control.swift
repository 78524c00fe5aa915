import Audit
import NIOConcurrencyHelpers
import NIOCore
import Policy
import Storage

/// An agent at a session as people see it: what it may do, what it does, what it asks.
public struct AgentAtSessionView: Sendable, Encodable {
    public struct Command: Sendable, Encodable {
        public let id: String
        public let command: String
        public let purpose: String?
        public let state: String
        public let exitCode: Int?
        public let signal: String?
        public let startedAt: String?
        public let durationMs: Int?
        /// The end of what it wrote.
        public let tail: String
    }

    public let id: String
    /// The host's alias.
    public let host: String
    public let environment: String
    public let agent: SessionView.Person
    public let grant: AgentGrant
    public let control: ControlView
    public let isPaused: Bool
    /// People do something at the terminal that the agent does not see.
    public let isPrivate: Bool
    public let handoff: String?
    public let mayDecide: Bool
    public let approvals: [ApprovalView]
    /// The newest first.
    public let commands: [Command]
    public let ended: String?
}

/// People's side of a session at which an agent sits.
extension AgentService {
    private static let commandsShown = 50

    /// Agents at the sessions that this person may watch.
    public func agentSessions(_ caller: Caller) async throws(GatewayError) -> [AgentAtSessionView] {
        var views: [AgentAtSessionView] = []
        for session in board.read({ $0.sessions.values.filter { $0.state.ending == nil } }) {
            if await mode(of: caller, at: session) != nil { views.append(await show(session, caller)) }
        }
        return views.sorted { $0.id < $1.id }
    }

    /// One of them.
    public func agentSession(_ id: String, caller: Caller) async throws(GatewayError) -> AgentAtSessionView {
        let session = try await session(id, caller, deciding: false)
        return await show(session, caller)
    }

    private func mode(of caller: Caller, at session: AgentSession) async -> SeatMode? {
        try? await session.live.mode(of: caller)
    }

    private func session(_ id: String, _ caller: Caller, deciding: Bool) async throws(GatewayError) -> AgentSession {
        guard let session = board.read({ $0.sessions[id] ?? $0.sessions.values.first { $0.live.id == id } }),
            let mode = await mode(of: caller, at: session)
        else {
            throw .notFound("session")
        }
        guard !deciding || mayDecide(caller, session, mode) else {
            throw .notPermitted(.agentApprove, "Only those with full control of this session decide about its agent.")
        }
        return session
    }

    /// The session's owner, those who may end any session, and who has full control and may decide about agents.
    private func mayDecide(_ caller: Caller, _ session: AgentSession, _ mode: SeatMode) -> Bool {
        guard services.may(.agentApprove, caller, on: nil) else { return false }
        return session.approver.userID == caller.userID || mode == .control
            || services.may(.sessionEndAny, caller, on: nil)
    }

    private func show(_ session: AgentSession, _ caller: Caller) async -> AgentAtSessionView {
        let state = session.state
        let approvals = board.read { board in
            board.approvals.values.filter { $0.sessionID == session.id && $0.state == .pending }
        }
        let mode = await mode(of: caller, at: session)
        return AgentAtSessionView(
            id: session.live.id, host: session.live.origin.host.alias,
            environment: session.live.origin.host.environment, agent: session.agent.person, grant: state.grant,
            control: await session.live.control(since: session.seat.controlSince), isPaused: state.isPaused,
            isPrivate: await session.live.hidden.isOn,
            handoff: state.handoff?.message, mayDecide: mode.map { mayDecide(caller, session, $0) } ?? false,
            approvals: approvals.sorted { $0.createdAt < $1.createdAt }.map(ApprovalView.init),
            commands: state.commands.suffix(Self.commandsShown).reversed().map(Self.show), ended: state.ending?.reason)
    }

    private static func show(_ command: AgentCommand) -> AgentAtSessionView.Command {
        let state = command.state
        let end = state.endedAt ?? .now()
        let output =
            state.standardError.total > 0 && state.standardOutput.total == 0
            ? state.standardError : state.standardOutput
        let tail = output.shown(first: 0, last: 600)
        return .init(
            id: command.id, command: state.text, purpose: command.request.purpose, state: state.phase.rawValue,
            exitCode: state.exitCode, signal: state.signal, startedAt: state.startedAt?.iso8601,
            durationMs: state.startedAt.map { Int(clamping: (end.microseconds - $0.microseconds) / 1000) },
            tail: CommandOutput.isBinary(tail.head + tail.tail)
                ? "" : String(decoding: tail.head + tail.tail, as: UTF8.self))
    }

    // MARK: The keyboard

    /// A person stops everything of the agent: it has no keyboard, its questions are closed, its commands end.
    /// - Parameter stoppingCommands: false lets running commands end by themselves.
    public func pause(_ id: String, stoppingCommands: Bool, caller: Caller) async throws(GatewayError)
        -> AgentAtSessionView
    {
        let session = try await session(id, caller, deciding: true)
        session.box.withLockedValue { $0.isPaused = true }
        await session.live.takeKeyboardFromAgent(seat: session.seatID)
        audit(
            caller.auditActor, "control.paused", id, session.live.origin.host.alias,
            ["agent": session.agent.name, "commands": stoppingCommands ? "stopped" : "left"])
        board.tell(session.agent.id, "control.paused", session: id, by: caller.name)
        if stoppingCommands {
            await withTaskGroup(of: Void.self) { group in
                for command in session.unfinished { group.addTask { await stop(command, session) } }
            }
        }
        session.seat.changes.changed()
        return await show(session, caller)
    }

    /// A person gives the keyboard back to the agent, with a note.
    public func handBack(_ id: String, note: String, caller: Caller) async throws(GatewayError) -> AgentAtSessionView {
        let session = try await session(id, caller, deciding: true)
        guard session.state.ending == nil else { throw .notFound("session") }
        guard note.utf8.count <= 2000 else {
            throw .invalid("note", "A note has at most 2000 bytes.", hint: "Shorten it.")
        }
        if await session.live.hidden.isOn { _ = try await hide(id, false, caller: caller) }
        let since = session.state.leftAt ?? session.seat.controlSince
        let screen = redacted(await session.live.screenView(), session)
        let run = await session.live.commands(behind: session.state.commandsTold, besides: session.agent.name)
        await probe(session)
        session.box.withLockedValue { state in
            state.handback = HandbackView(
                by: caller.name, note: note, durationMs: Int(clamping: (Timestamp.now() - since).milliseconds),
                at: Timestamp.now().iso8601, humanCommands: run.new, cwd: state.folder, screen: screen.lines)
            state.commandsTold = run.count
            state.isPaused = false
            state.handoff = nil
            state.waiting = nil
        }
        if session.grant.mode >= .supervised { await session.live.handKeyboard(toAgent: session.seatID) }
        audit(
            caller.auditActor, "control.returned", id, session.live.origin.host.alias,
            ["agent": session.agent.name, "note": note])
        board.tell(session.agent.id, "control.handback", session: id, by: caller.name, text: note)
        session.seat.changes.changed()
        return await show(session, caller)
    }

    /// What people do at the terminal from now on is hidden from the agent, or no more. The keyboard is not the agent's then.
    public func hide(_ id: String, _ isOn: Bool, caller: Caller) async throws(GatewayError) -> AgentAtSessionView {
        let session = try await session(id, caller, deciding: true)
        if isOn { await session.live.takeKeyboardFromAgent(seat: session.seatID) }
        await session.live.hide(isOn)
        let action = isOn ? "private.started" : "private.ended"
        audit(caller.auditActor, action, session.id, session.live.origin.host.alias, ["agent": session.agent.name])
        board.tell(session.agent.id, action, session: session.id, by: caller.name)
        return await show(session, caller)
    }

    /// Ends one command of the agent, with everything that it started.
    public func stopCommand(_ commandID: String, caller: Caller) async throws(GatewayError) -> AgentAtSessionView {
        guard let command = board.read({ $0.commands[commandID] }) else { throw .notFound("command") }
        let session = try await session(command.sessionID, caller, deciding: true)
        await stop(command, session)
        audit(caller.auditActor, "command.stopped", session.id, session.live.origin.host.alias, ["command": commandID])
        return await show(session, caller)
    }

    /// Ends what was granted. The session stays for people.
    public func endGrant(_ id: String, caller: Caller) async throws(GatewayError) {
        let session = try await session(id, caller, deciding: true)
        audit(caller.auditActor, "grant.revoked", id, session.live.origin.host.alias, ["agent": session.agent.name])
        await dismiss(session, .revoked(by: caller.name), because: "\(caller.name) ended the agent's access.")
    }

    // MARK: Questions

    /// Answers one question of an agent.
    /// - Parameter proof: the passkey's answer over this very answer, from whoever has a passkey. A refusal needs none.
    public func answer(
        _ id: String, _ answer: ApprovalAnswer, proof: PasskeyProof, caller: Caller
    ) async throws(GatewayError) -> ApprovalView {
        guard let asked = board.read({ $0.approvals[id] }) else { throw .notFound("question") }
        let session = try await session(asked.sessionID, caller, deciding: true)
        var reason = ""
        if case .deny(let text) = answer {
            reason = try VisibleText.line(text, field: "reason", what: "The reason", limit: 500)
        }
        let isRoot = asked.commandID.flatMap { id in board.read { $0.commands[id] } }?.request.isRoot ?? false
        if case .edited = answer, asked.kind != .command || isRoot {
            throw .invalid("command", "Only a command can be changed.", hint: "Approve it as it is, or deny it.")
        }
        if asked.kind == .plan, answer.holdsOn {
            throw .invalid("scope", "A plan is approved as it stands, once.", hint: "Approve it once, or deny it.")
        }
        if case .edited(let text) = answer {
            var request = ExecRequest(command: text)
            let known = asked.commandID.flatMap { id in board.read { $0.commands[id] } }
            request.inTerminal = known?.request.inTerminal ?? false
            _ = try request.text()
        }
        if case .pattern(let text) = answer { _ = try AgentGrant.commandPattern(text, field: "pattern") }
        var passkey: String?
        if case .deny = answer {
        } else {
            let words = details(answer, asked).sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
            passkey = try await passkeys.require("answer \(id)\n" + words.joined(separator: "\n"), proof, caller)
        }
        let settled = board.change { board -> AgentApproval? in
            guard var approval = board.approvals[id], approval.state == .pending else { return nil }
            if case .deny = answer {
                approval.state = .denied(reason: reason, by: caller.name)
            } else {
                approval.state = .approved(by: caller.name)
                if case .edited(let text) = answer { approval.edited = text }
            }
            board.approvals[id] = approval
            return approval
        }
        guard let settled else {
            throw .conflict("not_pending", "This question was answered already, or is over.", hint: "Reload the list.")
        }
        remember(answer, settled, session)
        audit(
            caller.auditActor, "command." + settled.state.name, session.id, session.live.origin.host.alias,
            outcome: settled.state.name == "denied" ? .refused : .succeeded,
            details(answer, settled).merging(passkey.map { ["passkey": $0] } ?? [:]) { one, _ in one })
        board.tell(
            session.agent.id, "approval." + settled.state.name, session: session.id, command: settled.commandID,
            approval: id, by: caller.name, text: reason.isEmpty ? nil : reason)
        await proceed(settled, session)
        session.seat.changes.changed()
        return ApprovalView(settled)
    }

    private func remember(_ answer: ApprovalAnswer, _ approval: AgentApproval, _ session: AgentSession) {
        session.box.withLockedValue { state in
            switch answer {
            case .exact(let minutes):
                if let deed = approval.deed {
                    state.allowedTexts[deed.key] = clock() + .seconds(min(max(minutes, 1), 24 * 60) * 60)
                }
            case .pattern(let pattern): state.allowedPatterns.append(String(pattern.prefix(500)))
            case .once, .edited, .deny: break
            }
        }
    }

    private func details(_ answer: ApprovalAnswer, _ approval: AgentApproval) -> [String: String] {
        var details = [
            "approval": approval.id, "agent": approval.agent.name, "subject": approval.subject,
            "kind": approval.kind.rawValue,
        ]
        if let command = approval.commandID { details["command"] = command }
        switch answer {
        case .once: details["scope"] = "once"
        case .exact(let minutes): details["scope"] = "exact text for \(minutes) minutes"
        case .pattern(let pattern): details["scope"] = "pattern \(pattern)"
        case .edited(let text): details["edited"] = text
        case .deny(let reason): details["reason"] = reason
        }
        return details
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
