import Audit
import Recording
import SFTP

/// What was done with files, as the audit log and the session's recording keep it.
struct FileTrail: Sendable {
    /// What is done. The raw value is the recording's word; the audit log has `file.` before it.
    enum Operation: String, Sendable {
        case list, stat, hash
        case view, download, archive
        case upload, edit, mkdir, rename, delete, chmod

        /// Whether contents moved or something changed: that belongs into the recording.
        var isRecorded: Bool {
            switch self {
            case .list, .stat, .hash: false
            default: true
            }
        }

        /// Whether a folder looks another way afterwards.
        var isChange: Bool {
            switch self {
            case .upload, .edit, .mkdir, .rename, .delete, .chmod: true
            default: false
            }
        }
    }

    private struct Changed: Encodable {
        let by: String
    }

    let services: Services

    /// A transfer begins. It is in the log before the first byte moves.
    func begins(
        _ operation: Operation, _ path: RemotePath, in access: FileAccess, _ details: [String: String] = [:]
    ) async throws(GatewayError) {
        var event = event(operation, path, access, .succeeded, details)
        event.action += "_begin"
        let (begun, audit) = (event, services.audit)
        try await services.write { tx in _ = try audit.append(begun, in: tx) }
    }

    /// Something was done, or was tried.
    func done(
        _ operation: Operation, _ path: RemotePath, in access: FileAccess, size: UInt64? = nil, sha256: String? = nil,
        failure: GatewayError? = nil, _ details: [String: String] = [:]
    ) async {
        var details = details
        if let size { details["size"] = String(size) }
        if let sha256 { details["sha256"] = sha256 }
        if let failure { details["code"] = failure.code }
        await services.record(event(operation, path, access, failure == nil ? .succeeded : .failed, details))
        if operation.isChange, failure == nil {
            // Without the path: not everybody at the session may read files.
            let changed = Changed(by: access.caller.name)
            access.session.submit { $0.tell("files.changed", changed, to: .signedIn) }
        }
        guard operation.isRecorded, failure == nil || size != nil else { return }
        let note = RecordingNote.file(
            operation: operation.rawValue, path: path.description, size: size.map { Int64(clamping: $0) },
            sha256: sha256, by: access.caller.name)
        access.session.submit { $0.recorder.note(note) }
    }

    private func event(
        _ operation: Operation, _ path: RemotePath, _ access: FileAccess, _ outcome: AuditOutcome,
        _ details: [String: String]
    ) -> AuditEvent {
        let origin = access.session.origin
        return AuditEvent(
            actor: access.caller.auditActor, action: "file." + operation.rawValue,
            object: .init(kind: "host", id: origin.host.id, name: origin.host.alias), outcome: outcome,
            details: path.auditDetails.merging(details) { $1 }, session: origin.id)
    }
}
