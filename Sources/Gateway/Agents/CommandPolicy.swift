import ShellGrammar
import Storage

/// What a command may do, as far as its text tells.
struct CommandClasses: Sendable, Equatable {
    /// `read`, `write`, `destructive`, `privileged`, `network`, `secrets`, `service`, `system`, `power`, `interactive`,
    /// `unknown`.
    var names: Set<String>
    /// Why, for people.
    var why: String
    let found: CommandClass

    var onlyReads: Bool { names.isSubset(of: ["read"]) }
    var sorted: [String] { names.sorted() }
}

/// Decides about one command of an agent: the grant's patterns, its mode, and what people allowed meanwhile.
///
/// This judges text. It keeps accidents and misled agents in check; what the account at the host may do is the boundary.
struct CommandPolicy: Sendable {
    enum Decision: Sendable, Equatable {
        case run
        case ask(String)
        case refuse(rule: String, sentence: String, hint: String)
    }

    let grant: AgentGrant
    /// By the key of the deed that a person allowed.
    let allowedTexts: [String: Timestamp]
    let allowedPatterns: [String]

    func decide(_ text: String, _ classes: CommandClasses, now: Timestamp = .now()) -> Decision {
        decide(AgentDeed(text), classes, now: now)
    }

    func decide(_ deed: AgentDeed, _ classes: CommandClasses, now: Timestamp) -> Decision {
        let text = deed.text
        for pattern in grant.deny where forbids(pattern, text, classes) {
            return .refuse(
                rule: "deny", sentence: "This session's grant forbids it: “\(pattern)”.",
                hint: "Do without it, or ask the person with a handoff.")
        }
        if classes.names.contains("privileged"), grant.sudo == .never {
            return .refuse(
                rule: "sudo_never", sentence: "This session's grant has no right to act as another account.",
                hint: "Do without it, or ask for a session with sudo.")
        }
        switch grant.mode {
        case .observe:
            return .refuse(
                rule: "observe", sentence: "You may only look at this session.",
                hint: "Ask for access in another mode, and say why.")
        case .readOnly:
            if classes.onlyReads { return .run }
            return .refuse(
                rule: "read_only", sentence: "This session is for reading only: \(classes.why)",
                hint: "Run a command that only reads; `cwd` stands for cd.")
        case .supervised, .trusted: return beyondReading(deed, classes, now)
        }
    }

    private func beyondReading(_ deed: AgentDeed, _ classes: CommandClasses, _ now: Timestamp) -> Decision {
        let text = deed.text
        if let until = allowedTexts[deed.key], until > now { return .run }
        if isAllowed(text, by: allowedPatterns) { return .run }
        // A pattern of the grant lets a command through, but never one that needs root where that is to be asked.
        let asksForRoot = classes.names.contains("privileged") && grant.sudo != .allow
        if !asksForRoot, isAllowed(text, by: grant.allow) { return .run }
        if asksForRoot { return .ask("It acts as another account. \(classes.why)") }
        if classes.onlyReads { return .run }
        if grant.mode == .supervised { return .ask(classes.why) }
        let grave = classes.names.intersection(["destructive", "power", "secrets"])
        return grave.isEmpty ? .run : .ask(classes.why)
    }

    /// A pattern holds for one command: what stands behind an operator is another.
    private func isAllowed(_ text: String, by patterns: [String]) -> Bool {
        patterns.contains { pattern in
            // A text without a wildcard was meant as it stands.
            pattern == text || ((try? CommandPattern(pattern))?.allows(text) ?? false)
        }
    }

    /// Whether anything that the line runs may be what is forbidden.
    private func forbids(_ pattern: String, _ text: String, _ classes: CommandClasses) -> Bool {
        pattern == text || ((try? CommandPattern(pattern))?.mayBeIn(classes.found) ?? true)
    }
}
