import Audit
import Policy
public import SSHKeys
import Storage

extension People {
    /// How many keys one person may have.
    public static let maximumKeys = 100

    /// Registers a key for a person. Everybody may add their own; for others it takes `user.manage`.
    ///
    /// - Parameters:
    ///   - username: Whose it is.
    ///   - file: A public key file or its one line: OpenSSH, RFC 4716 or PEM.
    /// - Throws: 403, 404, 409 `key_taken` or `too_many_keys`, 422 for what is no public key.
    @discardableResult
    public func addKey(_ caller: Caller, username: String, file: [UInt8]) async throws(GatewayError) -> PersonKey {
        let (key, comment) = try Self.key(file)
        return try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                let person = try keyOwner(caller, username, in: tx)
                if let other = try keys(with: key.fingerprint, in: tx).first {
                    throw GatewayError.conflict(
                        "key_taken",
                        other.userID == person.user.id
                            ? "\(person.user.username) has this key already." : "Somebody else has this key already.",
                        hint: "A key stands for one person. Make another: ssh-keygen -t ed25519")
                }
                guard try keys(of: person.user.id, in: tx).count < Self.maximumKeys else {
                    throw GatewayError.conflict(
                        "too_many_keys", "\(person.user.username) has \(Self.maximumKeys) keys already.",
                        hint: "Remove one that is not used any more.")
                }
                try tx.execute(
                    """
                    INSERT INTO person_key (tenant, id, person, type, fingerprint, line, comment, created)
                    VALUES (\(tenant), \(Identifier.make("key")), \(person.user.id), \(key.algorithm),
                        \(key.fingerprint), \(key.authorizedKeysLine()), \(comment), \(clock()))
                    """)
                try recordKey(caller, "user.key.add", person, key.fingerprint, in: tx)
                guard let added = try keys(with: key.fingerprint, in: tx).first else {
                    throw GatewayError.notFound("key")
                }
                return added
            }
        }
    }

    /// The keys of one person, or of everybody for those who manage people; for others their own.
    public func keys(_ caller: Caller, username: String? = nil) async throws(GatewayError) -> [PersonKey] {
        try await GatewayError.mapping {
            try await store.read { [self] tx in
                if let username { return try keys(of: keyOwner(caller, username, in: tx).user.id, in: tx) }
                guard policy.decide(caller.subject, .userManage).isAllowed else {
                    return try keys(of: caller.userID, in: tx)
                }
                return try tx.rows(
                    """
                    SELECT person_key.*, person.username FROM person_key
                    JOIN person ON person.tenant = person_key.tenant AND person.id = person_key.person
                    WHERE person_key.tenant = \(tenant) ORDER BY person.username, person_key.created, person_key.id
                    """
                ).map { try PersonKey($0) }
            }
        }
    }

    /// Removes a key: whoever comes with it is unknown from now on, and whoever is in by it is out.
    ///
    /// - Throws: 403, 404.
    public func removeKey(
        _ caller: Caller, username: String, fingerprint: String
    ) async throws(GatewayError) {
        let ended = try await GatewayError.mapping {
            try await store.transaction { [self] tx -> [Revocation] in
                let person = try keyOwner(caller, username, in: tx)
                try tx.execute(
                    """
                    DELETE FROM person_key
                    WHERE tenant = \(tenant) AND person = \(person.user.id) AND fingerprint = \(fingerprint)
                    """)
                guard tx.changes == 1 else { throw GatewayError.notFound("key") }
                try recordKey(caller, "user.key.remove", person, fingerprint, in: tx)
                return try endSignIns(of: person.user.id, byKey: fingerprint, in: tx)
            }
        }
        announce(ended)
    }

    /// Who has this key, for the doors that people come in by; nil for nobody, and for a disabled account.
    public func owner(of key: SSHPublicKey) async throws(GatewayError) -> User? {
        let (line, fingerprint) = (key.authorizedKeysLine(), key.fingerprint)
        return try await GatewayError.mapping {
            try await store.read { [self] tx in
                // The whole key decides: the fingerprint only finds it.
                guard let found = try keys(with: fingerprint, in: tx).first, found.line == line else { return nil }
                let person = try PersonRow.find(id: found.userID, tenant: tenant, in: tx)
                return person.flatMap { $0.user.disabled ? nil : $0.user }
            }
        }
    }

    private static func key(_ file: [UInt8]) throws(GatewayError) -> (SSHPublicKey, comment: String) {
        do {
            let file = try PublicKeyFile(file: file)
            guard case .key(let key) = file.identity else {
                throw GatewayError.invalid(
                    "key", "This is a certificate.", hint: "Give the key itself, the file that ends in .pub.")
            }
            let comment = file.comment.filter {
                !$0.unicodeScalars.contains { $0.properties.generalCategory == .control }
            }
            return (key, String(comment.prefix(200)))
        } catch let error as SSHKeyError {
            throw .invalid("key", error.description, hint: error.hint)
        } catch let error as GatewayError {
            throw error
        } catch {
            throw .invalid("key", "This is not a public key.", hint: "Give the file that ends in .pub.")
        }
    }

    /// The person whose keys the caller may see and change.
    private func keyOwner(
        _ caller: Caller, _ username: String, in tx: borrowing StoreTransaction
    ) throws -> PersonRow {
        let person = try PersonRow.find(username: username.lowercased(), tenant: tenant, in: tx)
        guard let person, person.user.id == caller.userID else {
            try policy.require(.userManage, of: caller)
            guard let person else { throw GatewayError.notFound("person") }
            return person
        }
        return person
    }

    private func keys(of userID: String, in tx: borrowing StoreTransaction) throws(StorageError) -> [PersonKey] {
        var keys: [PersonKey] = []
        for row in try tx.rows(
            """
            SELECT person_key.*, person.username FROM person_key
            JOIN person ON person.tenant = person_key.tenant AND person.id = person_key.person
            WHERE person_key.tenant = \(tenant) AND person_key.person = \(userID)
            ORDER BY person_key.created, person_key.id
            """)
        { keys.append(try PersonKey(row)) }
        return keys
    }

    func keys(with fingerprint: String, in tx: borrowing StoreTransaction) throws(StorageError) -> [PersonKey] {
        var keys: [PersonKey] = []
        for row in try tx.rows(
            """
            SELECT person_key.*, person.username FROM person_key
            JOIN person ON person.tenant = person_key.tenant AND person.id = person_key.person
            WHERE person_key.tenant = \(tenant) AND person_key.fingerprint = \(fingerprint)
            """)
        { keys.append(try PersonKey(row)) }
        return keys
    }

    private func recordKey(
        _ caller: Caller, _ action: String, _ person: PersonRow, _ fingerprint: String,
        in tx: borrowing StoreTransaction
    ) throws(StorageError) {
        try audit.append(
            AuditEvent(
                actor: caller.auditActor, action: action, object: person.auditObject,
                details: ["fingerprint": fingerprint]), in: tx)
    }
}
