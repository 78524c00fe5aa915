import NIOCore
import Policy
import SFTP

/// Files of a live session's host, over the session's own connection.
///
/// One method for each operation; every face calls the same ones. Each asks for the permission on the host and for the
/// seat's mode, and leaves its trace in the audit log and, where contents move or something changes, in the recording.
///
/// ```swift
/// let access = try await files.access(sessionID, caller: caller)
/// for entry in try await files.list("/var/log", in: access).entries { print(entry.name) }
/// ```
public final class FileService: Sendable {
    /// Names of one folder at most.
    static let longestFolder = 100_000

    let sessions: Sessions
    let services: Services
    let hosts = HostFiles()
    let listings = FileListings()
    let uploads = Uploads()
    let trail: FileTrail

    init(sessions: Sessions, services: Services) {
        self.sessions = sessions
        self.services = services
        trail = FileTrail(services: services)
    }

    // MARK: Who may

    /// A person's access to a session in which they take part. What they may do is asked anew before each operation.
    /// - Throws: `not_found` for a session that they may not know of, `session_ended`.
    public func access(_ id: String, caller: Caller) async throws(GatewayError) -> FileAccess {
        let session = try await sessions.find(id, caller: caller)
        let services = services
        let mode = try await session.mode(of: caller)
        return FileAccess(
            session: session, caller: caller,
            mayWrite: mode == .control && services.may(.fileWrite, caller, on: session.access.host)
        ) { intent throws(GatewayError) in
            var now = caller
            if caller.kind == .user {
                now = try await services.people.caller(
                    userID: caller.userID, signInID: caller.signInID, address: caller.address)
            }
            let mode = try await session.mode(of: now)
            switch intent {
            case .read: try services.require(.fileRead, now, on: session.access.host)
            case .write:
                try services.require(.fileWrite, now, on: session.access.host)
                guard mode == .control else { throw Self.watchingOnly }
            }
        }
    }

    private static var watchingOnly: GatewayError {
        GatewayError(
            "view_only", status: 403, "You are only watching this session.",
            hint: "Ask the owner of the session for full control.")
    }

    // MARK: Looking

    /// A folder's names, a page at a time.
    public func list(
        _ path: RemotePath, in access: FileAccess, page: FilePage = FilePage()
    ) async throws(GatewayError) -> FileListing {
        try await access.check(.read)
        if let cursor = page.cursor {
            let found = try listings.page(cursor, limit: page.limit, for: access)
            return try await hosts.with(access.session) { try await self.shown(found, in: access, $0) }
        }
        do throws(GatewayError) {
            let (listing, folder) = try await hosts.with(access.session) { client in
                let folder = try await self.readFolder(path, client)
                let found = self.listings.keep(folder, limit: page.limit, for: access)
                return (try await self.shown(found, in: access, client), folder)
            }
            await trail.done(.list, folder.path, in: access, ["names": String(folder.entries.count)])
            return listing
        } catch {
            await trail.done(.list, path, in: access, failure: error)
            throw error
        }
    }

    /// All names of a folder, as far as a folder goes: a server that never ends is not read for ever.
    private func readFolder(_ path: RemotePath, _ client: SFTPClient) async throws -> FileListings.Folder {
        let canonical = try await client.canonicalPath(of: path)
        guard canonical.isAbsolute, canonical.bytes.count <= RemotePath.longest, !canonical.bytes.contains(0) else {
            throw GatewayError(
                "host_protocol_error", status: 502, "The host does not say where “\(path)” is.",
                hint: "Its SFTP server does not follow the protocol; use the terminal.")
        }
        var folder = FileListings.Folder(path: canonical)
        for try await entry in client.list(canonical) {
            guard entry.name.isSafeComponent else {
                folder.skipped += 1
                if folder.skipped > 1000 { break }
                continue
            }
            guard folder.entries.count < Self.longestFolder else {
                folder.isTruncated = true
                break
            }
            folder.entries.append((entry.name, entry.attributes.plain))
        }
        folder.sort()
        return folder
    }

