import ArgumentParser
import Foundation
import Gateway

/// Why a subcommand could not do what it was asked: a sentence, what to do next, and the exit status.
struct Failure: Error {
    /// See `copilot --help`.
    enum Status: Int32 {
        case foundWrong = 1
        case couldNot = 2
        case configuration = 78
    }

    let status: Status
    let sentence: String
    let hint: String

    init(_ sentence: String, hint: String, status: Status = .couldNot) {
        self.sentence = sentence
        self.hint = hint
        self.status = status
    }

    init(_ error: ConfigurationError) {
        self.init(error.description, hint: error.hint, status: .configuration)
    }
}

extension Failure {
    /// Runs a subcommand; what goes wrong is said on standard error, and the status says of which kind it is.
    static func reported(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let exit as ExitCode {
            throw exit
        } catch {
            let failure = Failure(any: error)
            Terminal.error("copilot: \(failure.sentence)")
            if !failure.hint.isEmpty { Terminal.error("  \(failure.hint)") }
            throw ExitCode(failure.status.rawValue)
        }
    }
}
