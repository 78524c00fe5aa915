/// How files are transferred.
public struct TransferOptions: Sendable {
    /// What becomes of a target that exists already.
    public enum Resume: Sendable, Hashable {
        /// It is replaced.
        case never
        /// It is gone on with, when what it holds agrees with the source: its first 64 KiB, its last 256 KiB and sixteen
        /// places between are read back and compared byte by byte. Else `resume_mismatch` is thrown and nothing changed.
        case afterSamples
        /// As `afterSamples`, with every byte compared. It costs a transfer of the part that is there.
        case afterWholeComparison
    }

    /// Symbolic links within a directory that is transferred.
    public enum Links: Sendable, Hashable {
        /// Made anew with the same target, whatever it is. Links are made after everything else, and none is followed.
        case preserved
        case skipped
    }

    /// Sets times of last access and change as at the source.
    public var preservesTimes = true
    /// Sets read, write and execute permissions as at the source. Set-user-id, set-group-id and sticky bits never travel.
    public var preservesModes = true
    public var links = Links.preserved
    public var resume = Resume.never
    /// Leaves out stretches of zeros, so that the target is as sparse as the source.
    public var preservesHoles = true
    /// Files at work at once, as far as the server's limit of open handles allows.
    public var filesInFlight = 64
    /// Whether a directory's transfer goes on after a file that failed; failures are then in the summary.
    public var continuesAfterErrors = false

    public init() {}
}

/// How far a transfer has come.
public struct TransferProgress: Sendable, Hashable {
    /// Bytes that arrived, holes and what was there before included.
    public var bytes: UInt64 = 0
    /// Of everything found so far; a directory's total grows while it is read.
    public var totalBytes: UInt64 = 0
    public var files = 0
    public var totalFiles = 0
}

/// What a transfer did.
public struct TransferSummary: Sendable, Hashable {
    /// Regular files that are complete.
    public var files = 0
    /// Directories, the first one included.
    public var directories = 0
    public var links = 0
    /// Bytes that were transferred; holes and what was there before are not among them.
    public var bytes: UInt64 = 0
    /// Bytes that were there before and were kept, by `resume`.
    public var resumedBytes: UInt64 = 0
    /// Devices, pipes and sockets, and names that were left out for other reasons.
    public var skipped = 0
    /// With `continuesAfterErrors`: why files are missing, the first thousand of them.
    public var failures: [SFTPError] = []
}