    /// One page as it is shown: links with where they lead, owners with their names.
    private func shown(
        _ page: FileListings.Page, in access: FileAccess, _ client: SFTPClient
    ) async throws -> FileListing {
        var entries: [FileEntry] = []
        for (name, attributes) in page.entries {
            entries.append(FileEntry(try page.path.appending(name), attributes))
        }
        try await Self.followLinks(&entries, page, client)
        await Self.nameOwners(&entries, page.entries.map(\.attributes), client)
        return FileListing(
            path: page.path.text, encoded: page.path.percentEncoded,
            parent: (try? page.path.split())?.folder.percentEncoded, entries: entries, total: page.total,
            skipped: page.skipped, truncated: page.isTruncated, next: page.next, mayWrite: access.mayWrite)
    }

    /// Where links lead. A link that leads nowhere, or round in a circle, stays a link without a target kind.
    private static func followLinks(
        _ entries: inout [FileEntry], _ page: FileListings.Page, _ client: SFTPClient
    ) async throws {
        let links = entries.indices.filter { entries[$0].kind == .link }.prefix(500)
        for start in stride(from: 0, to: links.count, by: 16) {
            let some = links.dropFirst(start).prefix(16)
            try await withThrowingTaskGroup(of: (Int, RemotePath?, FileAttributes?).self) { group in
                for index in some {
                    let path = try page.path.appending(page.entries[index].name)
                    group.addTask {
                        async let target = try? client.linkTarget(of: path)
                        return (index, await target, try? await client.attributes(of: path))
                    }
                }
                for try await (index, target, attributes) in group {
                    entries[index].target = target?.description
                    entries[index].targetKind = attributes.map { FileEntry.Kind($0.kind) }
                }
            }
        }
    }

    private static func nameOwners(
        _ entries: inout [FileEntry], _ attributes: [FileAttributes], _ client: SFTPClient
    ) async {
        let users = Array(Set(attributes.compactMap { $0.owner?.user }).prefix(64))
        let groups = Array(Set(attributes.compactMap { $0.owner?.group }).prefix(64))
        guard !users.isEmpty, let names = try? await client.accountNames(users: users, groups: groups) else { return }
        let userNames = Dictionary(zip(users.map { String($0) }, names.users)) { first, _ in first }
        let groupNames = Dictionary(zip(groups.map { String($0) }, names.groups)) { first, _ in first }
        for index in entries.indices {
            if let user = entries[index].owner, let name = userNames[user] ?? nil { entries[index].owner = name }
            if let group = entries[index].group, let name = groupNames[group] ?? nil { entries[index].group = name }
        }
    }

    /// One file or folder. A link is described itself, with where it leads.
    public func entry(_ path: RemotePath, in access: FileAccess) async throws(GatewayError) -> FileEntry {
        try await access.check(.read)
        do throws(GatewayError) {
            let entry = try await hosts.with(access.session) { try await self.described(path, $0) }
            await trail.done(.stat, path, in: access)
            return entry
        } catch {
            await trail.done(.stat, path, in: access, failure: error)
            throw error
        }
    }

    /// Whether a path is a folder, links followed: what a request for it means.
    public func isFolder(_ path: RemotePath, in access: FileAccess) async throws(GatewayError) -> Bool {
        try await access.check(.read)
        return try await hosts.with(access.session) { try await $0.attributes(of: path).kind == .directory }
    }

    func described(_ path: RemotePath, _ client: SFTPClient) async throws -> FileEntry {
        let attributes = try await client.attributes(of: path, followingLink: false)
        var entry = FileEntry(try await Self.located(path, client), attributes)
        if entry.kind == .link {
            entry.target = try? await client.linkTarget(of: path).description
            entry.targetKind = (try? await client.attributes(of: path)).map { FileEntry.Kind($0.kind) }
        }
        if let owner = attributes.owner,
            let names = try? await client.accountNames(users: [owner.user], groups: [owner.group])
        {
            entry.owner = (names.users.first ?? nil) ?? entry.owner
            entry.group = (names.groups.first ?? nil) ?? entry.group
        }
        return entry
    }

    /// The absolute path of something, its folder's links followed and its own name kept.
    static func located(_ path: RemotePath, _ client: SFTPClient) async throws -> RemotePath {
        guard let (folder, name) = try? path.split() else { return try await client.canonicalPath(of: path) }
        return try await client.canonicalPath(of: folder).appending(name)
    }
}
