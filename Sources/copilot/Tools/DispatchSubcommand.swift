import ArgumentParser
import SSHDispatch

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// `copilot dispatch`, which is `copilot-dispatch` with a longer start: sshd had better be given the small program.
struct DispatchSubcommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dispatch", abstract: "Tell sshd whose key was offered and which application its owner reaches.",
        helpNames: [])

    @Argument(parsing: .captureForPassthrough) var arguments: [String] = []

    func run() throws {
        throw ExitCode(DispatchCommand.run(arguments, subcommand: ["dispatch"]))
    }

    /// sshd waits for it: it is done, and the process at its end, before a parser has looked at all the other commands.
    static func runIfAsked() {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.first == "dispatch" else { return }
        end(with: DispatchCommand.run(Array(arguments.dropFirst()), subcommand: ["dispatch"]))
    }
}

/// A command has methods that are called exit.
private func end(with status: Int32) -> Never { exit(status) }
