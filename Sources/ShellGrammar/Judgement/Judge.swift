/// Goes through what was parsed and gathers what it may do.
struct Judge {
    let surroundings: ShellGrammar.Surroundings
    var found = CommandClass()
    /// Whether a quoted text of the line holds what a shell would run on evaluating it.
    var hidesSubstitution = false
    /// Bytes that were parsed, again and again where `eval` lies in `eval`.
    private var parsedBytes = 0

    init(surroundings: ShellGrammar.Surroundings) { self.surroundings = surroundings }

    /// A text that a shell will read: the line itself, what `eval` and `sh -c` get.
    mutating func line(_ text: String, depth: Int, hasTerminal: Bool) {
        parsedBytes += text.utf8.count
        guard text.utf8.count <= ShellGrammar.maximumLength, parsedBytes <= ShellGrammar.maximumLength * 2 else {
            return found.add(.unknown, nil, "is longer than is read here")
        }
        guard depth < ShellGrammar.maximumDepth else { return found.add(.unknown, nil, "is nested too deeply") }
        var parser = Parser(Array(text.utf8), isTyped: surroundings.isTyped, depth: depth)
        do {
            let script = try parser.script()
            hidesSubstitution = hidesSubstitution || parser.hidesSubstitution
            if depth == 0 { found.isSimple = script.isSimple }
            self.script(script, depth: depth, hasTerminal: hasTerminal)
            for word in parser.documentWords { expansions(of: word, depth: depth) }
        } catch {
            found.add(.unknown, nil, error.reason)
        }
    }

    mutating func script(_ script: Script, depth: Int, hasTerminal: Bool) {
        for pipeline in script.pipelines {
            for (index, command) in pipeline.commands.enumerated() {
                let isLast = index == pipeline.commands.count - 1
                self.command(command, depth: depth + 1, hasTerminal: hasTerminal && isLast)
            }
        }
    }

    private mutating func command(_ command: Command, depth: Int, hasTerminal: Bool) {
        switch command {
        case .simple(let simple): self.simple(simple, depth: depth, hasTerminal: hasTerminal)
        case .compound(let compound):
            if let variable = compound.variable { assigns(variable) }
            for word in compound.words { expansions(of: word, depth: depth) }
            for redirection in compound.redirections { self.redirection(redirection, depth: depth) }
            for body in compound.bodies { script(body, depth: depth, hasTerminal: hasTerminal) }
        case .function(let name, let body):
            found.add(.unknown, name, "defines a function; what its name then runs is not followed")
            self.command(body, depth: depth + 1, hasTerminal: hasTerminal)
        }
    }

    private mutating func simple(_ command: SimpleCommand, depth: Int, hasTerminal: Bool) {
        for assignment in command.assignments {
            assigns(assignment.name)
            for value in assignment.values { expansions(of: value, depth: depth) }
        }
        for redirection in command.redirections { self.redirection(redirection, depth: depth) }
        for word in command.words { expansions(of: word, depth: depth) }
        guard !command.words.isEmpty else { return }
        guard command.words.count <= ShellGrammar.maximumWords else {
            return found.add(.unknown, nil, "has more words than are followed here")
        }
        for word in command.words.dropFirst() { if let text = word.text { readsFile(text, command.words[0].text) } }
        run(Invocation(words: command.words[...], nesting: 0, depth: depth, hasTerminal: hasTerminal))
    }

    /// What expanding a word runs, wherever the word stands.
    private mutating func expansions(of word: Word, depth: Int) {
        for part in word.parts {
            switch part {
            case .command(let script, _), .process(let script):
                if depth == 0 { found.isSimple = script.isSimple }
                self.script(script, depth: depth + 1, hasTerminal: false)
            case .parameter(let parameter, _):
                if parameter.assigns { assigns(parameter.name) }
                for word in parameter.words { expansions(of: word, depth: depth + 1) }
            case .literal, .glob, .brace, .obscured, .arithmetic: continue
            }
        }
    }

    private mutating func redirection(_ redirection: Redirection, depth: Int) {
        expansions(of: redirection.target, depth: depth)
        switch redirection.direction {
        case .hereDocument, .hereString, .duplicate: return
        case .input: redirected(redirection.target, writes: false)
        case .output, .both: redirected(redirection.target, writes: true)
        }
    }

    private mutating func redirected(_ target: Word, writes: Bool) {
        guard let path = target.text else {
            // bash opens connections for /dev/tcp/host/port, which a variable may hold.
            if case .process? = target.parts.first, target.isSingle { return }
            found.add(.unknown, nil, "redirects to a place that is worked out when it runs")
            if writes { found.add(.write, nil, "writes to a place that is worked out when it runs") }
            return
        }
        if path.hasPrefix("/dev/tcp") || path.hasPrefix("/dev/udp") {
            return found.add(.network, nil, "opens a connection (\(path))")
        }
        if Paths.isHarmlessDevice(path) { return }
        if path.hasPrefix("/dev/") { found.add(.unknown, nil, "opens the device \(path)") }
        if writes { return found.add(.write, nil, "writes the file \(path)") }
        readsFile(path)
    }

