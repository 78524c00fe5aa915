import Foundation
import Storage

/// Sessions, their participants and recordings in the store.
struct SessionStore: Sendable {
    let store: Store
    let tenant: String

    static let migrations: [Migration] = [
        Migration(
            "sessions-1",
            [
                """
                CREATE TABLE session (
                    tenant TEXT NOT NULL, id TEXT NOT NULL, host TEXT NOT NULL, host_alias TEXT NOT NULL,
                    environment TEXT NOT NULL, owner TEXT NOT NULL, owner_name TEXT NOT NULL,
                    starter TEXT, starter_name TEXT, command TEXT, state TEXT NOT NULL,
                    started_at BIGINT NOT NULL, ended_at BIGINT, ending TEXT, title TEXT NOT NULL,
                    columns BIGINT NOT NULL, line_count BIGINT NOT NULL, recording TEXT NOT NULL,
                    PRIMARY KEY (tenant, id))
                """,
                "CREATE INDEX session_by_time ON session (tenant, state, started_at)",
                """
                CREATE TABLE session_participant (
                    tenant TEXT NOT NULL, session TEXT NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL,
                    mode TEXT NOT NULL, added_at BIGINT NOT NULL, added_by TEXT NOT NULL,
                    PRIMARY KEY (tenant, session, person),
                    FOREIGN KEY (tenant, session) REFERENCES session (tenant, id))
                """,
                """
                CREATE TABLE recording (
                    tenant TEXT NOT NULL, id TEXT NOT NULL, session TEXT NOT NULL,
                    state TEXT NOT NULL, bytes BIGINT NOT NULL, duration BIGINT NOT NULL,
                    PRIMARY KEY (tenant, id),
                    FOREIGN KEY (tenant, session) REFERENCES session (tenant, id))
                """,
            ])
    ]

    func insert(
        _ view: SessionView, command: String?, startedAt: Timestamp, in tx: borrowing StoreTransaction
    ) throws(StorageError) {
        try tx.execute(
            """
            INSERT INTO session (tenant, id, host, host_alias, environment, owner, owner_name, starter, starter_name,
                command, state, started_at, title, columns, line_count, recording)
            VALUES (\(tenant), \(view.id), \(view.host.id), \(view.host.alias), \(view.host.environment),
                \(view.owner.id), \(view.owner.name), \(view.startedBy?.id), \(view.startedBy?.name), \(command),
                \(SessionState.live.rawValue), \(startedAt), \(view.title), \(view.columns), \(view.rows),
                \(view.recordingId))
            """)
        try tx.execute(
            """
            INSERT INTO recording (tenant, id, session, state, bytes, duration)
            VALUES (\(tenant), \(view.recordingId), \(view.id), \(StoredRecording.State.recording.rawValue), 0, 0)
            """)
        try tx.execute(
            """
            INSERT INTO recording_tag (tenant, recording, tag)
            SELECT tenant, \(view.recordingId), tag FROM host_tag WHERE tenant = \(tenant) AND host = \(view.host.id)
            """)
    }

    func finish(
        _ view: SessionView, endedAt: Timestamp, recording: RecordingFiles.Summary,
        in tx: borrowing StoreTransaction
    ) throws(StorageError) {
        try tx.execute(
            """
            UPDATE session SET state = \(SessionState.ended.rawValue), ended_at = \(endedAt),
                ending = \(view.ending.flatMap(Self.text)), title = \(view.title), columns = \(view.columns),
                line_count = \(view.rows)
            WHERE tenant = \(tenant) AND id = \(view.id)
            """)
        try tx.execute(
            """
            UPDATE recording SET state = \(recording.state.rawValue), bytes = \(recording.bytes),
                duration = \(recording.duration), head = \(recording.head)
            WHERE tenant = \(tenant) AND id = \(view.recordingId)
            """)
    }

