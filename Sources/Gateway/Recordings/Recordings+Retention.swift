import Audit
import Foundation
import Logging
import Policy
import Recording
import Storage

/// How long recordings are kept, what holds them longer, and how they go.
extension Recordings {
    private static let setting = "recordingRetention"
    /// Letters of a reason.
    private static let reasonLimit = 500

    // MARK: The policy

    /// What holds now.
    public func retention() async throws(GatewayError) -> RecordingRetention {
        let tenant = services.tenant
        let text = try await read { tx in
            try tx.row("SELECT value FROM setting WHERE tenant = \(tenant) AND name = \(Self.setting)")?.text("value")
        }
        guard let text else { return .standard }
        guard let value = try? JSONDecoder().decode(RecordingRetention.self, from: Data(text.utf8)) else {
            // Nothing may be deleted by a rule that can't be read.
            return RecordingRetention(days: 0)
        }
        return value
    }

    /// Sets how long recordings are kept.
    public func setRetention(
        _ retention: RecordingRetention, caller: Caller
    ) async throws(GatewayError) -> RecordingRetention {
        try services.require(.settingsEdit, caller, on: nil)
        let value = try retention.checked()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let text = (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let tenant = services.tenant
        let audit = services.audit
        let rules = value.tags.map { "\($0.tag)=\($0.days)" }.joined(separator: " ")
        let event = AuditEvent(
            actor: caller.auditActor, action: "recording.retention", object: nil, outcome: .succeeded,
            details: ["days": String(value.days), "tags": rules])
        try await services.write { tx in
            try tx.execute(
                """
                INSERT INTO setting (tenant, name, value) VALUES (\(tenant), \(Self.setting), \(text))
                ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value
                """)
            _ = try audit.append(event, in: tx)
        }
        return value
    }

    // MARK: Legal hold

    /// Keeps a recording, whatever the policy says, until the hold is lifted.
    public func hold(_ id: String, reason: String, caller: Caller) async throws(GatewayError) -> StoredRecording {
        let entry = try await find(id, caller)
        try services.require(.recordingHold, caller, on: entry.host)
        let reason = reason.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !reason.isEmpty, reason.count <= Self.reasonLimit else {
            throw .invalid(
                "reason", "A hold needs a reason of 1 to \(Self.reasonLimit) characters.",
                hint: "Name the case, such as “INC-12345”.")
        }
        return try await change(entry, "recording.hold", ["reason": reason], caller) { records, tx in
            try records.hold(id, reason: reason, by: caller, in: tx)
        }
    }

    /// Lifts a hold: the policy counts again.
    public func release(_ id: String, caller: Caller) async throws(GatewayError) -> StoredRecording {
        let entry = try await find(id, caller)
        try services.require(.recordingHold, caller, on: entry.host)
        guard let hold = entry.recording.hold else { return entry.recording }
        return try await change(entry, "recording.release", ["reason": hold.reason], caller) { records, tx in
            try records.release(id, in: tx)
        }
    }

    private func change(
        _ entry: RecordingStore.Entry, _ action: String, _ details: [String: String], _ caller: Caller,
        _ body: @escaping @Sendable (RecordingStore, borrowing StoreTransaction) throws -> Void
    ) async throws(GatewayError) -> StoredRecording {
        let event = event(action, entry.recording, caller.auditActor, details)
        let records = records
        let audit = services.audit
        try await services.write { tx in
            try body(records, tx)
            _ = try audit.append(event, in: tx)
        }
        return try await find(entry.recording.id, caller).recording
    }

    // MARK: Deleting

    /// Deletes a recording for ever: its key first, then its file.
    public func delete(_ id: String, caller: Caller) async throws(GatewayError) {
        let entry = try await find(id, caller)
        try services.require(.recordingDelete, caller, on: entry.host)
        try await destroy(entry, why: "asked for", actor: caller.auditActor)
    }

    /// The key goes with the entry in the log, in one transaction; whatever happens to the file then, nobody can read it.
    private func destroy(
        _ entry: RecordingStore.Entry, why: String, actor: AuditActor
    ) async throws(GatewayError) {
        let id = entry.recording.id
        let records = records
        let audit = services.audit
        let event = event(
            "recording.delete", entry.recording, actor,
            ["why": why, "startedAt": entry.recording.startedAt, "owner": entry.recording.owner.name])
        try await services.write { tx in
            // What holds it may have come since it was looked at.
            guard let now = try records.entry(id, in: tx), now.recording.state != .deleted else { return }
            guard now.recording.state != .recording else {
                throw GatewayError.conflict(
                    "recording_live", "This recording is still being made.", hint: "End the session first.")
            }
            guard now.recording.hold == nil else {
                throw GatewayError.conflict(
                    "recording_held", "This recording is held: \(now.recording.hold?.reason ?? "").",
                    hint: "Lift the hold first, if you may.")
            }
            try records.delete(id, in: tx)
            _ = try audit.append(event, in: tx)
        }
        try files.destroy(id)
    }

    // MARK: Sweeping

    /// What a sweep did, or would do.
    public struct Sweep: Sendable, Encodable {
        public let deleted: [StoredRecording]
        /// Recordings past their time that a hold keeps.
        public let held: [StoredRecording]
    }

    /// Deletes what the policy no longer keeps.
    /// - Parameter isDry: only say what would go.
    public func sweep(isDry: Bool = false, caller: Caller?) async throws(GatewayError) -> Sweep {
        if let caller { try services.require(.recordingDelete, caller, on: nil) }
        let retention = try await retention()
        let records = records
        let now = Timestamp.now()
        let entries = try await read { tx in
            var entries: [RecordingStore.Entry] = []
            for id in try records.closed(before: now, in: tx) {
                if let entry = try records.entry(id, in: tx), let expiry = entry.expiry(retention), expiry < now {
                    entries.append(entry)
                }
            }
            return entries
        }
        var deleted: [StoredRecording] = []
        for entry in entries where entry.recording.hold == nil {
            if !isDry {
                do throws(GatewayError) {
                    try await destroy(
                        entry, why: "kept for \(retention.days(for: entry.tags) ?? 0) days",
                        actor: caller?.auditActor ?? .copilot)
                } catch {
                    // The others still go; this one is looked at again in an hour.
                    services.logger.error(
                        "A recording could not be deleted.",
                        metadata: ["recording": "\(entry.recording.id)", "error": "\(error.error)"])
                    continue
                }
            }
            deleted.append(entry.recording)
        }
        if !isDry { try await removeLeftovers() }
        return Sweep(deleted: deleted, held: entries.map(\.recording).filter { $0.hold != nil })
    }

    /// Files whose key is gone, but which could not be removed then.
    private func removeLeftovers() async throws(GatewayError) {
        let records = records
        let deleted = try await read { tx in try records.deleted(in: tx) }
        for id in deleted.intersection(files.present()) { try files.destroy(id) }
    }

    /// Sweeps every hour until the task is cancelled. The first time comes a little after the start, when a machine that
    /// was off has had time to set its clock.
    func keepSweeping(first: Duration = .seconds(600), every: Duration = .seconds(3600)) async {
        var pause = first
        while (try? await Task.sleep(for: pause)) != nil {
            pause = every
            do throws(GatewayError) {
                _ = try await sweep(caller: nil)
            } catch {
                services.logger.error(
                    "The recordings past their time could not be deleted.", metadata: ["error": "\(error.error)"])
            }
        }
    }
}
