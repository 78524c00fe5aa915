import SSH
import SSHApplications

/// Greets whoever comes, on a terminal and without one, with a command and without.
struct Hello: SSHApplication {
    func run(_ visit: ApplicationVisit) async throws -> CommandResult.Exit {
        let name = visit.identity.person ?? "stranger"
        switch visit.arguments ?? [] {
        case []:
            try await visit.print("Hello, \(name).")
            try await ask(visit)
        case ["whoami"]:
            try await visit.print("\(name) \(visit.identity.fingerprint ?? "without a key")")
        case let words where words.first == "say":
            try await visit.print(DisplayText.neutralise(words.dropFirst().joined(separator: " ")))
        case ["size"]:
            try await size(visit)
        default:
            throw ApplicationFailure.usage(
                "Hello does not know this command.", hint: "ssh hello@host [whoami | say WORDS | size]")
        }
        return .status(0)
    }

    /// A conversation, where there is somebody to have it with.
    private func ask(_ visit: ApplicationVisit) async throws {
        guard visit.terminal != nil else { return }
        guard let place = try await visit.readLine("Where are you? ") else { return }
        try await visit.print("It is nice in \(DisplayText.neutralise(place)).")
    }

    /// The terminal's size, and each new one until Ctrl-C.
    private func size(_ visit: ApplicationVisit) async throws {
        let events = visit.events()
        guard let terminal = visit.terminal else {
            throw ApplicationFailure.usage("There is no terminal to measure.", hint: "Ask for one: ssh -t …")
        }
        try await visit.interruptible {
            try await visit.print("\(terminal.columns) × \(terminal.rows)")
            for await case .resized(let terminal) in events {
                try await visit.print("\(terminal.columns) × \(terminal.rows)")
            }
        }
    }
}
