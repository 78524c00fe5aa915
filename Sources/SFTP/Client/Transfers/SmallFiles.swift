// Small files go to the disk many at a time: a change of threads for each would cost more than the writing.

import NIOCore

/// Small files that arrived in one turn of the loop, on their way to the disk. Loop-bound.
final class SmallFiles {
    /// Bytes; larger ones go to the disk piece by piece.
    static let largest = 64 * 1024
    private static let batch = 64

    struct File: Sendable {
        var target: LocalTarget
        var data: ByteBuffer
        var attributes: FileAttributes
    }

    private var files: [File] = []
    private var waiting: [(SFTPError?) -> Void] = []
    private var isScheduled = false
    /// Whoever adds a file holds the transfer.
    private weak var transfer: Transfer?
    private let eventLoop: any EventLoop

    init(_ transfer: Transfer) {
        self.transfer = transfer
        eventLoop = transfer.core.eventLoop
    }

    func add(_ file: File, done: @escaping (SFTPError?) -> Void) {
        files.append(file)
        waiting.append(done)
        if files.count >= Self.batch { return flush() }
        guard !isScheduled else { return }
        isScheduled = true
        eventLoop.assumeIsolated().execute {
            self.isScheduled = false
            self.flush()
        }
    }

    private func flush() {
        guard !files.isEmpty, let transfer else { return }
        let (batch, callbacks, options) = (files, waiting, transfer.options)
        (files, waiting) = ([], [])
        transfer.onDisk { () throws(SFTPError) in
            batch.map { Self.write($0, options) }
        } then: { result in
            switch result {
            case .success(let errors): for (callback, error) in zip(callbacks, errors) { callback(error) }
            case .failure(let error): for callback in callbacks { callback(error) }
            }
        }
    }

    private static func write(_ file: File, _ options: TransferOptions) -> SFTPError? {
        do throws(SFTPError) {
            let (descriptor, _) = try file.target.openTarget(mode: file.attributes.safeMode ?? 0o666, keeping: false)
            try file.target.describing { () throws(SystemFailure) in
                try descriptor.write(file.data, at: 0)
                try descriptor.finish(size: UInt64(file.data.readableBytes), file.attributes, options)
            }
            return nil
        } catch { return error }
    }
}
