extension Judge {
    /// Programs that run another program which their own words name. Whether the name was one of these.
    mutating func wrapper(_ name: String, _ invocation: Invocation) -> Bool {
        switch name {
        case "sudo", "doas", "su", "pkexec", "runuser": privileged(name, invocation)
        case "env": environment(invocation)
        case "command", "builtin", "exec": shellWrapper(name, invocation)
        case "sh", "bash", "dash", "ash", "zsh", "ksh", "ksh93", "mksh", "rbash": shell(name, invocation)
        case "xargs": xargs(invocation)
        case "busybox", "toybox": applet(name, invocation)
        case "watch": watch(invocation)
        default:
            guard let rule = Self.plainWrappers[name] else { return false }
            plainWrapper(name, rule, invocation)
        }
        return true
    }

    /// A wrapper's own options, and how many words of its own follow them.
    private struct WrapperRule {
        let options: LeadingOptions
        var ownWords = 0
        var effects: [CommandClass.Effect] = []
        var text = ""
    }

    private static let plainWrappers: [String: WrapperRule] = [
        "nohup": WrapperRule(options: LeadingOptions()),
        "timeout": WrapperRule(
            options: LeadingOptions("v", valued: "ks", long: "preserve-status foreground verbose kill-after= signal="),
            ownWords: 1),
        "nice": WrapperRule(options: LeadingOptions(valued: "n", long: "adjustment=", numbers: true)),
        "ionice": WrapperRule(options: LeadingOptions("t", valued: "cn", long: "class= classdata= ignore")),
        "stdbuf": WrapperRule(options: LeadingOptions(valued: "ioe", long: "input= output= error=")),
        "setsid": WrapperRule(options: LeadingOptions("wfc", long: "wait fork ctty")),
        "time": WrapperRule(options: LeadingOptions("pv", valued: "f", long: "format= portability verbose")),
        "chrt": WrapperRule(
            options: LeadingOptions("bfior"), ownWords: 1, effects: [.service],
            text: "changes how a program is scheduled"),
        "taskset": WrapperRule(options: LeadingOptions("c"), ownWords: 1),
        "flock": WrapperRule(
            options: LeadingOptions("nsxeou", valued: "wE"), ownWords: 1, effects: [.write], text: "makes a lock file"),
        "unbuffer": WrapperRule(options: LeadingOptions()),
        "cgexec": WrapperRule(
            options: LeadingOptions(valued: "g"), effects: [.service], text: "runs in a control group"),
        "prlimit": WrapperRule(options: LeadingOptions(), effects: [.unknown], text: "changes limits of programs"),
    ]

    private mutating func plainWrapper(_ name: String, _ rule: WrapperRule, _ invocation: Invocation) {
        if name == "nohup", invocation.hasTerminal { found.add(.write, name, "writes nohup.out") }
        for effect in rule.effects { found.add(effect, name, rule.text) }
        guard let rest = rule.options.skip(invocation.arguments) else {
            return found.add(.unknown, name, "has an option that is not known to be harmless")
        }
        inner(name, rest, own: rule.ownWords, invocation)
    }

    /// What a wrapper runs, after words of its own.
    private mutating func inner(_ name: String, _ rest: ArraySlice<Word>, own: Int, _ invocation: Invocation) {
        for word in rest.prefix(own) where !word.isSingle {
            return found.add(.unknown, name, "gets an argument when it runs that could be a program")
        }
        let words = rest.dropFirst(own)
        guard !words.isEmpty else { return found.add(.read) }
        run(invocation.from(words))
    }

