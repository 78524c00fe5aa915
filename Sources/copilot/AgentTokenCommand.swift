import ArgumentParser
import Foundation
import Gateway
import SSHTools
import Storage

struct AgentTokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent-token",
        abstract: "Make, list and revoke the tokens by which AI agents prove themselves.",
        discussion: """
            A token lets an agent ask people for access, and nothing else: what it may do somewhere is what a person \
            grants there. It may run beside `copilot serve`, which notices a revocation within a second.

            EXAMPLE
              copilot agent-token add claude --output ~/.config/claude-copilot-token
              copilot agent-token revoke claude
            """,
        subcommands: [Add.self, List.self, Revoke.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token for an agent.",
            discussion: """
                EXAMPLE
                  copilot agent-token add claude --output ~/.config/claude-token
                """)

        @Argument(help: "The agent's name, as people will see it.")
        var name: String

        @Option(help: ArgumentHelp("Good for so many days. (default: until it is revoked)", valueName: "days"))
        var validDays: Int?

        @Option(help: ArgumentHelp("Write the token to this new file (mode 0600) instead.", valueName: "file"))
        var output: String?

        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func validate() throws {
            if let validDays, !(1...3650).contains(validDays) {
                throw ValidationError("A token is good for 1 to 3650 days.")
            }
        }

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let made = try await open.gateway.agents.tokens.add(
                    name: name, validity: validDays.map { .seconds($0 * 24 * 3600) }, caller: open.caller)
                guard let output else {
                    PersonTerminal.print("COPILOT_AGENT_TOKEN=\(made.token)")
                    return
                }
                do {
                    try PrivateFile.create(output, Array((made.token + "\n").utf8))
                } catch {
                    // Nobody has it: it must not stay good.
                    try await open.gateway.agents.tokens.revoke(made.agent.id, caller: open.caller)
                    throw error
                }
                PersonTerminal.print("The token of \(made.agent.name) (\(made.agent.id)) is in \(output).")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the agents.",
            discussion: """
                EXAMPLE
                  copilot agent-token list --json
                """)

        @Flag(help: "Write JSON.")
        var json = false

        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let agents = try await open.gateway.agents.tokens.list(open.caller)
                if json { return try JSONOutput.print(agents) }
                for agent in agents {
                    let state = agent.revokedAt.map { "revoked \($0)" } ?? "good"
                    PersonTerminal.print(
                        "\(agent.id)  \(Printable.line(agent.name))  \(state)  last used \(agent.lastUsedAt ?? "never")"
                    )
                }
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke a token; what the agent does ends within a second.",
            discussion: """
                EXAMPLE
                  copilot agent-token revoke claude
                """)

        @Argument(help: "The agent's identifier, or its name.")
        var agent: String

        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let id = try await open.gateway.agents.tokens.revoke(agent, caller: open.caller)
                PersonTerminal.print("Revoked \(id).")
            }
        }
    }
}
