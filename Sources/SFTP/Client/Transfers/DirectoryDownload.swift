import NIOCore

/// One directory of a tree that is downloaded: it is made here and listed there, at the same time.
final class DirectoryDownload: TransferTask {
    /// READDIRs under way.
    private static let ahead = 3

    private let transfer: Download
    private let directory: Download.Directory
    private var handle: SFTPHandle?
    private var isMade = false
    private var isListed = false
    private var isEnded = false
    private var underWay = 0
    private var early: [[DirectoryEntry]] = []
    private var seen: Set<RemotePath> = []

    init(_ transfer: Download, _ directory: Download.Directory) {
        self.transfer = transfer
        self.directory = directory
    }

    private var core: ClientCore { transfer.core }

    func start() {
        core.send(.opendir(directory.remote)) { result in
            switch result {
            case .success(.handle(let handle)):
                if self.isEnded { return self.core.close(handle) }
                self.handle = handle
                self.pump()
            case .success(.status(let status)): self.end(.status(status, self.directory.remote))
            case .success: self.end(.unexpected(self.directory.remote))
            case .failure(let error): self.end(error)
            }
        }
        transfer.makeDirectory(directory) { result in
            if case .failure(let error) = result { return self.end(error) }
            guard !self.isEnded else { return }
            self.isMade = true
            let early = self.early
            self.early = []
            for entries in early { self.found(entries) }
            self.endIfDone()
        }
    }

    private func pump() {
        guard let handle, !isListed else { return }
        while underWay < Self.ahead {
            underWay += 1
            core.send(.readdir(handle)) { result in
                self.underWay -= 1
                guard !self.isEnded else { return }
                self.answered(result.namesOfReaddir(self.directory.remote))
            }
        }
    }

    private func answered(_ result: Result<[DirectoryEntry]?, any Error>) {
        switch result {
        case .success(let entries?):
            if isMade { found(entries) } else { early.append(entries) }
            if !isEnded { pump() }
        case .success(nil):
            isListed = true
            if let handle { core.close(handle) }
            handle = nil
            endIfDone()
        case .failure(let error): end(error as? SFTPError ?? .connectionLost)
        }
    }

    private func found(_ entries: [DirectoryEntry]) {
        guard !isEnded else { return }
        do throws(SFTPError) { try transfer.list(entries, in: directory, &seen) } catch { end(error) }
    }

    private func endIfDone() {
        guard isListed, isMade, early.isEmpty, !isEnded else { return }
        isEnded = true
        transfer.listed(directory)
        transfer.ended(self)
    }

    func abort() { end(.cancelled) }

    private func end(_ error: SFTPError) {
        guard !isEnded else { return }
        isEnded = true
        if let handle { core.close(handle) }
        handle = nil
        transfer.listingFailed()
        transfer.ended(self, error)
    }
}
