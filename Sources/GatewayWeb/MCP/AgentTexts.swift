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
    static func visible(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            if isHidden(scalar) {
                shown += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0..<0x20, 0x7F..<0xA0, 0xAD, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x200B...0x200F,
            0x2028...0x202E,
            0x2060...0x206F, 0x3164, 0xFEFF, 0xFFA0, 0xFFF9...0xFFFB, 0x1BCA0...0x1BCA3, 0x1D173...0x1D17A,
            0xE0000...0xE0FFF:
            true
        default: false
        }
    }

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
        if let back = session.handback { text += fenced(back.note, "note") }
        return text
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
