// A file or a directory tree from this machine to the server.

import NIOCore
import NIOPosix
import SSHProtocol

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

final class Upload: Transfer {
    private static let listings = 4
    private static let foundFiles = 4096
    /// Small files that one job of the thread pool reads, and their bytes together.
    private static let batchFiles = 32
    private static let batchBytes = 1 << 20

    struct Directory {
        var local: RemotePath
        var remote: RemotePath
        var attributes: FileAttributes
    }

    private let localPath: String
    private var root: RootedDirectory?
    private var directories: [Directory] = []
    private var files = CircularBuffer<(source: LocalTarget, remote: RemotePath, size: UInt64)>()
    private var links: [(remote: RemotePath, target: RemotePath)] = []
    private var finishedDirectories: [Directory] = []
    private var listingCount = 0
    /// Small files in batches that are being read: each will hold a handle at the server, as those that are sent do.
    private var readingCount = 0

    init(
        _ core: ClientCore, from localPath: String, _ options: TransferOptions, disk: NIOThreadPool,
        report: (@Sendable (TransferProgress) -> Void)?,
        completion: @escaping (Result<TransferSummary, SFTPError>) -> Void
    ) {
        self.localPath = localPath
        super.init(core, options, disk: disk, report: report, completion: completion)
    }

    func start(to remote: RemotePath) {
        let task = OpenTask(self)
        began(task)
        let localPath = localPath
        onDisk { () throws(SFTPError) in
            var information = stat()
            guard stat(localPath, &information) == 0 else { throw .localFile(.last, path: localPath) }
            let isDirectory = information.isDirectory
            return (FileAttributes(information), isDirectory ? try LocalTree.openRoot(localPath) : nil)
        } then: { result in
            guard self.isRunning else { return self.ended(task) }
            switch result {
            case .success((let attributes, let root?)):
                self.root = root
                self.directories = [Directory(local: RemotePath(""), remote: remote, attributes: attributes)]
            case .success((_, nil)):
                let upload = FileUpload(self, .path(self.localPath), to: remote)
                self.began(upload)
                upload.start()
            case .failure(let error): return self.ended(task, error)
            }
            self.ended(task)
        }
    }

    override func schedule() {
        while isRunning, let directory = directories.last, listingCount < Self.listings,
            files.count < Self.foundFiles, hasAllowance, let root
        {
            directories.removeLast()
            listingCount += 1
            let task = DirectoryUpload(self, directory, root, shown: localPath)
            began(task)
            task.start()
        }
        while isRunning, hasAllowance, startNextFiles() {}
    }

    private var hasAllowance: Bool { activeCount + readingCount < allowance }

    /// A batch was read, or given up: its files count by themselves from now on.
    func batchEnded(_ count: Int) { readingCount -= count }

    /// Starts one large file, or reads a batch of small ones.
    private func startNextFiles() -> Bool {
        guard let first = files.first else { return false }
        if first.size > UInt64(SmallFiles.largest) || options.resume != .never {
            files.removeFirst()
            let task = FileUpload(self, first.source, to: first.remote)
            began(task)
            task.start()
            return true
        }
        guard core.flight.hasRoom, core.isWritable else {
            waitForRoom()
            return false
        }
        var batch: [SmallUploads.File] = []
        var bytes = 0
        while let file = files.first, file.size <= UInt64(SmallFiles.largest), batch.count < Self.batchFiles,
            bytes < Self.batchBytes, activeCount + readingCount + batch.count < allowance
        {
            files.removeFirst()
            bytes += Int(file.size)
            batch.append(.init(source: file.source, target: file.remote))
        }
        let task = SmallUploads(self, batch)
        readingCount += batch.count
        began(task)
        task.start()
        return true
    }

    private var isWaitingForRoom = false

    private func waitForRoom() {
        guard !isWaitingForRoom else { return }
        isWaitingForRoom = true
        let goOn = {
            self.isWaitingForRoom = false
            if self.isRunning { self.schedule() }
        }
        if core.flight.hasRoom { core.whenWritable(goOn) } else { core.flight.wait(goOn) }
    }

    override var hasMoreToStart: Bool { !files.isEmpty || !directories.isEmpty }

    func list(_ entries: [LocalEntry], in directory: Directory) {
        for entry in entries {
            let (local, remote) = (directory.local.joined(entry.name), directory.remote.joined(entry.name))
            switch entry.attributes.kind {
            case .directory: directories.append(Directory(local: local, remote: remote, attributes: entry.attributes))
            case .regular:
                if let root {
                    files.append((.within(root, local, root: localPath), remote, entry.attributes.size ?? 0))
                }
            case .symbolicLink: pass(link: entry, local, remote)
            case .other, nil: skipped(shown(local))
            }
        }
        listingCount -= 1
        finishedDirectory()
        finishedDirectories.append(directory)
    }

    private func shown(_ local: RemotePath) -> String { DisplayText.neutralise(localPath + "/") + local.description }

    private func pass(link entry: LocalEntry, _ local: RemotePath, _ remote: RemotePath) {
        switch options.links {
        case .preserved:
            if let target = entry.target { links.append((remote, target)) }
        case .followed:
            // The person's own link: what it leads to is opened by its path, wherever that is.
            guard let found = entry.followed, found.kind == .regular else { return skipped(shown(local)) }
            let path = localPath + "/" + String(decoding: local.bytes, as: UTF8.self)
            files.append((.path(path), remote, found.size ?? 0))
        case .skipped: skipped(shown(local))
        }
    }

    func listingFailed() { listingCount -= 1 }

    /// Links, and then what directories look like, the deepest first: what is made in one changes its time.
    override func settle() {
        var due = 1
        let answered = {
            due -= 1
            if due == 0 { self.complete() }
        }
        for link in links {
            due += 1
            makeLink(link.remote, target: link.target, isFirst: true, done: answered)
        }
        for directory in finishedDirectories.reversed() {
            var final = FileAttributes()
            if options.preservesModes { final.permissions = directory.attributes.safeMode }
            if options.preservesTimes { final.times = directory.attributes.times }
            if final == FileAttributes() { continue }
            due += 1
            core.sendExpectingStatus(.setstat(directory.remote, final), directory.remote) { error in
                if let error, error.code != .unsupported { self.failed(error) }
                answered()
            }
        }
        answered()
    }

    /// A link that is there already is replaced; anything else in its place is not.
    private func makeLink(
        _ path: RemotePath, target: RemotePath, isFirst: Bool, done: @escaping () -> Void
    ) {
        core.sendExpectingStatus(.symlink(target: target, link: path), path) { error in
            guard let error else {
                self.finishedLink()
                return done()
            }
            guard isFirst, error.code == .failure else {
                self.failed(error)
                return done()
            }
            self.core.send(.lstat(path)) { result in
                guard case .success(.attributes(let found)) = result, found.kind == .symbolicLink else {
                    self.failed(error)
                    return done()
                }
                self.core.sendExpectingStatus(.remove(path), path) { _ in
                    self.makeLink(path, target: target, isFirst: false, done: done)
                }
            }
        }
    }
}

/// Keeps a transfer alive while its beginning is looked at.
private final class OpenTask: TransferTask {
    private let transfer: Transfer

    init(_ transfer: Transfer) { self.transfer = transfer }

    func abort() { transfer.ended(self) }
}
