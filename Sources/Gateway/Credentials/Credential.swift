import SSH
import SSHKeys
import Vault

/// What the copilot holds to sign in at a host.
public enum CredentialKind: String, Sendable, Codable {
    case password
    case key
    case none
}

/// What a person gives, before it is checked.
public enum NewCredential: Sendable {
    case password(SecretBytes)
    /// A private key file, with its passphrase when it is encrypted.
    case privateKey(SecretBytes, passphrase: SecretBytes?)
    /// The copilot makes a key; the person puts its public line on the host.
    case generated
}

/// A credential that was checked, and what may be said of it.
struct Credential: Sendable {
    let kind: CredentialKind
    /// Of a key.
    let fingerprint: String?
    /// The line for the host's `authorized_keys`, for a key that was made here.
    let authorizedKeysLine: String?
    let secret: SecretBytes

    /// Longest password, in bytes.
    private static let longestPassword = 1024

    /// Checks what was given: a key that can't be used is refused here, not at three in the morning.
    init(_ new: NewCredential, alias: String) throws(GatewayError) {
        switch new {
        case .password(let password):
            guard (1...Self.longestPassword).contains(password.count) else {
                throw .invalid(
                    "credential.password", "A password has between 1 and \(Self.longestPassword) bytes.",
                    hint: "Type the password of the account at the host.")
            }
            self.init(kind: .password, fingerprint: nil, authorizedKeysLine: nil, secret: password)
        case .privateKey(let file, let passphrase):
            try self.init(try Self.key(file, passphrase), isNew: false)
        case .generated:
            try self.init(SSHPrivateKey.generateEd25519(comment: "copilot for \(alias)"), isNew: true)
        }
    }

    /// A key is kept without its passphrase: the vault's seal takes its place.
    private init(_ key: SSHPrivateKey, isNew: Bool) throws(GatewayError) {
        do {
            self.init(
                kind: .key, fingerprint: key.publicKey.fingerprint,
                authorizedKeysLine: isNew ? key.publicKey.authorizedKeysLine(comment: key.comment) : nil,
                secret: SecretBytes(try key.openSSHFile()))
        } catch {
            throw GatewayError(hostFailure: error)
        }
    }

    private init(kind: CredentialKind, fingerprint: String?, authorizedKeysLine: String?, secret: SecretBytes) {
        self.kind = kind
        self.fingerprint = fingerprint
        self.authorizedKeysLine = authorizedKeysLine
        self.secret = secret
    }

    /// The line for the host's `authorized_keys`, of a stored key.
    static func authorizedKeysLine(_ secret: SecretBytes) throws(GatewayError) -> String {
        let stored = try key(secret, nil)
        return stored.publicKey.authorizedKeysLine(comment: stored.comment)
    }

    private static func key(_ file: SecretBytes, _ passphrase: SecretBytes?) throws(GatewayError) -> SSHPrivateKey {
        do {
            return try file.withArray { bytes in
                if let passphrase { return try passphrase.withArray { try SSHPrivateKey(file: bytes, passphrase: $0) } }
                return try SSHPrivateKey(file: bytes)
            }
        } catch {
            var answer = GatewayError(hostFailure: error)
            answer.field = "credential.privateKey"
            throw answer
        }
    }

    /// The sealed secret as the engine takes it; it lives as long as the sign-in at the host.
    static func forSigningIn(_ kind: CredentialKind, _ secret: SecretBytes) throws(GatewayError) -> [SSHCredential] {
        switch kind {
        case .none: return []
        case .password: return [.password(secret.withArray { $0 })]
        case .key: return [.privateKey(try key(secret, nil))]
        }
    }
}
