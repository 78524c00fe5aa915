import Audit
import Foundation
import NIOConcurrencyHelpers
import NIOCore
import Recording
import SSH
import Storage

/// The session's own terminal: an agent types through the same door as everybody, and reads from the same log.
extension AgentService {
    private static let quiet: Duration = .milliseconds(400)

    /// Types, and waits for what was asked for.
    public func input(_ id: String, _ input: TerminalInput, _ agent: Agent) async throws(GatewayError) -> TerminalAnswer
    {
        let session = try await active(id, agent)
        let bytes = try input.bytes()
        let pattern = try input.waitFor.map { wanted throws(GatewayError) in try WaitPattern(wanted) }
        var mark = await session.live.typingMark
        if !bytes.isEmpty {
            try await requireControl(session, forCommand: false)
            try await judge(bytes, session)
            do throws(GatewayError) {
                mark = try await session.live.type(
                    ByteBuffer(bytes: bytes), seat: session.seatID, epoch: input.epoch, outlet: session.seat)
            } catch {
                session.box.withLockedValue { $0.typed.touchedByOthers() }
                throw error
            }
            audit(
                agent.auditActor, "input.sent", id, session.live.origin.host.alias, ["bytes": String(bytes.count)])
            watchForPassword(session)
        }
        guard let pattern else { return await answer(session, matched: nil, lines: nil, ended: nil) }
        return try await wait(for: pattern, from: mark, typed: input.typedLines, timeout: input.timeout, session)
    }

    /// What a person has to say about keys before they reach the host.
    private func judge(_ bytes: [UInt8], _ session: AgentSession) async throws(GatewayError) {
        guard session.grant.mode >= .supervised else {
            throw .policyDenied(
                session.grant.mode.rawValue, "You may not type at this session.",
                "Run commands that only read, or ask for access in another mode.")
        }
        let isEnter = bytes.contains(0x0D) || bytes.contains(0x0A)
        let waiting =
            isEnter || session.state.waiting?.kind == "password" ? await probe(session) : session.state.waiting
        if waiting?.kind == "password" {
            await yieldForPassword(session, prompt: waiting?.prompt ?? "")
            throw GatewayError(
                "password_prompt", status: 409, "The terminal asks for a secret, which only a person types.",
                hint: "Wait for the person: GET /api/sessions/\(session.id)?waitMs=30000&until=control.",
                details: ["prompt": .string(words(waiting?.prompt ?? "", session))])
        }
        // A trusted agent's line inside another program is that program's. For any other every line is judged as a command:
        // the program may end before it reads, and then the shell gets the line.
        if let waiting, session.grant.mode == .trusted, waiting.confidence == "tty",
            ["raw", "line"].contains(waiting.kind)
        {
            return session.box.withLockedValue { $0.typed.touchedByOthers() }
        }
        if isEnter, let waiting, waiting.kind == "prompt" {
            session.box.withLockedValue { Self.settle(&$0, at: waiting) }
        }
        for line in session.box.withLockedValue({ $0.typed.type(bytes) }) {
            try await judge(typed: line, shell: waiting?.foreground, session)
        }
    }

    /// At a prompt that looks as it did when nothing stood behind it, nothing stands behind it.
    private static func settle(_ state: inout AgentSession.State, at waiting: WaitingView) {
        if state.typed.isKnown, state.typed.text.isEmpty {
            state.emptyPrompt = waiting.prompt
        } else if !state.typed.isKnown, waiting.prompt == state.emptyPrompt {
            state.typed = TypedLine()
        }
    }

    private func judge(typed line: String?, shell: String?, _ session: AgentSession) async throws(GatewayError) {
        guard let line else {
            if session.grant.mode == .supervised { try await ask(typed: nil, shell: shell, session) }
            return
        }
        guard !line.allSatisfy(\.isWhitespace) else { return }
        switch decide(
            AgentDeed(line, folder: session.state.folder), CommandClasses.of(line, at: .prompt(shell: shell)), session,
            usingPlan: true)
        {
        case .run: break
        case .ask: try await ask(typed: line, shell: shell, session)
        case .refuse(let rule, let sentence, let hint): throw .policyDenied(rule, sentence, hint)
        }
    }

    private func ask(typed line: String?, shell: String?, _ session: AgentSession) async throws(GatewayError) {
        let classes = line.map { CommandClasses.of($0, at: .prompt(shell: shell)) }
        do throws(GatewayError) {
            try await ask(
                .input, line ?? "Enter, on a line that was edited with keys whose effect is not known here",
                line.map { AgentDeed($0, folder: session.state.folder) },
                classes: classes?.sorted ?? ["unknown"],
                why: classes?.why ?? "What would run can't be told from the keys.",
                session)
        } catch {
            // Nothing of it reached the host.
            session.box.withLockedValue { $0.typed = TypedLine() }
            throw error
        }
    }