    func share(
        session: String, _ person: SessionView.Participant, by caller: Caller, in tx: borrowing StoreTransaction
    ) throws(StorageError) {
        try tx.execute(
            """
            INSERT INTO session_participant (tenant, session, person, name, mode, added_at, added_by)
            VALUES (\(tenant), \(session), \(person.userId), \(person.name), \(person.mode.rawValue), \(Timestamp.now()),
                \(caller.userID))
            ON CONFLICT (tenant, session, person) DO UPDATE SET mode = excluded.mode
            """)
    }

    /// Another person owns the session; whose it was takes part from now on.
    func handOver(
        session: String, to person: SessionView.Person, from before: SessionView.Person, by caller: Caller,
        in tx: borrowing StoreTransaction
    ) throws(StorageError) {
        try unshare(session: session, userID: person.id, in: tx)
        try share(
            session: session, .init(userId: before.id, name: before.name, mode: .control), by: caller, in: tx)
        try tx.execute(
            """
            UPDATE session SET owner = \(person.id), owner_name = \(person.name)
            WHERE tenant = \(tenant) AND id = \(session)
            """)
    }

    func unshare(session: String, userID: String, in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute(
            """
            DELETE FROM session_participant
            WHERE tenant = \(tenant) AND session = \(session) AND person = \(userID)
            """)
    }

    /// One session as it was stored; nil when there is none.
    func view(_ id: String) async throws -> SessionView? {
        try await store.read { tx in
            guard let row = try tx.row("SELECT * FROM session WHERE tenant = \(tenant) AND id = \(id)") else {
                return nil
            }
            return try view(row, in: tx)
        }
    }

    /// The newest ended sessions.
    func ended(limit: Int) async throws -> [SessionView] {
        try await store.read { tx in
            var views: [SessionView] = []
            for row in try tx.rows(
                """
                SELECT * FROM session WHERE tenant = \(tenant) AND state = \(SessionState.ended.rawValue)
                ORDER BY started_at DESC LIMIT \(limit)
                """)
            { views.append(try view(row, in: tx)) }
            return views
        }
    }

    /// Sessions that a stopped copilot left open.
    func unfinished() async throws -> [SessionView] {
        try await store.read { tx in
            var views: [SessionView] = []
            for row in try tx.rows(
                "SELECT * FROM session WHERE tenant = \(tenant) AND state <> \(SessionState.ended.rawValue)")
            { views.append(try view(row, in: tx)) }
            return views
        }
    }

    private func view(_ row: SQLRow, in tx: borrowing StoreTransaction) throws(StorageError) -> SessionView {
        let id = try row.text("id")
        var participants: [SessionView.Participant] = []
        for other in try tx.rows(
            """
            SELECT person, name, mode FROM session_participant
            WHERE tenant = \(tenant) AND session = \(id) ORDER BY added_at
            """)
        {
            participants.append(
                .init(
                    userId: try other.text("person"), name: try other.text("name"),
                    mode: SeatMode(rawValue: try other.text("mode")) ?? .view))
        }
        var starter: SessionView.Person?
        if let starterID = try row.optionalText("starter") {
            starter = .init(id: starterID, name: try row.optionalText("starter_name") ?? "")
        }
        return SessionView(
            id: id,
            host: .init(
                id: try row.text("host"), alias: try row.text("host_alias"), environment: try row.text("environment")),
            owner: .init(id: try row.text("owner"), name: try row.text("owner_name")), startedBy: starter,
            title: try row.text("title"), state: SessionState(rawValue: try row.text("state")) ?? .ended,
            startedAt: try row.time("started_at").iso8601, endedAt: try row.optionalTime("ended_at")?.iso8601,
            ending: try row.optionalText("ending").flatMap(Self.ending), columns: Int(try row.integer("columns")),
            rows: Int(try row.integer("line_count")), recordingId: try row.text("recording"),
            keyboard: .init(holder: nil, epoch: 0), seats: [], participants: participants, expiresAt: nil)
    }

    private static func text(_ ending: SessionEnding) -> String? {
        (try? JSONEncoder().encode(ending)).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func ending(_ text: String) -> SessionEnding? {
        try? JSONDecoder().decode(SessionEnding.self, from: Data(text.utf8))
    }
}
