// Whole files and directory trees.

import NIOCore
import NIOPosix

extension SFTPClient {
    /// Brings a file or a directory with everything in it to this machine.
    ///
    /// READs are kept under way by bytes, as many as the link carries; of a tree, many files are at work at once. Names
    /// that would lead out of the target are an error, and no symbolic link is followed within it, so a hostile server
    /// reaches nothing else on this machine. Cancelling the task closes what is open at the server; what was written is a
    /// beginning of each file, which `options.resume` can go on with.
    ///
    /// ```swift
    /// let summary = try await files.download("/srv/data", to: "data") { print($0.bytes, "of", $0.totalBytes) }
    /// ```
    ///
    /// - Parameters:
    ///   - path: At the server; a symbolic link here is followed.
    ///   - localPath: What the file or directory is to be called here. A directory that exists is added to.
    ///   - options: What is kept, and what becomes of files that exist.
    ///   - progress: Told at most ten times a second, and at the end, on the event loop: it must be quick.
    /// - Throws: What the first failure was; with `continuesAfterErrors` only what ends everything.
    @discardableResult
    public func download(
        _ path: RemotePath, to localPath: String, options: TransferOptions = TransferOptions(),
        progress: (@Sendable (TransferProgress) -> Void)? = nil
    ) async throws(SFTPError) -> TransferSummary {
        try await perform { core, completion in
            let transfer = Download(
                core, to: localPath, options, disk: .singleton, report: progress, completion: completion)
            transfer.start(path)
            return transfer
        }
    }

    /// Takes a file or a directory with everything in it to the server.
    ///
    /// - Parameters:
    ///   - localPath: Here; a symbolic link here is followed.
    ///   - path: What the file or directory is to be called at the server. A directory that exists is added to.
    ///   - options: What is kept, and what becomes of files that exist.
    ///   - progress: Told at most ten times a second, and at the end, on the event loop: it must be quick.
    /// - Throws: What the first failure was; with `continuesAfterErrors` only what ends everything.
    @discardableResult
    public func upload(
        _ localPath: String, to path: RemotePath, options: TransferOptions = TransferOptions(),
        progress: (@Sendable (TransferProgress) -> Void)? = nil
    ) async throws(SFTPError) -> TransferSummary {
        try await perform { core, completion in
            let transfer = Upload(
                core, from: localPath, options, disk: .singleton, report: progress, completion: completion)
            transfer.start(to: path)
            return transfer
        }
    }

    /// Bounds what transfers of this session put on the link from now on.
    public func limitFlight(_ limits: FlightLimits) async {
        let bound = bound
        try? await eventLoop.submit { bound.value.flight.bounds = limits }.get()
    }

    private func perform(
        _ begin:
            @escaping @Sendable (
                ClientCore, @escaping (Result<TransferSummary, SFTPError>) -> Void
            ) -> Transfer
    ) async throws(SFTPError) -> TransferSummary {
        let (bound, eventLoop) = (bound, eventLoop)
        let running = NIOLoopBoundBox.makeBoxSendingValue(RunningTransfer(), eventLoop: eventLoop)
        let outcome: Result<TransferSummary, SFTPError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                eventLoop.execute {
                    guard !running.value.isCancelled else {
                        return continuation.resume(returning: .failure(.cancelled))
                    }
                    running.value.transfer = begin(bound.value) { result in
                        running.value.transfer = nil
                        continuation.resume(returning: result)
                    }
                }
            }
        } onCancel: {
            eventLoop.execute {
                running.value.isCancelled = true
                running.value.transfer?.cancel()
            }
        }
        return try outcome.get()
    }

    /// A transfer that its task may cancel.
    private struct RunningTransfer {
        var transfer: Transfer?
        var isCancelled = false
    }
}
