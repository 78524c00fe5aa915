public import SSHKeys

/// How a user proves who they are, as the core sees it.
public enum Credential: Sendable {
    /// publickey (RFC 4252 §7).
    case privateKey(SSHPrivateKey)
    /// password (RFC 4252 §8), or a keyboard-interactive round with one question without echo.
    case password([UInt8])
    /// keyboard-interactive (RFC 4256), each round answered by the owner.
    case keyboardInteractive

    /// The methods it can serve, best first.
    var methods: [String] {
        switch self {
        case .privateKey: ["publickey"]
        case .password: ["password", "keyboard-interactive"]
        case .keyboardInteractive: ["keyboard-interactive"]
        }
    }
}
