extension Judge {
    /// What the shell does itself. Whether the name was one of these.
    mutating func builtin(_ name: String, _ invocation: Invocation) -> Bool {
        switch name {
        case ":", "true", "false", "pwd", "times", "dirs": found.add(.read)
        case "jobs", "wait": jobs(name, invocation)
        case "echo", "type", "cd", "pushd", "popd": found.add(.read)
        case "exit", "return", "break", "continue", "shift": numbers(name, invocation)
        case "printf": printf(invocation)
        case "test", "[", "[[": test(name, invocation)
        case "set": options(invocation)
        case "umask", "ulimit": limits(name, invocation)
        case "export", "readonly", "local": declares(name, invocation)
        case "unset", "read": names(name, invocation)
        case "eval": evaluates(invocation)
        case ".", "source": found.add(.unknown, name, "runs the commands of a file")
        case "alias", "unalias", "hash", "enable", "shopt", "setopt", "unsetopt", "trap", "bind", "complete", "compgen",
            "declare", "typeset", "integer", "let", "getopts", "mapfile", "readarray", "fc", "history", "caller",
            "compopt",
            "zmodload", "autoload", "emulate", "sched", "print", "whence", "suspend", "disown", "bg", "fg", "logout":
            found.add(.unknown, name, "changes what the shell does next, or runs commands that are not followed")
        default: return false
        }
        return true
    }

    /// ksh works arguments like these out as arithmetic, which can run commands.
    private mutating func numbers(_ name: String, _ invocation: Invocation) {
        let areNumbers = invocation.arguments.allSatisfy { word in
            if let text = word.text { return text.utf8.allSatisfy(Byte.isDigit) }
            if case .parameter(let parameter, _)? = word.parts.first, word.parts.count == 1 {
                return parameter.name == "?"
            }
            return false
        }
        areNumbers ? found.add(.read) : found.add(.unknown, name, "has an argument that is not a plain number")
    }

    /// `jobs -x` runs a command, and `wait -p` sets a variable.
    private mutating func jobs(_ name: String, _ invocation: Invocation) {
        let arePlain = invocation.texts.allSatisfy { text in
            guard let text else { return false }
            return ["-l", "-p", "-n"].contains(text) && (name == "jobs" || text == "-n")
                || text.utf8.allSatisfy { Byte.isDigit($0) || $0 == UInt8(ascii: "%") }
        }
        arePlain ? found.add(.read) : found.add(.unknown, name, "has an argument that is not plain")
    }

    private var hidden: String { "gets a quoted text that some shells would run" }

    private mutating func printf(_ invocation: Invocation) {
        if invocation.texts.first == "-v" {
            guard let name = invocation.texts.dropFirst().first ?? nil, Variables.mayBeSet(name) else {
                return found.add(.unknown, "printf", "sets a variable that can change what programs do")
            }
        }
        let first = invocation.arguments.first
        if let first, !first.isPlainArgument, first.text != "-v", first.text != "--" {
            return found.add(.unknown, "printf", "has a format that is only known when it runs")
        }
        // ksh works out the numbers of a %d.
        if hidesSubstitution { return found.add(.unknown, "printf", hidden) }
        found.add(.read)
    }

    private mutating func test(_ name: String, _ invocation: Invocation) {
        let texts = invocation.texts
        let closes = ["[": "]", "[[": "]]"][name]
        guard closes == nil || texts.last == closes else {
            return found.add(.unknown, name, "is a test that does not end where this shell's would")
        }
        if hidesSubstitution { return found.add(.unknown, name, hidden) }
        if texts.contains("-v") || texts.contains("-R") || texts.contains("-ef") && name == "[[" {
            return found.add(.unknown, name, "looks at a variable, whose index the shell works out")
        }
        let compares: Set<String> = ["-eq", "-ne", "-lt", "-le", "-gt", "-ge"]
        let isArithmetic = name == "[[" && texts.contains { $0.map(compares.contains) ?? false }
        if isArithmetic, texts.contains(nil) {
            return found.add(.unknown, name, "works out arithmetic with variables, which can run commands")
        }
        found.add(.read)
    }

    private mutating func options(_ invocation: Invocation) {
        var texts = invocation.texts[...]
        while let option = texts.popFirst() {
            guard let option else { return found.add(.unknown, "set", "has an argument that could be an option") }
            if option == "--" || !option.hasPrefix("-") && !option.hasPrefix("+") { break }
            if option == "-o" || option == "+o" {
                guard let value = texts.popFirst() ?? nil, ["errexit", "nounset", "pipefail", "noglob"].contains(value)
                else {
                    return found.add(.unknown, "set", "changes how the shell reads the line")
                }
                continue
            }
            guard option.dropFirst().allSatisfy({ "euf".contains($0) }) else {
                return found.add(.unknown, "set", "changes how the shell reads the line")
            }
        }
        found.add(.read)
    }

    private mutating func limits(_ name: String, _ invocation: Invocation) {
        let arePlain = invocation.texts.allSatisfy { text in
            text.map {
                $0 == "unlimited" || $0.utf8.allSatisfy { Byte.isDigit($0) || Byte.isNameStart($0) || $0 == 0x2D }
            }
                ?? false
        }
        arePlain ? found.add(.read) : found.add(.unknown, name, "has an argument that is not plain")
    }

    private mutating func declares(_ name: String, _ invocation: Invocation) {
        found.add(.read)
        for word in invocation.arguments {
            let beginning = word.beginning
            if beginning == "-p" || beginning == "-r" { continue }
            let variable = beginning.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).first.map(
                String.init)
            // dash splits the value of `export a=$b`, and each part would be a further name.
            guard let variable, word.isSingle, word.text != nil || beginning.contains("=") else {
                found.add(.unknown, name, "sets a variable whose name is only known when it runs")
                continue
            }
            assigns(variable)
        }
    }

    private mutating func names(_ name: String, _ invocation: Invocation) {
        found.add(.read)
        for text in invocation.texts {
            guard let text else {
                found.add(.unknown, name, "sets a variable whose name is only known when it runs")
                continue
            }
            if text == "-r" && name == "read" || text == "-v" && name == "unset" { continue }
            guard text.utf8.allSatisfy(Byte.isName) else {
                found.add(.unknown, name, "has the option \(text), which is not known to be harmless")
                continue
            }
            assigns(text)
        }
    }

    private mutating func evaluates(_ invocation: Invocation) {
        var texts: [String] = []
        for text in invocation.texts {
            guard let text else { return found.add(.unknown, "eval", "runs a text that is only known when it runs") }
            texts.append(text)
        }
        line(texts.joined(separator: " "), depth: invocation.depth + 1, hasTerminal: invocation.hasTerminal)
    }
}
