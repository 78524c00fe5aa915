import Storage

enum HostSchema {
    static let hosts = Migration(
        "gateway-0003-hosts",
        [
            """
            CREATE TABLE host (
                tenant TEXT NOT NULL,
                id TEXT NOT NULL,
                alias TEXT NOT NULL,
                alias_folded TEXT NOT NULL,
                address TEXT NOT NULL,
                port \(type: .integer) NOT NULL,
                username TEXT NOT NULL,
                environment TEXT NOT NULL,
                purpose TEXT NOT NULL,
                owner TEXT NOT NULL,
                credential TEXT,
                host_key \(type: .bytes) NOT NULL,
                key_verified \(type: .integer) NOT NULL,
                key_verified_by TEXT NOT NULL,
                demonstration \(type: .boolean) NOT NULL,
                created \(type: .integer) NOT NULL,
                last_used \(type: .integer),
                PRIMARY KEY (tenant, id),
                UNIQUE (tenant, alias_folded),
                FOREIGN KEY (tenant, credential) REFERENCES credential (tenant, id)
            ) \(clause: .strict)
            """,
            """
            CREATE TABLE host_tag (
                tenant TEXT NOT NULL,
                host TEXT NOT NULL,
                tag TEXT NOT NULL,
                PRIMARY KEY (tenant, host, tag),
                FOREIGN KEY (tenant, host) REFERENCES host (tenant, id) ON DELETE CASCADE
            ) \(clause: .strict)
            """,
            """
            CREATE TABLE host_key_alert (
                tenant TEXT NOT NULL,
                host TEXT NOT NULL,
                offered_key \(type: .bytes) NOT NULL,
                seen \(type: .integer) NOT NULL,
                PRIMARY KEY (tenant, host),
                FOREIGN KEY (tenant, host) REFERENCES host (tenant, id) ON DELETE CASCADE
            ) \(clause: .strict)
            """,
        ])
}
