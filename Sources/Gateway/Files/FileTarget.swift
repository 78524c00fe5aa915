import NIOCore
import SFTP

/// The place of a file that is to be written, and what is there now.
struct FileTarget: Sendable {
    /// Bytes of a file that is compared by its hash.
    private static let longestCompared = 8 << 20

    let folder: RemotePath
    let path: RemotePath
    /// What is there; nil for nothing.
    let existing: FileAttributes?
    private let client: SFTPClient

    /// Finds it. What a link leads to is written, not the link: a configuration file that is a link stays one.
    static func find(_ path: RemotePath, _ client: SFTPClient) async throws -> FileTarget {
        var place = try await FileService.place(path, client)
        var existing: FileAttributes?
        do throws(SFTPError) {
            existing = try await client.attributes(of: place, followingLink: false)
        } catch { if error.code != .noSuchFile { throw error } }
        if existing?.kind == .symbolicLink {
            place = try await client.canonicalPath(of: place)
            existing = try await client.attributes(of: place, followingLink: false)
        }
        switch existing?.kind {
        case .regular, nil: break
        default: throw GatewayError.notAFile(place)
        }
        return FileTarget(folder: try place.split().folder, path: place, existing: existing, client: client)
    }

    /// Where the bytes of an upload are until they are complete. The name cannot be guessed, so nobody can put a link
    /// there first.
    func partial(_ name: String) throws -> RemotePath {
        try folder.appending(RemotePath(".copilot-\(name).part"))
    }

    /// - Throws: `file_exists`, `file_changed`.
    func check(_ precondition: FileWrite.Precondition) async throws {
        switch precondition {
        case .none: return
        case .absent: if existing != nil { throw GatewayError.fileExists(path) }
        case .version(let version):
            guard let now = try await currentVersion(like: version), now == version else { throw changed }
        }
    }

    private func currentVersion(like version: String) async throws -> String? {
        guard let existing else { return nil }
        guard version.hasPrefix("sha256-") else { return existing.version }
        guard (existing.size ?? 0) <= UInt64(Self.longestCompared) else { return nil }
        let file = try await client.open(path)
        var hash = FlowingHash()
        try await FilePieces.readToEnd(file, limit: UInt64(Self.longestCompared)) { hash.add($0) }
        try await file.close()
        return "sha256-" + hash.hexadecimal
    }

    private var changed: GatewayError {
        GatewayError(
            "file_changed", status: 412,
            existing == nil
                ? "“\(path)” is not there any more." : "“\(path)” was changed by somebody else meanwhile.",
            hint: "Look at what it is now, then decide which one is to stay.",
            details: [
                "version": existing?.version.map { .string($0) } ?? .string(""),
                "size": .integer(Int64(clamping: existing?.size ?? 0)),
                "modified": .integer(Int64(existing?.times?.modified ?? 0)),
            ])
    }
}
