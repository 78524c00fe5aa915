import Audit
import NIOConcurrencyHelpers
import NIOCore
import SSH
import Storage

/// Until when an agent waits for a command.
public enum CommandWait: Sendable, Equatable {
    case exit
    /// It wrote more than so many bytes to both streams together.
    case output(beyond: Int)
}

/// Commands: judged, asked about, run on channels of their own, and always known how they ended.
extension AgentService {
    /// Runs a command, or asks a person first.
    /// - Returns: the command when it is over, or as it is when the wait is.
    public func exec(_ id: String, _ request: ExecRequest, _ agent: Agent) async throws(GatewayError)
        -> AgentCommandView
    {
        let session = try await active(id, agent)
        let text = try request.text()
        if let key = request.idempotencyKey, let known = session.state.keys[key],
            let command = board.read({ $0.commands[known] })
        {
            guard command.state.editedFrom ?? command.state.text == text else {
                throw .conflict(
                    "key_reused", "This idempotency key belongs to another command.", hint: "Use a new key.")
            }
            return try await wait(command, session, .exit, request.wait, request.view)
        }
        if !request.isDryRun { try await session.live.requireOpen() }
        let shell = request.inTerminal ? try await requirePrompt(session) : nil
        let classes = CommandClasses.of(text, at: request.inTerminal ? .prompt(shell: shell) : .channel)
        if !request.isDryRun { try await requireControl(session, forCommand: !request.inTerminal) }
        let deed = deed(text, request, session)
        let decision = decide(deed, classes, session, usingPlan: !request.isDryRun)
        let command = AgentCommand(
            sessionID: id, agent: agent, request: request, text: text, budget: session.outputBudget,
            onFinish: { [self] in finished($0, session) })
        command.change { state in
            state.classes = classes.sorted
            state.shell = shell
        }
        if request.isDryRun { return dryRun(command, decision, session) }
        if case .refuse(let rule, let sentence, let hint) = decision {
            audit(
                agent.auditActor, "command.refused", id, session.live.origin.host.alias, outcome: .refused,
                ["command": text, "rule": rule, "classes": classes.sorted.joined(separator: " ")])
            throw .policyDenied(rule, sentence, hint)
        }
        try submit(command, session)
        if case .ask(let why) = decision {
            ask(about: command, deed, why: why, session)
        } else {
            Task { await launch(command, session) }
        }
        return try await wait(command, session, .exit, request.wait, request.view)
    }

    private func deed(_ text: String, _ request: ExecRequest, _ session: AgentSession) -> AgentDeed {
        AgentDeed(
            text, folder: request.inTerminal ? session.state.folder : request.workingDirectory,
            input: request.input ?? [], isOpen: request.keepsInputOpen)
    }

    /// - Parameter usingPlan: a step of an approved plan lets its command through, once.
    func decide(_ deed: AgentDeed, _ classes: CommandClasses, _ session: AgentSession, usingPlan: Bool)
        -> CommandPolicy.Decision
    {
        let state = session.state
        let decision = CommandPolicy(
            grant: state.grant, allowedTexts: state.allowedTexts, allowedPatterns: state.allowedPatterns
        ).decide(deed, classes, now: clock())
        if usingPlan, case .ask = decision, session.box.withLockedValue({ Self.takeStep(deed, &$0) }) { return .run }
        return decision
    }

    private func dryRun(_ command: AgentCommand, _ decision: CommandPolicy.Decision, _ session: AgentSession)
        -> AgentCommandView
    {
        _ = command.change { state in
            state.flags.append("dry_run")
            switch decision {
            case .run: state.phase = .queued
            case .ask(let why):
                state.phase = .awaitingApproval
                state.denial = why
            case .refuse(_, let sentence, _):
                state.phase = .denied
                state.denial = sentence
            }
        }
        return view(command, session, command.request.view, control: nil, waitEnded: nil)
    }

    /// Bytes of input of one session's commands that wait to be sent.
    private static let inputWaiting = 64 << 20

