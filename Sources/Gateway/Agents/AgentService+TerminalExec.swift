import NIOConcurrencyHelpers
import NIOCore
import Storage

/// Commands in the session's own terminal: typed at its shell's prompt as a person would, so that folder, variables and jobs stay,
/// and everybody sees an ordinary shell. One at a time; the next one waits.
extension AgentService {
    /// Commands of one terminal that wait or run.
    static let terminalQueue = 16
    /// How long a shell may take to show that it understood the line that sets up its marks.
    private static let installing: Duration = .seconds(3)
    /// Pauses before the terminal is asked what it waits for: often at first, seldom beside a command that takes hours.
    private static let asking: [Duration] = [.milliseconds(450), .seconds(1), .seconds(2), .seconds(5), .seconds(10)]
    /// Empties a line: to its end, then all of it away. Known to every line editor, and to the terminal itself.
    private static let emptiesLine: [UInt8] = [0x05, 0x15]

    /// Whether a command may be typed now: the agent may type at all, it has the keyboard, and there is a prompt, or a command of its
    /// own in front.
    /// - Returns: the shell that will read it.
    func requirePrompt(_ session: AgentSession) async throws(GatewayError) -> String? {
        guard session.grant.mode >= .supervised else {
            throw .policyDenied(
                session.grant.mode.rawValue, "You may not type at this session.",
                "Run it without “terminal”, or ask for access in another mode.")
        }
        try await requireControl(session, forCommand: false)
        let (queued, marks) = session.box.withLockedValue { ($0.terminalQueue.count, $0.marks) }
        guard queued < Self.terminalQueue else {
            throw GatewayError(
                "too_many_commands", status: 429, "\(Self.terminalQueue) commands wait for this terminal.",
                hint: "Wait for some of them to end.", retryAfter: 1)
        }
        if queued > 0, let marks { return marks.shell }
        let waiting = await probe(session)
        guard waiting.kind == "prompt" else { throw busy(waiting, session) }
        return waiting.foreground
    }

    private func busy(_ waiting: WaitingView, _ session: AgentSession) -> GatewayError {
        let program = words(waiting.foreground ?? "a program", session)
        return GatewayError(
            "terminal_busy", status: 409, "The terminal is not at its prompt: \(program) has it.",
            hint: "Wait for it (waitForMode prompt), leave it (keys C-c, q, C-d), or run this without “terminal”.",
            details: ["kind": .string(waiting.kind), "foreground": .string(program)])
    }

    /// Types a command when it is its turn, and reads what it writes until the prompt comes back.
    func launchInTerminal(_ command: AgentCommand, _ session: AgentSession) async throws(GatewayError) {
        session.box.withLockedValue { $0.terminalQueue.append(command.id) }
        while !command.phase.isOver, session.state.terminalQueue.first != command.id {
            let seen = session.terminalChanges.version
            guard session.state.terminalQueue.first != command.id else { break }
            await session.terminalChanges.wait(after: seen, until: .now + .milliseconds(500))
        }
        guard !command.phase.isOver else { return }
        try await session.live.requireOpen()
        try await requireControl(session, forCommand: false)
        let waiting = await probe(session)
        guard waiting.kind == "prompt" else { throw busy(waiting, session) }
        // It was judged as this shell reads it, and another reads it otherwise.
        guard waiting.foreground == command.state.shell else {
            throw .conflict(
                "shell_changed", "Another shell has the terminal than when this command was judged.",
                hint: "Send it again.")
        }
        // What a person allowed in one folder does not run in another.
        if command.state.approvalID != nil, session.state.folder != command.state.askedIn {
            throw .conflict(
                "folder_changed", "The shell is in another folder than when a person was asked about this command.",
                hint: "Send it again, to be asked about where it runs now.")
        }
        let marks = await promptMarks(waiting, session)
        let prompt = await session.live.typingMark
        let mark = try await type(command.state.text, session)
        let isWanted = command.change { state in
            guard !state.phase.isOver else { return false }
            state.phase = .running
            state.startedAt = .now()
            if marks == nil { state.flags.append("no_marks") }
            return true
        }
        if !isWanted { _ = try? await typeKeys([0x03], session) }
        board.tell(
            command.agent.id, "command.started", session: session.id, command: command.id, text: command.state.text)
        await follow(command, session, from: mark.offset, prompt: prompt.prefix, marks)
    }

