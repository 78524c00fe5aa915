import ArgumentParser
import Gateway
import SSHTools

struct HostCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host", abstract: "Add, import, list, test and remove hosts.",
        subcommands: [HostAdd.self, HostImport.self, HostList.self, HostTestCommand.self, HostRemove.self])
}

struct HostList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the hosts.",
        discussion: """
            EXAMPLE
              copilot host list --json
            """)

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

    func run() async throws {
        try await OpenGateway.reported(try keeping.settings()) { open in
            let hosts = try await open.gateway.hosts.hosts(open.caller)
            if json { return try JSONOutput.print(hosts) }
            let rows = hosts.map {
                [
                    $0.alias, "\($0.username)@\($0.address):\($0.port)", $0.environment.rawValue, $0.credential.kind,
                    $0.keyAlert == nil ? $0.hostKey.fingerprint : "KEY CHANGED: nothing connects",
                ]
            }
            Printable.table([["HOST", "ADDRESS", "ENVIRONMENT", "CREDENTIAL", "HOST KEY"]] + rows)
                .forEach { PersonTerminal.print($0) }
        }
    }
}

struct HostTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Connect to a host and sign in, and say step by step how far it goes.",
        discussion: """
            Exit status 1 says that a step failed.

            EXAMPLE
              copilot host test web-1
            """)

    @Argument(help: "The host's alias.") var alias: String
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

    func run() async throws {
        try await OpenGateway.reported(try keeping.settings()) { open in
            let host = try await open.host(alias)
            let found = try await open.gateway.hosts.test(host.id, caller: open.caller)
            if json { try JSONOutput.print(found) } else { show(found) }
            if !found.ok { throw ExitCode(Failure.Status.foundWrong.rawValue) }
        }
    }

    private func show(_ found: HostTest) {
        for step in found.steps {
            PersonTerminal.print("\(step.ok ? "ok    " : "FAILED")  \(step.step): \(step.detail)")
            if let hint = step.hint { PersonTerminal.print("        \(hint)") }
        }
        PersonTerminal.print("\(found.milliseconds) ms")
    }
}

struct HostRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a host and its credential. Recordings stay.",
        discussion: """
            EXAMPLE
              copilot host remove web-1
            """)

    @Argument(help: "The host's alias.") var alias: String
    @Flag(help: "Say nothing.") var quiet = false
    @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

    func run() async throws {
        try await OpenGateway.reported(try keeping.settings()) { open in
            let host = try await open.host(alias)
            try await open.gateway.hosts.remove(host.id, caller: open.caller)
            if !quiet { PersonTerminal.print("\(host.alias) was removed.") }
        }
    }
}

extension OpenGateway {
    /// The host of this alias.
    func host(_ alias: String) async throws -> HostView {
        let folded = alias.lowercased()
        guard let host = try await gateway.hosts.hosts(caller).first(where: { $0.alias.lowercased() == folded }) else {
            throw Failure("There is no host named \(alias).", hint: "`copilot host list` shows the hosts.")
        }
        return host
    }
}