    private func submit(_ command: AgentCommand, _ session: AgentSession) throws(GatewayError) {
        let state = session.state
        if let limit = state.grant.maxCommands, state.commandCount >= limit {
            audit(
                command.agent.auditActor, "quota.exceeded", session.id, session.live.origin.host.alias,
                outcome: .refused,
                ["commands": String(limit)])
            throw GatewayError(
                "quota", status: 429, "All \(limit) commands that were granted have been used.",
                hint: "Ask for access again.")
        }
        guard session.unfinished.count < ExecChannels.queueLimit else {
            throw GatewayError(
                "too_many_commands", status: 429, "\(ExecChannels.queueLimit) of your commands have not ended yet.",
                hint: "Wait for some of them, or stop them.", retryAfter: 1)
        }
        guard session.unfinished.reduce(command.pendingInput, { $0 + $1.pendingInput }) <= Self.inputWaiting else {
            throw GatewayError(
                "too_much_input", status: 429, "Too much input of your commands waits to be sent.",
                hint: "Wait for some of them, or write it to a file.", retryAfter: 1)
        }
        session.add(command)
        board.change { $0.commands[command.id] = command }
        audit(
            command.agent.auditActor, "command.submitted", session.id, session.live.origin.host.alias,
            ["command": command.state.text, "id": command.id, "classes": command.state.classes.joined(separator: " ")])
    }

    private func ask(about command: AgentCommand, _ deed: AgentDeed, why: String, _ session: AgentSession) {
        let approval = AgentApproval(
            sessionID: session.id, agent: command.agent, kind: .command, subject: deed.text, deed: deed,
            commandID: command.id, purpose: command.request.purpose, classes: command.state.classes, why: why,
            now: clock())
        _ = command.change { state in
            state.phase = .awaitingApproval
            state.approvalID = approval.id
            state.askedIn = deed.folder
        }
        open(approval, session)
    }

    /// Puts a question before people.
    func open(_ approval: AgentApproval, _ session: AgentSession) {
        board.change { $0.approvals[approval.id] = approval }
        audit(
            approval.agent.auditActor, "command.approval_requested", session.id, session.live.origin.host.alias,
            ["approval": approval.id, "subject": approval.subject, "why": approval.why])
        board.tell(
            approval.agent.id, "approval.requested", session: session.id, command: approval.commandID,
            approval: approval.id, text: approval.why)
        notifyOwner(of: session, "\(approval.agent.name) asks you something at \(session.live.origin.host.alias).")
    }

    /// Tells the person who answers for the session, wherever they are.
    func notifyOwner(of session: AgentSession, _ text: String) {
        services.notices.notify(
            userID: session.live.owner.id, kind: .agentRequest, text: text,
            link: "/s/\(session.live.id)?panel=agent")
    }

    /// A question is over without an answer.
    func close(_ approval: AgentApproval, _ state: AgentApproval.State) {
        let isFirst = board.change { board in
            guard var found = board.approvals[approval.id], found.state == .pending else { return false }
            found.state = state
            board.approvals[approval.id] = found
            return true
        }
        guard isFirst else { return }
        if let id = approval.commandID, let command = board.read({ $0.commands[id] }) {
            command.finish(state == .expired ? .approvalExpired : .denied) { $0.denial = "Nobody answered in time." }
        }
        board.tell(
            approval.agent.id, "approval." + state.name, session: approval.sessionID, command: approval.commandID,
            approval: approval.id)
    }

    /// What follows from an answer.
    func proceed(_ approval: AgentApproval, _ session: AgentSession) async {
        if case .approved = approval.state, approval.kind == .plan { adopt(plan: approval.id, session) }
        guard let id = approval.commandID, let command = board.read({ $0.commands[id] }) else { return }
        if case .denied(let reason, let by) = approval.state {
            command.finish(.denied) { $0.denial = reason.isEmpty ? "\(by) denied it." : "\(by) denied it: \(reason)" }
            return
        }
        _ = command.change { state in
            guard state.phase == .awaitingApproval else { return }
            state.phase = .queued
            if let edited = approval.edited, edited != state.text {
                state.editedFrom = state.text
                state.text = edited
            }
        }
        Task { await launch(command, session) }
    }

