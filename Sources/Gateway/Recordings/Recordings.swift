import Audit
import Foundation
import NIOCore
import Policy
import Recording
import Storage

/// What was recorded: the list, replay, and export.
public struct Recordings: Sendable {
    let services: Services
    let files: RecordingFiles

    /// What leaves the copilot.
    public enum ExportFormat: String, Sendable, CaseIterable {
        case asciicast
        case text

        /// Ending of the file's name.
        public var fileExtension: String { self == .asciicast ? "cast" : "txt" }
        /// Media type.
        public var mediaType: String { self == .asciicast ? "application/x-asciicast" : "text/plain; charset=utf-8" }
    }

    // MARK: The list

    /// The recordings that this person may see, the newest first.
    public func recordings(_ caller: Caller, limit: Int = 200) async throws(GatewayError) -> [StoredRecording] {
        let tenant = services.tenant
        return try await read { tx in
            var found: [StoredRecording] = []
            for row in try tx.rows(
                """
                SELECT recording.id AS recording_id, recording.state AS recording_state, bytes, duration, session.*
                FROM recording JOIN session ON session.tenant = recording.tenant AND session.id = recording.session
                WHERE recording.tenant = \(tenant) ORDER BY session.started_at DESC LIMIT \(limit * 4)
                """)
            where found.count < limit {
                let recording = try stored(row, in: tx)
                if try maySee(recording, row: row, caller, in: tx) { found.append(recording) }
            }
            return found
        }
    }

    /// One recording with its markers.
    public func recording(_ id: String, caller: Caller) async throws(GatewayError) -> StoredRecording {
        var recording = try await find(id, caller)
        let reader = try await reader(of: recording)
        do { recording.markers = try markers(reader) } catch { throw unreadable(error) }
        return recording
    }

    private func find(_ id: String, _ caller: Caller) async throws(GatewayError) -> StoredRecording {
        let tenant = services.tenant
        let found: StoredRecording? = try await read { tx in
            guard
                let row = try tx.row(
                    """
                    SELECT recording.id AS recording_id, recording.state AS recording_state, bytes, duration, session.*
                    FROM recording JOIN session ON session.tenant = recording.tenant AND session.id = recording.session
                    WHERE recording.tenant = \(tenant) AND recording.id = \(id)
                    """)
            else { return nil }
            let recording = try stored(row, in: tx)
            return try maySee(recording, row: row, caller, in: tx) ? recording : nil
        }
        guard let found else { throw .notFound("recording") }
        return found
    }

