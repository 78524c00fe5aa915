import ShellGrammar

extension CommandClasses {
    /// Where a line runs.
    enum Place: Sendable {
        /// By `sh`, on a channel of its own.
        case channel
        /// Typed at the prompt of this shell; nil where it is not known.
        case prompt(shell: String?)
    }

    /// Shells that read a typed line as the grammar does, as long as nothing in it recalls the history.
    private static let posixShells: Set<String> = ["bash", "dash", "sh", "ash", "busybox", "ksh", "ksh93", "mksh"]

    /// Judges a line by the grammar of the shell.
    static func of(_ text: String, at place: Place) -> CommandClasses {
        let surroundings: ShellGrammar.Surroundings =
            switch place {
            case .channel: .noTerminal
            case .prompt(let shell?) where posixShells.contains(shell) && !text.contains("!"): .terminal
            case .prompt: .typed
            }
        let found = ShellGrammar.classify(text, in: surroundings)
        let grave = found.reasons.sorted { $0.effect > $1.effect }
        var clauses: [String] = []
        for reason in grave where clauses.count < 4 {
            let clause = reason.program.map { "\($0) \(reason.text)" } ?? reason.text
            if !clauses.contains(clause) { clauses.append(clause) }
        }
        return CommandClasses(
            names: Set(found.effects.map(\.rawValue)), why: Self.sentence(clauses, found), found: found)
    }

    private static func sentence(_ clauses: [String], _ found: CommandClass) -> String {
        guard let first = clauses.first else {
            return found.isReadOnly ? "It only reads." : "It may do this: \(found.worst.rawValue)."
        }
        return ([first] + clauses.dropFirst()).joined(separator: "; ") + "."
    }
}
