public import SSH

/// Why a visit ended without what was asked for: of which kind, a sentence for the person, and what to do next.
public struct ApplicationFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds, with the exit statuses that sysexits(3) gives them. A script tells by them whether to try again.
    public enum Kind: UInt32, Sendable, Hashable {
        /// The command is wrong.
        case usage = 64
        /// The application is at fault.
        case failed = 70
        /// Not now; the same may work later.
        case temporary = 75
        /// No, and not later either.
        case refused = 77

        /// What stands before the sentence.
        var words: String {
            switch self {
            case .usage: "wrong use"
            case .failed: "failed"
            case .temporary: "not now"
            case .refused: "refused"
            }
        }
    }

    public let kind: Kind
    /// One sentence for people.
    public let description: String
    /// What to do next; may have several lines.
    public let hint: String

    public init(_ kind: Kind, _ description: String, hint: String = "") {
        self.kind = kind
        self.description = description
        self.hint = hint
    }

    public static func usage(_ description: String, hint: String) -> ApplicationFailure {
        ApplicationFailure(.usage, description, hint: hint)
    }

    public static func refused(_ description: String, hint: String) -> ApplicationFailure {
        ApplicationFailure(.refused, description, hint: hint)
    }

    public static func temporary(
        _ description: String, hint: String = "Try again in a moment."
    ) -> ApplicationFailure {
        ApplicationFailure(.temporary, description, hint: hint)
    }

    init(_ error: ShellWordsError) { self.init(.usage, error.description, hint: error.hint) }

    init(_ error: DispatchError) {
        let kind: Kind =
            switch error.status {
            case .usage: .usage
            case .refused: .refused
            case .temporary, .configuration: .temporary
            }
        self.init(kind, error.description, hint: error.hint)
    }
}

/// The person pressed Ctrl-C where the application was ready for it. A visit that ends with it has the status 130, as
/// from a shell.
public struct ApplicationInterrupted: Error, Sendable {
    public init() {}
}

extension ApplicationVisit {
    /// Serves this visit by an application, and says to the person what went wrong, if something did.
    ///
    /// - Parameter name: Stands before what is said.
    public func serve(by application: any SSHApplication, name: String) async -> CommandResult.Exit {
        do {
            return try await application.run(self)
        } catch let failure as ApplicationFailure {
            return await say(failure, name)
        } catch is ApplicationInterrupted {
            return .status(130)
        } catch {
            // A client that went away is told nothing; and what an unforeseen error says may be meant for nobody.
            guard !Task.isCancelled else { return .status(255) }
            return await say(
                ApplicationFailure(
                    .failed, "Something unexpected went wrong (\(type(of: error))).",
                    hint: "Try again; if it stays, tell who runs this service."), name)
        }
    }

    private func say(_ failure: ApplicationFailure, _ name: String) async -> CommandResult.Exit {
        let lines =
            ["\(name): \(failure.kind.words): \(failure.description)"]
            + failure.hint.split(separator: "\n").map { "  \($0)" }
        for line in lines { try? await printError(DisplayText.neutralise(line, limit: 4096)) }
        return .status(failure.kind.rawValue)
    }
}
