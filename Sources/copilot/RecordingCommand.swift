import ArgumentParser
import Foundation
import Gateway
import NIOCore
import Recording
import SSHTools

struct RecordingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recording", abstract: "List, search, check, export and delete recordings.",
        subcommands: [
            List.self, Search.self, Export.self, Verify.self, Hold.self, Release.self, Delete.self, Retention.self,
            Sweep.self,
        ])

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
                RecordingCommand.show(recordings)
            }
        }
    }

    static func show(_ recordings: [StoredRecording]) {
        let rows = recordings.map {
            [
                $0.id, $0.startedAt, $0.host.alias, $0.owner.name, "\(Int($0.duration)) s", $0.state.rawValue,
                $0.hold == nil ? $0.expiresAt.map { "until \($0.prefix(10))" } ?? "for ever" : "held",
            ]
        }
        Printable.table([["RECORDING", "STARTED", "HOST", "OWNER", "LENGTH", "STATE", "KEPT"]] + rows)
            .forEach { PersonTerminal.print($0) }
    }

    struct Search: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look for a text in the recordings: who ran it, and when. Exit status 1 when it is nowhere.",
            discussion: """
                EXAMPLE
                  copilot recording search "systemctl restart" --in commands
                """)

        @Argument(help: "The text, as it stands; small and capital letters are alike.") var text: String
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions
        @Option(name: .customLong("in"), help: "all, output, commands (typed or run) or chat.") var scope = "all"
        @Option(help: "Only in this recording.") var recording: String?
        @Option(help: "At most this many places.") var limit = 100
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard RecordingSearch.Scope(rawValue: scope) != nil else {
                throw ValidationError("There is no place '\(scope)': it is all, output, commands or chat.")
            }
        }

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                var query = Recordings.Query(
                    text, scope: RecordingSearch.Scope(rawValue: scope) ?? .all, recording: recording, limit: limit)
                var hits: [Recordings.Hit] = []
                repeat {
                    query.limit = limit - hits.count
                    let found = try await open.gateway.recordings.search(query, caller: open.caller)
                    hits += found.hits
                    query.from = found.next
                } while query.from != nil && hits.count < limit
                if json { try JSONOutput.print(hits) } else { Self.show(hits) }
                if hits.isEmpty { throw ExitCode(Failure.Status.foundWrong.rawValue) }
            }
        }

        private static func show(_ hits: [Recordings.Hit]) {
            for hit in hits {
                let second = Int(hit.time)
                let clock =
                    "\(second / 3600):"
                    + [second / 60 % 60, second % 60].map { ($0 < 10 ? "0" : "") + "\($0)" }
                    .joined(separator: ":")
                let who = hit.actor.map { "\($0): " } ?? ""
                PersonTerminal.print(
                    "\(hit.recording.id) \(hit.recording.host.alias) \(clock) \(hit.place) \(who)\(hit.line)")
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a recording as a file that other programs play. The audit log has it.",
            discussion: """
                FORMATS
                  asciicast   asciicast v2: `asciinema play`
                  asciicast3  asciicast v3
                  ttyrec      `ttyplay`
                  text        what was shown, as plain text
                  html        one page that plays in any browser without a network

                EXAMPLE
                  copilot recording export rec_abc --output session.cast
                  copilot recording export rec_abc --format html --output session.html
                """)

        @Argument(help: "The recording's id, as `recording list` shows it.") var recording: String
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions
        @Option(help: "asciicast, asciicast3, ttyrec, text or html.") var format = "asciicast"
        @Option(
            name: [.short, .long],
            help: ArgumentHelp(
                "Write to this file, readable by this account alone. (default: standard output)", valueName: "file"))
        var output: String?

        func validate() throws {
            guard ExportFormat(rawValue: format) != nil else {
                let names = ExportFormat.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("There is no format '\(format)': it is one of \(names).")
            }
        }

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                guard let format = ExportFormat(rawValue: format) else { return }
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

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check that recordings are what was written: no chunk altered, missing or moved, no end cut.",
            discussion: """
                Exit status 1 says that something was found.

                EXAMPLE
                  copilot recording verify --all
                  copilot recording verify rec_abc --json
                """)

        @Argument(help: "Recordings to check.") var recordings: [String] = []
        @Flag(help: "Check every recording.") var all = false
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard all != !recordings.isEmpty else {
                throw ValidationError("Name the recordings to check, or use --all.")
            }
        }

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let store = open.gateway.recordings
                let ids = all ? try await store.allForVerification(open.caller) : recordings
                var checked: [Recordings.Verification] = []
                for id in ids {
                    let result = try await store.verify(id, caller: open.caller)
                    checked.append(result)
                    if !json { Self.show(result) }
                }
                if json { try JSONOutput.print(checked) }
                let wrong = checked.count { !$0.ok }
                if !json, all { PersonTerminal.print("\(checked.count) recordings checked, \(wrong) not as written.") }
                if wrong > 0 { throw ExitCode(Failure.Status.foundWrong.rawValue) }
            }
        }

        private static func show(_ result: Recordings.Verification) {
            let end = result.state == .truncated ? ", without its end: the copilot stopped" : ""
            guard let problem = result.problem else {
                return PersonTerminal.print("\(result.id) (\(result.host)): whole, \(result.chunks) chunks\(end)")
            }
            PersonTerminal.print("\(result.id) (\(result.host)): \(problem.sentence)")
            PersonTerminal.print("  \(problem.hint)")
        }
    }

    struct Hold: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep a recording, whatever the retention says, until the hold is lifted.",
            discussion: """
                EXAMPLE
                  copilot recording hold rec_abc --reason INC-12345
                """)

        @Argument(help: "The recording's id.") var recording: String
        @Option(help: "Why, for those who want to delete it.") var reason: String
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                _ = try await open.gateway.recordings.hold(recording, reason: reason, caller: open.caller)
                PersonTerminal.print("\(recording) is held.")
            }
        }
    }

    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lift a hold: the retention counts again.",
            discussion: """
                EXAMPLE
                  copilot recording release rec_abc
                """)

        @Argument(help: "The recording's id.") var recording: String
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                _ = try await open.gateway.recordings.release(recording, caller: open.caller)
                PersonTerminal.print("\(recording) is not held any more.")
            }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete recordings for ever: their keys are destroyed, then their files removed.",
            discussion: """
                EXAMPLE
                  copilot recording delete rec_abc --yes
                """)

        @Argument(help: "The recordings' ids.") var recordings: [String]
        @Flag(help: "Do it: nothing brings them back.") var yes = false
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func validate() throws {
            guard yes else { throw ValidationError("Nothing brings a deleted recording back: say --yes.") }
        }

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                for id in recordings {
                    try await open.gateway.recordings.delete(id, caller: open.caller)
                    PersonTerminal.print("\(id) is deleted.")
                }
            }
        }
    }

    struct Retention: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show or set how long recordings are kept.",
            discussion: """
                Of several tags of a host the longest rule holds. 0 days is for ever.

                EXAMPLE
                  copilot recording retention --days 90 --tag pci=365
                """)

        @Option(help: "Days for recordings of hosts without a rule of their own.") var days: Int?
        @Option(name: .customLong("tag"), help: ArgumentHelp("Days for hosts with a tag.", valueName: "tag=days"))
        var tags: [String] = []
        @Option(name: .customLong("no-tag"), help: ArgumentHelp("Take a tag's rule away.", valueName: "tag"))
        var removed: [String] = []
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions
        @Flag(help: "Print JSON.") var json = false

        private func rules() throws -> [RecordingRetention.TagRule] {
            try tags.map { text in
                let parts = text.split(separator: "=", omittingEmptySubsequences: false)
                guard parts.count == 2, let days = Int(parts[1]) else {
                    throw ValidationError("'\(text)' is not TAG=DAYS.")
                }
                return .init(tag: String(parts[0]), days: days)
            }
        }

        func validate() throws { _ = try rules() }

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let store = open.gateway.recordings
                var value = try await store.retention()
                let rules = try rules()
                if days != nil || !rules.isEmpty || !removed.isEmpty {
                    value.days = days ?? value.days
                    value.tags.removeAll { old in removed.contains(old.tag) || rules.contains { $0.tag == old.tag } }
                    value.tags += rules
                    value = try await store.setRetention(value, caller: open.caller)
                }
                if json { return try JSONOutput.print(value) }
                let words = { (days: Int) in days == 0 ? "for ever" : "\(days) days" }
                Printable.table(
                    [["HOSTS", "KEPT"], ["all others", words(value.days)]]
                        + value.tags.map { ["tag \($0.tag)", words($0.days)] }
                ).forEach { PersonTerminal.print($0) }
            }
        }
    }

    struct Sweep: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete what the retention no longer keeps, as the running copilot does every hour.",
            discussion: """
                EXAMPLE
                  copilot recording sweep --dry-run
                """)

        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions
        @Flag(help: "Only say what would go.") var dryRun = false
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let sweep = try await open.gateway.recordings.sweep(isDry: dryRun, caller: open.caller)
                if json { return try JSONOutput.print(sweep) }
                RecordingCommand.show(sweep.deleted + sweep.held)
                PersonTerminal.print(
                    "\(sweep.deleted.count) \(dryRun ? "would be " : "")deleted, \(sweep.held.count) held.")
            }
        }
    }
}
