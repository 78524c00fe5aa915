/// Something that a client wants done to a path: what policy decides on and what an audit log keeps.
public struct SFTPOperation: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case open(reads: Bool, writes: Bool)
        case list
        case readAttributes
        case setAttributes
        case remove
        case makeDirectory
        case removeDirectory
        case rename
        case makeSymbolicLink
        case makeHardLink
        case readLink
        case statistics
        /// Between two files that are open already.
        case copy
        /// An open file was let go, after so many bytes each way. Only told, never asked.
        case close(bytesRead: UInt64, bytesWritten: UInt64)
    }

    public var kind: Kind
    /// Absolute, without "." and "..": taken by its letters, so a symbolic link may lead elsewhere within the root
    /// (`RootedFileSystem.Options.followsLinks` rules that out).
    public var path: RemotePath
    /// The new name of a rename, the existing file of a hard link, the target of a copy.
    public var otherPath: RemotePath?

    /// Whether it could change anything at the server.
    public var changes: Bool {
        switch kind {
        case .open(_, let writes): writes
        case .list, .readAttributes, .readLink, .statistics, .close: false
        case .setAttributes, .remove, .makeDirectory, .removeDirectory, .rename, .makeSymbolicLink, .makeHardLink,
            .copy:
            true
        }
    }
}
