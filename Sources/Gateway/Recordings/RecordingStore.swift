import Foundation
import Policy
import Storage

/// Recordings in the store: who may see them, how long they are kept, and the half of each key that is here.
struct RecordingStore: Sendable {
    let tenant: String

    static let migrations: [Migration] = [
        Migration(
            "recordings-1",
            [
                "ALTER TABLE recording ADD COLUMN head TEXT",
                "ALTER TABLE recording ADD COLUMN deleted_at BIGINT",
                """
                CREATE TABLE recording_key (
                    tenant TEXT NOT NULL, recording TEXT NOT NULL, wrapped \(type: .bytes) NOT NULL,
                    PRIMARY KEY (tenant, recording))
                """,
                """
                CREATE TABLE recording_tag (
                    tenant TEXT NOT NULL, recording TEXT NOT NULL, tag TEXT NOT NULL,
                    PRIMARY KEY (tenant, recording, tag))
                """,
                """
                INSERT INTO recording_tag (tenant, recording, tag)
                SELECT recording.tenant, recording.id, host_tag.tag FROM recording
                JOIN session ON session.tenant = recording.tenant AND session.id = recording.session
                JOIN host_tag ON host_tag.tenant = session.tenant AND host_tag.host = session.host
                """,
                """
                CREATE TABLE recording_hold (
                    tenant TEXT NOT NULL, recording TEXT NOT NULL, reason TEXT NOT NULL, placed_at BIGINT NOT NULL,
                    placed_by TEXT NOT NULL, placed_by_name TEXT NOT NULL,
                    PRIMARY KEY (tenant, recording),
                    FOREIGN KEY (tenant, recording) REFERENCES recording (tenant, id))
                """,
            ])
    ]

    /// A recording with what decides about it.
    struct Entry: Sendable {
        var recording: StoredRecording
        let starter: String?
        let endedAt: Timestamp?
        let deletedAt: Timestamp?
        /// Hash of the last chunk when it was closed, in hexadecimal digits.
        let head: String?
        /// The host's tags when it was recorded, and now.
        let tags: Set<String>
        /// The host for the policy; nil once it was removed.
        let host: PolicyObject?
        let participants: Set<String>
    }

    // MARK: Reading

    /// The newest recordings that are not deleted.
    func newest(limit: Int, in tx: borrowing StoreTransaction) throws(StorageError) -> [SQLRow] {
        try tx.rows(
            """
            SELECT recording.id AS recording_id, recording.state AS recording_state, bytes, duration, head, deleted_at,
                recording_hold.reason AS hold_reason, placed_at, placed_by_name, session.*
            FROM recording JOIN session ON session.tenant = recording.tenant AND session.id = recording.session
            LEFT JOIN recording_hold
                ON recording_hold.tenant = recording.tenant AND recording_hold.recording = recording.id
            WHERE recording.tenant = \(tenant) AND recording.state <> 'deleted'
            ORDER BY session.started_at DESC, recording.id DESC LIMIT \(limit)
            """)
    }

    func entry(_ id: String, in tx: borrowing StoreTransaction) throws(StorageError) -> Entry? {
        guard
            let row = try tx.row(
                """
                SELECT recording.id AS recording_id, recording.state AS recording_state, bytes, duration, head,
                    deleted_at, recording_hold.reason AS hold_reason, placed_at, placed_by_name, session.*
                FROM recording JOIN session ON session.tenant = recording.tenant AND session.id = recording.session
                LEFT JOIN recording_hold
                    ON recording_hold.tenant = recording.tenant AND recording_hold.recording = recording.id
                WHERE recording.tenant = \(tenant) AND recording.id = \(id)
                """)
        else { return nil }
        var hosts = KnownHosts()
        return try entry(row, &hosts, in: tx)
    }

