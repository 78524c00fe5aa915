import ArgumentParser
import Foundation
import Gateway
import SSHTools
import Storage

struct AgentGateway: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent-gateway",
        abstract: "Let AI agents on this machine work on servers, with you watching and deciding.",
        discussion: """
            Nothing has to be set up. It prints the page's address with a sign-in link for you, and two lines for the \
            agent. The agent's token is in a file that only you may read; it asks you for access and opens nothing of \
            yours.

            What this does not keep apart: a program that runs as you can read your files, this copilot's data folder \
            among them. Run an agent that you trust less under another account, or on another machine, and run \
            `copilot serve` where it can't reach the data folder.

            EXAMPLE
              copilot agent-gateway
              copilot agent-gateway --port 3100 --agent-name codex
            """)

    @Option(help: ArgumentHelp("The data folder. (default: ~/.local/share/copilot-agent-gateway)", valueName: "folder"))
    var data: String?

    @Option(help: ArgumentHelp("The port on 127.0.0.1; 0 takes a free one. (default: 3000)", valueName: "number"))
    var port: String?

    @Option(help: ArgumentHelp("The agent's name, as you will see it.", valueName: "name"))
    var agentName = "agent"

    @Flag(help: "Print a link to choose a new password, when you have forgotten yours.")
    var newPassword = false

    @Option(help: ArgumentHelp("The folder of the built page.", valueName: "folder"))
    var page: String?

    @Option(
        help: ArgumentHelp(
            "trace, debug, info, notice, warning, error or critical. (default: warning)", valueName: "level"))
    var logLevel: String?

    func run() async throws {
        try await Failure.reported {
            CoreDumps.forbid()
            let settings = try settings()
            let greeting = AgentGreeting(agentName: agentName, newPassword: newPassword)
            try await Serve.serve(settings) { settings, gateway, port in
                await greeting.say(settings, gateway, port: port)
            }
        }
    }

    private func settings() throws(Failure) -> Configuration {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HOME"] ?? NSHomeDirectory()
        var values: [ConfigurationKey: [String]] = [
            .data: [data ?? home + "/.local/share/copilot-agent-gateway"], .listen: ["127.0.0.1"],
            .port: [port ?? "3000"], .http: ["true"], .logLevel: [logLevel ?? "warning"],
        ]
        if let page { values[.page] = [page] }
        do {
            return try Configuration(
                layers: [ConfigurationLayer(.commandLine, values: values)],
                surroundings: .init(home: home, currentDirectory: FileManager.default.currentDirectoryPath))
        } catch let error {
            throw Failure(error)
        }
    }
}

/// What the person reads: where the page is, how to sign in, and what to tell the agent.
private struct AgentGreeting: Sendable {
    let agentName: String
    let newPassword: Bool

    func say(_ settings: Configuration, _ gateway: Gateway, port: Int?) async {
        let address = settings.address(boundPort: port)
        do {
            PersonTerminal.print("SSH Copilot for agents is at \(address)")
            try await saySignIn(address, gateway)
            let file = settings.data + "/agent-token"
            try await prepareToken(file, gateway)
            let words = """

                For the agent's environment (the file is yours alone, mode 0600):
                  export COPILOT_AGENT_TOKEN="$(cat '\(file)')"
                Then tell the agent one of these:
                  REST  Read \(address)/instructions, then work on servers through that API; your token is in COPILOT_AGENT_TOKEN.
                  MCP   \(address)/mcp with the header  Authorization: Bearer ${COPILOT_AGENT_TOKEN}

                A program that runs as you can read your files, this copilot's among them: an agent that you do not trust
                so far belongs under another account.
                """
            // One by one: what is printed to a person holds no line feed of its own.
            for line in words.split(separator: "\n", omittingEmptySubsequences: false) {
                PersonTerminal.print(String(line))
            }
        } catch {
            PersonTerminal.error("copilot: \(error)")
        }
    }

    private func saySignIn(_ address: String, _ gateway: Gateway) async throws {
        if let token = try await gateway.people.firstAdminToken() {
            PersonTerminal.print("Open this link within 15 minutes to sign in for the first time; it works once:")
            PersonTerminal.print("  \(address)/#/welcome?token=\(token)")
            return
        }
        let caller = Caller.system(tenant: Gateway.tenant)
        let owner = try await gateway.people.users(caller).first { $0.role == "admin" && !$0.disabled }
        guard newPassword, let owner else {
            PersonTerminal.print("Sign in there as \(owner?.username ?? "yourself").")
            return
        }
        let link = try await gateway.people.invite(caller, id: owner.id)
        PersonTerminal.print("Open this link to choose a new password and sign in; it works once:")
        PersonTerminal.print("  \(address)/#/welcome?token=\(link.token)")
    }

    /// Keeps the token of an earlier run while it is good.
    private func prepareToken(_ file: String, _ gateway: Gateway) async throws {
        if let old = try? PrivateFile(opening: file, .read).read(limit: 200) {
            let token = String(decoding: old, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            if (try? await gateway.agents.authenticate(token: token, address: "127.0.0.1")) != nil { return }
            try FileManager.default.removeItem(atPath: file)
        }
        let made = try await gateway.agents.tokens.add(name: agentName, caller: .system(tenant: Gateway.tenant))
        try PrivateFile.create(file, Array((made.token + "\n").utf8))
    }
}
