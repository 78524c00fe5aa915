import Storage

enum PeopleSchema {
    static let people = Migration(
        "gateway-0001-people",
        [
            """
            CREATE TABLE person (
                tenant TEXT NOT NULL,
                id TEXT NOT NULL,
                username TEXT NOT NULL,
                name TEXT NOT NULL,
                role TEXT NOT NULL,
                disabled \(type: .boolean) NOT NULL,
                password TEXT,
                created \(type: .integer) NOT NULL,
                last_sign_in \(type: .integer),
                PRIMARY KEY (tenant, id),
                UNIQUE (tenant, username)
            ) \(clause: .strict)
            """,
            // A link for the first admin has no person yet. Only the hash of its token is kept.
            """
            CREATE TABLE link_token (
                tenant TEXT NOT NULL,
                hash \(type: .bytes) NOT NULL,
                kind TEXT NOT NULL,
                person TEXT,
                created \(type: .integer) NOT NULL,
                expires \(type: .integer) NOT NULL,
                used \(type: .integer),
                void \(type: .boolean) NOT NULL,
                PRIMARY KEY (tenant, hash),
                FOREIGN KEY (tenant, person) REFERENCES person (tenant, id)
            ) \(clause: .strict)
            """,
            """
            CREATE TABLE sign_in (
                tenant TEXT NOT NULL,
                id TEXT NOT NULL,
                person TEXT NOT NULL,
                created \(type: .integer) NOT NULL,
                expires \(type: .integer) NOT NULL,
                ended \(type: .integer),
                ending TEXT,
                device TEXT NOT NULL,
                address TEXT NOT NULL,
                successor_key \(type: .bytes) NOT NULL,
                PRIMARY KEY (tenant, id),
                FOREIGN KEY (tenant, person) REFERENCES person (tenant, id)
            ) \(clause: .strict)
            """,
            "CREATE INDEX sign_in_by_person ON sign_in (tenant, person)",
            """
            CREATE TABLE refresh_token (
                tenant TEXT NOT NULL,
                hash \(type: .bytes) NOT NULL,
                sign_in TEXT NOT NULL,
                created \(type: .integer) NOT NULL,
                used \(type: .integer),
                PRIMARY KEY (tenant, hash),
                FOREIGN KEY (tenant, sign_in) REFERENCES sign_in (tenant, id) ON DELETE CASCADE
            ) \(clause: .strict)
            """,
            "CREATE INDEX refresh_token_by_sign_in ON refresh_token (tenant, sign_in)",
        ])

    static let keys = Migration(
        "gateway-0002-person-keys",
        [
            """
            CREATE TABLE person_key (
                tenant TEXT NOT NULL,
                id TEXT NOT NULL,
                person TEXT NOT NULL,
                type TEXT NOT NULL,
                fingerprint TEXT NOT NULL,
                line TEXT NOT NULL,
                comment TEXT NOT NULL,
                created \(type: .integer) NOT NULL,
                PRIMARY KEY (tenant, id),
                UNIQUE (tenant, fingerprint),
                FOREIGN KEY (tenant, person) REFERENCES person (tenant, id)
            ) \(clause: .strict)
            """,
            "CREATE INDEX person_key_by_person ON person_key (tenant, person)",
        ])
}
