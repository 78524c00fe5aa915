import Gateway

/// Answers in words for a model: short, with the next step, and with everything that a host or a person wrote between marks
/// that nobody can foresee.
enum AgentTexts {
    /// Foreign text between marks of this one answer, so that it cannot pretend to be the answer's own words.
    static func fenced(_ text: String, _ name: String) -> String {
        guard !text.isEmpty else { return "" }
        let mark = String(UInt64.random(in: .min ... .max), radix: 36)
        return "\n\(name) (data from the server) between \(mark):\n\(mark)\n\(visible(text))\n\(mark)\n"
    }

    /// Control, invisible and direction-changing characters, written out.
    static func visible(_ text: String) -> String { VisibleText.marked(text) }

    static func line(_ session: AgentSessionView) -> String {
        let person = session.control.map { ", control: \($0.holder)" } ?? ""
        return "\(session.id) \(visible(session.username))@\(visible(session.host)): \(session.status)\(person)"
    }

    static func session(_ session: AgentSessionView) -> String {
        var text = line(session)
        switch session.status {
        case "pending":
            text +=
                "\nA person has not decided yet: \(session.approveUrl)\nNext: ssh_wait with sessionId \(session.id)."
        case "denied", "connect_failed": text += fenced(session.decision ?? "", "reason")
        case "ai_control": text += "\nYou may work here: ssh_exec with sessionId \(session.id)."
        case "user_control", "paused":
            text += "\nA person has the terminal. Next: ssh_wait with sessionId \(session.id), until: control."
        default: break
        }
        if let back = session.handback { text += handback(back) }
        return text
    }

    static func handback(_ back: HandbackView) -> String {
        let commands = back.humanCommands.map { "\($0.command)" + ($0.exitCode.map { " (exit code \($0))" } ?? "") }
        return fenced(back.note, "note") + fenced(commands.joined(separator: "\n"), "what people ran")
            + (back.cwd.map { "\nThe shell is in \(visible($0))." } ?? "")
    }

    static func command(_ command: AgentCommandView) -> String {
        var text: String
        switch command.state {
        case "awaiting_approval":
            text = "\(command.commandId) waits for a person's approval."
        case "queued", "running": text = "\(command.commandId) is \(command.state)."
        default:
            let code =
                command.exitCode.map { "exit code \($0)" } ?? command.signal.map { "signal \($0)" } ?? command.state
            text = "\(command.commandId): \(code)" + (command.durationMs.map { ", \($0) ms" } ?? "")
        }
        if let error = command.error { text += "\n\(visible(error))" }
        if let hint = command.hint { text += "\n\(visible(hint))" }
        if let edited = command.editedFrom { text += "\nA person changed it; you sent: \(visible(edited))" }
        text += fenced(command.stdout, "stdout") + fenced(command.stderr, "stderr")
        for (stream, binary) in (command.binary ?? [:]).sorted(by: { $0.key < $1.key }) {
            text += "\n\(stream) is binary (\(binary.sniff), \(binary.bytes) bytes)."
        }
        if let folder = command.cwdAfter { text += "\nThe shell is in \(visible(folder))." }
        if command.isPending, let waiting = command.waiting, waiting.kind != "none" {
            text += "\nThe terminal waits for: \(waiting.kind) (ssh_input, or ssh_signal SIGINT)."
        }
        if let outcome = command.stop { text += "\nStop: \(outcome)." }
        if command.isPending, !command.flags.contains("dry_run") {
            text += "\nNext: ssh_wait with commandId \(command.commandId). Do not run it again."
        }
        return text
    }

    static func approval(_ approval: ApprovalView) -> String { "\(approval.id): \(approval.status)." }

    static func plan(_ plan: PlanView) -> String {
        let steps = plan.steps.enumerated().map {
            "\($0.offset + 1). [\($0.element.decision)] \(visible($0.element.command))"
        }
        let next = plan.status == "pending" ? "\nNext: ssh_wait with planId \(plan.planId)." : ""
        return "Plan \(plan.planId): \(plan.status).\n" + steps.joined(separator: "\n") + next
    }

    static func screen(_ screen: ScreenView) -> String {
        "\(screen.cols)×\(screen.rows), cursor at row \(screen.cursor.row), column \(screen.cursor.col)"
            + fenced(screen.lines.joined(separator: "\n"), "screen")
    }

    static func typed(_ answer: TerminalAnswer) -> String {
        var text =
            answer.matched.map { "Matched: \(visible($0))" }
            ?? (answer.timeout == true ? "Time is up without a match." : "Typed.")
        text += " state \(answer.state)"
        if let waiting = answer.waiting, waiting.kind != "none" { text += ", the terminal waits for: \(waiting.kind)" }
        if let ended = answer.waitEnded, ended != "timeout" { text += "\nThe wait ended: \(ended)." }
        text += fenced((answer.lines ?? []).joined(separator: "\n"), "terminal")
        if let screen = answer.screen { text += self.screen(screen) }
        return text
    }

    static func signalled(_ answer: SignalAnswer) -> String {
        answer.success ? "Sent (\(answer.delivered))." : "Not confirmed."
    }
}