    private func read<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing StoreTransaction) throws -> Value
    ) async throws(GatewayError) -> Value {
        do { return try await services.store.read(body) } catch { throw GatewayError(storage: error) }
    }

    private func stored(_ row: SQLRow, in tx: borrowing StoreTransaction) throws(StorageError) -> StoredRecording {
        let session = try row.text("id")
        let names = try tx.rows(
            """
            SELECT name FROM session_participant WHERE tenant = \(services.tenant) AND session = \(session)
            ORDER BY added_at
            """)
        var participants: [String] = []
        for name in names { participants.append(try name.text("name")) }
        return StoredRecording(
            id: try row.text("recording_id"), sessionId: session,
            host: .init(
                id: try row.text("host"), alias: try row.text("host_alias"), environment: try row.text("environment")),
            owner: .init(id: try row.text("owner"), name: try row.text("owner_name")), participants: participants,
            startedAt: try row.time("started_at").iso8601, duration: Double(try row.integer("duration")) / 1_000_000,
            bytes: try row.integer("bytes"),
            state: StoredRecording.State(rawValue: try row.text("recording_state")) ?? .truncated,
            columns: Int(try row.integer("columns")), rows: Int(try row.integer("line_count")))
    }

    /// One's own recordings, those of sessions that one was invited to, and all for those who may view recordings.
    private func maySee(
        _ recording: StoredRecording, row: SQLRow, _ caller: Caller, in tx: borrowing StoreTransaction
    ) throws(StorageError) -> Bool {
        if recording.owner.id == caller.userID || services.may(.recordingView, caller, on: nil) { return true }
        if try row.optionalText("starter") == caller.userID { return true }
        return try tx.row(
            """
            SELECT person FROM session_participant
            WHERE tenant = \(services.tenant) AND session = \(recording.sessionId) AND person = \(caller.userID)
            """) != nil
    }

    /// The file of a recording. One that was closed in order has its end: where that is gone, somebody cut it off.
    private func reader(of recording: StoredRecording) async throws(GatewayError) -> RecordingReader {
        do {
            let reader = try await files.open(recording.id)
            if recording.state == .complete, case .truncated(let end) = reader.ending {
                throw RecordingError(
                    .tailCut, "It was closed with \(recording.bytes) bytes, and now it ends after \(end).",
                    hint: "Restore the file from a backup.")
            }
            return reader
        } catch { throw unreadable(error) }
    }

    private func unreadable(_ error: any Error) -> GatewayError {
        let detail = (error as? RecordingError).map { "\($0.description) \($0.hint)" } ?? "\(error)"
        return GatewayError(
            "recording_unreadable", status: 500, "The recording can't be read: \(detail)",
            hint: "Run `copilot doctor`, and restore the file from a backup if it was changed.")
    }

    // MARK: Replay and export

    /// A recording opened for one reader: authorised, and, for an export, in the audit log.
    public struct Opened: Sendable {
        public let recording: StoredRecording
        let reader: RecordingReader
    }

    /// Opens a recording for replay in the page.
    public func open(_ id: String, caller: Caller) async throws(GatewayError) -> Opened {
        let recording = try await find(id, caller)
        return Opened(recording: recording, reader: try await reader(of: recording))
    }

    /// Opens a recording that will leave the copilot.
    public func export(_ id: String, as format: ExportFormat, caller: Caller) async throws(GatewayError) -> Opened {
        let recording = try await find(id, caller)
        try services.require(.recordingExport, caller, on: nil)
        let opened = Opened(recording: recording, reader: try await reader(of: recording))
        let event = AuditEvent(
            actor: caller.auditActor, action: "recording.export",
            object: .init(kind: "recording", id: id, name: recording.host.alias), outcome: .succeeded,
            details: ["format": format.rawValue], session: recording.sessionId)
        let audit = services.audit
        try await services.write { tx in _ = try audit.append(event, in: tx) }
        return opened
    }

    private func markers(_ reader: RecordingReader) throws(RecordingError) -> [StoredRecording.Marker] {
        var list = MarkerList()
        var events = reader.events()
        while !list.isFull, let event = try events.next() { list.append(event) }
        return list.markers
    }

    static func label(_ kind: RecordingEvent.Kind) -> (String, String)? {
        switch kind {
        case .marker(let text, let actor): (actor.map { "\($0): \(text)" } ?? text, "marker")
        case .chat(let text, let actor): ("\(actor): \(text)", "chat")
        case .controlChange: (sentence(kind), "keyboard")
        case .file: (sentence(kind), "file")
        case .command: (sentence(kind), "command")
        case .join(let actor, let mode): ("\(actor) joined (\(mode))", "join")
        case .leave(let actor): ("\(actor) left", "leave")
        case .redactedInput(let count, let actor): ("\(actor) typed \(count) characters without echo", "redacted")
        case .gap(let bytes): ("\(bytes) bytes are missing here", "gap")
        case .exit(let status, let signal):
            (signal.map { "Ended by \($0)" } ?? status.map { "Exit status \($0)" } ?? "Ended", "exit")
        case .output, .input, .resize: nil
        }
    }

    private static func sentence(_ kind: RecordingEvent.Kind) -> String {
        let label = Asciicast2.label(kind) ?? ""
        return label.hasPrefix("the ") ? "The " + label.dropFirst(4) : label
    }
}
