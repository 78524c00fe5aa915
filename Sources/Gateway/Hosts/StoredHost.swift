import Policy
import SSHKeys
import Storage

/// A host's row with its tags.
struct StoredHost: Sendable {
    var id: String
    var alias: String
    var address: String
    var port: Int
    var username: String
    var environment: HostEnvironment
    var purpose: String
    var tags: [String]
    var hostKey: SSHPublicKey
    var verifiedAt: Timestamp
    var verifiedBy: String
    var credentialKind: CredentialKind
    var credentialFingerprint: String?
    var offeredKey: SSHPublicKey?
    var offeredAt: Timestamp?
    var addedBy: String
    var lastUsedAt: Timestamp?
    var isDemonstration: Bool

    var policyObject: PolicyObject {
        PolicyObject(kind: "host", id: id, tags: Set(tags), ownerIDs: [addedBy])
    }
}

/// Hosts in the store.
struct HostStore: Sendable {
    let store: Store
    let tenant: String

    static let migrations: [Migration] = [
        Migration(
            "hosts-1",
            [
                """
                CREATE TABLE host (
                    tenant TEXT NOT NULL, id TEXT NOT NULL, alias TEXT NOT NULL, alias_folded TEXT NOT NULL,
                    address TEXT NOT NULL, port BIGINT NOT NULL, username TEXT NOT NULL, environment TEXT NOT NULL,
                    purpose TEXT NOT NULL, host_key \(type: .bytes) NOT NULL, verified_at BIGINT NOT NULL,
                    verified_by TEXT NOT NULL, credential_kind TEXT NOT NULL, credential_fingerprint TEXT,
                    credential \(type: .bytes), offered_key \(type: .bytes), offered_at BIGINT,
                    added_by TEXT NOT NULL, created_at BIGINT NOT NULL, last_used_at BIGINT,
                    is_demonstration BIGINT NOT NULL,
                    PRIMARY KEY (tenant, id))
                """,
                "CREATE UNIQUE INDEX host_by_alias ON host (tenant, alias_folded)",
                """
                CREATE TABLE host_tag (
                    tenant TEXT NOT NULL, host TEXT NOT NULL, tag TEXT NOT NULL,
                    PRIMARY KEY (tenant, host, tag),
                    FOREIGN KEY (tenant, host) REFERENCES host (tenant, id) ON DELETE CASCADE)
                """,
            ])
    ]

    func all(in tx: borrowing StoreTransaction) throws(StorageError) -> [StoredHost] {
        var tags: [String: [String]] = [:]
        for row in try tx.rows("SELECT host, tag FROM host_tag WHERE tenant = \(tenant) ORDER BY tag") {
            tags[try row.text("host"), default: []].append(try row.text("tag"))
        }
        var hosts: [StoredHost] = []
        for row in try tx.rows("SELECT * FROM host WHERE tenant = \(tenant) ORDER BY alias_folded") {
            hosts.append(try host(row, tags: tags[try row.text("id")] ?? []))
        }
        return hosts
    }

    func host(_ id: String, in tx: borrowing StoreTransaction) throws(StorageError) -> StoredHost? {
        guard let row = try tx.row("SELECT * FROM host WHERE tenant = \(tenant) AND id = \(id)") else { return nil }
        var tags: [String] = []
        for tag in try tx.rows("SELECT tag FROM host_tag WHERE tenant = \(tenant) AND host = \(id) ORDER BY tag") {
            tags.append(try tag.text("tag"))
        }
        return try host(row, tags: tags)
    }

    private func host(_ row: SQLRow, tags: [String]) throws(StorageError) -> StoredHost {
        let key: SSHPublicKey
        let offered: SSHPublicKey?
        do {
            key = try SSHPublicKey(wire: try row.bytes("host_key"))
            offered = try row.optionalBytes("offered_key").map { try SSHPublicKey(wire: $0) }
        } catch let error as StorageError {
            throw error
        } catch {
            throw StorageError(
                .malformedRow, "The recorded key of host \(try row.text("alias")) can't be read.",
                hint: "Restore the database from a backup.")
        }
        return StoredHost(
            id: try row.text("id"), alias: try row.text("alias"), address: try row.text("address"),
            port: Int(try row.integer("port")), username: try row.text("username"),
            environment: HostEnvironment(rawValue: try row.text("environment")) ?? .other,
            purpose: try row.text("purpose"), tags: tags, hostKey: key, verifiedAt: try row.time("verified_at"),
            verifiedBy: try row.text("verified_by"),
            credentialKind: CredentialKind(rawValue: try row.text("credential_kind")) ?? .none,
            credentialFingerprint: try row.optionalText("credential_fingerprint"), offeredKey: offered,
            offeredAt: try row.optionalTime("offered_at"), addedBy: try row.text("added_by"),
            lastUsedAt: try row.optionalTime("last_used_at"), isDemonstration: try row.integer("is_demonstration") != 0)
    }

