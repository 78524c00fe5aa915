// Between this machine and a host.

import SFTP

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension FileCopy {
    // MARK: To this machine

    func get(_ host: CopyHost, _ text: String, to place: String, isOneOfMany: Bool) async throws {
        if options.usesOldProtocol { return try await getOld(host, text, to: place, isOneOfMany: isOneOfMany) }
        let client = try await hosts.files(of: host)
        let found = try await meant(by: text, on: client)
        let local = LocalFolder.current
        let isFolder = local.isFolder(RemotePath(place.isEmpty ? "." : place))
        try checkTarget(place, isFolder: isFolder, takesMany: isOneOfMany || found.count > 1)
        var hasFailed = false
        for path in found {
            try Task.checkCancellation()
            do { try await getOne(path, from: client, to: place, isFolder: isFolder) } catch {
                guard found.count > 1, !(error is CancellationError) else { throw error }
                hasFailed = true
                guard let error = error as? SFTPError else { continue }
                if !error.isAboutOneFile { throw error }
                tell(error)
            }
        }
        if hasFailed { throw ReportedFailures() }
    }

    private func getOne(_ path: RemotePath, from client: SFTPClient, to place: String, isFolder: Bool) async throws {
        let isTree = try await client.attributes(of: path).kind == .directory
        guard !isTree || options.isRecursive else { throw SFTPError.needsRecursion(path.description) }
        var local = place.isEmpty ? "." : place
        if isFolder, let name = try await Self.ownName(of: path, on: client) {
            local = RemotePath(local).adding(name).localText
        }
        let wanted = transferOptions
        let target = local
        try await transfer(path.description, isTree: isTree) { display throws(SFTPError) in
            try await client.download(path, to: target, options: wanted) { display.update($0) }
        }
    }

    /// The paths that a name at a host means. What no pattern fits is taken as it stands.
    func meant(by text: String, on client: SFTPClient) async throws(SFTPError) -> [RemotePath] {
        var path = text.isEmpty ? "." : text
        if path.hasPrefix("~") {
            let user = String(path.prefix { $0 != "/" })
            let home = try await client.expandedPath(of: RemotePath(user))
            // The home is no pattern, whatever it is called.
            path = String(decoding: GlobPattern.escaped(home.bytes), as: UTF8.self) + path.dropFirst(user.count)
        }
        let pattern = Array(path.utf8)
        let found = try await RemoteNames(client: client).expand(pattern)
        return found.isEmpty ? [RemotePath(text)] : found
    }

    /// What something of a host is called: nil for what is there of a folder, as "." means.
    ///
    /// The name is what the person wrote, or one that fits their pattern; a name of the host's own making is checked.
    static func ownName(of path: RemotePath, on client: SFTPClient) async throws(SFTPError) -> RemotePath? {
        var name = path.lastComponent
        if name.bytes == [46] { return nil }
        if name.bytes == [46, 46] { name = try await client.canonicalPath(of: path).lastComponent }
        if name.bytes.isEmpty { return nil }
        guard name.isSafeComponent else { throw .badName(name) }
        return name
    }

    func checkTarget(_ place: String, isFolder: Bool, takesMany: Bool) throws(Failure) {
        guard !isFolder, takesMany || place.hasSuffix("/") else { return }
        throw Failure(
            "“\(Printable.line(place))” is no directory.",
            hint: takesMany ? "Several files need a directory to go to." : "Make it first.", status: .foundWrong)
    }

    /// By the old protocol the host's shell expands patterns; only names that fit them are taken.
    private func getOld(_ host: CopyHost, _ text: String, to place: String, isOneOfMany: Bool) async throws {
        let connection = try await hosts.connection(to: host)
        let isFolder = LocalFolder.current.isFolder(RemotePath(place.isEmpty ? "." : place))
        let path = RemotePath(text.isEmpty ? "." : text)
        var wanted = oldOptions
        wanted.expandsPattern = text.hasPrefix("~") || GlobPattern(path.bytes).isPattern
        try checkTarget(place, isFolder: isFolder, takesMany: isOneOfMany || GlobPattern(path.bytes).isPattern)
        if options.resumes { throw Failure.oldCannotResume }
        let oldWanted = wanted
        try await transfer(text, isTree: options.isRecursive || wanted.expandsPattern) { display throws(SFTPError) in
            try await connection.scpDownload(path, to: place.isEmpty ? "." : place, options: oldWanted) {
                display.update($0)
            }
        }
    }

    // MARK: To a host

    func put(_ path: String, _ host: CopyHost, _ place: String, isOneOfMany: Bool) async throws {
        let local = LocalFolder.current
        guard local.attributes(RemotePath(path)) != nil else {
            throw SFTPError.local(path, String(cString: strerror(errno)))
        }
        let isTree = local.isFolder(RemotePath(path))
        guard !isTree || options.isRecursive else { throw SFTPError.needsRecursion(path) }
        if options.usesOldProtocol {
            return try await putOld(path, host, place, isTree: isTree, isOneOfMany: isOneOfMany)
        }
        let client = try await hosts.files(of: host)
        let target = try await self.target(place, on: client, isOneOfMany: isOneOfMany, name: localName(path, local))
        let wanted = transferOptions
        try await transfer(path, isTree: isTree) { display throws(SFTPError) in
            try await client.upload(path, to: target, options: wanted) { display.update($0) }
        }
    }

    /// Where something goes at a host: into a directory that is there, under its own name, or under the name given.
    func target(
        _ place: String, on client: SFTPClient, isOneOfMany: Bool, name: RemotePath?
    ) async throws -> RemotePath {
        var path = RemotePath(place.isEmpty ? "." : place)
        if place.hasPrefix("~") { path = try await client.expandedPath(of: path) }
        var isFolder = false
        do throws(SFTPError) { isFolder = try await client.attributes(of: path).kind == .directory } catch {
            guard error.code == .noSuchFile else { throw error }
        }
        try checkTarget(place, isFolder: isFolder, takesMany: isOneOfMany)
        return isFolder ? name.map { path.adding($0) } ?? path : path
    }

    /// What something here is called; nil for ".", which means what it holds.
    private func localName(_ path: String, _ folder: LocalFolder) throws -> RemotePath? {
        var name = RemotePath(path).lastComponent
        if name.bytes == [46] { return nil }
        if name.bytes == [46, 46] || name.bytes.isEmpty, let real = folder.changed(to: RemotePath(path)) {
            name = RemotePath(real.absolute).lastComponent
        }
        if name.bytes.isEmpty { return nil }
        guard name.isSafeComponent else { throw SFTPError.badName(name) }
        return name
    }

    private func putOld(
        _ path: String, _ host: CopyHost, _ place: String, isTree: Bool, isOneOfMany: Bool
    ) async throws {
        if options.resumes { throw Failure.oldCannotResume }
        let connection = try await hosts.connection(to: host)
        var wanted = oldOptions
        wanted.targetsDirectory = isOneOfMany
        let oldWanted = wanted
        try await transfer(path, isTree: isTree) { display throws(SFTPError) in
            try await connection.scpUpload(
                path, to: RemotePath(place.isEmpty ? "." : place), options: oldWanted
            ) { display.update($0) }
        }
    }
}

extension RemotePath {
    /// As a path of this machine.
    var localText: String { String(decoding: bytes, as: UTF8.self) }
}

extension Failure {
    fileprivate static let oldCannotResume = Failure(
        "The old protocol cannot resume.", hint: "Leave out -O, or leave out --resume.", status: .foundWrong)
}
