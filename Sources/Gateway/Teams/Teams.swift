import Audit
import Policy
import Storage

/// The teams of this copilot: who is in which. Those who manage people manage teams; everybody may invite one.
public struct Teams: Sendable {
    /// Teams at most, and members of one.
    static let limit = 500

    let services: Services
    let sessions: Sessions
    private var records: TeamStore { TeamStore(tenant: services.tenant) }

    /// All teams, by name.
    public func teams(_ caller: Caller) async throws(GatewayError) -> [Team] {
        let records = records
        do { return try await services.store.read { tx in try records.all(in: tx) } } catch {
            throw GatewayError(storage: error)
        }
    }

    /// Makes a team.
    /// - Throws: 403 without `user.manage`, 409 `team_taken`, 422 `invalid`, 404 for a member who is nobody.
    public func add(name: String, members: [String], caller: Caller) async throws(GatewayError) -> Team {
        let name = try Self.name(name)
        return try await change(caller, "team.add", details: ["name": name]) { records, tx in
            guard try records.all(in: tx).count < Self.limit else {
                throw GatewayError.conflict("too_many_teams", "There are \(Self.limit) teams.", hint: "Remove one.")
            }
            let id = Identifier.make("team")
            try tx.execute(
                """
                INSERT INTO team (tenant, id, name, name_folded, created, created_by)
                VALUES (\(records.tenant), \(id), \(name), \(name.lowercased()), \(Timestamp.now()), \(caller.userID))
                """)
            for person in Set(members) { try Self.insert(person, into: id, records, caller, in: tx) }
            return try records.find(id, in: tx)
        }
    }

    /// Gives a team another name.
    public func rename(_ id: String, to name: String, caller: Caller) async throws(GatewayError) -> Team {
        let name = try Self.name(name)
        return try await change(caller, "team.update", details: ["name": name]) { records, tx in
            _ = try records.find(id, in: tx)
            try tx.execute(
                """
                UPDATE team SET name = \(name), name_folded = \(name.lowercased())
                WHERE tenant = \(records.tenant) AND id = \(id)
                """)
            return try records.find(id, in: tx)
        }
    }

    /// Removes a team; whoever sat at a session as its member alone is out at once.
    public func remove(_ id: String, caller: Caller) async throws(GatewayError) {
        _ = try await change(caller, "team.remove") { records, tx in
            let team = try records.find(id, in: tx)
            try tx.execute("DELETE FROM team_member WHERE tenant = \(records.tenant) AND team = \(id)")
            try tx.execute("DELETE FROM team WHERE tenant = \(records.tenant) AND id = \(id)")
            return team
        }
    }

    public func addMember(_ userID: String, to id: String, caller: Caller) async throws(GatewayError) -> Team {
        try await change(caller, "team.member_add", details: ["person": userID]) { records, tx in
            _ = try records.find(id, in: tx)
            try Self.insert(userID, into: id, records, caller, in: tx)
            return try records.find(id, in: tx)
        }
    }

    /// Takes somebody out of a team; what they had by it alone is gone within a second.
    public func removeMember(_ userID: String, from id: String, caller: Caller) async throws(GatewayError) -> Team {
        try await change(caller, "team.member_remove", details: ["person": userID]) { records, tx in
            _ = try records.find(id, in: tx)
            try tx.execute(
                """
                DELETE FROM team_member
                WHERE tenant = \(records.tenant) AND team = \(id) AND person = \(userID)
                """)
            return try records.find(id, in: tx)
        }
    }

    private static func insert(
        _ person: String, into team: String, _ records: TeamStore, _ caller: Caller,
        in tx: borrowing StoreTransaction
    ) throws {
        guard try PersonRow.find(id: person, tenant: records.tenant, in: tx) != nil else {
            throw GatewayError.notFound("person")
        }
        let members = try records.find(team, in: tx).members.count
        guard members < limit else {
            throw GatewayError.conflict("team_full", "The team has \(limit) members.", hint: "Make another team.")
        }
        try tx.execute(
            """
            INSERT INTO team_member (tenant, team, person, added, added_by)
            VALUES (\(records.tenant), \(team), \(person), \(Timestamp.now()), \(caller.userID))
            ON CONFLICT (tenant, team, person) DO NOTHING
            """)
    }

    private static func name(_ text: String) throws(GatewayError) -> String {
        let name = try VisibleText.line(text, field: "name", what: "The name", limit: 60)
        guard !name.isEmpty else { throw .invalid("name", "The name is empty.", hint: "Name the team.") }
        return name
    }

    /// One change with its audit event; live sessions look at their teams again.
    private func change(
        _ caller: Caller, _ action: String, details: [String: String] = [:],
        _ body: @escaping @Sendable (TeamStore, borrowing StoreTransaction) throws -> Team
    ) async throws(GatewayError) -> Team {
        try services.require(.userManage, caller, on: nil)
        let records = records
        let audit = services.audit
        let team: Team
        do throws(GatewayError) {
            team = try await services.write { tx in
                let team = try body(records, tx)
                _ = try audit.append(
                    .init(
                        actor: caller.auditActor, action: action,
                        object: .init(kind: "team", id: team.id, name: team.name), outcome: .succeeded,
                        details: details), in: tx)
                return team
            }
        } catch  where error.code == "storage_unique_violation" {
            throw .conflict("team_taken", "There is a team of that name.", hint: "Choose another name.")
        }
        await sessions.teamsChanged()
        return team
    }
}
