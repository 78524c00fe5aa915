import ArgumentParser
import Foundation
import MCPBridge
import SSHTools

struct MCPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp",
        abstract: "Speak the Model Context Protocol on standard input and output, for an agent's program to start.",
        discussion: """
            Passes messages to the copilot that runs at --url, with the agent's token, which is in no configuration of \
            the agent's program and in no command line: it comes from COPILOT_AGENT_TOKEN, or from a file that only \
            you can read. Without either, the file that `copilot agent-gateway` wrote is taken.

            EXAMPLE
              claude mcp add ssh -- copilot mcp
              copilot mcp --url https://copilot.example --token-file ~/.agent-token
            """)

    @Option(
        help: ArgumentHelp(
            "The copilot's address; COPILOT_URL does the same. (default: http://127.0.0.1:3000)", valueName: "address"))
    var url: String?
    @Option(help: ArgumentHelp("A file with the agent's token, readable by you alone.", valueName: "file"))
    var tokenFile: String?
    @Option(help: ArgumentHelp("A certificate (PEM) to trust for that address.", valueName: "file"))
    var certificate: String?

    func run() async throws {
        try await Failure.reported {
            CoreDumps.forbid()
            let environment = ProcessInfo.processInfo.environment
            let bridge = try MCPBridge(
                address: url ?? environment["COPILOT_URL"] ?? "http://127.0.0.1:3000", token: try token(environment),
                certificate: certificate, write: OutputLines(1).write)
            try await bridge.run(InputLines.of(0))
        }
    }

    private func token(_ environment: [String: String]) throws -> String {
        if tokenFile == nil, let token = environment["COPILOT_AGENT_TOKEN"], !token.isEmpty { return token }
        let home = environment["HOME"] ?? NSHomeDirectory()
        let file = tokenFile ?? home + "/.local/share/copilot-agent-gateway/agent-token"
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: file),
            let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue,
            let content = try? String(contentsOfFile: file, encoding: .utf8)
        else {
            throw Failure(
                "There is no agent token: COPILOT_AGENT_TOKEN is not set, and \(file) cannot be read.",
                hint: "Start `copilot agent-gateway`, or have a person make one with `copilot agent-token add`.")
        }
        guard mode & 0o077 == 0 else {
            throw Failure("\(file) can be read by others.", hint: "Close it with: chmod 600 '\(file)'")
        }
        return content.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
