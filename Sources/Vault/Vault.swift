import Crypto
import Foundation
import Storage

/// Keeps secrets encrypted: the root key wraps each tenant's key, the tenant's key wraps a fresh data key for each
/// value, and the data key seals the value (AES-256-GCM), bound to the place that it belongs to.
///
/// ```swift
/// let place = RecordIdentity(tenant: "default", table: "credential", row: id, column: "secret")
/// let sealed = try await vault.seal(SecretBytes(password), for: place)
/// let secret = try await vault.open(sealed, for: place)
/// ```
public actor Vault {
    private let store: Store
    private var roots: [String: RootKey]
    private var current: RootKey
    private var tenantKeys: [String: [UInt32: SymmetricKey]] = [:]

    /// - Parameters:
    ///   - rootKey: what new keys are wrapped with.
    ///   - previous: root keys that are still accepted, while a rotation is unfinished.
    public init(rootKey: RootKey, previous: [RootKey] = [], store: Store) {
        self.store = store
        current = rootKey
        roots = [rootKey.identifier: rootKey]
        for root in previous { roots[root.identifier] = root }
    }

    /// The table of tenant keys.
    public static let migrations: [Migration] = [
        Migration(
            "vault-0001-tenant-keys",
            [
                """
                CREATE TABLE vault_tenant_key (
                    tenant TEXT NOT NULL,
                    version \(type: .integer) NOT NULL,
                    root_key TEXT NOT NULL,
                    wrapped \(type: .bytes) NOT NULL,
                    check_value \(type: .bytes) NOT NULL,
                    created \(type: .integer) NOT NULL,
                    PRIMARY KEY (tenant, version)
                ) \(clause: .strict)
                """
            ])
    ]

    /// Encrypts a secret for one place.
    public func seal(_ secret: SecretBytes, for identity: RecordIdentity) async throws(VaultError) -> [UInt8] {
        let (version, tenantKey) = try await newestTenantKey(identity.tenant)
        return try await VaultError.mapping {
            let (key, wrapped) = try Envelope.makeDataKey(tenantKey: tenantKey, version: version, identity: identity)
            let data = Envelope.associatedData(identity, .value, header: Array(wrapped.prefix(Envelope.headerLength)))
            return wrapped + (try secret.withBytes { try Envelope.seal($0, with: key, authenticating: data) })
        }
    }

    /// Decrypts what was sealed for this place.
    ///
    /// - Throws: `seal_broken` when it was altered or moved, `root_key_mismatch` when another root key is needed.
    public func open(_ sealed: [UInt8], for identity: RecordIdentity) async throws(VaultError) -> SecretBytes {
        let envelope = try Envelope(sealed)
        let key = try await dataKey(of: envelope, for: identity)
        let data = Envelope.associatedData(identity, .value, header: envelope.header)
        guard var plain = try? Envelope.open(envelope.value, with: key, authenticating: data) else {
            throw .sealBroken("A stored secret")
        }
        defer { plain.resetBytes(in: plain.startIndex..<plain.endIndex) }
        return SecretBytes(plain)
    }

    /// A fresh key for something big that is encrypted elsewhere, such as a recording, and the form of it to store.
    public struct WrappedKey: Sendable {
        public let key: SymmetricKey
        public let wrapped: [UInt8]
    }

    /// Makes a data key for one place.
    public func recordKey(for identity: RecordIdentity) async throws(VaultError) -> WrappedKey {
        let (version, tenantKey) = try await newestTenantKey(identity.tenant)
        return try await VaultError.mapping {
            let (key, wrapped) = try Envelope.makeDataKey(tenantKey: tenantKey, version: version, identity: identity)
            return WrappedKey(key: key, wrapped: wrapped)
        }
    }

    /// The data key of one place again.
    public func unwrapKey(
        _ wrapped: [UInt8], for identity: RecordIdentity
    ) async throws(VaultError) -> SymmetricKey {
        let envelope = try Envelope(wrapped)
        guard envelope.value.isEmpty else { throw .sealBroken("A stored key") }
        return try await dataKey(of: envelope, for: identity)
    }

    private func dataKey(of envelope: Envelope, for identity: RecordIdentity) async throws(VaultError) -> SymmetricKey {
        let tenantKey = try await tenantKey(identity.tenant, version: envelope.tenantKeyVersion)
        guard let key = try? envelope.dataKey(tenantKey: tenantKey, identity: identity) else {
            throw .sealBroken("A stored secret")
        }
        return key
    }
}

// MARK: - Tenant keys

