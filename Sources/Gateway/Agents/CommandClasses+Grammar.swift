extension CommandClasses {
    /// Judges a line.
    /// - Parameter isTyped: at a prompt of a shell that is not known, instead of by `sh` on a channel of its own.
    static func of(_ text: String, isTyped: Bool) -> CommandClasses {
        CommandClasses(names: ["unknown"], isSimple: false, why: "What it does can't be told from its text.")
    }
}
