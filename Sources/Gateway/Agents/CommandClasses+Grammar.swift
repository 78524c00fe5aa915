import ShellGrammar

extension CommandClasses {
    /// Judges a line by the grammar of the shell.
    /// - Parameter isTyped: at a prompt of a shell that is not known, instead of by `sh` on a channel of its own.
    static func of(_ text: String, isTyped: Bool) -> CommandClasses {
        let found = ShellGrammar.classify(text, in: isTyped ? .typed : .noTerminal)
        let grave = found.reasons.sorted { $0.effect > $1.effect }
        let clauses = grave.prefix(4).map { reason in reason.program.map { "\($0) \(reason.text)" } ?? reason.text }
        return CommandClasses(
            names: Set(found.effects.map(\.rawValue)), why: Self.sentence(clauses, found), found: found)
    }

    private static func sentence(_ clauses: [String], _ found: CommandClass) -> String {
        guard let first = clauses.first else {
            return found.isReadOnly ? "It only reads." : "It may do this: \(found.worst.rawValue)."
        }
        let text = ([first.prefix(1).uppercased() + first.dropFirst()] + clauses.dropFirst()).joined(separator: "; ")
        return text + "."
    }
}
