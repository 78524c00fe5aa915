// What downloads and uploads have in common: files at work, progress, failure, cancellation.

import NIOCore
import NIOPosix

/// One file or directory at work within a transfer. Loop-bound.
protocol TransferTask: AnyObject {
    /// Gives up: handles are closed, and the transfer is told by `ended`.
    func abort()

    /// What is at work, when it is one file that a beginning of may be there already.
    var file: TransferredFile? { get }
}

extension TransferTask {
    var file: TransferredFile? { nil }
}

/// A call of `download` or `upload`. Loop-bound; disks are touched on the thread pool alone.
class Transfer {
    let core: ClientCore
    let pieceMemory = PieceMemory()
    let options: TransferOptions
    let disk: NIOThreadPool
    private(set) var summary = TransferSummary()
    private(set) var failure: SFTPError?

    private var active: [ObjectIdentifier: any TransferTask] = [:]
    private var progress = TransferProgress()
    private let report: (@Sendable (TransferProgress) -> Void)?
    private var lastReport = NIODeadline.uptimeNanoseconds(0)
    private var completion: ((Result<TransferSummary, SFTPError>) -> Void)?
    private var isSettling = false

    init(
        _ core: ClientCore, _ options: TransferOptions, disk: NIOThreadPool,
        report: (@Sendable (TransferProgress) -> Void)?,
        completion: @escaping (Result<TransferSummary, SFTPError>) -> Void
    ) {
        self.core = core
        self.options = options
        self.disk = disk
        self.report = report
        self.completion = completion
    }

    // MARK: For those who extend it

    /// Starts what may be started; called whenever something ended.
    func schedule() {}

    /// Everything was done; what is left for the end comes now. Calls `complete` when it is through.
    func settle() { complete() }

    /// Whether something waits for room before it can be started.
    var hasMoreToStart: Bool { false }

    var activeCount: Int { active.count }

    var isRunning: Bool { failure == nil && completion != nil }

    /// Files that may be at work at once.
    var allowance: Int { max(1, min(options.filesInFlight, core.handleAllowance)) }

    // MARK: Tasks

    func began(_ task: any TransferTask) { active[ObjectIdentifier(task)] = task }

    func ended(_ task: any TransferTask, _ error: SFTPError? = nil) {
        guard active.removeValue(forKey: ObjectIdentifier(task)) != nil else { return }
        if let error {
            notePartial(task)
            failed(error)
        }
        proceed()
    }

    /// A file or directory failed: the whole transfer with it, unless it is to go on.
    func failed(_ error: SFTPError) {
        let isFatal = [.connectionLost, .cancelled, .closed, .protocolError].contains(error.code)
        if options.continuesAfterErrors && !isFatal {
            if summary.failures.count < 1000 { summary.failures.append(error) }
            return
        }
        guard failure == nil else { return }
        failure = error
        for task in active.values { task.abort() }
    }

    /// Gives everything up; completes when nothing is at work any more.
    func cancel() {
        guard completion != nil else { return }
        failed(.cancelled)
        proceed()
    }

    /// Goes on after something ended or was found.
    func proceed() {
        if failure == nil { schedule() }
        guard active.isEmpty else { return }
        if failure != nil { return complete() }
        guard !hasMoreToStart, !isSettling else { return }
        isSettling = true
        settle()
    }

    func complete() {
        guard active.isEmpty, let completion else { return }
        self.completion = nil
        progress.underWay = []
        core.shrink()
        report?(progress)
        if let failure { completion(.failure(failure)) } else { completion(.success(summary)) }
    }

    // MARK: Accounts

    func found(files: Int, bytes: UInt64) {
        progress.totalFiles += files
        progress.totalBytes &+= bytes
    }

    func moved(_ bytes: Int, ofHoles holes: UInt64 = 0) {
        summary.bytes &+= UInt64(bytes)
        progress.bytes &+= UInt64(bytes) &+ holes
        tell()
    }

    func resumed(_ bytes: UInt64) {
        summary.resumedBytes &+= bytes
        progress.bytes &+= bytes
        tell()
    }

    func finishedFile(_ file: TransferredFile) {
        summary.files += 1
        progress.files += 1
        if report != nil { progress.finished.append(file) }
        tell()
    }

    /// Of thousands of files that end together, some names are enough.
    private func notePartial(_ task: any TransferTask) {
        guard let file = task.file, file.bytes > 0, progress.partial.count < 100 else { return }
        progress.partial.append(file)
    }

    func finishedDirectory() { summary.directories += 1 }
    func finishedLink() { summary.links += 1 }
    func skipped(_ path: String) {
        summary.skipped += 1
        if summary.skippedPaths.count < 1000 { summary.skippedPaths.append(path) }
    }

    /// Ten times a second is enough for eyes.
    private func tell() {
        guard let report else { return }
        let now = NIODeadline.now()
        guard now - lastReport >= .milliseconds(100) else { return }
        lastReport = now
        progress.underWay = active.values.compactMap(\.file)
        report(progress)
        progress.finished.removeAll()
    }

    /// Gives room back and lets those who waited for it go on.
    func release(_ bytes: Int) {
        for waiter in core.flight.release(bytes) { waiter() }
    }

    /// The same for bytes that went over the link, at the pace that the session keeps.
    func passed(_ bytes: Int) { core.passed(bytes) }

    /// Work that blocks, and then what follows on the loop.
    func onDisk<T: Sendable>(
        _ work: @escaping @Sendable () throws(SFTPError) -> T, then: @escaping (Result<T, SFTPError>) -> Void
    ) {
        disk.runIfActive(eventLoop: core.eventLoop) { () -> Result<T, SFTPError> in
            do throws(SFTPError) { return .success(try work()) } catch { return .failure(error) }
        }
        .assumeIsolated()
        .whenComplete { outcome in
            switch outcome {
            case .success(let result): then(result)
            // The pool shuts down with the program.
            case .failure: then(.failure(.closed))
            }
        }
    }
}
