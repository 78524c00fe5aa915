import NIOCore

/// One directory of a tree that is uploaded: it is made there and listed here, at the same time. What it holds follows
/// when it is known to exist.
final class DirectoryUpload: TransferTask {
    private let transfer: Upload
    private let directory: Upload.Directory
    private let root: RootedDirectory
    private let shown: String
    private var isMade = false
    private var entries: [LocalEntry]?
    private var isEnded = false

    init(_ transfer: Upload, _ directory: Upload.Directory, _ root: RootedDirectory, shown: String) {
        self.transfer = transfer
        self.directory = directory
        self.root = root
        self.shown = shown
    }

    func start() {
        // The owner can write into it while the transfer lasts; its own permissions come at the end.
        let mode = directory.attributes.safeMode.map { $0 | 0o700 }
        let path = directory.remote
        transfer.core.sendExpectingStatus(.mkdir(path, FileAttributes(permissions: mode)), path) { error in
            if let error { return self.notMade(error) }
            self.isMade = true
            self.endIfDone()
        }
        let (root, local, shown) = (root, directory.local, shown)
        transfer.onDisk { () throws(SFTPError) in
            try LocalTree.list(local, in: root, shown: shown)
        } then: { result in
            switch result {
            case .success(let entries):
                self.entries = entries
                self.endIfDone()
            case .failure(let error): self.end(error)
            }
        }
    }

    /// Perhaps it is there already; version 3 has no status that says so.
    private func notMade(_ error: SFTPError) {
        guard !isEnded, error.status != nil else { return end(error) }
        transfer.core.send(.stat(directory.remote)) { result in
            guard case .success(.attributes(let found)) = result, found.kind == .directory else {
                return self.end(error)
            }
            self.isMade = true
            self.endIfDone()
        }
    }

    private func endIfDone() {
        guard isMade, let entries, !isEnded else { return }
        isEnded = true
        transfer.list(entries, in: directory)
        transfer.ended(self)
    }

    func abort() { end(.cancelled) }

    private func end(_ error: SFTPError) {
        guard !isEnded else { return }
        isEnded = true
        transfer.listingFailed()
        transfer.ended(self, error)
    }
}
