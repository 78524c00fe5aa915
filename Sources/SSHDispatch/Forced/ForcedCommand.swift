/// `dispatch run`: what a line of dispatch forces sshd to start. It finds out what was asked for and becomes the program
/// of the application; no shell has a part in it.
struct ForcedCommand: Sendable {
    let options: DispatchOptions
    /// The environment that sshd made.
    let environment: [String: String]

    /// A program to become.
    struct Start: Sendable, Hashable {
        var words: [String]
        var environment: [String: String]
    }

    /// - Throws: `usage` for a command that cannot be read or names nothing, `refused` for an unknown key with what its
    ///   owner can do, `configuration`.
    func start() throws(DispatchError) -> Start {
        guard options.positional == ["run"] else {
            throw DispatchError(.usage, "`dispatch run` takes options alone.", hint: DispatchOptions.seeHelp)
        }
        let user = options.isUnknown ? nil : (options.user ?? environment["COPILOT_USER"]).flatMap(PersonName.init)
        guard let user else { throw stranger() }
        let words: [String]
        do {
            words = try ShellWords.parse(environment["SSH_ORIGINAL_COMMAND"] ?? "")
        } catch {
            throw DispatchError(.usage, error.description, hint: error.hint)
        }
        let (program, own) = try ApplicationList(options).route(
            login: options.login.flatMap(PersonName.init), words)
        var environment = environment
        // How many of the program's words are the client's: they stand last, and are never taken for its options.
        environment["COPILOT_WORDS"] = String(own.count)
        environment["COPILOT_USER"] = user.description
        environment["COPILOT_KEY"] = options.fingerprint ?? environment["COPILOT_KEY"]
        environment["COPILOT_LOGIN"] = options.login
        // It is in the words now, and a program that looked here would read the application's name again.
        environment["SSH_ORIGINAL_COMMAND"] = nil
        return Start(words: program + own, environment: environment)
    }

    private func stranger() -> DispatchError {
        let line = options.publicKey.map { $0.split(separator: ",").map(String.init) }
            .flatMap { $0.count == 2 ? try? OfferedKey(type: $0[0], base64: $0[1]).line : nil }
        guard let line else {
            return DispatchError(
                .refused, "Nobody is known by this key.", hint: "Ask who runs this service to register it.")
        }
        return DispatchError(
            .refused, "Nobody is known by this key yet.",
            hint: """
                Send this line to whoever runs this service, and come again when it is registered:
                \(line)
                They register it with: copilot user key add NAME '\(line)'
                """)
    }
}