    func entry(
        _ row: SQLRow, _ hosts: inout KnownHosts, in tx: borrowing StoreTransaction
    ) throws(StorageError) -> Entry {
        let id = try row.text("recording_id")
        let session = try row.text("id")
        let host = try row.text("host")
        var names: [String] = []
        var participants: Set<String> = []
        for person in try tx.rows(
            """
            SELECT person, name FROM session_participant WHERE tenant = \(tenant) AND session = \(session)
            ORDER BY added_at
            """)
        {
            names.append(try person.text("name"))
            participants.insert(try person.text("person"))
        }
        let started = try row.time("started_at")
        let state = StoredRecording.State(rawValue: try row.text("recording_state")) ?? .truncated
        let length =
            state == .recording
            ? max(0, Timestamp.now().microseconds - started.microseconds) : try row.integer("duration")
        var recording = StoredRecording(
            id: id, sessionId: session,
            host: .init(id: host, alias: try row.text("host_alias"), environment: try row.text("environment")),
            owner: .init(id: try row.text("owner"), name: try row.text("owner_name")), participants: names,
            startedAt: started.iso8601, duration: Double(length) / 1_000_000,
            bytes: try row.integer("bytes"), state: state, columns: Int(try row.integer("columns")),
            rows: Int(try row.integer("line_count")))
        if let reason = try row.optionalText("hold_reason") {
            recording.hold = .init(
                reason: reason, by: try row.text("placed_by_name"), since: try row.time("placed_at").iso8601)
        }
        let known = if let known = hosts.byID[host] { known } else { try self.host(host, in: tx) }
        hosts.byID[host] = known
        return Entry(
            recording: recording, starter: try row.optionalText("starter"), endedAt: try row.optionalTime("ended_at"),
            deletedAt: try row.optionalTime("deleted_at"), head: try row.optionalText("head"),
            tags: known.tags.union(try recordedTags(of: id, in: tx)), host: known.object, participants: participants)
    }

    /// Hosts that were looked up already: a list has many recordings of few.
    struct KnownHosts {
        fileprivate struct Host {
            let tags: Set<String>
            let object: PolicyObject?
        }

        fileprivate var byID: [String: Host] = [:]
    }

    private func host(_ id: String, in tx: borrowing StoreTransaction) throws(StorageError) -> KnownHosts.Host {
        var tags: Set<String> = []
        for row in try tx.rows("SELECT tag FROM host_tag WHERE tenant = \(tenant) AND host = \(id)") {
            tags.insert(try row.text("tag"))
        }
        let owner = try tx.row("SELECT added_by FROM host WHERE tenant = \(tenant) AND id = \(id)")?.text("added_by")
        return .init(
            tags: tags,
            object: owner.map { PolicyObject(kind: "host", id: id, tags: tags, ownerIDs: [$0]) })
    }

    private func recordedTags(of id: String, in tx: borrowing StoreTransaction) throws(StorageError) -> Set<String> {
        var tags: Set<String> = []
        for row in try tx.rows("SELECT tag FROM recording_tag WHERE tenant = \(tenant) AND recording = \(id)") {
            tags.insert(try row.text("tag"))
        }
        return tags
    }

    /// Recordings that were closed so long ago that some rule may want them gone.
    func closed(before moment: Timestamp, in tx: borrowing StoreTransaction) throws(StorageError) -> [String] {
        var ids: [String] = []
        for row in try tx.rows(
            """
            SELECT recording.id FROM recording
            JOIN session ON session.tenant = recording.tenant AND session.id = recording.session
            WHERE recording.tenant = \(tenant) AND recording.state IN ('complete', 'truncated')
                AND session.ended_at < \(moment)
            ORDER BY session.ended_at
            """)
        { ids.append(try row.text("id")) }
        return ids
    }

    func deleted(in tx: borrowing StoreTransaction) throws(StorageError) -> Set<String> {
        var ids: Set<String> = []
        for row in try tx.rows("SELECT id FROM recording WHERE tenant = \(tenant) AND state = 'deleted'") {
            ids.insert(try row.text("id"))
        }
        return ids
    }

    // MARK: Writing

    /// Takes away the half of the key that is here: from then on nobody can read the file, nor any copy of it.
    func delete(_ id: String, in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute("DELETE FROM recording_key WHERE tenant = \(tenant) AND recording = \(id)")
        try tx.execute(
            """
            UPDATE recording SET state = 'deleted', deleted_at = \(Timestamp.now())
            WHERE tenant = \(tenant) AND id = \(id)
            """)
    }

    func hold(
        _ id: String, reason: String, by caller: Caller, in tx: borrowing StoreTransaction
    ) throws(StorageError) {
        try tx.execute(
            """
            INSERT INTO recording_hold (tenant, recording, reason, placed_at, placed_by, placed_by_name)
            VALUES (\(tenant), \(id), \(reason), \(Timestamp.now()), \(caller.userID), \(caller.name))
            ON CONFLICT (tenant, recording) DO UPDATE SET reason = excluded.reason
            """)
    }

    func release(_ id: String, in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute("DELETE FROM recording_hold WHERE tenant = \(tenant) AND recording = \(id)")
    }
}
