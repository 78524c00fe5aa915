import Storage

/// The append-only log of one tenant: each entry's hash covers the entry and the hash before it.
///
/// An act and its entry are written in one transaction:
/// ```swift
/// try await store.transaction { tx in
///     try tx.execute("UPDATE …")
///     try log.append(event, in: tx)
/// }
/// ```
public struct AuditLog: Sendable {
    let store: Store
    public let tenant: String
    let activity = AuditActivity()

    public init(store: Store, tenant: String) {
        self.store = store
        self.tenant = tenant
    }

    /// The table and the triggers that refuse to change it. They stop mistakes; who owns the file can drop them, and
    /// then `verify` finds what was done.
    public static let migrations: [Migration] = [
        Migration(
            "audit-0001-entries",
            [
                """
                CREATE TABLE audit_entry (
                    tenant TEXT NOT NULL,
                    sequence \(type: .integer) NOT NULL,
                    time \(type: .integer) NOT NULL,
                    actor_kind TEXT NOT NULL,
                    actor_id TEXT NOT NULL,
                    actor_name TEXT NOT NULL,
                    actor_on_behalf_of TEXT,
                    actor_address TEXT,
                    action TEXT NOT NULL,
                    object_kind TEXT,
                    object_id TEXT,
                    object_name TEXT,
                    outcome TEXT NOT NULL,
                    details TEXT NOT NULL,
                    session TEXT,
                    hash \(type: .bytes) NOT NULL,
                    PRIMARY KEY (tenant, sequence)
                ) \(clause: .strict)
                """,
                "CREATE INDEX audit_entry_by_action ON audit_entry (tenant, action, sequence)",
                "CREATE INDEX audit_entry_by_session ON audit_entry (tenant, session, sequence)",
                """
                CREATE TRIGGER audit_entry_is_never_updated BEFORE UPDATE ON audit_entry
                BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
                """,
                """
                CREATE TRIGGER audit_entry_is_never_deleted BEFORE DELETE ON audit_entry
                BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
                """,
                // INSERT OR REPLACE removes the old row without a DELETE trigger.
                """
                CREATE TRIGGER audit_entry_is_never_replaced BEFORE INSERT ON audit_entry
                WHEN EXISTS (SELECT 1 FROM audit_entry WHERE tenant = NEW.tenant AND sequence >= NEW.sequence)
                BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
                """,
            ])
    ]

    /// Appends within the transaction of the act itself: both are there, or neither.
    @discardableResult
    public func append(_ event: AuditEvent, in tx: borrowing StoreTransaction) throws(StorageError) -> AuditEntry {
        let head = try self.head(in: tx)
        let stored = StoredEntry(event, tenant: tenant, sequence: head.sequence + 1, time: .now())
        let hash = stored.hash(after: head.hash)
        try tx.execute(
            """
            INSERT INTO audit_entry (tenant, sequence, time, actor_kind, actor_id, actor_name, actor_on_behalf_of,
                actor_address, action, object_kind, object_id, object_name, outcome, details, session, hash)
            VALUES (\(tenant), \(stored.sequence), \(stored.time), \(stored.actorKind), \(stored.actorID),
                \(stored.actorName), \(stored.actorOnBehalfOf), \(stored.actorAddress), \(stored.action),
                \(stored.objectKind), \(stored.objectID), \(stored.objectName), \(stored.outcome), \(stored.details),
                \(stored.session), \(hash))
            """)
        activity.signal()
        return AuditEntry(sequence: stored.sequence, time: stored.time, event: event, hash: hash)
    }

    /// Appends an event that changes nothing else, such as a refusal.
    @discardableResult
    public func append(_ event: AuditEvent) async throws(AuditError) -> AuditEntry {
        try await AuditError.mapping { try await store.transaction { tx in try append(event, in: tx) } }
    }

    /// The last entry's number and hash; `(0, zeros)` for an empty log.
    func head(in tx: borrowing StoreTransaction) throws(StorageError) -> (sequence: Int64, hash: [UInt8]) {
        let row = try tx.row(
            "SELECT sequence, hash FROM audit_entry WHERE tenant = \(tenant) ORDER BY sequence DESC LIMIT 1")
        guard let row else { return (0, StoredEntry.noHash) }
        return (try row.integer("sequence"), try row.bytes("hash"))
    }
}

/// What to look for. Everything given must match.
public struct AuditFilter: Sendable, Hashable {
    /// An action, or the first part of its dotted name: `host` finds `host.add`.
    public var action: String?
    /// The actor's id, or text that stands anywhere in the name; case does not matter for ASCII letters.
    public var actor: String?
    /// Further actors that `actor` means, by their ids: the log has no user names.
    public var actorIDs: [String]
    public var session: String?
    /// Text that stands anywhere in the names, addresses or details; case does not matter for ASCII letters.
    public var text: String?

    public init(
        action: String? = nil, actor: String? = nil, actorIDs: [String] = [], session: String? = nil,
        text: String? = nil
    ) {
        self.action = action
        self.actor = actor
        self.actorIDs = actorIDs
        self.session = session
        self.text = text
    }

    /// `LIKE` is case-sensitive in one database and not in the other, so both sides are folded.
    var condition: SQL {
        var condition: SQL = "TRUE"
        if let action {
            let below = Self.pattern(action + ".") + "%"
            condition = "\(fragment: condition) AND (action = \(action) OR action LIKE \(below) ESCAPE '\\')"
        }
        if let actor {
            let anywhere = "%" + Self.pattern(actor) + "%"
            condition = """
                \(fragment: condition) AND (actor_id = \(actor) OR lower(actor_name) LIKE lower(\(anywhere)) ESCAPE '\\'
                """
            for id in actorIDs { condition = "\(fragment: condition) OR actor_id = \(id)" }
            condition = "\(fragment: condition))"
        }
        if let session { condition = "\(fragment: condition) AND session = \(session)" }
        if let text, !text.isEmpty {
            let anywhere = "%" + Self.pattern(text) + "%"
            condition = """
                \(fragment: condition) AND lower(action || ' ' || actor_name || ' '
                || coalesce(actor_on_behalf_of, '') || ' ' || coalesce(actor_address, '') || ' '
                || coalesce(object_name, '') || ' ' || coalesce(object_id, '') || ' ' || outcome || ' ' || details)
                LIKE lower(\(anywhere)) ESCAPE '\\'
                """
        }
        return condition
    }

    private static func pattern(_ text: String) -> String {
        String(text.flatMap { "\\%_".contains($0) ? ["\\", $0] : [$0] })
    }
}

extension AuditLog {
    /// The newest entries first.
    ///
    /// - Parameters:
    ///   - before: entries with a smaller number; nil starts at the newest.
    ///   - limit: 1 to 1000.
    public func entries(
        before sequence: Int64? = nil, limit: Int, filter: AuditFilter = AuditFilter()
    ) async throws(AuditError) -> [AuditEntry] {
        try await AuditError.mapping {
            try await store.read { [tenant] tx in
                try tx.rows(
                    """
                    SELECT * FROM audit_entry
                    WHERE tenant = \(tenant) AND sequence < \(sequence ?? .max) AND \(fragment: filter.condition)
                    ORDER BY sequence DESC LIMIT \(max(1, min(limit, 1000)))
                    """
                ).map { row in try StoredEntry(row).entry(hash: try row.bytes("hash")) }
            }
        }
    }
}
