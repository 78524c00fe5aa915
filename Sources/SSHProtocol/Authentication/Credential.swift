public import SSHKeys

/// How a user proves who they are, as the core sees it.
public enum Credential: Sendable {
    /// publickey (RFC 4252 §7).
    case privateKey(SSHPrivateKey)
    /// publickey with a certificate for the key (OpenSSH's PROTOCOL.certkeys).
    case certificate(SSHCertificate, SSHPrivateKey)
    /// A key that somebody else signs with: an agent, a security key. The server is asked first whether the key would
    /// do, so that nobody is asked to touch or to confirm for nothing; then a `sign` event follows.
    case external(PublicIdentity)
    /// password (RFC 4252 §8), or a keyboard-interactive round with one question without echo.
    case password([UInt8])
    /// password (RFC 4252 §8), which the owner is asked for when its turn comes: by a `prompt` with one question that has
    /// no text.
    case askedPassword
    /// keyboard-interactive (RFC 4256), each round answered by the owner.
    case keyboardInteractive

    /// The methods it can serve, best first.
    var methods: [String] {
        switch self {
        case .privateKey, .certificate, .external: ["publickey"]
        case .password: ["password", "keyboard-interactive"]
        case .askedPassword: ["password"]
        case .keyboardInteractive: ["keyboard-interactive"]
        }
    }

    /// The key that we sign with ourselves.
    var privateKey: SSHPrivateKey? {
        switch self {
        case .privateKey(let key), .certificate(_, let key): key
        case .external, .password, .askedPassword, .keyboardInteractive: nil
        }
    }

    /// The key or certificate, for publickey.
    var identity: PublicIdentity? {
        switch self {
        case .privateKey(let key): .key(key.publicKey)
        case .certificate(let certificate, _): .certificate(certificate)
        case .external(let identity): identity
        case .password, .askedPassword, .keyboardInteractive: nil
        }
    }
}

/// A signature that the owner is asked for.
public struct SignatureRequest: Sendable, Hashable {
    public var identity: PublicIdentity
    /// What to sign: the session identifier and the request (RFC 4252 §7).
    public var data: [UInt8]
    /// The signature algorithm: "rsa-sha2-512" also where a certificate's name for it was agreed on.
    public var algorithm: String
    /// Position in the credentials.
    public var credential: Int
}

/// The host accepts the password only to have it changed (RFC 4252 §8).
public struct PasswordChangePrompt: Sendable, Hashable {
    /// The host's words: neutralise them before showing.
    public var text: String
    /// Position in the credentials.
    public var credential: Int
}
