import Crypto
import Foundation
import Recording
import Storage
import Vault

/// The recordings on disk: one file each, sealed under a key of its own that only the vault can open.
public final class RecordingFiles: Sendable {
    /// What there is of a finished recording.
    typealias Summary = (state: StoredRecording.State, bytes: Int64, duration: Int64)

    private let folder: String
    private let tenant: String
    private let vault: Vault
    private let io: RecordingIO

    init(folder: String, tenant: String, vault: Vault) throws(GatewayError) {
        self.folder = folder
        self.tenant = tenant
        self.vault = vault
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            io = try RecordingIO()
        } catch {
            throw GatewayError(
                "recordings_unavailable", status: 507,
                "The folder of the recordings, \(folder), can't be made: \(error.localizedDescription).",
                hint: "Check its owner and the free space, then start again.")
        }
    }

    func path(_ id: String) -> String { "\(folder)/\(id).rec" }

    private func identity(_ id: String) -> RecordIdentity {
        RecordIdentity(tenant: tenant, table: "recording", row: id, column: "key")
    }

    /// Begins a recording. Without one no session starts.
    func create(_ origin: LiveSession.Origin, columns: Int, rows: Int) async throws(GatewayError) -> RecordingWriter {
        let header = RecordingHeader(
            id: origin.recordingID, session: origin.id, title: origin.host.alias, host: origin.host.alias,
            user: origin.owner.name, startedAt: origin.startedAt.microseconds, columns: columns, rows: rows,
            attributes: ["TERM": "xterm-256color"])
        do {
            let key = try await vault.recordKey(for: identity(origin.recordingID))
            return try RecordingWriter.create(
                path: path(origin.recordingID), header: header, key: key.key, wrappedKey: key.wrapped, io: io)
        } catch {
            throw GatewayError(
                "recording_unavailable", status: 507,
                "The session was not started because it can't be recorded: \(error).",
                hint: "Make room on the disk of the recordings, or ask an admin to.")
        }
    }

    /// Removes a recording of a session that never began.
    func discard(_ id: String) { try? FileManager.default.removeItem(atPath: path(id)) }

    /// The books of a recording that was closed.
    static func summary(_ recording: RecordingSummary?) -> Summary {
        guard let recording else { return (.truncated, 0, 0) }
        return (recording.isComplete ? .complete : .truncated, recording.bytes, recording.duration)
    }

    /// Marks a recording that a stopped copilot left open, so that it plays to its last second.
    func recover(_ id: String) async -> Summary {
        do {
            let repair = try RecordingRepair.repair(path: path(id), key: try await key(id))
            let size = try FileManager.default.attributesOfItem(atPath: path(id))[.size] as? Int64
            return (repair.isComplete ? .complete : .truncated, size ?? 0, repair.duration)
        } catch { return (.truncated, 0, 0) }
    }

    /// Opens a recording to read it.
    func open(_ id: String) async throws -> RecordingReader {
        try RecordingReader(path: path(id), key: try await key(id))
    }

    /// The data key, which stands wrapped at the start of the file and opens only for this recording's identity.
    private func key(_ id: String) async throws -> SymmetricKey {
        try await vault.unwrapKey(try RecordingReader.header(path: path(id)).wrappedKey, for: identity(id))
    }

    /// Waits for the writer's thread; nothing is recorded after this.
    func shutdown() async { await io.shutdown() }
}
