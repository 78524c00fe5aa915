import Storage

/// Durable commands in the store: what has to be known to find them again after a restart of the copilot. What they wrote is at
/// the host.
struct DurableCommands: Sendable {
    struct Entry: Sendable {
        let id: String
        let agentID: String
        let hostID: String
        let text: String
        let editedFrom: String?
        let workingDirectory: String?
        let purpose: String?
        let key: String?
        let classes: [String]
        /// It runs as root: what it leaves is root's.
        let isRoot: Bool
        let submitted: Timestamp
        /// When it is to be stopped; nil: it may take as long as it takes.
        let stopAt: Timestamp?
    }

    /// What is older was removed from the host.
    private static let memory: Duration = .seconds(24 * 3600)
    private static let most: Int64 = 100

    let store: Store
    let tenant: String

    /// It is about to be sent to the host. Only what stands here may have begun.
    func add(_ entry: Entry) async throws {
        let (tenant, classes) = (tenant, entry.classes.joined(separator: " "))
        let limit = Timestamp.now() - Self.memory
        try await store.transaction { tx in
            try tx.execute("DELETE FROM agent_command WHERE tenant = \(tenant) AND submitted < \(limit) AND ended")
            try tx.execute(
                """
                INSERT INTO agent_command (tenant, id, agent, host, command, edited_from, folder, purpose, idempotency_key, classes,
                    submitted, stop_at, ended, is_root)
                VALUES (\(tenant), \(entry.id), \(entry.agentID), \(entry.hostID), \(entry.text), \(entry.editedFrom),
                    \(entry.workingDirectory), \(entry.purpose), \(entry.key), \(classes), \(entry.submitted),
                    \(entry.stopAt), \(false), \(entry.isRoot))
                """)
        }
    }

    func ended(_ id: String) async throws {
        let tenant = tenant
        try await store.transaction { tx in
            try tx.execute("UPDATE agent_command SET ended = \(true) WHERE tenant = \(tenant) AND id = \(id)")
        }
    }

    func remove(_ ids: [String]) async throws {
        let tenant = tenant
        try await store.transaction { tx in
            for id in ids { try tx.execute("DELETE FROM agent_command WHERE tenant = \(tenant) AND id = \(id)") }
        }
    }

    /// Those of an agent at a host, the oldest first.
    func entries(agentID: String, hostID: String) async throws -> [Entry] {
        let (tenant, most, limit) = (tenant, Self.most, Timestamp.now() - Self.memory)
        return try await store.read { tx in
            try tx.rows(
                """
                SELECT * FROM agent_command WHERE tenant = \(tenant) AND agent = \(agentID) AND host = \(hostID)
                    AND (submitted >= \(limit) OR NOT ended) ORDER BY submitted DESC LIMIT \(most)
                """
            ).map(Self.entry).reversed()
        }
    }

    /// One of an agent's, wherever it ran.
    func entry(_ id: String, agentID: String) async throws -> Entry? {
        let tenant = tenant
        return try await store.read { tx in
            try tx.rows(
                "SELECT * FROM agent_command WHERE tenant = \(tenant) AND id = \(id) AND agent = \(agentID)"
            ).first.map(Self.entry)
        }
    }

    private static func entry(_ row: SQLRow) throws(StorageError) -> Entry {
        Entry(
            id: try row.text("id"), agentID: try row.text("agent"), hostID: try row.text("host"),
            text: try row.text("command"), editedFrom: try row.optionalText("edited_from"),
            workingDirectory: try row.optionalText("folder"), purpose: try row.optionalText("purpose"),
            key: try row.optionalText("idempotency_key"),
            classes: try row.text("classes").split(separator: " ").map(String.init),
            isRoot: try row.bool("is_root"), submitted: try row.time("submitted"),
            stopAt: try row.optionalTime("stop_at"))
    }
}
