// The disk of this machine, from a folder down.

import CFileCalls
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A folder of this machine's disk as an SFTP server's "/". No name, link or race leads out of it.
///
/// A symbolic link within the folder works while it stays within; one that leads out, or whose target is absolute, is
/// refused with "permission denied" where it is used. It can still be looked at, renamed and removed. Only regular files
/// are opened: a device or named pipe could hang the server or change something by being opened.
public struct RootedFileSystem: SFTPFileSystem {
    /// What the peer may set beyond ordinary permissions.
    public struct Options: Sendable {
        /// Bits that are taken off every mode at creation, besides those of the process.
        public var mask: UInt32 = 0o022
        /// Whether set-user-id, set-group-id and sticky bits are kept; else they are silently left out.
        public var keepsIdentityBits = false
        /// Whether owners may be changed, as far as the process may; else such a request is refused.
        public var allowsOwnerChanges = false
        /// Whether symbolic links are passed on the way to a file. Without them a path means one place only, which a
        /// policy that judges by paths needs.
        public var followsLinks = true

        public init() {}
    }

    public let home: RemotePath
    let directory: RootedDirectory
    let options: Options

    /// - Parameters:
    ///   - root: An existing directory.
    ///   - home: Where relative paths begin, as a path from the root.
    ///   - options: What the peer may set and pass.
    /// - Throws: `no_such_file`, `permission_denied` when the directory cannot be opened.
    public init(root: String, home: RemotePath = "/", options: Options = Options()) throws(SFTPError) {
        try self.init(root: root, home: home, options: options, kernelResolves: true)
    }

    init(
        root: String, home: RemotePath = "/", options: Options = Options(), kernelResolves: Bool
    ) throws(SFTPError) {
        do throws(SystemFailure) {
            directory = try RootedDirectory(path: root, kernelResolves: kernelResolves)
        } catch {
            throw .localFile(error, path: root)
        }
        self.home = home.normalised()
        self.options = options
    }

    public func open(
        _ path: RemotePath, _ flags: OpenFlags, _ attributes: FileAttributes
    ) throws(SFTPStatus) -> any SFTPOpenFile {
        // O_NONBLOCK: opening a named pipe must not wait for somebody at its other end.
        var systemFlags = O_NONBLOCK | O_NOCTTY
        switch (flags.contains(.read), flags.contains(.write)) {
        case (true, true): systemFlags |= O_RDWR
        case (false, true): systemFlags |= O_WRONLY
        case (true, false): systemFlags |= O_RDONLY
        case (false, false): throw SFTPStatus(.badMessage, "Neither reading nor writing was asked for")
        }
        if flags.contains(.write) {
            if flags.contains(.append) { systemFlags |= O_APPEND }
            if flags.contains(.create) { systemFlags |= O_CREAT }
            if flags.contains([.create, .exclusive]) { systemFlags |= O_EXCL }
        }
        let mode = creationMode(attributes, otherwise: 0o666)
        return try serving { () throws(SystemFailure) in
            let descriptor = try directory.open(path, systemFlags, mode: mode, links: links)
            let information = try descriptor.information()
            guard information.isRegular else { throw SystemFailure(information.isDirectory ? EISDIR : EACCES) }
            // Only now that it is known to be a plain file.
            if flags.contains([.write, .truncate]) { try descriptor.truncate(to: 0) }
            return RootedFile(descriptor, options: options, appends: flags.contains([.write, .append]))
        }
    }

