import SSHKeys

/// `dispatch USER HOME TYPE KEY`: sshd asks whose key it is and what its owner runs.
struct KeyDispatch: Sendable {
    let options: DispatchOptions
    /// This program, as the forced command calls it.
    let executable: [String]
    let lookup: any KeyLookup

    /// - Throws: `usage` without a place to look keys up, or with two.
    init(_ options: DispatchOptions, executable: [String]) throws(DispatchError) {
        self.options = options
        self.executable = executable
        switch (options.keys, options.socket) {
        case (let file?, nil): lookup = KeyFile(path: file)
        case (nil, let path?): lookup = KeySocket(path: path)
        default:
            throw DispatchError(
                .usage, "Keys are looked up in one place: a file or the copilot's socket.",
                hint: "Give --keys FILE or --socket PATH.")
        }
    }

    /// The line for this login; nil when the key opens nothing.
    func line() throws(DispatchError) -> String? {
        guard options.positional.count == 4 else {
            throw DispatchError(
                .usage, "sshd gives four words: user, home, key type, key.",
                hint: "sshd_config: AuthorizedKeysCommand /usr/bin/copilot-dispatch %u %h %t %k --keys FILE")
        }
        guard let login = PersonName(options.positional[0]) else {
            throw DispatchError(
                .refused, "The account's name cannot stand in a command line.",
                hint: "Use an account whose name is of letters, digits and . _ - + @.")
        }
        let key = try OfferedKey(type: options.positional[2], base64: options.positional[3])
        if let owner = try lookup.owner(of: key.key) {
            return try line(login, key, ["--user", owner.description], owner: owner.description)
        }
        guard options.unknownKeys == .greet else { return nil }
        let shown = key.line.split(separator: " ").joined(separator: ",")
        return try line(login, key, ["--unknown", "--public-key", shown], owner: "")
    }

    private func line(
        _ login: PersonName, _ key: OfferedKey, _ identity: [String], owner: String
    ) throws(DispatchError) -> String {
        let fingerprint = key.key.fingerprint
        var command = executable + ["run", "--login", login.description]
        var environment: [(name: String, value: String)] = []
        switch options.identity {
        case .command: command += identity + ["--key", fingerprint]
        case .environment:
            // Empty for an unknown key: what a client may have sent under this name is never read.
            environment = [("COPILOT_USER", owner), ("COPILOT_KEY", fingerprint)]
            if owner.isEmpty { command += identity }
        }
        for application in options.applications { command += ["--app", application] }
        if let file = options.applicationsFile { command += ["--applications", file] }
        return try AuthorizedLine(
            environment: environment, command: try isForced() ? command : nil, key: key
        ).text()
    }

    /// Whether the line forces our command; a login shell that is the application needs none.
    private func isForced() throws(DispatchError) -> Bool {
        guard options.isLoginShell else { return true }
        guard options.identity == .environment else {
            throw DispatchError(
                .usage, "A login shell learns who it is by the environment alone.",
                hint: "Give --identity-by environment with --login-shell.")
        }
        return false
    }
}