    func insert(_ host: StoredHost, credential: [UInt8]?, in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute(
            """
            INSERT INTO host (tenant, id, alias, alias_folded, address, port, username, environment, purpose, host_key,
                verified_at, verified_by, credential_kind, credential_fingerprint, credential, added_by, created_at,
                is_demonstration)
            VALUES (\(tenant), \(host.id), \(host.alias), \(host.alias.lowercased()), \(host.address), \(host.port),
                \(host.username), \(host.environment.rawValue), \(host.purpose), \(host.hostKey.blob),
                \(host.verifiedAt), \(host.verifiedBy), \(host.credentialKind.rawValue), \(host.credentialFingerprint),
                \(credential), \(host.addedBy), \(Timestamp.now()), \(host.isDemonstration ? 1 : 0))
            """)
        try setTags(host, in: tx)
    }

    /// Writes what people change. The keys have their own statements: a change of the alias may not undo an alert that
    /// was raised meanwhile, nor an alert a change.
    func update(_ host: StoredHost, in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute(
            """
            UPDATE host SET alias = \(host.alias), alias_folded = \(host.alias.lowercased()),
                address = \(host.address), port = \(host.port),
                username = \(host.username), environment = \(host.environment.rawValue), purpose = \(host.purpose)
            WHERE tenant = \(tenant) AND id = \(host.id)
            """)
        try setTags(host, in: tx)
    }

    /// Remembers a key that is not the recorded one.
    func raiseAlert(_ id: String, offered: SSHPublicKey, in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute(
            """
            UPDATE host SET offered_key = \(offered.blob), offered_at = \(Timestamp.now())
            WHERE tenant = \(tenant) AND id = \(id)
            """)
    }

    /// Ends the alert, with the key that counts from now on.
    func settleAlert(
        _ id: String, key: SSHPublicKey, verifiedBy: String, in tx: borrowing StoreTransaction
    ) throws(StorageError) {
        try tx.execute(
            """
            UPDATE host SET host_key = \(key.blob), verified_at = \(Timestamp.now()), verified_by = \(verifiedBy),
                offered_key = NULL, offered_at = NULL
            WHERE tenant = \(tenant) AND id = \(id)
            """)
    }

    private func setTags(_ host: StoredHost, in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute("DELETE FROM host_tag WHERE tenant = \(tenant) AND host = \(host.id)")
        for tag in host.tags {
            try tx.execute("INSERT INTO host_tag (tenant, host, tag) VALUES (\(tenant), \(host.id), \(tag))")
        }
    }

    func setCredential(
        _ id: String, kind: CredentialKind, fingerprint: String?, sealed: [UInt8]?, in tx: borrowing StoreTransaction
    ) throws(StorageError) {
        try tx.execute(
            """
            UPDATE host SET credential_kind = \(kind.rawValue), credential_fingerprint = \(fingerprint),
                credential = \(sealed)
            WHERE tenant = \(tenant) AND id = \(id)
            """)
    }

    func credential(_ id: String, in tx: borrowing StoreTransaction) throws(StorageError) -> [UInt8]? {
        try tx.row("SELECT credential FROM host WHERE tenant = \(tenant) AND id = \(id)")?.optionalBytes("credential")
    }

    /// - Returns: false when the host is not there any more.
    func used(_ id: String, in tx: borrowing StoreTransaction) throws(StorageError) -> Bool {
        try tx.execute("UPDATE host SET last_used_at = \(Timestamp.now()) WHERE tenant = \(tenant) AND id = \(id)")
        return tx.changes == 1
    }

    func remove(_ id: String, in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute("DELETE FROM host WHERE tenant = \(tenant) AND id = \(id)")
    }
}