    private func type(_ line: String, _ session: AgentSession) async throws(GatewayError) -> TypingMark {
        // Whatever somebody left in the line does not become a part of this.
        let isEmpty = session.box.withLockedValue { $0.typed.isKnown && $0.typed.text.isEmpty }
        let mark = try await typeKeys((isEmpty ? [] : Self.emptiesLine) + Array(line.utf8) + [0x0D], session)
        session.box.withLockedValue { $0.typed = TypedLine() }
        return mark
    }

    private func typeKeys(_ bytes: [UInt8], _ session: AgentSession) async throws(GatewayError) -> TypingMark {
        try await session.live.type(
            ByteBuffer(bytes: bytes), seat: session.seatID, epoch: nil, outlet: session.seat)
    }

    // MARK: Marks

    /// The marks of the shell that has the prompt; set up now where it has none yet. Nil for one that can't be told to mark.
    private func promptMarks(_ waiting: WaitingView, _ session: AgentSession) async -> PromptMarks? {
        guard waiting.confidence == "tty", let shell = waiting.foreground, let pid = session.state.foregroundID else {
            return nil
        }
        let generation = session.place.generation
        if let known = session.state.marks, known.processID == pid, known.generation == generation,
            known.shell == shell
        {
            return known
        }
        let marks = PromptMarks(
            processID: pid, shell: shell, nonce: String(SecretToken().text.prefix(16)), generation: generation)
        guard let line = marks.installation, session.state.unmarkable != pid,
            let mark = try? await type(line, session)
        else { return nil }
        guard await isInstalled(marks, since: mark.offset, session) else {
            session.box.withLockedValue { $0.unmarkable = pid }
            return nil
        }
        session.box.withLockedValue { $0.marks = marks }
        return marks
    }

    private func isInstalled(_ marks: PromptMarks, since offset: UInt64, _ session: AgentSession) async -> Bool {
        let deadline = ContinuousClock.now + Self.installing
        let wanted = Array("\u{1B}]133;D;0;\(marks.nonce);".utf8)
        while ContinuousClock.now < deadline, session.state.ending == nil {
            let seen = session.seat.changes.version
            let found = await session.live.rawOutput(from: offset, limit: 64 << 10)
            if found.bytes.firstRange(of: wanted) != nil { return true }
            await session.seat.changes.wait(after: seen, until: deadline)
        }
        return false
    }

    // MARK: Until the prompt comes back

    private func follow(
        _ command: AgentCommand, _ session: AgentSession, from start: UInt64, prompt: String, _ marks: PromptMarks?
    ) async {
        let place = session.place
        let view = await place.live.view()
        var reader = TerminalCommandReader(columns: view.columns, rows: view.rows, marks: marks)
        var offset = start
        var asked = (times: 0, prompts: 0, at: ContinuousClock.now + Self.asking[0])
        let due = ContinuousClock.now + command.request.timeout
        while !command.phase.isOver {
            let seen = place.seat.changes.version
            let found = await place.live.rawOutput(from: offset, limit: 256 << 10)
            if found.from > offset { flag(command, "output_lost") }
            if await place.live.hidden.isOn { flag(command, "private") }
            offset = found.from + UInt64(found.bytes.count)
            let text = reader.read(found.bytes)
            if !text.isEmpty { command.write(ByteBuffer(string: text).readableBytesView, isError: false) }
            if let ending = reader.ending {
                command.finish(.exited) { state in
                    state.exitCode = ending.exitCode
                    state.folderAfter = ending.folder
                    state.waiting = nil
                }
                return
            }
            guard session.state.ending == nil, place.generation == session.place.generation, place.seat.ending == nil
            else {
                command.finish(.lost)
                return
            }
            if ContinuousClock.now >= due, timedOut(command) { Task { await stop(command, session) } }
            guard offset >= found.end else { continue }
            if NIODeadline.now() - place.seat.outputAt >= .milliseconds(400), ContinuousClock.now >= asked.at {
                let isBack = await isBack(command, session, prompt, marks)
                // The mark stands before the prompt's own text, and may have come a moment ago: it is looked for once more.
                if isBack, marks == nil || asked.prompts > 0 { return endUnmarked(command, session, reader) }
                let pause = isBack ? Self.asking[0] : Self.asking[min(asked.times, Self.asking.count - 1)]
                asked = (asked.times + 1, asked.prompts + (isBack ? 1 : 0), .now + pause)
            }
            let next = command.state.timedOut ? asked.at : min(asked.at, due)
            await place.seat.changes.wait(after: seen, until: max(next, .now + .milliseconds(100)))
        }
    }

