public import SSH
public import SSHKeys

// What the engine says, in its own words.

extension Failure {
    public init(_ error: SSHError, status: Status = .connection) {
        self.init(error.description, hint: error.hint, status: status)
        cause = error.code
        switch error.code {
        case .connectionRefused, .connectionTimeout, .unreachable, .connectionFailed, .connectionLost,
            .handshakeTimeout,
            .hostNotFound:
            mayPass = true
        default:
            break
        }
    }

    public init(_ error: SSHConfigurationError, status: Status = .connection) {
        self.init(error.description, hint: error.hint, status: status)
    }

    public init(_ error: SSHKeyError, status: Status = .connection) {
        self.init(error.description, hint: error.hint, status: status)
    }

    public init(_ error: SSHAgentError, status: Status = .connection) {
        self.init(error.description, hint: error.hint, status: status)
    }

    /// Any of the engine's errors.
    init(engine error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as SSHError: self.init(error)
        case let error as SSHConfigurationError: self.init(error)
        case let error as SSHKeyError: self.init(error)
        case let error as SSHAgentError: self.init(error)
        default: self.init("It could not be done: \(error).", hint: "", status: .connection)
        }
    }
}