extension Vault {
    private func newestTenantKey(_ tenant: String) async throws(VaultError) -> (UInt32, SymmetricKey) {
        if let newest = tenantKeys[tenant]?.max(by: { $0.key < $1.key }) { return (newest.key, newest.value) }
        let root = current
        let row = try await VaultError.mapping {
            try await store.transaction { tx in
                if let row = try Self.row(of: tenant, version: nil, in: tx) { return row }
                let made = try TenantKeyRow.make(tenant: tenant, version: 1, under: root)
                try tx.execute(
                    """
                    INSERT INTO vault_tenant_key (tenant, version, root_key, wrapped, check_value, created)
                    VALUES (\(tenant), \(Int64(made.version)), \(made.rootKey), \(made.wrapped), \(made.checkValue),
                        \(Timestamp.now()))
                    """)
                return made
            }
        }
        return (row.version, try remember(row))
    }

    private func tenantKey(_ tenant: String, version: UInt32) async throws(VaultError) -> SymmetricKey {
        if let known = tenantKeys[tenant]?[version] { return known }
        let row = try await VaultError.mapping {
            try await store.read { tx in try Self.row(of: tenant, version: version, in: tx) }
        }
        guard let row else { throw .sealBroken("A stored secret of the tenant \"\(tenant)\"") }
        return try remember(row)
    }

    private static func row(
        of tenant: String, version: UInt32?, in tx: borrowing StoreTransaction
    ) throws(StorageError) -> TenantKeyRow? {
        let row = try tx.row(
            """
            SELECT tenant, version, root_key, wrapped, check_value FROM vault_tenant_key
            WHERE tenant = \(tenant) AND version = coalesce(\(version.map(Int64.init)), version)
            ORDER BY version DESC LIMIT 1
            """)
        guard let row else { return nil }
        return try TenantKeyRow(row)
    }

    private func remember(_ row: TenantKeyRow) throws(VaultError) -> SymmetricKey {
        let key = try row.unwrap(with: root(of: row))
        tenantKeys[row.tenant, default: [:]][row.version] = key
        return key
    }

    private func root(of row: TenantKeyRow) throws(VaultError) -> RootKey {
        if let root = roots[row.rootKey] { return root }
        throw VaultError(
            .rootKeyMismatch,
            "The stored secrets are sealed under the root key \(row.rootKey), and this program was given "
                + "\(roots.keys.sorted().joined(separator: ", ")).",
            hint: "Start with the root key that was in use before, or restore the database that belongs to this one.")
    }
}

// MARK: - Root key

extension Vault {
    /// Opens every tenant key once, so that a wrong root key is found at the start and not at the first connection.
    ///
    /// - Returns: how many tenant keys there are.
    @discardableResult
    public func check() async throws(VaultError) -> Int {
        let rows = try await allRows()
        for row in rows { _ = try row.unwrap(with: root(of: row)) }
        return rows.count
    }

    /// Wraps all tenant keys with another root key. Secrets themselves are not touched.
    ///
    /// Each key is changed in a transaction of its own. When this is interrupted, start the vault with the new key and
    /// the old one as `previous` (or the other way round) and call it again: it goes on where it stopped.
    /// - Returns: how many tenant keys were wrapped anew.
    @discardableResult
    public func rotateRootKey(to new: RootKey) async throws(VaultError) -> Int {
        roots[new.identifier] = new
        var count = 0
        for row in try await allRows() where row.rootKey != new.identifier {
            try await rewrap(row, to: new)
            count += 1
        }
        current = new
        roots = [new.identifier: new]
        return count
    }

    private func allRows() async throws(VaultError) -> [TenantKeyRow] {
        try await VaultError.mapping {
            try await store.read { tx in
                try tx.rows(
                    """
                    SELECT tenant, version, root_key, wrapped, check_value FROM vault_tenant_key
                    ORDER BY tenant, version
                    """
                ).map { try TenantKeyRow($0) }
            }
        }
    }

    /// One step of a rotation.
    func rewrap(_ row: TenantKeyRow, to new: RootKey) async throws(VaultError) {
        let old = try root(of: row)
        try await VaultError.mapping {
            let changed = try row.rewrapped(from: old, to: new)
            // Read back before the old form is given up.
            _ = try changed.unwrap(with: new)
            try await store.transaction { tx in
                try tx.execute(
                    """
                    UPDATE vault_tenant_key SET root_key = \(changed.rootKey), wrapped = \(changed.wrapped)
                    WHERE tenant = \(row.tenant) AND version = \(Int64(row.version)) AND root_key = \(row.rootKey)
                    """)
            }
        }
    }
}
