// A file or a directory tree from the server to this machine.
//
// A listing runs ahead of the files; many files are at work at once, so that no file waits for another's round trips.
// Symbolic links are made when everything else is done and are never passed on the way, whatever the server lists.

import NIOCore
import NIOPosix

final class Download: Transfer {
    /// Directories that are listed at once, and found files above which listing pauses.
    private static let listings = 4
    private static let foundFiles = 4096
    /// A tree that is deeper than any real one would only come from a server that makes it up.
    private static let maximumDepth = 256

    struct Directory {
        var remote: RemotePath
        /// From the root of the local tree; empty for the root itself.
        var local: RemotePath
        var attributes: FileAttributes
        var depth: Int
    }

    private(set) lazy var smallFiles = SmallFiles(self)
    private let localPath: String
    private var root: RootedDirectory?
    private var directories: [Directory] = []
    private var files = CircularBuffer<(remote: RemotePath, local: RemotePath, attributes: FileAttributes)>()
    private var links: [(local: RemotePath, target: RemotePath)] = []
    private var finishedDirectories: [(local: RemotePath, attributes: FileAttributes)] = []
    private var listingCount = 0

    init(
        _ core: ClientCore, to localPath: String, _ options: TransferOptions, disk: NIOThreadPool,
        report: (@Sendable (TransferProgress) -> Void)?,
        completion: @escaping (Result<TransferSummary, SFTPError>) -> Void
    ) {
        self.localPath = localPath
        super.init(core, options, disk: disk, report: report, completion: completion)
    }

    func start(_ remote: RemotePath) {
        let look = Look(self, remote) { self.looked(remote, $0) }
        began(look)
        look.start()
    }

    /// What the path turned out to be.
    private func looked(_ remote: RemotePath, _ attributes: FileAttributes) {
        guard attributes.kind == .directory else {
            found(files: 1, bytes: attributes.size ?? 0)
            let task = FileDownload(self, remote, attributes, to: .path(localPath))
            began(task)
            return task.start()
        }
        directories.append(Directory(remote: remote, local: RemotePath(""), attributes: attributes, depth: 0))
    }

    // MARK: Trees

    override func schedule() {
        while isRunning, let directory = directories.last, listingCount < Self.listings,
            files.count < Self.foundFiles, activeCount < allowance
        {
            directories.removeLast()
            listingCount += 1
            let task = DirectoryDownload(self, directory)
            began(task)
            task.start()
        }
        while isRunning, activeCount < allowance, let root, let file = files.popFirst() {
            let task = FileDownload(
                self, file.remote, file.attributes, to: .within(root, file.local, root: localPath))
            began(task)
            task.start()
        }
    }

    override var hasMoreToStart: Bool { !files.isEmpty || !directories.isEmpty }

    /// Makes a directory here, or finds that it is one already.
    func makeDirectory(_ directory: Directory, then: @escaping (Result<RootedDirectory, SFTPError>) -> Void) {
        let (path, root, localPath) = (directory.local, root, localPath)
        onDisk { () throws(SFTPError) in
            guard let root, !path.bytes.isEmpty else { return try LocalTree.makeRoot(localPath) }
            try LocalTree.makeDirectory(path, in: root, shown: localPath)
            return root
        } then: { result in
            if case .success(let root) = result { self.root = root }
            then(result)
        }
    }

    /// One batch of a listing.
    func list(_ entries: [DirectoryEntry], in directory: Directory, _ seen: inout Set<RemotePath>) throws(SFTPError) {
        for entry in entries {
            let remote = try directory.remote.appending(entry.name)
            let local = directory.local.joined(entry.name)
            // A name that comes twice would have two transfers write one file.
            guard seen.insert(entry.name).inserted else {
                skipped(remote.description)
                continue
            }
            switch entry.attributes.kind {
            case .directory:
                guard directory.depth < Self.maximumDepth else {
                    throw SFTPError(
                        .failure, "“\(remote)” lies deeper than \(Self.maximumDepth) directories.",
                        hint: "Transfer a part of the tree.", path: remote.description)
                }
                directories.append(
                    Directory(
                        remote: remote, local: local, attributes: entry.attributes, depth: directory.depth + 1))
            case .regular:
                files.append((remote, local, entry.attributes))
                found(files: 1, bytes: entry.attributes.size ?? 0)
            case .symbolicLink: pass(link: remote, local)
            case .other, nil: skipped(remote.description)
            }
        }
        proceed()
    }