    func launch(_ command: AgentCommand, _ session: AgentSession) async {
        do throws(GatewayError) {
            if command.request.isDurable { return try await launchDurable(command, session) }
            if command.request.inTerminal { return try await launchInTerminal(command, session) }
            // Between the question and the answer the session may have been stopped, or left without its watcher.
            try await session.live.requireOpen()
            let script = ExecRequest.script(
                command.request.isRoot ? try command.request.line() : command.state.text,
                workingDirectory: command.request.workingDirectory, agent: command.agent.name)
            let sudo = command.request.isRoot ? try await sudoDialogue(session) : nil
            let line = try ShellQuoting.commandLine(sudo?.script(script, name: command.id) ?? script, name: command.id)
            board.tell(
                command.agent.id, "command.started", session: session.id, command: command.id, text: command.state.text)
            let launch = CommandLaunch(line: line, sudo: sudo, onTimeout: { Task { await stop(command, session) } })
            try await session.channels.run(command, launch)
        } catch {
            command.finish(.failed) { $0.failure = error }
        }
    }

    /// sudo, with the password by which an agent becomes root without ever having it.
    func sudoDialogue(_ session: AgentSession) async throws(GatewayError) -> SudoDialogue {
        guard let password = await services.hosts.secretsToHide(session.hostID).first else {
            throw .conflict(
                "no_password", "The vault has no password for this account: sudo could not be answered.",
                hint: "Run it without “sudo”, or hand off to the person.")
        }
        return SudoDialogue(password: password)
    }

    func finished(_ command: AgentCommand, _ session: AgentSession) {
        let state = command.state
        if command.request.inTerminal { session.leaveTerminal(command.id) }
        if state.isSent { Task { try? await durables.ended(command.id) } }
        var details = ["id": command.id, "state": state.phase.rawValue]
        if let code = state.exitCode { details["exitCode"] = String(code) }
        if let signal = state.signal { details["signal"] = signal }
        if let from = state.editedFrom { details["editedFrom"] = from }
        details["bytes"] = String(state.standardOutput.total + state.standardError.total)
        audit(
            command.agent.auditActor, "command.finished", session.id, session.live.origin.host.alias,
            outcome: state.phase == .exited ? .succeeded : .failed, details)
        if state.startedAt != nil {
            session.live.finished(command: state.text, by: command.agent.name, exitCode: state.exitCode)
        }
        board.tell(
            command.agent.id, "command." + state.phase.rawValue, session: session.id, command: command.id,
            text: state.exitCode.map(String.init))
    }

    // MARK: Afterwards

    /// One command.
    public func command(
        _ id: String, until: CommandWait = .exit, wait duration: Duration = .zero,
        view: CommandViewOptions = CommandViewOptions(), _ agent: Agent
    ) async throws(GatewayError) -> AgentCommandView {
        try await requireFound(command: id, agent)
        let (command, session) = try find(command: id, agent)
        return try await wait(command, session, until, duration, view)
    }

    /// The commands of a session, the oldest first.
    public func commands(_ sessionID: String, _ agent: Agent) async throws(GatewayError) -> [AgentCommandView] {
        let session = try find(sessionID, agent)
        let options = CommandViewOptions(maxBytes: 2048)
        return session.state.commands.map { view($0, session, options, control: nil, waitEnded: nil) }
    }

    func find(command id: String, _ agent: Agent) throws(GatewayError) -> (AgentCommand, AgentSession) {
        guard let command = board.read({ $0.commands[id] }), command.agent.id == agent.id,
            let session = board.read({ $0.sessions[command.sessionID] })
        else { throw .notFound("command") }
        return (command, session)
    }

    private func wait(
        _ command: AgentCommand, _ session: AgentSession, _ until: CommandWait, _ duration: Duration,
        _ options: CommandViewOptions
    ) async throws(GatewayError) -> AgentCommandView {
        let before = await session.live.control(since: session.seat.controlSince)
        let ended = try await waiting(
            on: until == .exit ? command.changes : command.outputChanges, for: duration, command.agent
        ) {
            () async throws(GatewayError) -> String? in
            if command.phase.isOver { return "" }
            if case .output(let bytes) = until, command.written > bytes { return "" }
            let now = await session.live.control(since: session.seat.controlSince)
            return now.epoch != before.epoch && command.phase == .running ? "control_changed" : nil
        }
        let control = await session.live.control(since: session.seat.controlSince)
        let why = command.phase.isOver ? nil : ended.map { $0.isEmpty ? "output" : $0 } ?? "timeout"
        return view(command, session, options, control: control, waitEnded: why)
    }

