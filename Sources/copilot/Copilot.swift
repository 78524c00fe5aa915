import ArgumentParser
import SSHDispatch
import StandaloneServer

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

@main
struct Copilot: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "copilot",
        abstract: "A self-hosted SSH workspace: shared, recorded terminals in the browser on ordinary SSH hosts.",
        discussion: """
            EXAMPLE
              copilot serve --port 8443
              copilot host add web-1 --address 10.0.0.5 --username deploy --generate-key
              copilot audit verify --checkpoints /mnt/elsewhere/checkpoints
              copilot ssh deploy@web-1 uptime

            EXIT STATUS
              0   done
              1   something was checked and is not as it should be
              2   it could not be done; standard error says why and what to do
              64  the command was used wrongly
              78  the configuration is not valid
              255 `ssh` and its like failed; else theirs is the remote program's
            """,
        version: version,
        subcommands: [DoctorCommand.self, ConfigCommand.self],
        groupedSubcommands: [
            CommandGroup(
                name: "The copilot",
                subcommands: [
                    Serve.self, UserCommand.self, TeamCommand.self, HostCommand.self, AuditCommand.self,
                    RecordingCommand.self, SSHAuthorityCommand.self,
                ]),
            CommandGroup(name: "AI agents", subcommands: [AgentGateway.self, AgentTokenCommand.self, MCPCommand.self]),
            CommandGroup(
                name: "Everyday tools",
                subcommands: [
                    SSHCommand.self, SFTPCommand.self, SCPCommand.self, ShimCommand.self, RecCommand.self,
                    PlayCommand.self,
                ]),
            CommandGroup(name: "Keys", subcommands: [KeygenCommand.self, AgentCommand.self, KeyscanCommand.self]),
            CommandGroup(
                name: "Servers and applications",
                subcommands: [SSHServerCommand.self, DispatchSubcommand.self, SFTPServerCommand.self]),
        ])

    /// Tools whose words are not ArgumentParser's, and that start often: they do not wait for it to build its tree.
    private static let direct: [String: @Sendable ([String]) async -> Int32] = [
        "ssh": { await SSHCommand.run($0) },
        "dispatch": { DispatchCommand.run($0, subcommand: ["dispatch"]) },
    ]

    static func main() async {
        let words = CommandLine.arguments.dropFirst()
        // What follows is another program's command line, which is nobody's to interpret.
        if words.first == "login-helper" { LoginHelper.run() }
        if let name = words.first, let tool = direct[name] { endProcess(await tool(Array(words.dropFirst()))) }
        await main(nil)
    }
}

/// The C library's own: within a command `exit` would be ArgumentParser's.
private func endProcess(_ status: Int32) -> Never { exit(status) }
