import Audit
import Gateway
import GatewayWeb
import Recording
import SSH
import SSHKeys
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
        case let error as SSHKeyError: self.init(error.description, hint: error.hint)
        default: self.init("It could not be done: \(error).", hint: "Run `copilot doctor` with the same settings.")
        }
    }
}
