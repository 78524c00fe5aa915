import ArgumentParser
import Audit
import Gateway
import GatewayWeb
import Recording
import SSH
import SSHKeys
import SSHTools
import StandaloneServer
import Storage
import Vault

extension Failure {
    /// What the floors below say, in their own words.
    init(any error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as ConfigurationError: self.init(error)
        case let error as GatewayError: self.init(error.error, hint: error.hint)
        case let error as WebServerError: self.init(error.description, hint: error.hint)
        case let error as StorageError: self.init(error.description, hint: error.hint)
        case let error as VaultError: self.init(error.description, hint: error.hint)
        case let error as AuditError: self.init(error.description, hint: error.hint)
        case let error as RecordingError: self.init(error.description, hint: error.hint)
        case let error as SSHError: self.init(error.description, hint: error.hint)
        case let error as StandaloneServerError:
            self.init(
                error.description, hint: error.hint, status: error.code == .settings ? .configuration : .couldNot)
        case let error as SSHKeyError: self.init(error.description, hint: error.hint)
        default: self.init("It could not be done: \(error).", hint: "Run `copilot doctor` with the same settings.")
        }
    }
}

extension Failure {
    init(_ error: ConfigurationError) {
        self.init(error.description, hint: error.hint, status: .configuration)
    }
}

extension Failure {
    /// Runs a subcommand; what goes wrong is said on standard error, and the status says of which kind it is.
    static func reported(_ body: () async throws -> Void) async throws {
        do {
            try await body()
            try PersonTerminal.checkOutput()
        } catch let exit as ExitCode {
            throw exit
        } catch let wrong as ValidationError {
            // The parser says it, with the usage, and ends with the status of wrong use.
            throw wrong
        } catch {
            let failure = Failure(any: error)
            PersonTerminal.error("copilot: \(failure.sentence)")
            if !failure.hint.isEmpty { PersonTerminal.error("  \(failure.hint)") }
            throw ExitCode(failure.status.rawValue)
        }
    }
}
