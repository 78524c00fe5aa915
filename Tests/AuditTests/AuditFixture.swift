import Foundation
import Storage
import Testing

@testable import Audit

/// A log in a file of its own, and the means to change that file behind the log's back.
final class AuditFixture: Sendable {
    let folder: String
    let store: Store
    let log: AuditLog

    init() async throws {
        folder = NSTemporaryDirectory() + "copilot-audit-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        store = try Store.open(path: folder + "/a.sqlite")
        try await store.migrate(AuditLog.migrations)
        log = AuditLog(store: store, tenant: "t1")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    static func event(_ number: Int) -> AuditEvent {
        AuditEvent(
            actor: AuditActor(kind: .user, id: "usr_1", name: "Ada", address: "127.0.0.1"), action: "host.add",
            object: AuditObject(kind: "host", id: "hst_\(number)", name: "web-\(number)"),
            details: ["environment": "production"])
    }

    func fill(_ count: Int) async throws {
        let log = self.log
        try await store.transaction { tx in
            for number in 1...count { try log.append(Self.event(number), in: tx) }
        }
    }

    /// What somebody does who owns the file: the triggers go first.
    func tamper(_ body: @escaping @Sendable (borrowing StoreTransaction) throws -> Void) async throws {
        try await store.transaction { tx in
            try tx.execute("DROP TRIGGER IF EXISTS audit_entry_is_never_updated")
            try tx.execute("DROP TRIGGER IF EXISTS audit_entry_is_never_deleted")
            try tx.execute("DROP TRIGGER IF EXISTS audit_entry_is_never_replaced")
            try body(tx)
        }
    }

    /// Computes all hashes anew from an entry on, as a careful forger would.
    func rehash() async throws {
        try await tamper { tx in
            var previous = StoredEntry.noHash
            for row in try tx.rows("SELECT * FROM audit_entry WHERE tenant = 't1' ORDER BY sequence") {
                let entry = try StoredEntry(row)
                previous = entry.hash(after: previous)
                try tx.execute(
                    "UPDATE audit_entry SET hash = \(previous) WHERE tenant = 't1' AND sequence = \(entry.sequence)")
            }
        }
    }
}
