/// One word of a command, before expansion.
struct Word {
    enum Part {
        case literal(String, isQuoted: Bool)
        /// `*`, `?` or `[` without quotes.
        case glob(Character)
        /// `{a,b}` and `{1..9}` without quotes.
        case brace
        /// `$'…'` with escapes: bash decodes it, other shells do not.
        case obscured
        case parameter(Parameter, isQuoted: Bool)
        /// `$(…)` and `` `…` ``.
        case command(Script, isQuoted: Bool)
        /// `<(…)` and `>(…)`.
        case process(Script)
        /// `$((…))` of digits and operators alone.
        case arithmetic
    }

    let parts: [Part]
    /// Whether a quote or a backslash stands anywhere in it: such a word is never a reserved one.
    let isQuoted: Bool
    /// The word as the program gets it, where that is certain from the text. A tilde stays as written.
    let text: String?

    init(parts: [Part], isQuoted: Bool = false) {
        self.parts = parts
        self.isQuoted = isQuoted
        var text = ""
        for part in parts {
            guard case .literal(let literal, _) = part else {
                self.text = nil
                return
            }
            text += literal
        }
        self.text = text
    }

    /// What it certainly begins with.
    var beginning: String {
        if let text { return text }
        var text = ""
        for part in parts {
            guard case .literal(let literal, _) = part else { return text }
            text += literal
        }
        return text
    }

    /// Whether expanding it runs commands.
    var hasSubstitution: Bool {
        parts.contains { part in
            switch part {
            case .command, .process: true
            case .parameter(let parameter, _): parameter.words.contains(where: \.hasSubstitution)
            default: false
            }
        }
    }

    /// Whether it becomes exactly one word, whatever the values are.
    var isSingle: Bool {
        for part in parts {
            switch part {
            case .literal, .process, .arithmetic: continue
            case .glob, .brace, .obscured: return false
            case .parameter(let parameter, let isQuoted): if !isQuoted || parameter.isList { return false }
            case .command(_, let isQuoted): if !isQuoted { return false }
            }
        }
        return true
    }

    /// Whether it is one word that is certainly no option.
    var isPlainArgument: Bool {
        if let text { return !text.hasPrefix("-") || text == "-" }
        if case .process? = parts.first, isSingle { return true }
        return isSingle && !beginning.isEmpty && !beginning.hasPrefix("-")
    }
}

/// `$name` and `${name…}`.
struct Parameter {
    let name: String
    /// `${name=word}`: the shell's variable gets a value.
    var assigns = false
    /// The words inside of the braces.
    var words: [Word] = []

    /// Whether it can become many words even in quotes.
    var isList: Bool { name == "@" || name == "*" }
}