    private mutating func privileged(_ name: String, _ invocation: Invocation) {
        found.add(.privileged, name, "runs with another account's rights")
        let options: LeadingOptions
        switch name {
        case "sudo":
            options = LeadingOptions(
                "nSEHikKvbPsA", valued: "ugpCDhRT",
                long: "non-interactive stdin preserve-env? set-home user= group= prompt= login shell list validate "
                    + "reset-timestamp remove-timestamp background chdir= host=")
            if invocation.texts.contains("-l") || invocation.texts.contains("--list") { return found.add(.read) }
        case "doas": options = LeadingOptions("nsL", valued: "uC")
        case "pkexec": options = LeadingOptions(long: "user= disable-internal-agent")
        default: return found.add(.unknown, name, "opens a shell of another account")
        }
        guard var rest = options.skip(invocation.arguments) else {
            return found.add(.unknown, name, "has an option that is not known to be harmless")
        }
        while let text = rest.first?.beginning, let equals = text.firstIndex(of: "="), !text.hasPrefix("=") {
            assigns(String(text[..<equals]))
            rest.removeFirst()
        }
        if invocation.texts.contains(where: { $0 == "-i" || $0 == "-s" || $0 == "--login" || $0 == "--shell" }) {
            found.add(.unknown, name, "opens a shell of another account")
        }
        if !rest.isEmpty { run(invocation.from(rest)) }
    }

    private mutating func environment(_ invocation: Invocation) {
        let options = LeadingOptions("i0v", valued: "uC", long: "ignore-environment null unset= chdir= debug")
        guard var rest = options.skip(invocation.arguments) else {
            return found.add(.unknown, "env", "has an option that is not known to be harmless")
        }
        if rest.first?.text == "-" { rest.removeFirst() }
        while let word = rest.first, let equals = word.beginning.firstIndex(of: "=") {
            guard word.isSingle else {
                return found.add(.unknown, "env", "gets an argument when it runs that could be a program")
            }
            assigns(String(word.beginning[..<equals]))
            rest.removeFirst()
        }
        rest.isEmpty ? found.add(.read) : run(invocation.from(rest))
    }

    private mutating func shellWrapper(_ name: String, _ invocation: Invocation) {
        var rest = invocation.arguments
        if name == "command" {
            while let option = rest.first?.text, option == "-v" || option == "-V" || option == "-p" || option == "--" {
                rest.removeFirst()
                if option == "-v" || option == "-V" { return found.add(.read) }
            }
        }
        if let first = rest.first, !first.isPlainArgument {
            return found.add(.unknown, name, "has an option that is not known to be harmless")
        }
        rest.isEmpty ? found.add(.read) : run(invocation.from(rest))
    }

    /// A shell: its `-c` text is read like the line itself.
    private mutating func shell(_ name: String, _ invocation: Invocation) {
        if invocation.texts == ["--version"] { return found.add(.read) }
        var rest = invocation.arguments
        while let option = rest.popFirst()?.text {
            if ["-e", "-u", "-eu", "-f", "--norc", "--noprofile"].contains(option) { continue }
            guard option == "-c" || option == "-ec" || option == "-euc" || option == "-lc" else { break }
            if option == "-lc" { found.add(.unknown, name, "reads the account's start files") }
            guard let script = rest.popFirst()?.text else { break }
            if name == "zsh" { found.add(.unknown, name, "is read by another shell than this grammar's") }
            return line(script, depth: invocation.depth + 1, hasTerminal: invocation.hasTerminal)
        }
        found.add(.unknown, name, "runs a shell, whose commands are not in the text")
    }

    private mutating func xargs(_ invocation: Invocation) {
        let options = LeadingOptions(
            "0rtx", valued: "nLPIdEsa",
            long: "null no-run-if-empty verbose max-args= max-procs= max-lines? replace? delimiter= arg-file= exit")
        guard let rest = options.skip(invocation.arguments) else {
            return found.add(.unknown, "xargs", "has an option that is not known to be harmless")
        }
        guard !rest.isEmpty else { return found.add(.read) }
        // What it reads becomes words that no one has seen.
        let unseen = Word(parts: [.obscured])
        let replaced = replacement(in: invocation.arguments.prefix(invocation.arguments.count - rest.count))
        var words: [Word] = rest.map { word in
            guard let replaced, word.beginning.contains(replaced) || word.text == nil else { return word }
            return unseen
        }
        words.append(unseen)
        run(invocation.from(words[...]))
    }

