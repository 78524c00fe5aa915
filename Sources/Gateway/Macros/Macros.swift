import Audit
import Policy
import Storage

/// The macros of all people: everybody has their own, and whoever may share them has some for everybody.
public struct Macros: Sendable {
    /// How many macros one person may have.
    static let limit = 500

    let services: Services

    static let migrations: [Migration] = [
        Migration(
            "macros-1",
            [
                """
                CREATE TABLE macro (
                    tenant TEXT NOT NULL,
                    id TEXT NOT NULL,
                    owner TEXT NOT NULL,
                    name TEXT NOT NULL,
                    text TEXT NOT NULL,
                    description TEXT NOT NULL,
                    shared \(type: .boolean) NOT NULL,
                    created \(type: .integer) NOT NULL,
                    updated \(type: .integer) NOT NULL,
                    PRIMARY KEY (tenant, id),
                    FOREIGN KEY (tenant, owner) REFERENCES person (tenant, id)
                ) \(clause: .strict)
                """,
                "CREATE INDEX macro_by_owner ON macro (tenant, owner)",
            ])
    ]

    /// The caller's own macros and, for those who may type somewhere, the shared ones; by name.
    public func list(_ caller: Caller) async throws(GatewayError) -> [Macro] {
        let tenant = services.tenant
        let seesShared = services.policy.permissions(of: caller.role).contains(.sessionType)
        return try await services.write { tx in
            try tx.rows(
                """
                SELECT macro.id, owner, person.name AS owner_name, macro.name, text, description, shared, updated
                FROM macro LEFT JOIN person ON person.tenant = macro.tenant AND person.id = macro.owner
                WHERE macro.tenant = \(tenant) AND (owner = \(caller.userID) OR (shared AND \(seesShared)))
                ORDER BY macro.name, macro.id
                """
            ).map { row throws(StorageError) in try Macro(row) }
        }
    }

    /// Whether the caller may change it: one's own, and the shared ones for those who may share.
    public func mayEdit(_ macro: Macro, _ caller: Caller) -> Bool {
        if macro.isShared { return services.may(.macroShare, caller, on: nil) }
        return macro.ownerID == caller.userID
    }

    /// Adds one.
    /// - Throws: `not_permitted` for a shared one without `macro.share`, `too_many_macros`.
    public func add(_ draft: MacroDraft, caller: Caller) async throws(GatewayError) -> Macro {
        if draft.isShared { try services.require(.macroShare, caller, on: nil) }
        let tenant = services.tenant
        let (audit, now, id) = (services.audit, Timestamp.now(), Identifier.make("mac"))
        return try await services.write { tx in
            let count = try tx.row(
                "SELECT count(*) AS count FROM macro WHERE tenant = \(tenant) AND owner = \(caller.userID)")
            guard try count?.integer("count") ?? 0 < Self.limit else {
                throw GatewayError.conflict(
                    "too_many_macros", "You have \(Self.limit) macros, as many as a person may have.",
                    hint: "Remove some that you no longer use.")
            }
            try tx.execute(
                """
                INSERT INTO macro (tenant, id, owner, name, text, description, shared, created, updated)
                VALUES (\(tenant), \(id), \(caller.userID), \(draft.name), \(draft.text), \(draft.description),
                    \(draft.isShared), \(now), \(now))
                """)
            _ = try audit.append(Self.event(caller, "macro.add", id, draft), in: tx)
            return try Self.find(id, tenant, in: tx)
        }
    }

    /// Changes one.
    public func update(_ id: String, _ draft: MacroDraft, caller: Caller) async throws(GatewayError) -> Macro {
        if draft.isShared { try services.require(.macroShare, caller, on: nil) }
        let tenant = services.tenant
        let (audit, now) = (services.audit, Timestamp.now())
        try await check(id, caller)
        return try await services.write { tx in
            try tx.execute(
                """
                UPDATE macro SET name = \(draft.name), text = \(draft.text), description = \(draft.description),
                    shared = \(draft.isShared), updated = \(now)
                WHERE tenant = \(tenant) AND id = \(id)
                """)
            _ = try audit.append(Self.event(caller, "macro.update", id, draft), in: tx)
            return try Self.find(id, tenant, in: tx)
        }
    }

    /// Removes one.
    public func remove(_ id: String, caller: Caller) async throws(GatewayError) {
        let tenant = services.tenant
        let audit = services.audit
        let macro = try await check(id, caller)
        let event = AuditEvent(
            actor: caller.auditActor, action: "macro.remove", object: .init(kind: "macro", id: id, name: macro.name))
        try await services.write { tx in
            try tx.execute("DELETE FROM macro WHERE tenant = \(tenant) AND id = \(id)")
            _ = try audit.append(event, in: tx)
        }
    }

    /// What one may not see is not there; what one sees and may not change is refused with the permission.
    @discardableResult
    private func check(_ id: String, _ caller: Caller) async throws(GatewayError) -> Macro {
        guard let macro = try await list(caller).first(where: { $0.id == id }) else { throw .notFound("macro") }
        if !mayEdit(macro, caller) { try services.require(.macroShare, caller, on: nil) }
        return macro
    }

    private static func find(_ id: String, _ tenant: String, in tx: borrowing StoreTransaction) throws -> Macro {
        let row = try tx.row(
            """
            SELECT macro.id, owner, person.name AS owner_name, macro.name, text, description, shared, updated
            FROM macro LEFT JOIN person ON person.tenant = macro.tenant AND person.id = macro.owner
            WHERE macro.tenant = \(tenant) AND macro.id = \(id)
            """)
        guard let row else { throw GatewayError.notFound("macro") }
        return try Macro(row)
    }

    /// The text is on record: a shared macro is what others will type.
    private static func event(_ caller: Caller, _ action: String, _ id: String, _ draft: MacroDraft) -> AuditEvent {
        AuditEvent(
            actor: caller.auditActor, action: action, object: .init(kind: "macro", id: id, name: draft.name),
            details: draft.isShared ? ["shared": "true", "text": draft.text] : ["shared": "false"])
    }
}
