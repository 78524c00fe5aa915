import NIOCore
import NIOPosix

/// The files of one end of scp: a file system whose calls are made on the thread pool, and what policy says to each.
struct SCPFiles: Sendable {
    let system: any SFTPFileSystem
    let configuration: SFTPServerConfiguration

    /// Asks policy, does it, and tells the audit log.
    func perform<T: Sendable>(
        _ operation: SFTPOperation?, _ body: @escaping @Sendable (any SFTPFileSystem) throws(SFTPStatus) -> T
    ) async throws(SFTPError) -> T {
        let path = operation?.path
        var isRefused = false
        if let operation {
            if configuration.isReadOnly && operation.changes { isRefused = true }
            if let authorize = configuration.authorize, !isRefused { isRefused = !(await authorize(operation)) }
        }
        let (system, configuration, refused) = (system, configuration, isRefused)
        let outcome: Result<T, SFTPStatus>
        do {
            outcome = try await configuration.threadPool.runIfActive {
                do throws(SFTPStatus) {
                    if let operation, refused || !configuration.permits(operation) { throw .permissionDenied }
                    let value = try body(system)
                    if let operation { configuration.audit(operation, .ok) }
                    return .success(value)
                } catch {
                    if let operation { configuration.audit(operation, error.code) }
                    return .failure(error)
                }
            }
        } catch { throw .closed }
        do throws(SFTPStatus) { return try outcome.get() } catch { throw .status(error, path) }
    }

    /// nil when there is nothing.
    func attributes(of path: RemotePath) async throws(SFTPError) -> FileAttributes? {
        do throws(SFTPError) {
            return try await perform(SFTPOperation(kind: .readAttributes, path: path)) { system throws(SFTPStatus) in
                try system.attributes(of: path, followingLink: true)
            }
        } catch {
            if error.code == .noSuchFile { return nil }
            throw error
        }
    }
}

/// How a transfer by the old scp protocol is done: the command's letters.
public struct SCPOptions: Sendable, Hashable {
    /// -r: directories with everything in them.
    public var isRecursive = false
    /// -p: times and permissions travel.
    public var preserves = false
    /// -d: the target must be a directory.
    public var targetsDirectory = false
    /// Whether the host's shell expands "*", "?", "[…]" and a leading "~" of a path that is downloaded. Everything else in
    /// it stays quoted, and only names that the pattern means are taken.
    public var expandsPattern = false
    /// Whether a download takes any name that is one, as old hosts may make of a pattern; it still goes nowhere else.
    public var acceptsAnyName = false
    /// Whether a file that failed lets the others go on; failures are then in the summary.
    public var continuesAfterErrors = false
    /// Bytes a second; nil for what the link carries.
    public var bytesPerSecond: Int?

    public init(isRecursive: Bool = false, preserves: Bool = false, targetsDirectory: Bool = false) {
        self.isRecursive = isRecursive
        self.preserves = preserves
        self.targetsDirectory = targetsDirectory
    }
}