    private func flag(_ command: AgentCommand, _ flag: String) {
        command.change { if !$0.flags.contains(flag) { $0.flags.append(flag) } }
    }

    private func timedOut(_ command: AgentCommand) -> Bool {
        command.change { state in
            guard !state.phase.isOver, !state.timedOut else { return false }
            state.timedOut = true
            return command.request.onTimeout == .stop
        }
    }

    /// Asks the terminal what it waits for.
    /// - Returns: whether it is at its prompt again, so that the command must be over.
    private func isBack(
        _ command: AgentCommand, _ session: AgentSession, _ prompt: String, _ marks: PromptMarks?
    ) async -> Bool {
        var waiting = await probe(session)
        if waiting.kind == "password" { await yieldForPassword(session, prompt: waiting.prompt) }
        guard waiting.kind == "prompt" else {
            command.change { $0.waiting = waiting }
            return false
        }
        let line = await session.live.typingMark.prefix
        if line == prompt || command.state.flags.contains("private") { return true }
        // Without marks a folder in the prompt may be another now; what stands at its end is the same.
        if marks == nil, let last = prompt.last(where: { $0 != " " }), line.last(where: { $0 != " " }) == last {
            return true
        }
        // The shell shows another text than its prompt: it asks for the rest of the command.
        waiting = WaitingView(
            kind: "line", prompt: waiting.prompt, foreground: waiting.foreground, confidence: waiting.confidence)
        command.change { $0.waiting = waiting }
        return false
    }

    /// The prompt came back and nothing says with which exit code: nobody invents one.
    private func endUnmarked(_ command: AgentCommand, _ session: AgentSession, _ reader: TerminalCommandReader) {
        flag(command, "no_exit_code")
        session.box.withLockedValue { $0.marks = nil }
        command.finish(.exited) { $0.waiting = nil }
    }

    // MARK: Stopping

    /// Ends what a command started in the terminal, and never the terminal's shell.
    func stopInTerminal(_ command: AgentCommand, _ session: AgentSession) async {
        command.change { $0.stopOutcome = .stopped }
        let control = await session.live.control(since: session.seat.controlSince)
        if control.holder == "agent", !session.state.isPaused {
            _ = try? await typeKeys([0x03], session)
        } else if let connection = await session.live.connectionOfAgents {
            _ = await TerminalSignal.send("INT", over: connection)
        }
        var isOver = await over(command, within: .seconds(1))
        for name in ["TERM", "KILL"] where !isOver {
            guard let connection = await session.live.connectionOfAgents,
                await TerminalSignal.send(name, over: connection, sparing: session.state.marks?.processID)
            else { break }
            isOver = await over(command, within: .milliseconds(900))
        }
        if !isOver {
            let isBack = await probe(session).kind == "prompt"
            command.change { $0.stopOutcome = isBack ? .stopped : .unconfirmed }
            command.finish(isBack ? .stopped : .lost)
        }
        audit(
            .copilot, "command.stopped", session.id, session.live.origin.host.alias,
            ["id": command.id, "outcome": command.state.stopOutcome?.rawValue ?? ""])
    }
}