    /// Asks a person about something that is done at once or not at all, and waits for the answer.
    func ask(
        _ kind: AgentApproval.Kind, _ subject: String, _ deed: AgentDeed?, classes: [String], why: String,
        _ session: AgentSession
    ) async throws(GatewayError) {
        let approval = AgentApproval(
            sessionID: session.id, agent: session.agent, kind: kind, subject: subject, deed: deed, commandID: nil,
            purpose: nil, classes: classes, why: why, now: clock())
        open(approval, session)
        let answered = try await waiting(on: board.changes, for: .seconds(50), session.agent) {
            () throws(GatewayError) -> AgentApproval? in
            guard let now = board.read({ $0.approvals[approval.id] }), now.state != .pending else { return nil }
            return now
        }
        switch answered?.state {
        case .approved: return
        case .denied(let reason, let by):
            throw .policyDenied("denied", "\(by) denied it\(reason.isEmpty ? "." : ": \(reason)")", "Do without it.")
        default:
            close(approval, .withdrawn)
            throw GatewayError(
                "approval_pending", status: 409, "A person has not answered yet; nothing was done.",
                hint: "Send it again a little later, or run it with exec, which waits.",
                details: ["approvalId": .string(approval.id)])
        }
    }

    // MARK: Waiting

    private func wait(
        for pattern: WaitPattern, from mark: TypingMark, typed: [String], timeout: Duration, _ session: AgentSession
    ) async throws(GatewayError) -> TerminalAnswer {
        let begin = await session.live.control(since: session.seat.controlSince)
        let deadline = ContinuousClock.now + min(timeout, Self.longestWait)
        var scan = TerminalScan(mark: mark, typed: typed, pattern: pattern)
        while true {
            let seen = session.seat.changes.version
            // A pattern looks at what the agent may read: else it could be asked, letter by letter, what a secret is.
            scan.read(redacted(await session.live.text(from: scan.nextLine), session))
            if let matched = scan.matched {
                return await answer(session, matched: matched, lines: scan.lines, ended: nil)
            }
            let silence = NIODeadline.now() - session.seat.outputAt
            if try await isQuiet(pattern, silence, session) {
                return await answer(session, matched: nil, lines: scan.lines, ended: nil)
            }
            let now = await session.live.control(since: session.seat.controlSince)
            let ended =
                if session.state.ending != nil {
                    "closed"
                } else if now.epoch != begin.epoch {
                    "control_changed"
                } else {
                    ContinuousClock.now >= deadline || Task.isCancelled || isStopping ? "timeout" : ""
                }
            guard ended.isEmpty else { return await answer(session, matched: nil, lines: scan.lines, ended: ended) }
            // Output that comes in many small pieces is looked at together.
            if session.seat.changes.version != seen { try? await Task.sleep(for: .milliseconds(15)) }
            await session.seat.changes.wait(after: seen, until: min(deadline, .now + .milliseconds(250)))
            try await tokens.check(session.agent)
        }
    }

    private func isQuiet(_ pattern: WaitPattern, _ silence: TimeAmount, _ session: AgentSession)
        async throws(GatewayError) -> Bool
    {
        switch pattern.kind {
        case .quiet(let duration): return silence >= TimeAmount(duration)
        case .prompt:
            guard silence >= TimeAmount(Self.quiet) else { return false }
            return ["prompt", "password", "line", "raw"].contains((await probe(session)).kind)
        case .text: return false
        }
    }

    private func answer(_ session: AgentSession, matched: String?, lines: [String]?, ended: String?) async
        -> TerminalAnswer
    {
        let text = await session.live.text(from: .max)
        let screen = await session.live.screenView()
        let shown = lines.map { redact($0.suffix(400).joined(separator: "\n"), session) }
        let view = await view(session)
        return TerminalAnswer(
            currentLine: text.count,
            lines: shown.map {
                $0.text.isEmpty ? [] : VisibleText.marked($0.text).components(separatedBy: "\n")
            },
            timeout: ended == "timeout" ? true : nil, matched: matched.map { words($0, session) },
            cursor: OutputCursor.line(text.count).text, state: view.status,
            control: await session.live.control(since: session.seat.controlSince),
            waiting: redacted(session.state.waiting, session),
            screen: screen.altScreen ? redacted(screen, session) : nil, waitEnded: ended, redactions: shown?.count ?? 0)
    }

    // MARK: What the terminal waits for

    /// Asks the host's terminal, and remembers the answer.
    @discardableResult
    func probe(_ session: AgentSession) async -> WaitingView {
        let text = await session.live.text(from: .max)
        var found = TerminalProbe.guess(text)
        var asked: TerminalProbe?
        if let connection = await session.live.hostConnection, let probe = await TerminalProbe.ask(connection) {
            found = probe.waiting(prompt: text.isAlternate ? "" : text.partial)
            asked = probe
        }
        session.box.withLockedValue { state in
            state.waiting = found
            state.foregroundID = asked?.isShell == true ? asked?.foregroundID : nil
            state.folder = asked?.folder
        }
        return found
    }