    func view(
        _ command: AgentCommand, _ session: AgentSession, _ options: CommandViewOptions, control: ControlView?,
        waitEnded: String?
    ) -> AgentCommandView {
        let state = command.state
        let approval = state.approvalID.flatMap { id in board.read { $0.approvals[id] } }
        return AgentCommandView(
            command, state, options: options,
            approval: approval.map { .init(id: $0.id, status: $0.state.name, by: $0.state.person) }, control: control,
            waitEnded: waitEnded, words: { words($0, session) }, redact: { redact($0, shown: $1, session) })
    }

    /// A part of what a command wrote, from anywhere.
    public func commandOutput(
        _ id: String, isError: Bool, offset: Int, limit: Int, base64: Bool = false, _ agent: Agent
    ) async throws(GatewayError) -> CommandOutputView {
        let (command, session) = try find(command: id, agent)
        let output = isError ? command.state.standardError : command.state.standardOutput
        let limit = min(max(limit, 1), 1 << 20)
        let wanted = min(max(offset, 0), output.total)
        let from = output.bytes(from: wanted, limit: limit) == nil ? output.tailOffset : wanted
        var bytes = output.bytes(from: from, limit: limit) ?? []
        if !base64, from + bytes.count < output.total { bytes = CompleteText.prefix(bytes) }
        let around = surroundings(of: from..<(from + bytes.count), in: output)
        let shown = redact(around.bytes, shown: around.shown, session).bytes
        return CommandOutputView(
            commandId: id, stream: isError ? "stderr" : "stdout", offset: from, nextOffset: from + bytes.count,
            totalBytes: output.total, gap: from > wanted ? .init(from: wanted, to: from) : nil,
            text: base64 ? nil : String(decoding: shown, as: UTF8.self), base64: base64 ? Self.base64(shown) : nil)
    }

    /// A part with what was kept around it, so that its borders show no half of a secret.
    private func surroundings(of part: Range<Int>, in output: CommandOutput) -> (bytes: [UInt8], shown: Range<Int>) {
        let begin =
            output.isComplete || part.lowerBound < output.head.count
            ? max(0, part.lowerBound - Self.redactionReach)
            : max(output.tailOffset, part.lowerBound - Self.redactionReach)
        let limit = part.upperBound - begin + Self.redactionReach
        let bytes = output.bytes(from: begin, limit: limit) ?? []
        return (bytes, (part.lowerBound - begin)..<min(part.upperBound - begin, bytes.count))
    }

    /// More input for a running command.
    public func sendInput(_ id: String, _ bytes: [UInt8], endOfFile: Bool, _ agent: Agent) async throws(GatewayError) {
        let (command, session) = try find(command: id, agent)
        _ = try await active(session.id, agent)
        try await requireControl(session, forCommand: true)
        // It may wait for its channel yet.
        _ = try await waiting(on: command.changes, for: .seconds(10), agent) { () throws(GatewayError) -> Bool? in
            command.phase == .queued ? nil : true
        }
        guard let channel = command.state.channel, command.state.isInputOpen else {
            throw .conflict(
                "input_closed", "This command takes no more input.",
                hint: "Start it with “stdinOpen”: true, and send input while it runs.")
        }
        let taken = try await GatewayError.mapping {
            try await channel.connection.eventLoop.submit {
                guard bytes.isEmpty || channel.write(ByteBuffer(bytes: bytes)) else { return false }
                if endOfFile { channel.sendEOF() }
                return true
            }.get()
        }
        guard taken else {
            throw GatewayError(
                "too_much_input", status: 429, "The command does not read as fast as you send.", hint: "Send it later.",
                retryAfter: 1)
        }
        if endOfFile { _ = command.change { $0.isInputOpen = false } }
        audit(
            agent.auditActor, "input.sent", session.id, session.live.origin.host.alias,
            ["command": id, "bytes": String(bytes.count)])
    }

