import ArgumentParser
import Foundation
import SSHTools
import UnixSignals

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Run an SSH agent, and look after the keys in it.",
        discussion: """
            Without a subcommand the agent itself is run: see `copilot agent run --help`. \
            The subcommands speak to any agent, ours or another one, at SSH_AUTH_SOCK.

            EXAMPLE
              eval "$(copilot agent)"      in the background, for this shell
              copilot agent -- bash        for this command, and ends with it
              copilot agent add -t 8h      the keys of ~/.ssh, for eight hours
              copilot agent list
              eval "$(copilot agent -k)"   stops it
            """,
        subcommands: [Run.self, Add.self, List.self, Remove.self, Lock.self, Unlock.self], defaultSubcommand: Run.self)

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run an agent, in the background or for one command.",
            discussion: """
                Keys are in memory alone; the process writes no core dump. The socket lies in \
                a folder of its own with mode 0700, and only this account and root may use it. \
                SIGTERM and SIGHUP end the agent and remove the socket. Keys that were added \
                with --confirm are asked about by the program of SSH_ASKPASS.

                EXAMPLE
                  eval "$(copilot agent -t 1h)"
                  copilot agent -D -a ~/.ssh/agent.sock
                  copilot agent -- git push
                """)

        @Flag(name: .customShort("s"), help: "Print lines for a Bourne shell.")
        var bourne = false
        @Flag(name: .customShort("c"), help: "Print lines for csh. (default: as SHELL says)")
        var csh = false
        @Option(
            name: [.customShort("a", allowingJoined: true), .customLong("socket")],
            help: ArgumentHelp(
                "Listen at this path; its folder must be this account's alone, and is made if need be.",
                valueName: "path"), completion: .file())
        var socket: String?
        @Option(
            name: [.customShort("t", allowingJoined: true), .customLong("lifetime")],
            help: ArgumentHelp("Keys that are added without a lifetime stay so long: 90, 10m, 8h.", valueName: "time"))
        var lifetime: String?
        @Flag(name: [.customShort("D"), .customShort("d"), .customLong("foreground")], help: "Stay in the foreground.")
        var foreground = false
        @Flag(name: [.customShort("k"), .customLong("kill")], help: "Stop the agent of SSH_AGENT_PID.")
        var kills = false
        @Flag(help: .hidden) var detached = false
        @Argument(parsing: .captureForPassthrough, help: "Run this with the agent, and end with it.")
        var command: [String] = []

        func validate() throws {
            // Whatever follows the first word is the command's own, and so would be a lone --help.
            if command.first == "--help" || command.first == "-h" { throw CleanExit.helpRequest(Self.self) }
            if let first = command.first, first.hasPrefix("-"), first != "--" {
                throw ValidationError("Unknown option '\(first)'. A program of that name stands behind --.")
            }
            if bourne, csh { throw ValidationError("-s and -c are for different shells.") }
            if let lifetime, seconds(lifetime) == nil {
                throw ValidationError("'\(lifetime)' is no time: write it as 90, 10m or 8h.")
            }
        }

        private func seconds(_ text: String) -> UInt32? { TimeSpan.seconds(text).flatMap { UInt32(exactly: $0) } }

        private var lines: AgentShellLines {
            if bourne { return .bourne }
            return csh ? .csh : AgentShellLines(shell: ProcessInfo.processInfo.environment["SHELL"])
        }

        func run() async throws {
            try await Failure.reported {
                let words = command.first == "--" ? Array(command.dropFirst()) : command
                if kills { return try kill() }
                if !words.isEmpty { return try await serve(words) }
                if foreground || detached { return try await serve() }
                try await startInBackground()
            }
        }

        private func kill() throws {
            let environment = ProcessInfo.processInfo.environment
            guard let text = environment["SSH_AGENT_PID"], let number = Int32(text), number > 1 else {
                throw Failure("SSH_AGENT_PID is not set: there is no agent to stop.", hint: "Stop it by its number.")
            }
            guard Glibc.kill(number, SIGTERM) == 0 else {
                throw Failure("There is no agent with the number \(number).", hint: "It may have ended.")
            }
            lines.ended(process: number).forEach { PersonTerminal.print($0) }
        }

        /// For as long as the command runs.
        private func serve(_ words: [String]) async throws {
            CoreDumps.forbid()
            let agent = try await AgentProgram.start(at: AgentPlace(path: socket), lifetime: lifetime.flatMap(seconds))
            var environment = ProcessInfo.processInfo.environment
            environment["SSH_AUTH_SOCK"] = agent.socket
            environment["SSH_AGENT_PID"] = "\(getpid())"
            // Ctrl-C at the terminal is for the command.
            signal(SIGINT, SIG_IGN)
            signal(SIGQUIT, SIG_IGN)
            let status: Int32
            do {
                let program = try ForegroundProgram(words, environment: environment)
                let signals = await UnixSignalsSequence(trapping: .sigterm, .sighup)
                let forwarding = Task {
                    for await signal in signals { program.signal(signal == .sighup ? SIGHUP : SIGTERM) }
                }
                status = await program.waitForExit()
                forwarding.cancel()
            } catch {
                await agent.stop()
                throw error
            }
            await agent.stop()
            throw ExitCode(status)
        }

        /// Until a signal ends it.
        private func serve() async throws {
            CoreDumps.forbid()
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sighup, .sigint)
            let agent = try await AgentProgram.start(at: AgentPlace(path: socket), lifetime: lifetime.flatMap(seconds))
            lines.started(socket: agent.socket, process: getpid()).forEach { PersonTerminal.print($0) }
            if detached { AgentDetachment.leaveStreams() }
            for await _ in signals { break }
            await agent.stop()
        }

        private func startInBackground() async throws {
            var words = [Executable.path, "agent", "run", "--detached", lines == .csh ? "-c" : "-s"]
            if let socket { words += ["-a", try AgentPlace(path: socket).socket] }
            if let lifetime { words += ["-t", lifetime] }
            for line in try await AgentDetachment.start(words) { PersonTerminal.print(line) }
        }
    }
}
