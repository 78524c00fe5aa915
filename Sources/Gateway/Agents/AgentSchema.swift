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
}