    /// Sends a running command a signal, by its name without "SIG".
    public func signalCommand(_ id: String, _ name: String, _ agent: Agent) async throws(GatewayError) -> SignalAnswer {
        let (command, session) = try find(command: id, agent)
        _ = try await active(session.id, agent)
        let name = name.uppercased().hasPrefix("SIG") ? String(name.uppercased().dropFirst(3)) : name.uppercased()
        guard ["INT", "TERM", "KILL", "HUP", "QUIT", "USR1", "USR2"].contains(name) else {
            throw .invalid("signal", "There is no such signal here.", hint: "INT, TERM, KILL, HUP, QUIT, USR1 or USR2.")
        }
        guard let channel = command.state.channel else {
            throw .conflict("not_running", "This command does not run.", hint: "Look at its state.")
        }
        channel.connection.eventLoop.execute { channel.signal(name) }
        audit(
            agent.auditActor, "signal.sent", session.id, session.live.origin.host.alias,
            ["command": id, "signal": name])
        return SignalAnswer(success: true, delivered: "channel")
    }

    /// Ends a command with everything it started, or says that it could not be confirmed.
    public func stop(_ id: String, _ agent: Agent) async throws(GatewayError) -> AgentCommandView {
        let (command, session) = try find(command: id, agent)
        await stop(command, session)
        return view(command, session, command.request.view, control: nil, waitEnded: nil)
    }

    func stop(_ command: AgentCommand, _ session: AgentSession) async {
        let phase = command.phase
        if phase == .lost, command.state.stopOutcome != .stopped { return await stopLost(command, session) }
        guard !phase.isOver else { return }
        if command.request.isDurable, command.state.isSent { return await stopDurable(command, session) }
        if phase != .running {
            if let id = command.state.approvalID, let approval = board.read({ $0.approvals[id] }) {
                close(approval, .withdrawn)
            }
            command.finish(.stopped) { $0.stopOutcome = .stopped }
            return
        }
        if command.request.inTerminal { return await stopInTerminal(command, session) }
        if let channel = command.state.channel {
            command.change { $0.stopOutcome = .stopped }
            channel.connection.eventLoop.execute { channel.signal("TERM") }
            let isOver = await over(command, within: .milliseconds(700))
            // Its own process may be gone while what it started has stayed.
            let isGone = await climb(command, session)
            if !isOver { _ = await over(command, within: .seconds(1)) }
            _ = command.change { $0.stopOutcome = isGone ? .stopped : .unconfirmed }
            if !command.phase.isOver {
                channel.connection.eventLoop.execute { channel.abort() }
                command.finish(isGone ? .stopped : .lost)
            }
        }
        audit(
            .copilot, "command.stopped", session.id, session.live.origin.host.alias,
            ["id": command.id, "outcome": command.state.stopOutcome?.rawValue ?? ""])
    }

    /// Ends what is left of a command, as root where it ran as root: by sudo again, since nobody else may signal it.
    func climb(_ command: AgentCommand, _ session: AgentSession) async -> Bool {
        var sudo: SudoDialogue?
        if command.request.isRoot { sudo = try? await sudoDialogue(session) }
        return await StopLadder.climb(command, on: session.channels, sudo: sudo)
    }

    func over(_ command: AgentCommand, within duration: Duration) async -> Bool {
        let deadline = ContinuousClock.now + duration
        while !command.phase.isOver, ContinuousClock.now < deadline {
            let seen = command.changes.version
            if command.phase.isOver { break }
            await command.changes.wait(after: seen, until: deadline)
        }
        return command.phase.isOver
    }
}

extension GatewayError {
    /// The policy of an agent's session says no, by a rule that it names.
    static func policyDenied(_ rule: String, _ sentence: String, _ hint: String) -> GatewayError {
        GatewayError(
            "policy_denied", status: 403, sentence, hint: hint, details: ["rule": .string(rule)])
    }
}
