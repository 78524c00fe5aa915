public import NIOPosix

/// What a client may do at an `SFTPServer`, and with how much.
public struct SFTPServerConfiguration: Sendable {
    /// Refuses everything that would change something.
    public var isReadOnly = false
    /// Asked for each operation on the thread pool, before anything is done. Must be quick and may not block for long.
    public var permits: @Sendable (SFTPOperation) -> Bool = { _ in true }
    /// Asked for each operation too, when set; may take its time. The connection's requests wait in their order.
    public var authorize: (@Sendable (SFTPOperation) async -> Bool)?
    /// Told of each operation with its outcome, on the thread pool, in order; refused ones too.
    public var audit: @Sendable (SFTPOperation, SFTPStatus.Code) -> Void = { _, _ in }
    /// Files and directories that a client may hold open at once.
    public var maximumHandles = 256
    /// Bytes of replies that one turn on the thread pool makes at most: the connection's memory is about twice that,
    /// beside the requests that the channel's window admits.
    public var maximumReplyBytes = 1 << 20
    /// Where the file system's calls block.
    public var threadPool: NIOThreadPool = .singleton

    public init() {}
}