    public func openDirectory(_ path: RemotePath) throws(SFTPStatus) -> any SFTPOpenDirectory {
        try serving { () throws(SystemFailure) in
            try RootedListing(try directory.open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, links: links))
        }
    }

    public func attributes(of path: RemotePath, followingLink: Bool) throws(SFTPStatus) -> FileAttributes {
        try serving { () throws(SystemFailure) in
            if !followingLink, !path.components.isEmpty {
                let (parent, name) = try directory.parent(of: path, links: links)
                var information = stat()
                _ = try uninterrupted {
                    withPath(name) { fstatat(parent.number, $0, &information, AT_SYMLINK_NOFOLLOW) }
                }
                return FileAttributes(information)
            }
            return FileAttributes(try named(path).information())
        }
    }

    /// A descriptor that names the file and, where the system can, opens nothing.
    private func named(_ path: RemotePath) throws(SystemFailure) -> OpenDescriptor {
        try directory.open(path, file_open_path_only != 0 ? file_open_path_only : O_RDONLY | O_NONBLOCK, links: links)
    }

    public func setAttributes(
        _ attributes: FileAttributes, of path: RemotePath, followingLink: Bool
    ) throws(SFTPStatus) {
        if attributes.owner != nil && !options.allowsOwnerChanges { throw .permissionDenied }
        try serving { () throws(SystemFailure) in
            if followingLink {
                if let size = attributes.size {
                    let file = try directory.open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY, links: links)
                    guard try file.information().isRegular else { throw SystemFailure(EACCES) }
                    try file.truncate(to: size)
                }
                try named(path).apply(attributes, options)
            } else {
                try setAttributesOfLink(attributes, path)
            }
        }
    }

    /// lsetstat@openssh.com: of the name itself, also when it is a symbolic link.
    private func setAttributesOfLink(_ attributes: FileAttributes, _ path: RemotePath) throws(SystemFailure) {
        // A link has neither a size to cut nor permissions of its own.
        guard attributes.size == nil else { throw SystemFailure(EINVAL) }
        let (parent, name) = try directory.parent(of: path, links: links)
        if let mode = attributes.permissions {
            let mode = mode_t(mode & options.modeMask)
            _ = try uninterrupted {
                withPath(name) { fchmodat(parent.number, $0, mode, AT_SYMLINK_NOFOLLOW) }
            }
        }
        if let times = attributes.times {
            _ = try uninterrupted {
                withPath(name) { utimensat(parent.number, $0, times.specifications, AT_SYMLINK_NOFOLLOW) }
            }
        }
        if let owner = attributes.owner {
            _ = try uninterrupted {
                withPath(name) { fchownat(parent.number, $0, owner.user, owner.group, AT_SYMLINK_NOFOLLOW) }
            }
        }
    }

    public func remove(_ path: RemotePath) throws(SFTPStatus) { try unlink(path, flags: 0) }

    public func removeDirectory(_ path: RemotePath) throws(SFTPStatus) { try unlink(path, flags: AT_REMOVEDIR) }

    private func unlink(_ path: RemotePath, flags: Int32) throws(SFTPStatus) {
        try serving { () throws(SystemFailure) in
            let (parent, name) = try directory.parent(of: path, links: links)
            _ = try uninterrupted { withPath(name) { unlinkat(parent.number, $0, flags) } }
        }
    }

    public func makeDirectory(_ path: RemotePath, _ attributes: FileAttributes) throws(SFTPStatus) {
        try serving { () throws(SystemFailure) in
            let (parent, name) = try directory.parent(of: path, links: links)
            let mode = creationMode(attributes, otherwise: 0o777)
            _ = try uninterrupted { withPath(name) { mkdirat(parent.number, $0, mode) } }
        }
    }

    public func rename(_ path: RemotePath, to newPath: RemotePath, replacing: Bool) throws(SFTPStatus) {
        try serving { () throws(SystemFailure) in
            let (from, name) = try directory.parent(of: path, links: links)
            let (to, newName) = try directory.parent(of: newPath, links: links)
            try withTwoPaths(name, newName) { name, newName throws(SystemFailure) in
                if replacing {
                    _ = try uninterrupted { renameat(from.number, name, to.number, newName) }
                    return
                }
                if file_rename_without_replacing(from.number, name, to.number, newName) == 0 { return }
                guard errno == ENOSYS || errno == EINVAL else { throw .last }
                // A link and a removal, which is what a file system without that call has to do (not for directories).
                _ = try uninterrupted { linkat(from.number, name, to.number, newName, 0) }
                _ = try uninterrupted { unlinkat(from.number, name, 0) }
            }
        }
    }

    public func makeSymbolicLink(_ path: RemotePath, target: RemotePath) throws(SFTPStatus) {
        guard !target.bytes.isEmpty, !target.bytes.contains(0) else { throw SFTPStatus(.badMessage, "Invalid target") }
        try serving { () throws(SystemFailure) in
            let (parent, name) = try directory.parent(of: path, links: links)
            try withTwoPaths(target.bytes, name) { target, name throws(SystemFailure) in
                _ = try uninterrupted { symlinkat(target, parent.number, name) }
            }
        }
    }

    public func makeHardLink(_ path: RemotePath, to existing: RemotePath) throws(SFTPStatus) {
        try serving { () throws(SystemFailure) in
            let (from, name) = try directory.parent(of: existing, links: links)
            let (to, newName) = try directory.parent(of: path, links: links)
            try withTwoPaths(name, newName) { name, newName throws(SystemFailure) in
                // Without AT_SYMLINK_FOLLOW the link itself would be linked, never what it points to.
                _ = try uninterrupted { linkat(from.number, name, to.number, newName, 0) }
            }
        }
    }

    public func linkTarget(of path: RemotePath) throws(SFTPStatus) -> RemotePath {
        try serving { () throws(SystemFailure) in
            let (parent, name) = try directory.parent(of: path, links: links)
            return RemotePath(bytes: try readLink(in: parent, name))
        }
    }

    public func statistics(of path: RemotePath) throws(SFTPStatus) -> VolumeStatistics {
        try serving { () throws(SystemFailure) in
            try volumeStatistics(try directory.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, links: links))
        }
    }

    public func accountNames(users: [UInt32], groups: [UInt32]) -> AccountNames {
        AccountNames(users: users.map(AccountDatabase.user), groups: groups.map(AccountDatabase.group))
    }

    private var links: RootedDirectory.Links { options.followsLinks ? .followed : .refused }

    private func creationMode(_ attributes: FileAttributes, otherwise: UInt32) -> mode_t {
        mode_t((attributes.permissions ?? otherwise) & options.modeMask & ~options.mask)
    }
}

