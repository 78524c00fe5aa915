import Storage

/// People who are invited together.
public struct Team: Sendable, Encodable {
    public struct Member: Sendable, Encodable {
        public let id: String
        public let username: String
        public let name: String
    }

    public let id: String
    public let name: String
    public let members: [Member]
}

/// A team that was invited to a session, with its members as they are now.
public struct TeamShare: Sendable, Hashable {
    public let teamID: String
    public let name: String
    public let mode: SeatMode
    public let members: Set<String>

    var summary: SessionView.Team { .init(teamId: teamID, name: name, mode: mode) }
}

/// Teams in the store.
struct TeamStore: Sendable {
    let tenant: String

    static let migration = Migration(
        "gateway-0003-teams",
        [
            """
            CREATE TABLE team (
                tenant TEXT NOT NULL,
                id TEXT NOT NULL,
                name TEXT NOT NULL,
                name_folded TEXT NOT NULL,
                created \(type: .integer) NOT NULL,
                created_by TEXT NOT NULL,
                PRIMARY KEY (tenant, id),
                UNIQUE (tenant, name_folded)
            ) \(clause: .strict)
            """,
            """
            CREATE TABLE team_member (
                tenant TEXT NOT NULL,
                team TEXT NOT NULL,
                person TEXT NOT NULL,
                added \(type: .integer) NOT NULL,
                added_by TEXT NOT NULL,
                PRIMARY KEY (tenant, team, person),
                FOREIGN KEY (tenant, team) REFERENCES team (tenant, id) ON DELETE CASCADE,
                FOREIGN KEY (tenant, person) REFERENCES person (tenant, id)
            ) \(clause: .strict)
            """,
        ])

    func all(in tx: borrowing StoreTransaction) throws(StorageError) -> [Team] {
        var members: [String: [Team.Member]] = [:]
        for row in try tx.rows(
            """
            SELECT team_member.team, person.id, person.username, person.name FROM team_member
            JOIN person ON person.tenant = team_member.tenant AND person.id = team_member.person
            WHERE team_member.tenant = \(tenant) AND NOT person.disabled ORDER BY person.name
            """)
        {
            members[try row.text("team"), default: []].append(
                .init(id: try row.text("id"), username: try row.text("username"), name: try row.text("name")))
        }
        var teams: [Team] = []
        for row in try tx.rows("SELECT id, name FROM team WHERE tenant = \(tenant) ORDER BY name_folded") {
            let id = try row.text("id")
            teams.append(Team(id: id, name: try row.text("name"), members: members[id] ?? []))
        }
        return teams
    }

    func find(_ id: String, in tx: borrowing StoreTransaction) throws -> Team {
        guard let team = try all(in: tx).first(where: { $0.id == id }) else { throw GatewayError.notFound("team") }
        return team
    }
}
