// What a transfer does to directories and links of this machine. Every path is resolved within the tree's root, and no
// symbolic link is passed.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A name in a local directory that is uploaded.
struct LocalEntry: Sendable {
    var name: RemotePath
    var attributes: FileAttributes
    /// Of a symbolic link.
    var target: RemotePath?
    /// Of what a symbolic link leads to; nil when that is nothing.
    var followed: FileAttributes?
}

enum LocalTree {
    /// Opens the directory that a tree goes to, made when it does not exist. Links on the way are the person's own.
    static func makeRoot(_ path: String) throws(SFTPError) -> RootedDirectory {
        try at(path) { () throws(SystemFailure) in
            if mkdir(path, 0o777) != 0, errno != EEXIST { throw .last }
            return try RootedDirectory(path: path)
        }
    }

    static func openRoot(_ path: String) throws(SFTPError) -> RootedDirectory {
        try at(path) { () throws(SystemFailure) in try RootedDirectory(path: path) }
    }

    static func makeDirectory(_ path: RemotePath, in root: RootedDirectory, shown: String) throws(SFTPError) {
        try at(shown, path) { () throws(SystemFailure) in
            let (parent, name) = try root.parent(of: path, links: .refused)
            if withPath(name, { mkdirat(parent.number, $0, 0o777) }) == 0 { return }
            guard errno == EEXIST else { throw .last }
            // It must be a directory, not a link to one.
            _ = try root.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, links: .refused)
        }
    }

    /// An existing link is replaced; anything else in its place is not.
    static func makeLink(
        _ path: RemotePath, target: RemotePath, in root: RootedDirectory, shown: String
    ) throws(SFTPError) {
        try at(shown, path) { () throws(SystemFailure) in
            guard !target.bytes.isEmpty, !target.bytes.contains(0) else { throw SystemFailure(EINVAL) }
            let (parent, name) = try root.parent(of: path, links: .refused)
            if let old = try? readLink(in: parent, name) {
                if old == target.bytes { return }
                _ = withPath(name) { unlinkat(parent.number, $0, 0) }
            }
            try withTwoPaths(target.bytes, name) { target, name throws(SystemFailure) in
                _ = try uninterrupted { symlinkat(target, parent.number, name) }
            }
        }
    }

    static func finish(
        _ path: RemotePath, _ attributes: FileAttributes, _ options: TransferOptions, in root: RootedDirectory,
        shown: String
    ) throws(SFTPError) {
        try at(shown, path) { () throws(SystemFailure) in
            let directory = try root.open(path, O_RDONLY | O_DIRECTORY, links: .refused)
            if options.preservesModes, let mode = attributes.safeMode { try directory.setMode(mode_t(mode)) }
            if options.preservesTimes, let times = attributes.times { try directory.setTimes(times) }
        }
    }

    /// The names in a directory of the tree.
    static func list(_ path: RemotePath, in root: RootedDirectory, shown: String) throws(SFTPError) -> [LocalEntry] {
        try at(shown, path) { () throws(SystemFailure) in
            let directory = try root.open(path, O_RDONLY | O_DIRECTORY, links: .refused)
            let listing = try RootedListing(directory)
            var entries: [LocalEntry] = []
            while true {
                let batch = listing.entries(256)
                if batch.isEmpty { return entries }
                for entry in batch where entry.name.isSafeComponent {
                    var found = LocalEntry(name: entry.name, attributes: entry.attributes)
                    if entry.attributes.kind == .symbolicLink {
                        // One that vanished meanwhile is left out.
                        guard let target = try? readLink(in: directory, entry.name.bytes) else { continue }
                        found.target = RemotePath(bytes: target)
                        var information = stat()
                        let isThere = withPath(entry.name.bytes) { fstatat(directory.number, $0, &information, 0) } == 0
                        if isThere { found.followed = FileAttributes(information) }
                    }
                    entries.append(found)
                }
            }
        }
    }

    private static func at<T>(
        _ root: String, _ path: RemotePath = RemotePath(""), _ body: () throws(SystemFailure) -> T
    ) throws(SFTPError) -> T {
        do throws(SystemFailure) { return try body() } catch {
            let inner = String(decoding: path.bytes, as: UTF8.self)
            throw .localFile(error, path: inner.isEmpty ? root : root + "/" + inner)
        }
    }
}
