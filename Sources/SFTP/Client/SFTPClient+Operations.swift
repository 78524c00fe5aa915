// Each request of version 3 and of OpenSSH's extensions as a call.

import NIOCore

extension SFTPClient {
    // MARK: Looking

    /// - Parameters:
    ///   - path: At the server.
    ///   - followingLink: Whether a symbolic link's target is described, or the link itself.
    /// - Throws: `no_such_file`, `permission_denied`.
    public func attributes(of path: RemotePath, followingLink: Bool = true) async throws(SFTPError) -> FileAttributes {
        try await request(followingLink ? .stat(path) : .lstat(path), path).attributes(path)
    }

    /// The absolute path, with "." and ".." taken out by the server.
    public func canonicalPath(of path: RemotePath) async throws(SFTPError) -> RemotePath {
        try await request(.realpath(path), path).name(path)
    }

    /// `canonicalPath` that also expands "~" and "~user" where the server can (expand-path@openssh.com).
    public func expandedPath(of path: RemotePath) async throws(SFTPError) -> RemotePath {
        guard await has(.expandPath) else { return try await canonicalPath(of: path) }
        return try await request(.expandPath(path), path).name(path)
    }

    /// A user's home (home-directory).
    ///
    /// - Parameter user: nil for the account's own, which is where relative paths begin.
    public func homeDirectory(of user: String? = nil) async throws(SFTPError) -> RemotePath {
        guard let user else { return try await canonicalPath(of: ".") }
        guard await has(.homeDirectory) else { throw .unsupported(.homeDirectory) }
        return try await request(.homeDirectory(user: user), nil).name(nil)
    }

    /// Where a symbolic link points, as it stands there. The server's word: check before it is followed on this machine.
    public func linkTarget(of path: RemotePath) async throws(SFTPError) -> RemotePath {
        try await request(.readlink(path), path).name(path)
    }

    /// The file system that holds `path` (statvfs@openssh.com).
    public func statistics(of path: RemotePath) async throws(SFTPError) -> VolumeStatistics {
        guard await has(.statvfs) else { throw .unsupported(.statvfs) }
        return try await request(.statvfs(path), path).extended(path) { reader throws(SFTPStatus) in
            try VolumeStatistics(&reader)
        }
    }

    /// Names for the numbers in `FileAttributes.owner` (users-groups-by-id@openssh.com).
    public func accountNames(users: [UInt32], groups: [UInt32]) async throws(SFTPError) -> AccountNames {
        guard await has(.usersGroupsByID) else { throw .unsupported(.usersGroupsByID) }
        let names = try await request(.usersGroupsByID(users: users, groups: groups), nil)
            .extended(nil) { reader throws(SFTPStatus) in try AccountNames(&reader) }
        guard names.users.count == users.count, names.groups.count == groups.count else { throw .unexpected(nil) }
        return names
    }

    // MARK: Changing

    public func setAttributes(
        _ attributes: FileAttributes, of path: RemotePath, followingLink: Bool = true
    ) async throws(SFTPError) {
        if !followingLink, !(await has(.lsetstat)) { throw .unsupported(.lsetstat) }
        _ = try await request(followingLink ? .setstat(path, attributes) : .lsetstat(path, attributes), path)
    }

    /// Removes a file or symbolic link; for a directory see `removeDirectory`.
    public func remove(_ path: RemotePath) async throws(SFTPError) { _ = try await request(.remove(path), path) }

    /// - Parameters:
    ///   - path: At the server.
    ///   - permissions: As far as the server's mask lets them.
    public func makeDirectory(_ path: RemotePath, permissions: UInt32? = nil) async throws(SFTPError) {
        _ = try await request(.mkdir(path, FileAttributes(permissions: permissions)), path)
    }

    /// Removes an empty directory.
    public func removeDirectory(_ path: RemotePath) async throws(SFTPError) {
        _ = try await request(.rmdir(path), path)
    }

    /// - Parameters:
    ///   - path: What it is called.
    ///   - newPath: What it is to be called.
    ///   - replacing: Replaces what has the new name in one step (posix-rename@openssh.com), where the server can;
    ///     else an existing target makes it fail.
    public func rename(
        _ path: RemotePath, to newPath: RemotePath, replacing: Bool = false
    ) async throws(SFTPError) {
        if replacing, !(await has(.posixRename)) { throw .unsupported(.posixRename) }
        _ = try await request(
            replacing ? .posixRename(from: path, to: newPath) : .rename(from: path, to: newPath), path)
    }

    /// Makes a symbolic link at `path`; the target is stored as it is given.
    public func makeSymbolicLink(_ path: RemotePath, target: RemotePath) async throws(SFTPError) {
        _ = try await request(.symlink(target: target, link: path), path)
    }

    /// Gives an existing file a second name (hardlink@openssh.com).
    public func makeHardLink(_ path: RemotePath, to existing: RemotePath) async throws(SFTPError) {
        guard await has(.hardlink) else { throw .unsupported(.hardlink) }
        _ = try await request(.hardlink(existing: existing, link: path), path)
    }

    // MARK: Opening

    /// Opens a file; it is closed when it is let go, at the latest.
    ///
    /// - Parameters:
    ///   - path: At the server.
    ///   - flags: What is to be done with it.
    ///   - permissions: For a file that is made.
    public func open(
        _ path: RemotePath, _ flags: OpenFlags = .read, permissions: UInt32? = nil
    ) async throws(SFTPError) -> SFTPFile {
        let response = try await request(.open(path, flags, FileAttributes(permissions: permissions)), path)
        return SFTPFile(try response.handle(path), path: path, client: self)
    }

    /// The names in a directory, fetched ahead of the reader by a few round trips. "." and ".." are left out.
    ///
    /// Names are the server's: `RemotePath.appending` joins them and refuses what would lead elsewhere.
    public func list(_ path: RemotePath) -> DirectoryListing { DirectoryListing(client: self, path: path) }

    /// The whole contents of a small file.
    ///
    /// - Parameters:
    ///   - path: At the server.
    ///   - limit: Bytes; a longer file throws `failure`.
    public func read(_ path: RemotePath, limit: Int = 16 << 20) async throws(SFTPError) -> [UInt8] {
        let file = try await open(path)
        var contents: [UInt8] = []
        while true {
            let piece = try await file.read(at: UInt64(contents.count), length: SFTPLimits.safeData)
            if piece.readableBytes == 0 { break }
            guard contents.count + piece.readableBytes <= limit else {
                throw SFTPError(
                    .failure, "“\(path)” is longer than \(limit) bytes.", hint: "Download it to a file.",
                    path: path.description)
            }
            contents += piece.readableBytesView
        }
        try await file.close()
        return contents
    }

    /// Makes a file of `contents`, or replaces what it held.
    public func write(
        _ contents: [UInt8], to path: RemotePath, permissions: UInt32? = nil
    ) async throws(SFTPError) {
        let file = try await open(path, [.write, .create, .truncate], permissions: permissions)
        try await file.write(contents, at: 0)
        try await file.close()
    }
}
