extension Judge {
    /// Tests and printing of GNU and BSD find, and how many words each takes.
    private static let findPredicates: [String: Int] = {
        var predicates: [String: Int] = [:]
        for name in [
            "-print", "-print0", "-ls", "-prune", "-quit", "-depth", "-mount", "-xdev", "-follow", "-daystart",
            "-empty",
            "-executable", "-readable", "-writable", "-nouser", "-nogroup", "-true", "-false", "-o", "-or", "-a",
            "-and",
            "-not", "!", "(", ")", ",", "-L", "-P", "-H", "-noleaf", "-ignore_readdir_race", "-nowarn", "-warn", "-E",
            "-x",
        ] { predicates[name] = 0 }
        for name in [
            "-name", "-iname", "-path", "-ipath", "-wholename", "-regex", "-iregex", "-regextype", "-lname", "-ilname",
            "-type",
            "-xtype", "-size", "-maxdepth", "-mindepth", "-mtime", "-mmin", "-atime", "-amin", "-ctime", "-cmin",
            "-newer",
            "-anewer", "-cnewer", "-newermt", "-newerct", "-newerat", "-perm", "-user", "-group", "-uid", "-gid",
            "-links",
            "-inum", "-samefile", "-used", "-fstype", "-printf", "-context",
        ] { predicates[name] = 1 }
        return predicates
    }()

    mutating func find(_ invocation: Invocation) {
        found.add(.read)
        var rest = invocation.arguments
        while let word = rest.popFirst() {
            guard let text = word.text else {
                if word.isPlainArgument { continue }
                return refuse("find", .dynamic)
            }
            guard text.hasPrefix("-") || text == "(" || text == ")" || text == "!" || text == "," else { continue }
            if let count = Self.findPredicates[text] {
                guard rest.prefix(count).allSatisfy(\.isSingle) else { return refuse("find", .dynamic) }
                rest = rest.dropFirst(count)
            } else if !findAction(text, &rest, invocation) {
                return
            }
        }
    }

    /// An action that does more than print. Whether what follows can be read on.
    private mutating func findAction(_ action: String, _ rest: inout ArraySlice<Word>, _ invocation: Invocation) -> Bool
    {
        switch action {
        case "-delete": found.add(.destructive, "find", "removes the files that it finds (-delete)")
        case "-fprint", "-fprint0", "-fls", "-fprintf":
            found.add(.write, "find", "writes a file (\(action))")
            guard rest.prefix(action == "-fprintf" ? 2 : 1).allSatisfy(\.isSingle) else {
                refuse("find", .dynamic)
                return false
            }
            rest = rest.dropFirst(action == "-fprintf" ? 2 : 1)
        case "-exec", "-execdir", "-ok", "-okdir":
            // Up to `;`, or to `{} +`.
            let end = rest.indices.first { index in
                rest[index].text == ";"
                    || rest[index].text == "+" && index > rest.startIndex && rest[index - 1].text == "{}"
            }
            guard let end else {
                found.add(.unknown, "find", "runs a command that does not end (\(action))")
                return false
            }
            // The files' names are words that no one has seen. They begin with the folder's name, but that may be any.
            let words = rest[..<end].map { word in
                word.text.map { $0.contains("{}") } ?? true ? Word(parts: [.obscured]) : word
            }
            rest = rest[(end + 1)...]
            words.isEmpty
                ? found.add(.unknown, "find", "runs no command (\(action))") : run(invocation.from(words[...]))
        default:
            refuse("find", .option(action))
            return false
        }
        return true
    }
}
