import SSH
import SSHKeys
import Storage
import Vault

/// A secret as somebody gives it, to log in to a host.
public enum NewCredential: Sendable {
    case password(String)
    /// The text of a private key file, and its passphrase when it has one.
    case key(privateKey: String, passphrase: String?)
    /// A fresh Ed25519 key, made here; its authorized_keys line is given back.
    case generated
}

/// What may be known of a stored secret.
public struct CredentialView: Sendable, Hashable {
    public enum Kind: String, Sendable {
        case password, key, none
    }

    public let kind: Kind
    /// Of the key, `SHA256:…`.
    public let fingerprint: String?
    /// The line for the host's authorized_keys; nil for those who may not change the host.
    public let authorizedKeysLine: String?

    static let none = CredentialView(kind: .none, fingerprint: nil, authorizedKeysLine: nil)
}

enum CredentialSchema {
    static let credentials = Migration(
        "gateway-0002-credentials",
        [
            """
            CREATE TABLE credential (
                tenant TEXT NOT NULL,
                id TEXT NOT NULL,
                kind TEXT NOT NULL,
                secret \(type: .bytes) NOT NULL,
                fingerprint TEXT,
                authorized_keys_line TEXT,
                created \(type: .integer) NOT NULL,
                PRIMARY KEY (tenant, id)
            ) \(clause: .strict)
            """
        ])
}

/// The secrets for logging in to hosts. They are sealed in the vault, and open in memory only while a connection is made.
struct Credentials: Sendable {
    let store: Store
    let vault: Vault
    let tenant: String

    /// A secret that is sealed and not yet in the database.
    struct Prepared: Sendable {
        let id: String
        let kind: CredentialView.Kind
        let sealed: [UInt8]
        let fingerprint: String?
        let authorizedKeysLine: String?
    }

    private func place(_ id: String) -> RecordIdentity {
        RecordIdentity(tenant: tenant, table: "credential", row: id, column: "secret")
    }

    /// Checks a secret and seals it.
    ///
    /// A key is opened at once: a wrong passphrase shows now and not at the first connection. It is stored without the
    /// passphrase, since the vault protects it better than a passphrase stored beside it.
    /// - Parameter comment: stands at the end of a generated key's line.
    /// - Throws: 422 `passphrase_required`, `wrong_passphrase`, `not_a_private_key`, `invalid`.
    func prepare(_ new: NewCredential, comment: String) async throws(GatewayError) -> Prepared {
        switch new {
        case .password(let password):
            guard !password.isEmpty, password.utf8.count <= 1024, !password.utf8.contains(0) else {
                throw .invalid("credential.password", "The password is empty or too long.", hint: "Type it again.")
            }
            return try await seal(SecretBytes(password), kind: .password, publicKey: nil, comment: comment)
        case .key(let text, let passphrase):
            return try await seal(Self.read(text, passphrase: passphrase), comment: comment)
        case .generated:
            return try await seal(SSHPrivateKey.generateEd25519(comment: comment), comment: comment)
        }
    }

    private static func read(_ text: String, passphrase: String?) throws(GatewayError) -> SSHPrivateKey {
        do throws(SSHKeyError) {
            // A form sends an empty field for "none".
            let passphrase = passphrase?.isEmpty == true ? nil : passphrase
            return try SSHPrivateKey(text: text, passphrase: passphrase.map { Array($0.utf8) })
        } catch {
            throw GatewayError(error, field: "credential.privateKey")
        }
    }

    private func seal(_ key: SSHPrivateKey, comment: String) async throws(GatewayError) -> Prepared {
        let file: String
        do throws(SSHKeyError) {
            file = try key.openSSHFile()
        } catch {
            throw GatewayError(error, field: "credential.privateKey")
        }
        return try await seal(SecretBytes(file), kind: .key, publicKey: key.publicKey, comment: comment)
    }

    private func seal(
        _ secret: SecretBytes, kind: CredentialView.Kind, publicKey: SSHPublicKey?, comment: String
    ) async throws(GatewayError) -> Prepared {
        let id = Identifier.make("crd")
        let sealed = try await GatewayError.mapping { try await vault.seal(secret, for: place(id)) }
        return Prepared(
            id: id, kind: kind, sealed: sealed, fingerprint: publicKey?.fingerprint,
            authorizedKeysLine: publicKey?.authorizedKeysLine(comment: comment))
    }

    func insert(_ prepared: Prepared, in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute(
            """
            INSERT INTO credential (tenant, id, kind, secret, fingerprint, authorized_keys_line, created)
            VALUES (\(tenant), \(prepared.id), \(prepared.kind.rawValue), \(prepared.sealed), \(prepared.fingerprint),
                \(prepared.authorizedKeysLine), \(Timestamp.now()))
            """)
    }

    func remove(_ id: String, in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute("DELETE FROM credential WHERE tenant = \(tenant) AND id = \(id)")
    }

    /// Opens a secret for one connection.
    func open(_ id: String) async throws(GatewayError) -> SSHCredential {
        let row = try await GatewayError.mapping {
            try await store.read { [tenant] tx in
                try tx.row("SELECT kind, secret FROM credential WHERE tenant = \(tenant) AND id = \(id)")
            }
        }
        guard let row else { throw .notFound("credential") }
        let (kind, sealed) = try await GatewayError.mapping { (try row.text("kind"), try row.bytes("secret")) }
        let secret = try await GatewayError.mapping { try await vault.open(sealed, for: place(id)) }
        guard kind == CredentialView.Kind.key.rawValue else { return .password(secret.withBytes(Array.init)) }
        do {
            return .privateKey(try secret.withArray { try SSHPrivateKey(file: $0) })
        } catch {
            throw GatewayError(
                "credential_unreadable", status: 500, "The stored private key cannot be read.",
                hint: "Enter the key again.")
        }
    }
}

extension GatewayError {
    init(_ error: SSHKeyError, field: String) {
        let code =
            switch error.code {
            case .passphraseRequired, .wrongPassphrase, .notAPrivateKey: error.code.rawValue
            default: "invalid"
            }
        self.init(code, status: 422, error.description, hint: error.hint, field: field)
    }
}