extension RootedFileSystem.Options {
    var modeMask: UInt32 { keepsIdentityBits ? 0o7777 : 0o777 }
}

extension OpenDescriptor {
    /// Everything but the size.
    func apply(_ attributes: FileAttributes, _ options: RootedFileSystem.Options) throws(SystemFailure) {
        if let owner = attributes.owner {
            guard options.allowsOwnerChanges else { throw SystemFailure(EPERM) }
            try setOwner(owner)
        }
        if let mode = attributes.permissions { try setMode(mode_t(mode & options.modeMask)) }
        if let times = attributes.times { try setTimes(times) }
    }
}

/// Turns a failed call of the system into the status that tells it.
func serving<T>(_ body: () throws(SystemFailure) -> T) throws(SFTPStatus) -> T {
    do throws(SystemFailure) { return try body() } catch { throw error.status }
}

func withTwoPaths(
    _ first: [UInt8], _ second: [UInt8],
    _ body: (UnsafePointer<CChar>, UnsafePointer<CChar>) throws(SystemFailure) -> Void
) throws(SystemFailure) {
    let outcome = withPath(first) { first in
        withPath(second) { second -> Result<Void, SystemFailure> in
            do throws(SystemFailure) { return .success(try body(first, second)) } catch { return .failure(error) }
        }
    }
    try outcome.get()
}

func volumeStatistics(_ descriptor: OpenDescriptor) throws(SystemFailure) -> VolumeStatistics {
    var volume = statvfs()
    _ = try uninterrupted { fstatvfs(descriptor.number, &volume) }
    var statistics = VolumeStatistics()
    statistics.blockSize = UInt64(volume.f_bsize)
    statistics.fragmentSize = UInt64(volume.f_frsize)
    statistics.blocks = UInt64(volume.f_blocks)
    statistics.freeBlocks = UInt64(volume.f_bfree)
    statistics.availableBlocks = UInt64(volume.f_bavail)
    statistics.files = UInt64(volume.f_files)
    statistics.freeFiles = UInt64(volume.f_ffree)
    statistics.availableFiles = UInt64(volume.f_favail)
    statistics.identifier = UInt64(volume.f_fsid)
    statistics.flags = UInt64(volume.f_flag) & 3
    statistics.maximumName = UInt64(volume.f_namemax)
    return statistics
}