    private func pass(link remote: RemotePath, _ local: RemotePath) {
        switch options.links {
        case .skipped: skipped(remote.description)
        case .preserved:
            let task = LinkRead(self, remote, local)
            began(task)
            task.start()
        case .followed:
            let task = Look(self, remote) { attributes in
                guard attributes.kind == .regular else { return self.skipped(remote.description) }
                self.files.append((remote, local, attributes))
                self.found(files: 1, bytes: attributes.size ?? 0)
            }
            began(task)
            task.start()
        }
    }

    fileprivate func found(link local: RemotePath, target: RemotePath) { links.append((local, target)) }

    func listed(_ directory: Directory) {
        listingCount -= 1
        finishedDirectory()
        finishedDirectories.append((directory.local, directory.attributes))
    }

    func listingFailed() { listingCount -= 1 }

    /// Links, and then what directories look like: the deepest first, since what is made in one changes its time.
    override func settle() {
        guard let root else { return complete() }
        let (links, directories, options, localPath) = (links, finishedDirectories, options, localPath)
        onDisk { () throws(SFTPError) in
            var made: [Result<Void, SFTPError>] = []
            for link in links {
                do throws(SFTPError) {
                    try LocalTree.makeLink(link.local, target: link.target, in: root, shown: localPath)
                    made.append(.success(()))
                } catch { made.append(.failure(error)) }
            }
            for directory in directories.reversed() {
                try LocalTree.finish(directory.local, directory.attributes, options, in: root, shown: localPath)
            }
            return made
        } then: { result in
            switch result {
            case .success(let made):
                for link in made {
                    if case .failure(let error) = link { self.failed(error) } else { self.finishedLink() }
                }
            case .failure(let error): self.failed(error)
            }
            self.complete()
        }
    }
}

/// STAT of what is to be downloaded, or of what a link leads to.
private final class Look: TransferTask {
    private let transfer: Download
    private let path: RemotePath
    private let found: (FileAttributes) -> Void

    init(_ transfer: Download, _ path: RemotePath, found: @escaping (FileAttributes) -> Void) {
        self.transfer = transfer
        self.path = path
        self.found = found
    }

    func start() {
        transfer.core.send(.stat(path)) { result in
            guard self.transfer.isRunning else { return }
            switch result {
            case .success(.attributes(let attributes)):
                self.found(attributes)
                self.transfer.ended(self)
            case .success(.status(let status)): self.transfer.ended(self, .status(status, self.path))
            case .success: self.transfer.ended(self, .unexpected(self.path))
            case .failure(let error): self.transfer.ended(self, error)
            }
        }
    }

    func abort() { transfer.ended(self) }
}

/// READLINK of one link of a tree.
private final class LinkRead: TransferTask {
    private let transfer: Download
    private let remote: RemotePath
    private let local: RemotePath

    init(_ transfer: Download, _ remote: RemotePath, _ local: RemotePath) {
        self.transfer = transfer
        self.remote = remote
        self.local = local
    }

    func start() {
        transfer.core.send(.readlink(remote)) { result in
            switch result {
            case .success(.names(let names)) where names.count == 1:
                self.transfer.found(link: self.local, target: names[0].name)
                self.transfer.ended(self)
            case .success(.status(let status)): self.transfer.ended(self, .status(status, self.remote))
            case .success: self.transfer.ended(self, .unexpected(self.remote))
            case .failure(let error): self.transfer.ended(self, error)
            }
        }
    }

    func abort() { transfer.ended(self) }
}
