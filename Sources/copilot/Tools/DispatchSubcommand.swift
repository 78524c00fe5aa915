import ArgumentParser
import SSHDispatch

/// `copilot dispatch`, which is `copilot-dispatch` with a longer start: sshd had better be given the small program.
struct DispatchSubcommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dispatch", abstract: "Tell sshd whose key was offered and which application its owner reaches.",
        helpNames: [])

    @Argument(parsing: .captureForPassthrough, help: "What sshd fills in: %u %h %t %k, and options.")
    var arguments: [String] = []

    func run() throws {
        throw ExitCode(DispatchCommand.run(arguments, subcommand: ["dispatch"]))
    }
}
