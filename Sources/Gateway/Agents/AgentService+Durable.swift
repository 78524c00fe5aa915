import NIOConcurrencyHelpers
import NIOCore
import SSH
import Storage

/// Durable commands: started once, watched for as long as there is a connection, found again after one.
extension AgentService {
    /// What is written down before the host hears of it is never started a second time.
    func launchDurable(_ command: AgentCommand, _ session: AgentSession) async throws(GatewayError) {
        try await session.live.requireOpen()
        let (state, request) = (command.state, command.request)
        let script = ExecRequest.script(
            request.isRoot ? try request.line() : state.text, workingDirectory: request.workingDirectory,
            agent: command.agent.name)
        let sudo = request.isRoot ? try await sudoDialogue(session) : nil
        let line = try Self.watching(
            DurableRun.start(script, id: command.id, inputBytes: command.pendingInput), sudo)
        let entry = DurableCommands.Entry(
            id: command.id, agentID: command.agent.id, hostID: session.hostID, text: state.text,
            editedFrom: state.editedFrom, workingDirectory: request.workingDirectory, purpose: request.purpose,
            key: request.idempotencyKey, classes: state.classes, isRoot: request.isRoot, submitted: command.submittedAt,
            stopAt: request.onTimeout == .stop ? .now() + request.timeout : nil)
        let durables = durables
        try await GatewayError.mapping { try await durables.add(entry) }
        command.change { $0.flags.append("durable") }
        board.tell(
            command.agent.id, "command.started", session: session.id, command: command.id, text: state.text)
        try await run(command, line, sudo, session)
    }

    /// A durable command of root's is kept where only root reads and writes: whoever watches it becomes root first.
    private static func watching(_ script: String, _ sudo: SudoDialogue?) throws(GatewayError) -> String {
        guard let sudo else { return try ShellQuoting.commandLine(script, name: "attach") }
        return try ShellQuoting.commandLine(
            sudo.script(DurableRun.ofRoot(script), name: "attach"), name: "attach")
    }

    private func run(
        _ command: AgentCommand, _ line: String, _ sudo: SudoDialogue?, _ session: AgentSession,
        isAttaching: Bool = false
    ) async throws(GatewayError) {
        let launch = CommandLaunch(
            line: line, sudo: sudo, isAttaching: isAttaching, onTimeout: { Task { await stop(command, session) } },
            onDetached: { attachSoon(command, session) })
        try await session.channels.run(command, launch)
    }

    /// The channel of a durable command is gone. While the host is there, another takes its place; a lost host is connected
    /// again first.
    func attachSoon(_ command: AgentCommand, _ session: AgentSession) {
        Task {
            // The session notices a lost connection in the same moment as the channel: what it will do is known a moment later.
            try? await Task.sleep(for: .milliseconds(300))
            guard !command.phase.isOver, command.state.channel == nil, session.state.ending == nil else { return }
            guard !session.state.isReconnecting else { return }
            await attach(command, session)
        }
    }

    func attach(_ command: AgentCommand, _ session: AgentSession) async {
        let state = command.state
        let watch = DurableRun.attach(
            id: command.id, output: state.standardOutput.total, error: state.standardError.total)
        do throws(GatewayError) {
            if state.stopOutcome != nil { return await stopDurable(command, session) }
            let sudo = command.request.isRoot ? try await sudoDialogue(session) : nil
            try await run(command, try Self.watching(watch, sudo), sudo, session, isAttaching: true)
        } catch {
            // The session's end, or the next connection, decides.
            let isLive = await session.live.state == .live
            if isLive, !session.state.isReconnecting, session.state.ending == nil { attachSoon(command, session) }
        }
    }

