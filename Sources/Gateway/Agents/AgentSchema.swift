import Storage

enum AgentSchema {
    static let agents = Migration(
        "agents-1",
        [
            // Of a token only the hash is kept.
            """
            CREATE TABLE agent (
                tenant TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, owner TEXT NOT NULL,
                owner_name TEXT NOT NULL, token_hash \(type: .bytes) NOT NULL, created BIGINT NOT NULL,
                expires BIGINT, revoked BIGINT, last_used BIGINT,
                PRIMARY KEY (tenant, id), UNIQUE (tenant, token_hash))
            """
        ])

    /// What outlives the process: commands that outlive a connection, as far as has to be known to find them again, and requests.
    static let durableCommands = Migration(
        "agents-2",
        [
            """
            CREATE TABLE agent_command (
                tenant TEXT NOT NULL, id TEXT NOT NULL, agent TEXT NOT NULL, host TEXT NOT NULL, command TEXT NOT NULL,
                edited_from TEXT, folder TEXT, purpose TEXT, idempotency_key TEXT, classes TEXT NOT NULL,
                submitted \(type: .integer) NOT NULL, stop_at \(type: .integer), ended \(type: .boolean) NOT NULL,
                PRIMARY KEY (tenant, id)) \(clause: .strict)
            """,
            // Requests that wait for a person.
            """
            CREATE TABLE agent_request (
                tenant TEXT NOT NULL, id TEXT NOT NULL, agent TEXT NOT NULL, agent_name TEXT NOT NULL, owner TEXT NOT NULL,
                wish TEXT NOT NULL, created \(type: .integer) NOT NULL, expires \(type: .integer) NOT NULL,
                PRIMARY KEY (tenant, id)) \(clause: .strict)
            """,
            "CREATE INDEX agent_command_by_host ON agent_command (tenant, agent, host, submitted)",
        ])

    /// Durable commands of root's.
    static let durableRoot = Migration(
        "agents-3",
        ["ALTER TABLE agent_command ADD COLUMN is_root \(type: .boolean) NOT NULL DEFAULT FALSE"])
}
