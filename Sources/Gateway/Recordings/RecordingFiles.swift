import Crypto
import Foundation
import Recording
import Storage
import Vault

/// The recordings on disk: one file each, sealed under a key of its own.
///
/// The key is made of two halves: one stands in the file, one in the database, each wrapped by the vault. Whoever takes
/// the second away makes the file, and every copy of it in any backup of files, unreadable for ever.
public final class RecordingFiles: Sendable {
    /// What there is of a finished recording.
    struct Summary: Sendable {
        var state: StoredRecording.State
        var bytes: Int64 = 0
        /// Microseconds.
        var duration: Int64 = 0
        /// Hash of the last chunk, in hexadecimal digits.
        var head: String?
    }

    private static let keyAttribute = "key"
    private static let halved = "halved"

    let folder: String
    private let tenant: String
    private let vault: Vault
    private let store: Store
    private let io: RecordingIO

    init(folder: String, tenant: String, vault: Vault, store: Store) throws(GatewayError) {
        self.folder = folder
        self.tenant = tenant
        self.vault = vault
        self.store = store
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

    /// Size of a file now; 0 where there is none.
    func size(_ id: String) -> Int64 {
        let size = try? FileManager.default.attributesOfItem(atPath: path(id))[.size] as? NSNumber
        return size?.int64Value ?? 0
    }

    private func identity(_ id: String, _ column: String) -> RecordIdentity {
        RecordIdentity(tenant: tenant, table: "recording", row: id, column: column)
    }

    // MARK: Making

    /// Begins a recording. Without one no session starts.
    func create(_ origin: LiveSession.Origin, columns: Int, rows: Int) async throws(GatewayError) -> RecordingWriter {
        let id = origin.recordingID
        let header = RecordingHeader(
            id: id, session: origin.id, title: origin.host.alias, host: origin.host.alias,
            user: origin.owner.name, startedAt: origin.startedAt.microseconds, columns: columns, rows: rows,
            attributes: ["TERM": "xterm-256color", Self.keyAttribute: Self.halved])
        do {
            let inFile = try await vault.recordKey(for: identity(id, "key"))
            let inStore = try await vault.recordKey(for: identity(id, "half"))
            let tenant = tenant
            try await store.transaction { tx in
                try tx.execute(
                    """
                    INSERT INTO recording_key (tenant, recording, wrapped)
                    VALUES (\(tenant), \(id), \(inStore.wrapped))
                    """)
            }
            return try RecordingWriter.create(
                path: path(id), header: header, key: Self.whole(inFile.key, inStore.key), wrappedKey: inFile.wrapped,
                io: io)
        } catch {
            throw GatewayError(
                "recording_unavailable", status: 507,
                "The session was not started because it can't be recorded: \(error).",
                hint: "Make room on the disk of the recordings, or ask an admin to.")
        }
    }

    private static func whole(_ inFile: SymmetricKey, _ inStore: SymmetricKey) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: inFile, salt: inStore.withUnsafeBytes { Array($0) },
            info: Array("ssh copilot recording halves v1".utf8), outputByteCount: 32)
    }

    /// Removes a recording of a session that never began.
    func discard(_ id: String) async {
        let tenant = tenant
        try? await store.transaction { tx in
            try tx.execute("DELETE FROM recording_key WHERE tenant = \(tenant) AND recording = \(id)")
        }
        try? FileManager.default.removeItem(atPath: path(id))
    }

    /// The books of a recording that was closed.
    static func summary(_ recording: RecordingSummary?) -> Summary {
        guard let recording else { return Summary(state: .truncated) }
        return Summary(
            state: recording.isComplete ? .complete : .truncated, bytes: recording.bytes,
            duration: recording.duration, head: hexadecimal(recording.head))
    }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Marks a recording that a stopped copilot left open, so that it plays to its last second.
    func recover(_ id: String) async -> Summary {
        do {
            let repair = try RecordingRepair.repair(path: path(id), key: try await key(id))
            return Summary(
                state: repair.isComplete ? .complete : .truncated, bytes: size(id), duration: repair.duration,
                head: Self.hexadecimal(repair.head))
        } catch { return Summary(state: .truncated, bytes: size(id)) }
    }

    // MARK: Reading

    /// Opens a recording to read it.
    /// - Parameter walksAll: look at every chunk's header first; see `RecordingReader`.
    func open(_ id: String, walksAll: Bool = false) async throws -> RecordingReader {
        try RecordingReader(path: path(id), key: try await key(id), walksAll: walksAll)
    }

    /// The data key of a recording.
    private func key(_ id: String) async throws -> SymmetricKey {
        let (header, wrapped) = try RecordingReader.header(path: path(id))
        let inFile = try await vault.unwrapKey(wrapped, for: identity(id, "key"))
        guard header.attributes[Self.keyAttribute] == Self.halved else { return inFile }
        let tenant = tenant
        let row = try await store.read { tx in
            try tx.row("SELECT wrapped FROM recording_key WHERE tenant = \(tenant) AND recording = \(id)")
        }
        guard let row else {
            throw RecordingError(
                .keyDestroyed, "The key of this recording was destroyed: nobody can read it any more.",
                hint: "The audit log says who deleted it, and when.")
        }
        return Self.whole(inFile, try await vault.unwrapKey(try row.bytes("wrapped"), for: identity(id, "half")))
    }

    // MARK: Deleting

    /// Removes the file of a recording whose key is gone. Its header, with the file's own half of the key, is written
    /// over first: recordings of earlier versions have no other half.
    func destroy(_ id: String) throws(GatewayError) {
        let path = path(id)
        guard FileManager.default.fileExists(atPath: path) else { return }
        do {
            try RecordingRemoval.remove(path)
        } catch {
            throw GatewayError(
                "recording_not_removed", status: 500, error.description,
                hint: "Its key is destroyed already; remove the file by hand. \(error.hint)")
        }
    }

    /// The ids of all files in the folder.
    func present() -> Set<String> {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return Set(names.filter { $0.hasSuffix(".rec") }.map { String($0.dropLast(4)) })
    }

    /// Waits for the writer's thread; nothing is recorded after this.
    func shutdown() async { await io.shutdown() }
}
