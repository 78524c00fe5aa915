import Storage

/// A host that was imported and whose key nobody has confirmed: it can be seen, and nothing connects to it. It becomes
/// a host when somebody reads its key, confirms it and says how to sign in.
public struct QuarantinedHost: Sendable, Encodable, Hashable {
    public let id: String
    public let alias: String
    public var address: String
    public var port: Int
    public var username: String
    public var environment: HostEnvironment
    public var purpose: String
    public var tags: [String]
    /// The format and place that it came from.
    public var source: String
    public let importedBy: String
    public let importedAt: String
}

/// Imported hosts that wait for their confirmation.
struct QuarantineStore: Sendable {
    let tenant: String

    static let migrations: [Migration] = [
        Migration(
            "hosts-quarantine-1",
            [
                """
                CREATE TABLE quarantined_host (
                    tenant TEXT NOT NULL, id TEXT NOT NULL, alias TEXT NOT NULL, alias_folded TEXT NOT NULL,
                    address TEXT NOT NULL, port BIGINT NOT NULL, username TEXT NOT NULL, environment TEXT NOT NULL,
                    purpose TEXT NOT NULL, tags TEXT NOT NULL, source TEXT NOT NULL, imported_by TEXT NOT NULL,
                    imported_by_name TEXT NOT NULL, imported_at BIGINT NOT NULL,
                    PRIMARY KEY (tenant, id))
                """,
                "CREATE UNIQUE INDEX quarantined_host_by_alias ON quarantined_host (tenant, alias_folded)",
                """
                CREATE TABLE host_favourite (
                    tenant TEXT NOT NULL, person TEXT NOT NULL, host TEXT NOT NULL,
                    PRIMARY KEY (tenant, person, host),
                    FOREIGN KEY (tenant, host) REFERENCES host (tenant, id) ON DELETE CASCADE)
                """,
            ])
    ]

    func all(in tx: borrowing StoreTransaction) throws(StorageError) -> [(host: QuarantinedHost, importedBy: String)] {
        var hosts: [(QuarantinedHost, String)] = []
        for row in try tx.rows("SELECT * FROM quarantined_host WHERE tenant = \(tenant) ORDER BY alias_folded") {
            let host = QuarantinedHost(
                id: try row.text("id"), alias: try row.text("alias"), address: try row.text("address"),
                port: Int(try row.integer("port")), username: try row.text("username"),
                environment: HostEnvironment(rawValue: try row.text("environment")) ?? .other,
                purpose: try row.text("purpose"),
                // A tag may have spaces, and no control characters.
                tags: try row.text("tags").split(separator: "\n").map(String.init), source: try row.text("source"),
                importedBy: try row.text("imported_by_name"), importedAt: try row.time("imported_at").iso8601)
            hosts.append((host, try row.text("imported_by")))
        }
        return hosts
    }

    /// Adds it, or puts it in the place of one of the same alias.
    func put(_ host: QuarantinedHost, by caller: Caller, in tx: borrowing StoreTransaction) throws(StorageError) {
        try remove(alias: host.alias, in: tx)
        try tx.execute(
            """
            INSERT INTO quarantined_host (tenant, id, alias, alias_folded, address, port, username, environment,
                purpose, tags, source, imported_by, imported_by_name, imported_at)
            VALUES (\(tenant), \(host.id), \(host.alias), \(host.alias.lowercased()), \(host.address), \(host.port),
                \(host.username), \(host.environment.rawValue), \(host.purpose), \(host.tags.joined(separator: "\n")),
                \(host.source), \(caller.userID), \(caller.name), \(Timestamp.now()))
            """)
    }

    func remove(alias: String, in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute(
            "DELETE FROM quarantined_host WHERE tenant = \(tenant) AND alias_folded = \(alias.lowercased())")
    }

    // MARK: Favourites

    func favourites(of person: String, in tx: borrowing StoreTransaction) throws(StorageError) -> Set<String> {
        var hosts: Set<String> = []
        for row in try tx.rows("SELECT host FROM host_favourite WHERE tenant = \(tenant) AND person = \(person)") {
            hosts.insert(try row.text("host"))
        }
        return hosts
    }

    func setFavourite(
        _ host: String, _ isFavourite: Bool, of person: String, in tx: borrowing StoreTransaction
    ) throws(StorageError) {
        try tx.execute(
            "DELETE FROM host_favourite WHERE tenant = \(tenant) AND person = \(person) AND host = \(host)")
        guard isFavourite else { return }
        try tx.execute(
            "INSERT INTO host_favourite (tenant, person, host) VALUES (\(tenant), \(person), \(host))")
    }
}