    /// A program that asks for a secret a moment after something was typed gets a person, not the agent.
    private func watchForPassword(_ session: AgentSession) {
        Task {
            for _ in 0..<4 {
                try? await Task.sleep(for: Self.quiet)
                guard session.state.ending == nil else { return }
                guard NIODeadline.now() - session.seat.outputAt >= TimeAmount(Self.quiet) else { continue }
                let waiting = await probe(session)
                if waiting.kind == "password" { await yieldForPassword(session, prompt: waiting.prompt) }
                return
            }
        }
    }

    func yieldForPassword(_ session: AgentSession, prompt: String) async {
        let control = await session.live.control(since: session.seat.controlSince)
        guard control.holder == "agent" else { return }
        let prompt = words(prompt, session)
        await letGo(
            session, message: "Only a person types what the terminal asks for: \(prompt)", kind: "password",
            by: .copilot)
    }

    // MARK: Signals and hand-off

    /// Sends a signal to what runs in the terminal.
    public func signal(_ id: String, _ name: String, _ agent: Agent) async throws(GatewayError) -> SignalAnswer {
        let session = try await active(id, agent)
        let keys: [String: UInt8] = ["SIGINT": 0x03, "EOF": 0x04, "SIGQUIT": 0x1C, "SIGTSTP": 0x1A]
        guard session.grant.mode >= .supervised else {
            throw .policyDenied(
                session.grant.mode.rawValue, "You may not type at this session.", "Stop your own commands instead.")
        }
        try await requireControl(session, forCommand: false)
        if let key = keys[name] {
            _ = try await session.live.type(
                ByteBuffer(bytes: [key]), seat: session.seatID, epoch: nil, outlet: session.seat)
            session.box.withLockedValue { _ = $0.typed.type([key]) }
            audit(agent.auditActor, "signal.sent", id, session.live.origin.host.alias, ["signal": name])
            return SignalAnswer(success: true, delivered: "tty")
        }
        guard ["SIGTERM", "SIGKILL", "SIGHUP"].contains(name), let connection = await session.live.hostConnection else {
            throw GatewayError(
                "invalid_signal", status: 400, "Invalid signal or session.",
                hint: "SIGINT, EOF, SIGQUIT, SIGTSTP, SIGTERM, SIGKILL or SIGHUP.", field: "signal")
        }
        let isSent = await TerminalSignal.send(String(name.dropFirst(3)), over: connection)
        audit(agent.auditActor, "signal.sent", id, session.live.origin.host.alias, ["signal": name])
        return SignalAnswer(success: isSent, delivered: isSent ? "kill" : "unconfirmed")
    }

    /// What came of a hand-off.
    public struct HandoffView: Sendable, Encodable {
        public let success: Bool
        public let handoffId: String
        public let status: String
        public let handback: HandbackView?
    }

    /// Gives the keyboard to people, with a message. Nobody but a person gives it back.
    /// - Parameter wait: for that, at most.
    public func handoff(
        _ id: String, message: String, kind: String = "other", wait: Duration = .zero, _ agent: Agent
    ) async throws(GatewayError) -> HandoffView {
        let session = try await active(id, agent)
        let kinds = ["password", "2fa", "decision", "stuck", "other"]
        let handoff = await letGo(
            session, message: String(message.prefix(2000)), kind: kinds.contains(kind) ? kind : "other",
            by: agent.auditActor)
        let back = try await waiting(on: board.changes, for: wait, agent) { () async throws(GatewayError) -> Bool? in
            let state = session.state
            return state.ending != nil || state.handoff?.id != handoff.id ? true : nil
        }
        let state = session.state
        return HandoffView(
            success: true, handoffId: handoff.id, status: await view(session).status,
            handback: back == true ? state.handback?.map { words($0, session) } : nil)
    }

    @discardableResult
    private func letGo(_ session: AgentSession, message: String, kind: String, by actor: AuditActor) async
        -> AgentSession.Handoff
    {
        let handoff = AgentSession.Handoff(id: Identifier.make("hnd"), message: message, kind: kind, at: .now())
        session.box.withLockedValue { state in
            state.handoff = handoff
            state.handback = nil
        }
        await session.live.takeKeyboardFromAgent(seat: session.seatID)
        audit(actor, "control.handoff", session.id, session.live.origin.host.alias, ["kind": kind, "message": message])
        board.tell(session.agent.id, "control.handoff", session: session.id, text: message)
        notifyOwner(of: session, "\(session.agent.name) hands \(session.live.origin.host.alias) over to you.")
        return handoff
    }
}
