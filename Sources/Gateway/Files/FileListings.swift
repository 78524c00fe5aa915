import NIOConcurrencyHelpers
import NIOCore
import SFTP
import Storage

/// Folders that were read and are looked through page by page: what is shown is one moment of the folder, and the host
/// is asked once. They are kept for a minute, and few of them.
final class FileListings: Sendable {
    /// A folder as the host gave it.
    struct Folder: Sendable {
        let path: RemotePath
        var entries: [(name: RemotePath, attributes: FileAttributes)] = []
        var skipped = 0
        var isTruncated = false

        init(path: RemotePath) { self.path = path }

        /// Folders first, then by the bytes of the name: an order that does not depend on anybody's language.
        mutating func sort() {
            entries.sort { left, right in
                let (isFolder, other) = (left.attributes.kind == .directory, right.attributes.kind == .directory)
                if isFolder != other { return isFolder }
                return left.name.bytes.lexicographicallyPrecedes(right.name.bytes)
            }
        }
    }

    /// Some names of it.
    struct Page: Sendable {
        let path: RemotePath
        let entries: ArraySlice<(name: RemotePath, attributes: FileAttributes)>
        let total: Int
        let skipped: Int
        let isTruncated: Bool
        let next: String?

        fileprivate init(_ folder: Folder, from start: Int, limit: Int, id: String) {
            let end = min(folder.entries.count, start + max(1, limit))
            path = folder.path
            entries = ArraySlice(Array(folder.entries[min(start, end)..<end]))
            total = folder.entries.count
            skipped = folder.skipped
            isTruncated = folder.isTruncated
            next = end < folder.entries.count ? "\(id).\(end)" : nil
        }
    }

    private struct Kept {
        let folder: Folder
        let session: String
        let userID: String
        var usedAt: NIODeadline
    }

    private static let lifetime = TimeAmount.seconds(60)
    private static let namesKept = 300_000

    private let state = NIOLockedValueBox<[String: Kept]>([:])

    /// The first page; the folder is kept only when there are more.
    func keep(_ folder: Folder, limit: Int, for access: FileAccess) -> Page {
        let id = Identifier.make("dir")
        let page = Page(folder, from: 0, limit: limit, id: id)
        guard page.next != nil else { return page }
        let now = NIODeadline.now()
        state.withLockedValue { state in
            state = state.filter { now - $0.value.usedAt < Self.lifetime }
            state[id] = Kept(
                folder: folder, session: access.session.id, userID: access.caller.userID, usedAt: now)
            var names = state.values.reduce(0) { $0 + $1.folder.entries.count }
            for (old, kept) in state.sorted(by: { $0.value.usedAt < $1.value.usedAt })
            where names > Self.namesKept && old != id {
                state[old] = nil
                names -= kept.folder.entries.count
            }
        }
        return page
    }

    /// A later page.
    func page(_ cursor: String, limit: Int, for access: FileAccess) throws(GatewayError) -> Page {
        let parts = cursor.split(separator: ".", maxSplits: 1)
        let found = state.withLockedValue { state -> (Folder, Int, String)? in
            guard parts.count == 2, let start = Int(parts[1]), start >= 0 else { return nil }
            let id = String(parts[0])
            guard let kept = state[id], kept.session == access.session.id, kept.userID == access.caller.userID,
                NIODeadline.now() - kept.usedAt < Self.lifetime
            else { return nil }
            state[id]?.usedAt = .now()
            return (kept.folder, start, id)
        }
        guard let (folder, start, id) = found else {
            throw GatewayError(
                "listing_expired", status: 410, "This listing of the folder is no longer kept.",
                hint: "Read the folder from its beginning.")
        }
        return Page(folder, from: start, limit: limit, id: id)
    }
}
