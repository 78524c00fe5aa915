// What a request is in the eyes of policy.

extension RequestRunner {
    /// The longest path that is looked at.
    private static let maximumPath = 4096

    /// - Throws: `badMessage` for a path with NUL, which the system would cut short, and one that is too long.
    func absolute(_ path: RemotePath) throws(SFTPStatus) -> RemotePath {
        guard path.bytes.count <= Self.maximumPath, !path.bytes.contains(0) else {
            throw SFTPStatus(.badMessage, "Invalid path")
        }
        return path.normalised(from: fileSystem.home)
    }

    /// nil for what touches no path, and for what goes on with a file whose opening was decided on.
    func operation(of request: SFTPRequest, _ table: HandleTable) throws(SFTPStatus) -> SFTPOperation? {
        switch request {
        case .fsetstat(let handle, _):
            guard let path = table[handle]?.path else { throw .invalidHandle }
            return SFTPOperation(kind: .setAttributes, path: path)
        case .copyData(let range):
            guard let path = table[range.source]?.path, let other = table[range.target]?.path else {
                throw .invalidHandle
            }
            return SFTPOperation(kind: .copy, path: path, otherPath: other)
        default:
            return try operation(of: request)
        }
    }

    /// What a request that names its path itself is; it needs no table, so it can be asked about ahead of its turn.
    func operation(of request: SFTPRequest) throws(SFTPStatus) -> SFTPOperation? {
        switch request {
        case .open(let path, let flags, _):
            let writes = !flags.isDisjoint(with: [.write, .append, .create, .truncate])
            return try one(.open(reads: flags.contains(.read), writes: writes), path)
        case .lstat(let path), .stat(let path): return try one(.readAttributes, path)
        case .setstat(let path, _), .lsetstat(let path, _): return try one(.setAttributes, path)
        case .opendir(let path): return try one(.list, path)
        case .remove(let path): return try one(.remove, path)
        case .mkdir(let path, _): return try one(.makeDirectory, path)
        case .rmdir(let path): return try one(.removeDirectory, path)
        case .rename(let from, let to), .posixRename(let from, let to): return try two(.rename, from, to)
        case .readlink(let path): return try one(.readLink, path)
        case .symlink(_, let link): return try one(.makeSymbolicLink, link)
        case .hardlink(let existing, let link): return try two(.makeHardLink, link, existing)
        case .statvfs(let path): return try one(.statistics, path)
        case .close, .read, .write, .fstat, .fsetstat, .readdir, .realpath, .fstatvfs, .fsync, .limits, .expandPath,
            .copyData, .homeDirectory, .usersGroupsByID, .unknownExtension:
            return nil
        }
    }

    private func one(_ kind: SFTPOperation.Kind, _ path: RemotePath) throws(SFTPStatus) -> SFTPOperation {
        SFTPOperation(kind: kind, path: try absolute(path))
    }

    private func two(
        _ kind: SFTPOperation.Kind, _ path: RemotePath, _ other: RemotePath
    ) throws(SFTPStatus) -> SFTPOperation {
        SFTPOperation(kind: kind, path: try absolute(path), otherPath: try absolute(other))
    }
}
