import Audit
import Foundation
import NIOConcurrencyHelpers
import NIOPosix
import Policy
import Recording
import Storage
import Terminal

/// What was recorded: the list, replay, search, export, and how long it is kept.
public struct Recordings: Sendable {
    let services: Services
    let files: RecordingFiles
    /// How many searches run now.
    let searches = NIOLockedValueBox(0)

    var records: RecordingStore { RecordingStore(tenant: services.tenant) }

    // MARK: The list

    /// The recordings that this person may see, the newest first.
    public func recordings(_ caller: Caller, limit: Int = 200) async throws(GatewayError) -> [StoredRecording] {
        try await entries(caller, limit: limit).map(\.recording)
    }

    /// The same with what decides about each.
    func entries(_ caller: Caller, limit: Int) async throws(GatewayError) -> [RecordingStore.Entry] {
        let records = records
        let retention = try await retention()
        let found = try await read { tx in
            var found: [RecordingStore.Entry] = []
            var hosts = RecordingStore.KnownHosts()
            for row in try records.newest(limit: limit * 4, in: tx) where found.count < limit {
                let entry = try records.entry(row, &hosts, in: tx)
                if maySee(entry, caller) { found.append(entry) }
            }
            return found
        }
        return found.map { completed($0, retention) }
    }

    /// With what the store does not know: the size of a file that grows, and when the policy deletes it.
    private func completed(
        _ entry: RecordingStore.Entry, _ retention: RecordingRetention
    ) -> RecordingStore.Entry {
        var entry = entry
        let recording = entry.recording
        if recording.state == .recording {
            entry.recording = recording.with(bytes: files.size(recording.id))
        } else if recording.hold == nil, recording.state != .deleted {
            entry.recording.expiresAt = entry.expiry(retention)?.iso8601
        }
        return entry
    }

    /// One recording with its markers.
    public func recording(_ id: String, caller: Caller) async throws(GatewayError) -> StoredRecording {
        var recording = try await find(id, caller).recording
        let reader = try await reader(of: recording)
        recording.markers = try await inPool { try Self.markers(reader) }
        return recording
    }

    /// A recording that this person may see and that is still there.
    func find(_ id: String, _ caller: Caller) async throws(GatewayError) -> RecordingStore.Entry {
        let records = records
        let retention = try await retention()
        let found = try await read { tx in try records.entry(id, in: tx) }
        guard let found, maySee(found, caller) else { throw .notFound("recording") }
        guard found.recording.state != .deleted else {
            throw GatewayError(
                "recording_deleted", status: 410,
                "This recording was deleted\(found.deletedAt.map { " on " + $0.iso8601.prefix(10) } ?? "").",
                hint: "The audit log says who deleted it and why.")
        }
        return completed(found, retention)
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing StoreTransaction) throws -> Value
    ) async throws(GatewayError) -> Value {
        do { return try await services.store.read(body) } catch { throw GatewayError(storage: error) }
    }

    /// One's own recordings, those of sessions that one was invited to, and all for those who may view recordings
    /// everywhere.
    func maySee(_ entry: RecordingStore.Entry, _ caller: Caller) -> Bool {
        entry.recording.owner.id == caller.userID || entry.starter == caller.userID
            || entry.participants.contains(caller.userID)
            || services.may(.recordingView, caller, on: nil)
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
        } catch { throw Self.unreadable(error) }
    }

    static func unreadable(_ error: any Error) -> GatewayError {
        if let error = error as? GatewayError { return error }
        let detail = (error as? RecordingError).map { "\($0.description) \($0.hint)" } ?? "\(error)"
        return GatewayError(
            "recording_unreadable", status: 500, "The recording can't be read: \(detail)",
            hint: "Run `copilot recording verify`, and restore the file from a backup if it was changed.")
    }

    /// Work that reads and computes for long, away from the threads that everything else shares.
    func inPool<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws(GatewayError) -> Value {
        do { return try await NIOThreadPool.singleton.runIfActive(body) } catch { throw Self.unreadable(error) }
    }

    // MARK: Replay and export

    /// A recording opened for one reader: authorised, and, for an export, in the audit log.
    public struct Opened: Sendable {
        public let recording: StoredRecording
        let reader: RecordingReader
    }

    /// Opens a recording for replay in the page.
    public func open(_ id: String, caller: Caller) async throws(GatewayError) -> Opened {
        let recording = try await find(id, caller).recording
        return Opened(recording: recording, reader: try await reader(of: recording))
    }

    /// Opens a recording that will leave the copilot.
    public func export(_ id: String, as format: ExportFormat, caller: Caller) async throws(GatewayError) -> Opened {
        let entry = try await find(id, caller)
        let recording = entry.recording
        try services.require(.recordingExport, caller, on: entry.host)
        let opened = Opened(recording: recording, reader: try await reader(of: recording))
        let event = event("recording.export", recording, caller.auditActor, ["format": format.rawValue])
        let audit = services.audit
        try await services.write { tx in _ = try audit.append(event, in: tx) }
        return opened
    }

    func event(
        _ action: String, _ recording: StoredRecording, _ actor: AuditActor, _ details: [String: String]
    ) -> AuditEvent {
        AuditEvent(
            actor: actor, action: action,
            object: .init(kind: "recording", id: recording.id, name: recording.host.alias),
            outcome: .succeeded, details: details, session: recording.sessionId)
    }

    /// The screen as it was at one moment.
    public struct ScreenView: Sendable, Codable {
        /// Seconds since the start.
        public let time: Double
        public let columns: Int
        public let rows: Int
        /// Rows from the top, without trailing blanks; blank ones at the end are left out. Host text.
        public let lines: [String]
    }

    /// The screen at `time` seconds as text, for a preview.
    public func screen(_ id: String, at time: Double, caller: Caller) async throws(GatewayError) -> ScreenView {
        let opened = try await open(id, caller: caller)
        return try await inPool {
            let screen = try opened.reader.screen(at: Int64(max(0, min(time, 1e9)) * 1_000_000))
            var lines = screen.text
            while lines.last == "" { lines.removeLast() }
            return ScreenView(time: time, columns: screen.columns, rows: screen.rows, lines: lines)
        }
    }

    // MARK: Markers

    private static func markers(_ reader: RecordingReader) throws -> [StoredRecording.Marker] {
        var list = MarkerList()
        try reader.eachMark { event in
            list.append(event)
            return !list.isFull
        }
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

extension StoredRecording {
    fileprivate func with(bytes: Int64) -> StoredRecording {
        StoredRecording(
            id: id, sessionId: sessionId, host: host, owner: owner, participants: participants, startedAt: startedAt,
            duration: duration, bytes: bytes, state: state, columns: columns, rows: rows, hold: hold,
            expiresAt: expiresAt, markers: markers)
    }
}

extension RecordingStore.Entry {
    /// When the policy deletes it; nil for never.
    func expiry(_ retention: RecordingRetention) -> Timestamp? {
        guard let endedAt, let days = retention.days(for: tags) else { return nil }
        return Timestamp(microseconds: endedAt.microseconds + Int64(days) * 86_400_000_000)
    }
}