    /// Ends a durable command with everything that it started.
    func stopDurable(_ command: AgentCommand, _ session: AgentSession) async {
        command.change { $0.stopOutcome = .unconfirmed }
        let isGone = await climb(command, session)
        command.change { $0.stopOutcome = isGone ? .stopped : .unconfirmed }
        let channel = command.state.channel
        if isGone, !(await over(command, within: .seconds(1))) {
            command.finish(.stopped)
            // Nothing is left to be watched.
            channel?.connection.eventLoop.execute { channel?.abort() }
        }
        // Unconfirmed: it is tried again with the next connection, unless there will be none.
        if !isGone, session.state.ending != nil { command.finish(.lost) }
        audit(
            .copilot, "command.stopped", session.id, session.live.origin.host.alias,
            ["id": command.id, "outcome": command.state.stopOutcome?.rawValue ?? ""])
    }

    /// A command whose link broke may still run: its processes are looked up by its name and ended.
    func stopLost(_ command: AgentCommand, _ session: AgentSession) async {
        let isGone = await climb(command, session)
        command.change { $0.stopOutcome = isGone ? .stopped : .unconfirmed }
        audit(
            .copilot, "command.stopped", session.id, session.live.origin.host.alias,
            ["id": command.id, "outcome": command.state.stopOutcome?.rawValue ?? ""])
    }

    // MARK: Found again

    /// A new session of the same agent at the same host knows the durable commands of those before.
    func findDurables(again session: AgentSession) async {
        let durables = durables
        guard let entries = try? await durables.entries(agentID: session.agent.id, hostID: session.hostID) else {
            return
        }
        for entry in entries {
            // Whoever may not become root here does not get to read what root wrote.
            if entry.isRoot, session.grant.sudo == .never { continue }
            // What another session of this agent watches stays with that.
            if let known = board.read({ $0.commands[entry.id] }), !known.phase.isOver || known.sessionID == session.id {
                guard board.read({ $0.sessions[known.sessionID] })?.state.ending != nil else { continue }
            }
            let command = restored(entry, session)
            session.add(command)
            board.change { $0.commands[command.id] = command }
            attachSoon(command, session)
        }
    }

    private func restored(_ entry: DurableCommands.Entry, _ session: AgentSession) -> AgentCommand {
        let stop = entry.stopAt.map { $0 - entry.submitted }
        var request = ExecRequest(
            command: entry.text, workingDirectory: entry.workingDirectory,
            timeout: stop ?? .seconds(24 * 3600), onTimeout: stop == nil ? .detach : .stop, idempotencyKey: entry.key,
            isDurable: true, purpose: entry.purpose)
        request.isRoot = entry.isRoot
        let command = AgentCommand(
            id: entry.id, sessionID: session.id, agent: session.agent, request: request, text: entry.text,
            submittedAt: entry.submitted, budget: session.outputBudget, onFinish: { [self] in finished($0, session) })
        command.change { state in
            state.phase = .running
            state.startedAt = entry.submitted
            state.editedFrom = entry.editedFrom
            state.classes = entry.classes
            state.flags = ["durable", "found_again"]
            state.isSent = true
        }
        return command
    }

    /// A durable command of a session that is over is not lost: whoever asks for it is told how to find it.
    func requireFound(command id: String, _ agent: Agent) async throws(GatewayError) {
        guard board.read({ $0.commands[id] }) == nil else { return }
        let durables = durables
        let entry = try await GatewayError.mapping { try await durables.entry(id, agentID: agent.id) }
        guard entry != nil else { throw .notFound("command") }
        throw GatewayError(
            "not_connected", status: 425, "This command is at its host, and you have no session there.",
            hint: "Ask for access to the same host again; the command is found again then.")
    }

    /// An agent that has finished leaves nothing at the host: what its finished durable commands wrote is removed.
    func clearDurables(of session: AgentSession) async {
        let done = session.state.commands.filter { $0.state.isSent && $0.phase == .exited }
        for isRoot in [false, true] {
            let ids = done.filter { $0.request.isRoot == isRoot }.map(\.id)
            guard !ids.isEmpty else { continue }
            let sudo = isRoot ? try? await sudoDialogue(session) : nil
            guard isRoot == (sudo != nil), let line = try? Self.watching(DurableRun.removal(ids), sudo),
                let result = await session.channels.aside(line, sudo: sudo), result.exit == .status(0)
            else { continue }
            try? await durables.remove(ids)
        }
    }
}
