public import NIOCore

/// What an SFTP server serves.
///
/// Calls may block: the server makes them on a thread pool, one connection's calls one after another. Paths are absolute
/// and without "." and ".." ; what "/" means is the file system's own.
public protocol SFTPFileSystem: Sendable {
    /// Where relative paths begin.
    var home: RemotePath { get }

    func open(_ path: RemotePath, _ flags: OpenFlags, _ attributes: FileAttributes) throws(SFTPStatus)
        -> any SFTPOpenFile
    func openDirectory(_ path: RemotePath) throws(SFTPStatus) -> any SFTPOpenDirectory
    func attributes(of path: RemotePath, followingLink: Bool) throws(SFTPStatus) -> FileAttributes
    func setAttributes(_ attributes: FileAttributes, of path: RemotePath, followingLink: Bool) throws(SFTPStatus)
    /// Removes what is no directory.
    func remove(_ path: RemotePath) throws(SFTPStatus)
    func makeDirectory(_ path: RemotePath, _ attributes: FileAttributes) throws(SFTPStatus)
    /// Removes an empty directory.
    func removeDirectory(_ path: RemotePath) throws(SFTPStatus)
    /// - Parameters:
    ///   - path: What it is called.
    ///   - newPath: What it is to be called.
    ///   - replacing: Whether what has the new name is replaced in one step; else it makes the call fail.
    func rename(_ path: RemotePath, to newPath: RemotePath, replacing: Bool) throws(SFTPStatus)
    /// The target is kept as it is given, wherever it points.
    func makeSymbolicLink(_ path: RemotePath, target: RemotePath) throws(SFTPStatus)
    func makeHardLink(_ path: RemotePath, to existing: RemotePath) throws(SFTPStatus)
    func linkTarget(of path: RemotePath) throws(SFTPStatus) -> RemotePath
    func statistics(of path: RemotePath) throws(SFTPStatus) -> VolumeStatistics
    func accountNames(users: [UInt32], groups: [UInt32]) -> AccountNames
}

extension SFTPFileSystem {
    /// No numbers have names.
    public func accountNames(users: [UInt32], groups: [UInt32]) -> AccountNames {
        AccountNames(users: users.map { _ in nil }, groups: groups.map { _ in nil })
    }
}

/// An open file of a server. Calls may block and come one after another. It is closed when it is let go.
public protocol SFTPOpenFile: AnyObject, Sendable {
    /// Appends up to `length` bytes from `offset` to `buffer`. Returns how many; zero at the file's end.
    func read(into buffer: inout ByteBuffer, at offset: UInt64, length: Int) throws(SFTPStatus) -> Int
    func write(_ data: ByteBuffer, at offset: UInt64) throws(SFTPStatus)
    func attributes() throws(SFTPStatus) -> FileAttributes
    func setAttributes(_ attributes: FileAttributes) throws(SFTPStatus)
    /// What was written is on the disk when it returns.
    func synchronise() throws(SFTPStatus)
    func statistics() throws(SFTPStatus) -> VolumeStatistics
    /// Tells that this range will be read soon.
    func willRead(at offset: UInt64, length: Int)
    /// Copies to another open file of the same file system, as much as is quick; returns the bytes, zero at the end.
    func copy(at offset: UInt64, to target: any SFTPOpenFile, at targetOffset: UInt64, length: UInt64)
        throws(SFTPStatus) -> UInt64
    /// Whether both are the same file, by whatever names.
    func isSame(as other: any SFTPOpenFile) -> Bool
}

extension SFTPOpenFile {
    public func willRead(at offset: UInt64, length: Int) {}
}

/// An open directory of a server. Calls may block and come one after another. It is closed when it is let go.
public protocol SFTPOpenDirectory: AnyObject, Sendable {
    /// The next names, at most `count` of them; none at the end. "." and ".." may be among them.
    func next(_ count: Int) throws(SFTPStatus) -> [DirectoryEntry]
}
