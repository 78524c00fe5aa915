/// The options with which a program only reads. Every other one is refused: GNU programs take shortened names, and new
/// versions bring new options.
struct OptionRule {
    enum Refusal {
        case option(String)
        /// An argument that could turn out to be an option.
        case dynamic
    }

    enum Verdict {
        case allowed([Word])
        case refused(Refusal)
    }

    private let flags: Set<Character>
    private let valued: Set<Character>
    private let optional: Set<Character>
    private let long: Set<String>
    private let longValued: Set<String>
    private let takesNumbers: Bool
    let maximumPositionals: Int

    /// - Parameters:
    ///   - flags: letters that stand alone.
    ///   - valued: letters with a value, attached or as the next word.
    ///   - optional: letters with a value that is attached or missing.
    ///   - long: long names without dashes, separated by blanks; `name=` takes a value, attached or as the next word;
    ///     `name?` one that is attached or missing. A name that begins with a dash is taken as it is (`-show`).
    ///   - numbers: whether `-20` is an option.
    init(
        _ flags: String = "", valued: String = "", optional: String = "", long: String = "", numbers: Bool = false,
        maximumPositionals: Int = .max
    ) {
        self.flags = Set(flags)
        self.valued = Set(valued)
        self.optional = Set(optional)
        var (plain, withValue): (Set<String>, Set<String>) = ([], [])
        for name in long.split(separator: " ") {
            if name.hasSuffix("=") {
                withValue.insert(String(name.dropLast()))
            } else if name.hasSuffix("?") {
                plain.insert(String(name.dropLast()))
                plain.insert(name.dropLast() + "=")
            } else {
                plain.insert(String(name))
            }
        }
        self.long = plain
        longValued = withValue
        takesNumbers = numbers
        self.maximumPositionals = maximumPositionals
    }

    /// Goes through the arguments; `--` ends the options.
    func check(_ words: ArraySlice<Word>) -> Verdict {
        var positionals: [Word] = []
        var rest = words
        while let word = rest.popFirst() {
            guard let text = word.text else {
                guard word.isPlainArgument else { return .refused(.dynamic) }
                positionals.append(word)
                continue
            }
            if text == "--" {
                for word in rest where !word.isSingle { return .refused(.dynamic) }
                return .allowed(positionals + rest)
            }
            guard text.hasPrefix("-"), text != "-" else {
                positionals.append(word)
                continue
            }
            guard let takesNext = option(text) else { return .refused(.option(text)) }
            if takesNext {
                // A value that looks like an option is one to a version that attaches its values.
                guard let value = rest.popFirst(), value.isSingle, !value.beginning.hasPrefix("-") else {
                    return .refused(.dynamic)
                }
            }
        }
        return .allowed(positionals)
    }

    /// Whether a known option wants the next word; nil where it is not known.
    private func option(_ text: String) -> Bool? {
        if long.contains(text) { return false }
        if longValued.contains(text) { return true }
        if text.hasPrefix("--") {
            let name = text.dropFirst(2)
            guard let equals = name.firstIndex(of: "=") else {
                if long.contains(String(name)) { return false }
                return longValued.contains(String(name)) ? true : nil
            }
            let key = String(name[..<equals])
            return longValued.contains(key) || long.contains(key + "=") ? false : nil
        }
        let letters = text.dropFirst()
        if takesNumbers, letters.allSatisfy({ $0.isASCII && $0.isNumber }) { return false }
        for (index, letter) in zip(letters.indices, letters) {
            if valued.contains(letter) { return letters.index(after: index) == letters.endIndex }
            if optional.contains(letter) { return false }
            guard flags.contains(letter) else { return nil }
        }
        return false
    }
}
