import SSH
import SSHKeys
import Storage
import Vault

extension GatewayError {
    static func sessionEnded(_ recording: String) -> GatewayError {
        GatewayError(
            "session_ended", status: 409, "This session has ended.", hint: "Its recording is in Recordings.",
            details: ["recordingId": .string(recording)])
    }

    /// What the floors below report, without anything of its content.
    public init(storage error: any Error) {
        switch error {
        case let error as GatewayError: self = error
        case let error as StorageError: self.init(error)
        case let error as VaultError: self.init(error)
        default:
            self.init(
                "internal", status: 500, "The copilot could not do this.",
                hint: "Try again. The copilot's own log says more.")
        }
    }

    /// What went wrong on the way to a host, or there.
    public init(hostFailure error: any Error) {
        switch error {
        case let error as SSHError:
            // An address that is not allowed is what somebody asked for, not what a host did.
            let status = error.code == .addressNotAllowed ? 422 : 502
            self.init(error.code.rawValue, status: status, error.description, hint: error.hint)
        case let error as SSHKeyError:
            switch error.code {
            case .passphraseRequired, .wrongPassphrase, .notAPrivateKey:
                self.init(error.code.rawValue, status: 422, error.description, hint: error.hint)
            default:
                self.init("invalid", status: 422, error.description, hint: error.hint)
            }
        default: self.init(storage: error)
        }
    }
}
