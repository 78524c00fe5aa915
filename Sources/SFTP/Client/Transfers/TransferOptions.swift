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
        /// A link to a regular file becomes a file with what its target holds; other links are skipped. None is made.
        case followed
    }

    /// Sets times of last access and change as at the source.
    public var preservesTimes = true
    /// Sets read, write and execute permissions as at the source. Without it, what is made anew gets them as far as the
    /// target's mask lets them, and what exists keeps its own. Set-user-id, set-group-id and sticky bits never travel.
    public var preservesModes = true
    public var links = Links.preserved
    public var resume = Resume.never
    /// Leaves out stretches of zeros, so that the target is as sparse as the source.
    public var preservesHoles = true
    /// Files at work at once, as far as the server's limit of open handles allows.
    public var filesInFlight = 64
    /// Whether each file is on the target's disk before it counts as complete: fsync(2) here, fsync@openssh.com at a
    /// server that has it.
    public var synchronises = false
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
    /// Files at work that more than one request is needed for.
    public var underWay: [TransferredFile] = []
    /// Files that were completed since the last report.
    public var finished: [TransferredFile] = []
    /// In the last report of a transfer that failed or was cancelled: files of which a beginning is there, which
    /// `TransferOptions.resume` can go on with.
    public var partial: [TransferredFile] = []

    public init() {}
}

/// One file of a transfer. Both paths are harmless to show.
public struct TransferredFile: Sendable, Hashable {
    public var source: String
    public var target: String
    /// That are at the target, holes and what was there before included.
    public var bytes: UInt64
    public var size: UInt64

    public init(source: String, target: String, bytes: UInt64, size: UInt64) {
        self.source = source
        self.target = target
        self.bytes = bytes
        self.size = size
    }
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
    /// What was left out at the source, the first thousand of it. Harmless to show.
    public var skippedPaths: [String] = []
    /// With `continuesAfterErrors`: why files are missing, the first thousand of them.
    public var failures: [SFTPError] = []

    public init() {}
}
