extension Judge {
    /// A program is started with these words. Their expansions are judged already.
    mutating func run(_ invocation: Invocation) {
        guard let first = invocation.words.first else { return }
        guard invocation.nesting < ShellGrammar.maximumWrappers, found.commands.count < ShellGrammar.maximumCommands
        else {
            return found.add(.unknown, nil, "has more commands than are followed here")
        }
        found.commands.append(invocation.words.map(\.text))
        guard let written = first.text, !written.isEmpty else {
            return found.add(.unknown, nil, "runs a program whose name is worked out when it runs")
        }
        guard let name = Self.programName(written) else {
            return found.add(.unknown, written, "is a file of its own, which may do anything")
        }
        judge(name, invocation)
    }

    /// The name that the tables know. Only the system's own folders hold the programs of these names.
    static func programName(_ written: String) -> String? {
        guard written.contains("/") else { return written }
        for folder in ["/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/", "/usr/local/bin/"] where written.hasPrefix(folder)
        {
            let name = written.dropFirst(folder.count)
            return name.contains("/") ? nil : String(name)
        }
        return nil
    }

    private mutating func judge(_ name: String, _ invocation: Invocation) {
        if builtin(name, invocation) || wrapper(name, invocation) { return }
        if invocation.texts == ["--version"] || invocation.texts == ["--help"], Programs.isKnown(name) {
            return found.add(.read)
        }
        if Programs.plainReaders.contains(name) { return found.add(.read) }
        if let rule = Programs.readers[name] { return reader(name, rule, invocation) }
        if let special = Programs.specials[name] { return special(&self, name, invocation) }
        if let change = Programs.changes[name] {
            for effect in change.effects { found.add(effect, name, change.text) }
            return
        }
        found.add(.unknown, name, "is not known here")
    }

    /// A program that only reads with the options that its rule names.
    mutating func reader(_ name: String, _ rule: OptionRule, _ invocation: Invocation) {
        switch rule.check(invocation.arguments) {
        case .allowed(let positionals):
            let isReading = positionals.count <= rule.maximumPositionals && Self.areReading(positionals, name)
            if isReading { return found.add(.read) }
            found.add(.unknown, name, "has an argument with which it does more than read")
        case .refused(let why): refuse(name, why)
        }
        guard let otherwise = Programs.otherwise[name] else { return }
        for effect in otherwise.effects { found.add(effect, name, otherwise.text) }
    }

    /// `date 01011200` sets the clock, `apt-cache gencaches` writes.
    private static func areReading(_ positionals: [Word], _ name: String) -> Bool {
        switch name {
        case "date": positionals.allSatisfy { $0.beginning.hasPrefix("+") }
        case "apt-cache":
            ["policy", "show", "search", "depends", "rdepends", "madison", "pkgnames", "stats", "showpkg", "showsrc"]
                .contains(positionals.first?.text)
        case "ifconfig": positionals.allSatisfy { $0.text != nil }
        case "nvidia-smi": positionals.isEmpty
        default: true
        }
    }

    mutating func refuse(_ name: String, _ why: OptionRule.Refusal) {
        switch why {
        case .option(let option):
            found.add(.unknown, name, "has the option \(option), which is not known to be harmless")
        case .dynamic: found.add(.unknown, name, "gets an argument when it runs that could be an option")
        }
    }

    mutating func opensPager(_ name: String, _ advice: String) {
        found.add(.interactive, name, "opens a pager, in which commands can be run; \(advice)")
    }
}