    mutating func readsFile(_ path: String, _ program: String? = nil) {
        if Paths.holdsSecrets(path) { found.add(.secrets, program, "reads \(path), which holds secrets") }
        if path.hasPrefix("/dev/"), !Paths.isHarmlessDevice(path) {
            found.add(.unknown, program, "opens the device \(path)")
        }
    }

    /// A variable of the shell gets a value, for a while or for good.
    mutating func assigns(_ name: String) {
        if Variables.mayBeSet(name) { return }
        found.add(.unknown, nil, "sets \(name), which can change what programs do")
    }
}

/// A program and its arguments, where they stand.
struct Invocation {
    /// The program's name first.
    let words: ArraySlice<Word>
    /// How many wrappers stand before it.
    let nesting: Int
    let depth: Int
    /// Whether its output goes to a terminal.
    let hasTerminal: Bool

    var arguments: ArraySlice<Word> { words.dropFirst() }

    /// The arguments' texts; nil for one that is worked out at run time.
    var texts: [String?] { arguments.map(\.text) }

    /// Another program with the words from there on.
    func from(_ words: ArraySlice<Word>, hasTerminal: Bool? = nil) -> Invocation {
        Invocation(words: words, nesting: nesting + 1, depth: depth + 1, hasTerminal: hasTerminal ?? self.hasTerminal)
    }
}

enum Variables {
    private static let safe: Set<String> = [
        "LANG", "LANGUAGE", "TZ", "COLUMNS", "LINES", "NO_COLOR", "CLICOLOR", "SYSTEMD_COLORS", "GIT_OPTIONAL_LOCKS",
        "GIT_TERMINAL_PROMPT", "DEBIAN_FRONTEND", "BLOCKSIZE", "BLOCK_SIZE",
    ]

    /// Names in small letters that programs and shells read: zsh ties `path` to PATH, curl reads `http_proxy`.
    private static let meaningful: Set<String> = [
        "path", "fpath", "cdpath", "manpath", "mailpath", "module_path", "psvar", "histchars", "prompt", "argv",
        "status",
        "home", "shell", "term", "user", "editor", "visual", "functions", "aliases", "commands", "galiases", "saliases",
        "options", "watch", "signals", "fignore", "precmd", "preexec", "keymap", "nullcmd", "readnullcmd", "cwd",
        "autologout", "savehist", "history", "complete", "precmd_functions", "preexec_functions", "chpwd_functions",
    ]

    /// Whether setting it changes nothing but the line's own values.
    static func mayBeSet(_ name: String) -> Bool {
        if safe.contains(name) || name.hasPrefix("LC_") { return true }
        guard let first = name.utf8.first, Byte.isNameStart(first), name.utf8.allSatisfy(Byte.isName) else {
            return false
        }
        if meaningful.contains(name) || name.hasSuffix("_proxy") { return false }
        return name.utf8.allSatisfy { !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
    }
}

enum Paths {
    static func isHarmlessDevice(_ path: String) -> Bool {
        switch path {
        case "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/dev/stdin", "/dev/stdout", "/dev/stderr": true
        default: path.hasPrefix("/dev/fd/")
        }
    }

    private static let secretNames: Set<String> = [
        "shadow", "shadow-", "gshadow", "gshadow-", ".env", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".npmrc",
        ".pypirc",
        ".git-credentials", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk", "credentials",
        "credentials.json", ".dockercfg", "environ", ".vault-token", "secrets.yaml", "secrets.yml", "secrets.json",
        ".bash_history", ".zsh_history", ".htpasswd", "sudoers", "master.key", "keytab", "krb5.keytab", "kubeconfig",
        "admin.conf", ".boto", ".s3cfg", "rclone.conf", ".pgsql_history", ".mysql_history", "tokens.json",
    ]
    private static let secretFolders = [
        "/.gnupg/", "/.ssh/id_", "/etc/ssl/private/", "/.kube/config", "/.docker/config.json", "/.aws/",
        "/.config/gcloud/",
        "/.azure/", "/run/secrets/", "/var/run/secrets/", "/.password-store/",
    ]
    private static let secretEndings = [".pem", ".key", ".p12", ".pfx", ".kdbx", ".ppk", ".jks", ".keystore"]

    /// Whether a path is one of those where passwords and keys usually lie.
    static func holdsSecrets(_ path: String) -> Bool {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        if secretNames.contains(name) || name.hasPrefix(".env.")
            || name.hasPrefix("ssh_host_") && !name.hasSuffix(".pub")
        {
            return true
        }
        if secretEndings.contains(where: name.hasSuffix) { return true }
        return secretFolders.contains { ("/" + path).contains($0) } && !name.hasSuffix(".pub")
    }
}
