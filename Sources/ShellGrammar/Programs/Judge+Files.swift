extension Judge {
    /// Listing an archive reads; all else writes. The modes of tar are letters that may stand without a dash.
    mutating func tar(_ name: String, _ invocation: Invocation) {
        var words = invocation.arguments
        if let first = words.first?.text, !first.hasPrefix("-"), !first.isEmpty {
            words[words.startIndex] = Word(parts: [.literal("-" + first, isQuoted: false)])
        }
        let rule = OptionRule(
            "tvzjJaO", valued: "fC", long: "list verbose gzip bzip2 xz zstd file= directory= auto-compress")
        let lists = words.contains { word in
            guard let text = word.text else { return false }
            return text == "--list" || text.hasPrefix("-") && !text.hasPrefix("--") && text.contains("t")
        }
        guard case .allowed = rule.check(words), lists else {
            found.add(.write, name, "packs or unpacks files")
            return found.add(.unknown, name, "has options with which it can run commands")
        }
        // GNU tar reads `host:file` over rsh.
        if invocation.texts.contains(where: { $0?.contains(":") == true }) {
            return found.add(.unknown, name, "may fetch the archive from another machine")
        }
        found.add(.read)
    }

    mutating func dd(_ invocation: Invocation) {
        for text in invocation.texts {
            guard let text else { return refuse("dd", .dynamic) }
            if text.hasPrefix("of=") {
                let target = String(text.dropFirst(3))
                if Paths.isHarmlessDevice(target) { continue }
                found.add(.write, "dd", "writes \(target)")
                if target.hasPrefix("/dev/") { found.add(.destructive, "dd", "overwrites the device \(target)") }
            } else if text.hasPrefix("if=") {
                readsFile(String(text.dropFirst(3)), "dd")
            }
        }
        found.add(.read)
    }

    mutating func fetch(_ name: String, _ invocation: Invocation) {
        found.add(.network, name, "talks to another machine")
        let saves: [String] = [
            "-o", "-O", "-J", "-c", "-D", "--output", "--remote-name", "--cookie-jar", "--dump-header", "--trace",
            "--stderr",
            "--libcurl", "--etag-save", "--hsts", "--alt-svc", "-K", "--config",
        ]
        let sends = [
            "-d", "-F", "-T", "-X", "--data", "--form", "--upload-file", "--request", "--json", "--post", "--method",
            "--body",
        ]
        for text in invocation.texts {
            guard let text else {
                refuse(name, .dynamic)
                continue
            }
            if saves.contains(where: text.hasPrefix) { found.add(.write, name, "writes a file (\(text))") }
            if sends.contains(where: text.hasPrefix) {
                found.add(.network, name, "sends data to another machine (\(text))")
            }
            if text.hasPrefix("file:") { readsFile(String(text.dropFirst(5)), name) }
        }
        // wget saves what it gets, unless it is told to show it.
        if name == "wget" { found.add(.write, name, "writes what it fetches") }
    }

    mutating func top(_ name: String, _ invocation: Invocation) {
        let rule = OptionRule("bciHS", valued: "ndopuUwe")
        let isBatch = invocation.texts.contains { $0?.hasPrefix("-b") == true }
        guard isBatch else {
            return found.add(.interactive, name, "takes the terminal (use -b), and can signal programs")
        }
        reader(name, rule, invocation.arguments)
    }

    /// Package tools, of which a few commands only read.
    mutating func packages(_ name: String, _ reading: Set<String>, _ invocation: Invocation) {
        if let first = invocation.texts.first ?? nil, reading.contains(first) {
            let rule = OptionRule("aif", long: "installed upgradable all-versions format= files local user")
            if case .allowed = rule.check(invocation.arguments) { return found.add(.read) }
        }
        found.add(.system, name, "installs or removes software")
        found.add(.network, name, "fetches from other machines")
        found.add(.unknown, name, "runs the scripts of what it installs")
    }
}
