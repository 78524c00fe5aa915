import ArgumentParser
import Foundation
import Gateway
import NIOCore
import SSHTools

struct RecordingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recording", abstract: "List recordings and take them out.", subcommands: [List.self, Export.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the recordings, the newest first.",
            discussion: """
                EXAMPLE
                  copilot recording list --json
                """)

        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions
        @Option(help: "At most this many.") var limit = 200
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let recordings = try await open.gateway.recordings.recordings(open.caller, limit: max(1, limit))
                if json { return try JSONOutput.print(recordings) }
                let rows = recordings.map {
                    [$0.id, $0.startedAt, $0.host.alias, $0.owner.name, "\(Int($0.duration)) s", $0.state.rawValue]
                }
                Printable.table([["RECORDING", "STARTED", "HOST", "OWNER", "LENGTH", "STATE"]] + rows)
                    .forEach { PersonTerminal.print($0) }
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a recording as asciicast v2 or as text. The audit log has it.",
            discussion: """
                EXAMPLE
                  copilot recording export rec_abc --output session.cast && asciinema play session.cast
                """)

        @Argument(help: "The recording's id, as `recording list` shows it.") var recording: String
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions
        @Option(help: "asciicast or text.") var format = "asciicast"
        @Option(
            name: [.short, .long],
            help: ArgumentHelp(
                "Write to this file, readable by this account alone. (default: standard output)", valueName: "file"))
        var output: String?

        func validate() throws {
            guard Recordings.ExportFormat(rawValue: format) != nil else {
                throw ValidationError("There is no format '\(format)': it is asciicast or text.")
            }
        }

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                guard let format = Recordings.ExportFormat(rawValue: format) else { return }
                let opened = try await open.gateway.recordings.export(recording, as: format, caller: open.caller)
                guard let output else {
                    for try await piece in opened.stream(format) {
                        PersonTerminal.write(Array(piece.readableBytesView))
                    }
                    return
                }
                let file = try Self.create(output)
                defer { try? file.close() }
                for try await piece in opened.stream(format) {
                    try file.write(contentsOf: Data(piece.readableBytesView))
                }
            }
        }

        /// A recording shows what people saw: its file is for this account alone, and nothing is written over.
        private static func create(_ path: String) throws(Failure) -> FileHandle {
            guard !FileManager.default.fileExists(atPath: path) else {
                throw Failure("\(path) is there already.", hint: "Choose another name; nothing is written over.")
            }
            guard
                FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
                let file = FileHandle(forWritingAtPath: path)
            else {
                throw Failure("\(path) cannot be written.", hint: "Check the folder and its permissions.")
            }
            return file
        }
    }
}
