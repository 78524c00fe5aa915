import Audit
import Policy
import SSHKeys
import Storage

/// A host as it is stored.
struct HostRow: Sendable {
    let id: HostID
    let alias: String
    let address: String
    let port: Int
    let username: String
    let environment: HostEnvironment
    let purpose: String
    let tags: [String]
    let ownerID: String
    let credentialID: String?
    let credentialKind: CredentialView.Kind
    let credentialFingerprint: String?
    let authorizedKeysLine: String?
    let hostKey: SSHPublicKey
    let keyVerifiedAt: Timestamp
    let keyVerifiedBy: String
    let offeredKey: SSHPublicKey?
    let offeredAt: Timestamp?
    let demonstration: Bool
    let lastUsed: Timestamp?

    var policyObject: PolicyObject {
        PolicyObject(kind: "host", id: id, tags: Set(tags), ownerIDs: [ownerID])
    }

    var auditObject: AuditObject { AuditObject(kind: "host", id: id, name: alias) }

    private init(_ row: SQLRow, tags: [String]) throws {
        id = try row.text("id")
        alias = try row.text("alias")
        address = try row.text("address")
        port = Int(clamping: try row.integer("port"))
        username = try row.text("username")
        environment = HostEnvironment(rawValue: try row.text("environment")) ?? .other
        purpose = try row.text("purpose")
        self.tags = tags
        ownerID = try row.text("owner")
        credentialID = try row.optionalText("credential")
        credentialKind = try row.optionalText("credential_kind").flatMap(CredentialView.Kind.init) ?? .none
        credentialFingerprint = try row.optionalText("credential_fingerprint")
        authorizedKeysLine = try row.optionalText("authorized_keys_line")
        hostKey = try Self.key(try row.bytes("host_key"))
        keyVerifiedAt = try row.time("key_verified")
        keyVerifiedBy = try row.text("key_verified_by")
        offeredKey = try row.optionalBytes("offered_key").map(Self.key)
        offeredAt = try row.optionalTime("offered_seen")
        demonstration = try row.bool("demonstration")
        lastUsed = try row.optionalTime("last_used")
    }

    private static func key(_ blob: [UInt8]) throws -> SSHPublicKey {
        do throws(SSHKeyError) {
            return try SSHPublicKey(wire: blob)
        } catch {
            throw StorageError(
                .malformedRow, "The stored key of a host cannot be read: \(error.description)",
                hint: "The database was changed by something else than this program. Restore it from a backup.")
        }
    }

    private static let columns: SQL = """
        SELECT host.*, credential.kind AS credential_kind, credential.fingerprint AS credential_fingerprint,
            credential.authorized_keys_line, host_key_alert.offered_key, host_key_alert.seen AS offered_seen
        FROM host
        LEFT JOIN credential ON credential.tenant = host.tenant AND credential.id = host.credential
        LEFT JOIN host_key_alert ON host_key_alert.tenant = host.tenant AND host_key_alert.host = host.id
        """

    static func all(tenant: String, in tx: borrowing StoreTransaction) throws -> [HostRow] {
        var tags: [String: [String]] = [:]
        for row in try tx.rows("SELECT host, tag FROM host_tag WHERE tenant = \(tenant) ORDER BY tag") {
            tags[try row.text("host"), default: []].append(try row.text("tag"))
        }
        return try tx.rows("\(fragment: columns) WHERE host.tenant = \(tenant) ORDER BY host.alias_folded")
            .map { try HostRow($0, tags: tags[try $0.text("id")] ?? []) }
    }

    static func find(_ id: HostID, tenant: String, in tx: borrowing StoreTransaction) throws -> HostRow? {
        try first(where: "host.tenant = \(tenant) AND host.id = \(id)", tenant: tenant, in: tx)
    }

    static func find(alias: String, tenant: String, in tx: borrowing StoreTransaction) throws -> HostRow? {
        try first(where: "host.tenant = \(tenant) AND host.alias_folded = \(alias.lowercased())", tenant: tenant, in: tx)
    }

    private static func first(where condition: SQL, tenant: String, in tx: borrowing StoreTransaction) throws -> HostRow? {
        guard let row = try tx.row("\(fragment: columns) WHERE \(fragment: condition)") else { return nil }
        let id = try row.text("id")
        let tags = try tx.rows("SELECT tag FROM host_tag WHERE tenant = \(tenant) AND host = \(id) ORDER BY tag")
            .map { try $0.text("tag") }
        return try HostRow(row, tags: tags)
    }
}
