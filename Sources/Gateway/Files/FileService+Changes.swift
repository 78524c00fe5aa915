import NIOCore
import SFTP

/// Changing names and modes. What an operation would do to "/", "." or ".." it does not do.
extension FileService {
    /// Makes a folder; its mode is what the host's mask leaves.
    public func makeFolder(_ path: RemotePath, in access: FileAccess) async throws(GatewayError) -> FileEntry {
        try await changing(.mkdir, path, in: access) { client in
            let place = try await Self.place(path, client)
            do throws(SFTPError) { try await client.makeDirectory(place) } catch {
                // Version 3 has no word for "exists".
                if error.code == .failure, (try? await client.attributes(of: place, followingLink: false)) != nil {
                    throw GatewayError.fileExists(place)
                }
                throw error
            }
            return try await self.described(place, client)
        }
    }

    /// Gives something another name, or another folder on the same file system.
    ///
    /// - Parameter replacing: Whether a file of the new name is replaced; else it is `file_exists`.
    public func rename(
        _ path: RemotePath, to newPath: RemotePath, replacing: Bool = false, in access: FileAccess
    ) async throws(GatewayError) -> FileEntry {
        try await changing(.rename, path, in: access, newPath.auditDetails.renamed("to")) { client in
            let (from, to) = (try await Self.place(path, client), try await Self.place(newPath, client, field: "to"))
            if let there = try? await client.attributes(of: to, followingLink: false) {
                guard replacing, there.kind != .directory else { throw GatewayError.fileExists(to) }
            }
            try await Self.move(from, to: to, replacing: replacing, client)
            return try await self.described(to, client)
        }
    }

    /// Replaces in one step where the server can. A server without that is asked to remove first.
    static func move(_ from: RemotePath, to: RemotePath, replacing: Bool, _ client: SFTPClient) async throws {
        guard replacing else { return try await client.rename(from, to: to) }
        if await client.has(.posixRename) { return try await client.rename(from, to: to, replacing: true) }
        try? await client.remove(to)
        try await client.rename(from, to: to)
    }

    /// Sets the permissions: the lower twelve bits of a mode. A link's target gets them.
    public func setMode(_ mode: UInt32, of path: RemotePath, in access: FileAccess) async throws(GatewayError)
        -> FileEntry
    {
        guard mode <= 0o7777 else {
            throw .invalid("mode", "A mode has four octal digits at most.", hint: "For example 0644.")
        }
        return try await changing(.chmod, path, in: access, ["mode": String(mode, radix: 8)]) { client in
            let place = try await Self.place(path, client)
            try await client.setAttributes(FileAttributes(permissions: mode), of: place)
            return try await self.described(place, client)
        }
    }

    /// Removes a file, a link (never what it leads to) or a folder.
    ///
    /// - Parameters:
    ///   - recursive: Whether a folder goes with everything in it; else a folder has to be empty.
    ///   - progress: Told how many are gone, now and then.
    /// - Returns: How many files and folders were removed.
    @discardableResult
    public func remove(
        _ path: RemotePath, recursive: Bool = false, in access: FileAccess,
        progress: (Int) async throws -> Void = { _ in }
    ) async throws(GatewayError) -> Int {
        try await access.check(.write)
        let details = recursive ? ["recursive": "true"] : [:]
        if recursive { try await trail.begins(.delete, path, in: access) }
        var removed = 0
        do throws(GatewayError) {
            try await hosts.with(access.session) { client in
                let place = try await Self.place(path, client)
                let attributes = try await client.attributes(of: place, followingLink: false)
                if attributes.kind != .directory {
                    try await client.remove(place)
                    removed = 1
                } else if recursive {
                    try await self.removeTree(place, client, access, &removed, progress)
                } else {
                    try await Self.removeEmpty(place, client)
                    removed = 1
                }
            }
        } catch {
            await trail.done(
                .delete, path, in: access, failure: error, details.merging(["removed": String(removed)]) { $1 })
            throw error
        }
        await trail.done(.delete, path, in: access, details.merging(["removed": String(removed)]) { $1 })
        return removed
    }

    private static func removeEmpty(_ place: RemotePath, _ client: SFTPClient) async throws {
        do throws(SFTPError) { try await client.removeDirectory(place) } catch {
            guard error.code == .failure else { throw error }
            throw GatewayError(
                "folder_not_empty", status: 409, "The folder “\(place)” is not empty.",
                hint: "Remove it with everything in it, if that is what you mean.")
        }
    }

    private func removeTree(
        _ root: RemotePath, _ client: SFTPClient, _ access: FileAccess, _ removed: inout Int,
        _ progress: (Int) async throws -> Void
    ) async throws {
        var walk = FolderWalk(root, client)
        var watch = AccessWatch(access, .write)
        var batch: [RemotePath] = []
        while let step = try await walk.next() {
            switch step {
            case .enters: continue
            case .file(let path, _), .other(let path, _): batch.append(path)
            case .leaves(let path):
                try await Self.removeAll(&batch, client, &removed)
                try await client.removeDirectory(path)
                removed += 1
            }
            if batch.count >= 32 { try await Self.removeAll(&batch, client, &removed) }
            try await watch.passed()
            if removed % 256 == 0 { try await progress(removed) }
        }
    }

    /// Several at once: each costs a round trip.
    private static func removeAll(
        _ paths: inout [RemotePath], _ client: SFTPClient, _ removed: inout Int
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for path in paths { group.addTask { try await client.remove(path) } }
            while try await group.next() != nil { removed += 1 }
        }
        paths = []
    }

    // MARK: What they share

    private func changing(
        _ operation: FileTrail.Operation, _ path: RemotePath, in access: FileAccess, _ details: [String: String] = [:],
        _ body: (SFTPClient) async throws -> FileEntry
    ) async throws(GatewayError) -> FileEntry {
        try await access.check(.write)
        do throws(GatewayError) {
            let entry = try await hosts.with(access.session, body)
            await trail.done(operation, path, in: access, details)
            return entry
        } catch {
            await trail.done(operation, path, in: access, failure: error, details)
            throw error
        }
    }

    /// Where something is, or is to be: its folder as the host knows it, and one name in it.
    static func place(
        _ path: RemotePath, _ client: SFTPClient, field: String = "path"
    ) async throws -> RemotePath {
        let (folder, name) = try path.split(field: field)
        return try await client.canonicalPath(of: folder).appending(name)
    }
}

extension [String: String] {
    /// The same details under other names, for a second path of one event.
    fileprivate func renamed(_ prefix: String) -> [String: String] {
        Dictionary(uniqueKeysWithValues: map { ($0.key == "path" ? prefix : prefix + "Bytes", $0.value) })
    }
}