    private func replacement(in options: ArraySlice<Word>) -> String? {
        var takesNext = false
        for option in options {
            if takesNext { return option.text }
            guard let text = option.text else { continue }
            if text == "-I" { takesNext = true }
            if text.hasPrefix("-I"), text.count > 2 { return String(text.dropFirst(2)) }
            if text.hasPrefix("--replace") { return text.hasPrefix("--replace=") ? String(text.dropFirst(10)) : "{}" }
        }
        return nil
    }

    private mutating func applet(_ name: String, _ invocation: Invocation) {
        guard let first = invocation.arguments.first else { return found.add(.read) }
        guard first.isPlainArgument, let applet = first.text, !applet.contains("/") else {
            return found.add(.unknown, name, "runs an applet that is not plain")
        }
        run(invocation.from(invocation.arguments))
    }

    /// It gives its words, joined, to `sh -c`, again and again.
    private mutating func watch(_ invocation: Invocation) {
        found.add(.interactive, "watch", "takes the terminal and does not end by itself")
        let options = LeadingOptions(
            "bcdegtx", valued: "n", long: "interval= differences? no-title errexit chgexit color exec")
        guard let rest = options.skip(invocation.arguments), !rest.isEmpty else {
            return found.add(.unknown, "watch", "has an option that is not known to be harmless")
        }
        var texts: [String] = []
        for word in rest {
            guard let text = word.text else {
                return found.add(.unknown, "watch", "runs a text that is only known when it runs")
            }
            texts.append(text)
        }
        line(texts.joined(separator: " "), depth: invocation.depth + 1, hasTerminal: false)
    }
}

/// The options before the program that a wrapper runs.
struct LeadingOptions {
    private let flags: Set<Character>
    private let valued: Set<Character>
    private let long: Set<String>
    private let longValued: Set<String>
    private let takesNumbers: Bool

    init(_ flags: String = "", valued: String = "", long: String = "", numbers: Bool = false) {
        self.flags = Set(flags)
        self.valued = Set(valued)
        var (plain, withValue): (Set<String>, Set<String>) = ([], [])
        for name in long.split(separator: " ") {
            if name.hasSuffix("=") {
                withValue.insert("--" + name.dropLast())
            } else {
                plain.insert("--" + (name.hasSuffix("?") ? String(name.dropLast()) : String(name)))
            }
        }
        self.long = plain
        longValued = withValue
        takesNumbers = numbers
    }

    /// The words from the first that is no option; nil where an option is not known or a word is not certain.
    func skip(_ words: ArraySlice<Word>) -> ArraySlice<Word>? {
        var rest = words
        while let word = rest.first {
            guard let text = word.text else { return word.isPlainArgument ? rest : nil }
            if text == "--" { return rest.dropFirst() }
            guard text.hasPrefix("-"), text != "-" else { return rest }
            rest.removeFirst()
            if long.contains(text) { continue }
            if text.hasPrefix("--") {
                let key =
                    text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init)
                    ?? text
                if key != text, longValued.contains(key) || long.contains(key) { continue }
                guard longValued.contains(text), rest.popFirst()?.isSingle == true else { return nil }
                continue
            }
            guard let takesNext = letters(text.dropFirst()) else { return nil }
            if takesNext, rest.popFirst()?.isSingle != true { return nil }
        }
        return rest
    }

    private func letters(_ letters: Substring) -> Bool? {
        if takesNumbers, letters.allSatisfy({ $0.isASCII && $0.isNumber }) { return false }
        for (index, letter) in zip(letters.indices, letters) {
            if valued.contains(letter) { return letters.index(after: index) == letters.endIndex }
            guard flags.contains(letter) else { return nil }
        }
        return false
    }
}
