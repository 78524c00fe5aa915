import ArgumentParser
import Foundation
import Recording
import SSHTools

struct RecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rec",
        abstract: "Record a program at the terminal as asciicast, which `copilot play` and asciinema play.",
        discussion: """
            Without a command the shell is recorded until it ends. The file is readable by \
            this account alone, and is never written over unless --overwrite says so. \
            Output and sizes are recorded; what is typed only with --stdin, and then only \
            what the terminal showed: passwords never reach the file. The status is that \
            of the program.

            EXAMPLE
              copilot rec                                 the shell
              copilot rec --output demo.cast -- make test
              copilot rec -c 'make | tee log' --title 'the build' --idle-limit 2
              copilot rec --output web-1.cast ssh web-1
              copilot rec --host web-1 -- top             by `copilot ssh -t`
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case v2 = "asciicast-v2"
        case v3 = "asciicast-v3"
    }

    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp("Write to this file. (default: recording-DATE-TIME.cast)", valueName: "file"),
        completion: .file(extensions: ["cast"]))
    var output: String?
    @Option(help: ArgumentHelp("asciicast-v2 or asciicast-v3.", valueName: "format")) var format = Format.v2
    @Flag(help: "Record what is typed, as far as the terminal shows it.") var stdin = false
    @Option(
        name: [.customShort("i"), .long],
        help: ArgumentHelp("Players shall cut pauses to so many seconds.", valueName: "seconds"))
    var idleLimit: Double?
    @Option(name: [.customShort("t"), .long], help: ArgumentHelp("The recording's title.", valueName: "text"))
    var title: String?
    @Option(
        name: [.customShort("c"), .customLong("command")],
        help: ArgumentHelp("Record what sh makes of this line.", valueName: "line"))
    var line: String?
    @Option(help: ArgumentHelp("Record on this host, through `copilot ssh -t`.", valueName: "destination"))
    var host: String?
    @Option(
        name: [.customShort("F"), .long],
        help: ArgumentHelp("With --host: the ssh_config to go by.", valueName: "file"), completion: .file())
    var sshConfig: String?
    @Flag(help: "Write over a file of that name.") var overwrite = false
    @Flag(name: [.customShort("q"), .long], help: "Do not say where the recording is.") var quiet = false
    @Argument(parsing: .captureForPassthrough, help: "Record this program.") var command: [String] = []

    private var words: [String] { command.first == "--" ? Array(command.dropFirst()) : command }

    func validate() throws {
        // Whatever follows the first word is the program's own, and so would be a lone --help.
        if command.first == "--help" || command.first == "-h" { throw CleanExit.helpRequest(Self.self) }
        if let first = command.first, first.hasPrefix("-"), first != "--" {
            throw ValidationError("Unknown option '\(first)'. A program of that name stands behind --.")
        }
        guard line == nil || words.isEmpty else {
            throw ValidationError("Give the command once: with -c, or behind --.")
        }
        guard (0...1e6).contains(idleLimit ?? 0) else { throw ValidationError("--idle-limit is 0 to 1000000 seconds.") }
    }

    /// The program that is started here.
    private func program(_ environment: [String: String]) -> [String] {
        if let host {
            let options = ["-t"] + (sshConfig.map { ["-F", $0] } ?? [])
            return [Executable.path, "ssh"] + options + [host] + (line.map { [$0] } ?? words)
        }
        if let line { return ["/bin/sh", "-c", line] }
        let shell = environment["SHELL"].flatMap { $0.isEmpty ? nil : $0 } ?? "/bin/sh"
        return words.isEmpty ? [shell] : words
    }

    func run() async throws {
        try await Failure.reported {
            let file = output ?? RecordingRequest.defaultFile()
            let request = RecordingRequest(
                command: program(ProcessInfo.processInfo.environment), file: file,
                options: .init(version: format == .v3 ? .v3 : .v2, recordsInput: stdin, mayReplace: overwrite),
                title: title, idleLimit: idleLimit)
            let atTerminal = !quiet && PersonTerminal.asks
            if atTerminal { PersonTerminal.error("copilot: recording to \(file); it ends with the program") }
            let status = try await RecordedProgram.run(request)
            if !quiet { PersonTerminal.error("copilot: the recording is \(file)") }
            if status != 0 { throw ExitCode(status) }
        }
    }
}
