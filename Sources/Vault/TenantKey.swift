import Crypto
import Foundation
import Storage

/// A tenant's key as its row holds it: wrapped by a root key, with the root key's identifier and a check value.
struct TenantKeyRow: Sendable {
    let tenant: String
    let version: UInt32
    let rootKey: String
    let wrapped: [UInt8]
    let checkValue: [UInt8]

    init(_ row: SQLRow) throws(StorageError) {
        tenant = try row.text("tenant")
        version = UInt32(clamping: try row.integer("version"))
        rootKey = try row.text("root_key")
        wrapped = try row.bytes("wrapped")
        checkValue = try row.bytes("check_value")
    }

    private init(tenant: String, version: UInt32, rootKey: String, wrapped: [UInt8], checkValue: [UInt8]) {
        self.tenant = tenant
        self.version = version
        self.rootKey = rootKey
        self.wrapped = wrapped
        self.checkValue = checkValue
    }

    static func make(tenant: String, version: UInt32, under root: RootKey) throws -> TenantKeyRow {
        try wrap(SymmetricKey(size: .bits256), tenant: tenant, version: version, under: root)
    }

    private static func wrap(
        _ key: SymmetricKey, tenant: String, version: UInt32, under root: RootKey
    ) throws -> TenantKeyRow {
        let wrapped = try key.withUnsafeBytes {
            try Envelope.seal($0, with: root.key, authenticating: associatedData(tenant, version, root.identifier))
        }
        return TenantKeyRow(
            tenant: tenant, version: version, rootKey: root.identifier, wrapped: wrapped, checkValue: check(key))
    }

    /// The same key under another root key.
    func rewrapped(from old: RootKey, to new: RootKey) throws -> TenantKeyRow {
        try Self.wrap(unwrap(with: old), tenant: tenant, version: version, under: new)
    }

    func unwrap(with root: RootKey) throws(VaultError) -> SymmetricKey {
        let data = Self.associatedData(tenant, version, root.identifier)
        guard var raw = try? Envelope.open(wrapped, with: root.key, authenticating: data) else {
            throw .sealBroken("The key of the tenant \"\(tenant)\"")
        }
        defer { raw.resetBytes(in: raw.startIndex..<raw.endIndex) }
        let key = SymmetricKey(data: raw)
        // GCM does not commit to its key: two keys can be found that both open one ciphertext. The check value does.
        guard Self.check(key) == checkValue else { throw .sealBroken("The key of the tenant \"\(tenant)\"") }
        return key
    }

    private static func check(_ key: SymmetricKey) -> [UInt8] {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: key, info: Data("copilot/v1/tenant-key-check".utf8), outputByteCount: 16
        ).withUnsafeBytes(Array.init)
    }

    private static func associatedData(_ tenant: String, _ version: UInt32, _ root: String) -> [UInt8] {
        RecordIdentity(tenant: tenant, table: "vault_tenant_key", row: String(version), column: root).associatedData
    }
}
