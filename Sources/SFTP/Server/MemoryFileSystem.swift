// Files that live in memory and nowhere else.

import NIOConcurrencyHelpers
import NIOCore

/// A file system in memory: for tests, and for what a program shows as files without having any.
///
/// Symbolic links with an absolute target are seen from its own root; there is nothing beside it. Everybody may do
/// everything: permissions are kept and shown, not enforced. `capacity` bounds it.
public final class MemoryFileSystem: SFTPFileSystem {
    public let home: RemotePath
    private let capacity: Int
    private let state: NIOLockedValueBox<State>

    /// - Parameters:
    ///   - home: Made, with what is above it.
    ///   - capacity: Bytes of all files together; a write beyond it fails.
    public init(home: RemotePath = "/", capacity: Int = 256 << 20) {
        self.home = home.normalised()
        self.capacity = capacity
        var state = State()
        var path = RemotePath("/")
        for component in self.home.components {
            path = path.joined(RemotePath(bytes: component))
            _ = try? state.insert(.init(kind: .directory([:]), mode: 0o755), at: path)
        }
        self.state = NIOLockedValueBox(state)
    }

    public func open(
        _ path: RemotePath, _ flags: OpenFlags, _ attributes: FileAttributes
    ) throws(SFTPStatus) -> any SFTPOpenFile {
        guard !flags.isDisjoint(with: [.read, .write]) else {
            throw SFTPStatus(.badMessage, "Neither reading nor writing")
        }
        let number = try with { state throws(SFTPStatus) in
            if let number = try? state.find(path, followingLink: true) {
                if flags.contains([.create, .exclusive]) { throw .exists }
                guard case .file = state.nodes[number]?.kind else { throw SFTPStatus(.failure, "Not a file") }
                if flags.contains([.write, .truncate]) { state.resize(number, to: 0) }
                state.nodes[number]?.opened += 1
                return number
            }
            guard flags.contains([.write, .create]) else { throw .noSuchFile }
            let number = try state.insert(
                .init(kind: .file([]), mode: (attributes.permissions ?? 0o644) & 0o777), at: path)
            state.nodes[number]?.opened += 1
            return number
        }
        return MemoryFile(number, of: self, appends: flags.contains(.append))
    }

    public func openDirectory(_ path: RemotePath) throws(SFTPStatus) -> any SFTPOpenDirectory {
        let entries = try with { state throws(SFTPStatus) in
            let number = try state.find(path, followingLink: true)
            return try state.children(of: number).sorted { $0.key.bytes.lexicographicallyPrecedes($1.key.bytes) }
                .compactMap { name, number in state.nodes[number].map { ($0.attributes, name) } }
        }
        return MemoryListing(
            entries.map { DirectoryEntry(name: $1, longName: LongName.line($1, $0), attributes: $0) })
    }

    public func attributes(of path: RemotePath, followingLink: Bool) throws(SFTPStatus) -> FileAttributes {
        try with { state throws(SFTPStatus) in
            try state.node(try state.find(path, followingLink: followingLink)).attributes
        }
    }

    public func setAttributes(
        _ attributes: FileAttributes, of path: RemotePath, followingLink: Bool
    ) throws(SFTPStatus) {
        try with { state throws(SFTPStatus) in
            try set(attributes, of: try state.find(path, followingLink: followingLink), &state)
        }
    }

    public func remove(_ path: RemotePath) throws(SFTPStatus) {
        try with { state throws(SFTPStatus) in
            let number = try state.find(path, followingLink: false)
            if case .directory = try state.node(number).kind { throw SFTPStatus(.failure, "Is a directory") }
            try state.unlink(path)
        }
    }

    public func makeDirectory(_ path: RemotePath, _ attributes: FileAttributes) throws(SFTPStatus) {
        try with { state throws(SFTPStatus) in
            _ = try state.insert(
                .init(kind: .directory([:]), mode: (attributes.permissions ?? 0o755) & 0o777), at: path)
        }
    }

    public func removeDirectory(_ path: RemotePath) throws(SFTPStatus) {
        try with { state throws(SFTPStatus) in
            let number = try state.find(path, followingLink: false)
            guard try state.children(of: number).isEmpty else { throw SFTPStatus(.failure, "Directory not empty") }
            try state.unlink(path)
        }
    }

    public func rename(_ path: RemotePath, to newPath: RemotePath, replacing: Bool) throws(SFTPStatus) {
        try with { state throws(SFTPStatus) in
            let number = try state.find(path, followingLink: false)
            guard !newPath.components.starts(with: path.components) || newPath == path else {
                throw SFTPStatus(.failure, "A directory cannot be moved into itself")
            }
            if newPath == path { return }
            if let existing = try? state.find(newPath, followingLink: false) {
                guard replacing else { throw .exists }
                if case .directory(let children) = try state.node(existing).kind, !children.isEmpty {
                    throw SFTPStatus(.failure, "Directory not empty")
                }
                try state.unlink(newPath)
            }
            try state.link(number, at: newPath)
            try state.unlink(path)
        }
    }

    public func makeSymbolicLink(_ path: RemotePath, target: RemotePath) throws(SFTPStatus) {
        try with { state throws(SFTPStatus) in _ = try state.insert(.init(kind: .link(target), mode: 0o777), at: path) }
    }

    public func makeHardLink(_ path: RemotePath, to existing: RemotePath) throws(SFTPStatus) {
        try with { state throws(SFTPStatus) in
            let number = try state.find(existing, followingLink: false)
            if case .directory = try state.node(number).kind { throw SFTPStatus(.failure, "Is a directory") }
            try state.link(number, at: path)
        }
    }

    public func linkTarget(of path: RemotePath) throws(SFTPStatus) -> RemotePath {
        try with { state throws(SFTPStatus) in
            guard case .link(let target) = try state.node(try state.find(path, followingLink: false)).kind else {
                throw SFTPStatus(.badMessage, "Not a symbolic link")
            }
            return target
        }
    }

    public func statistics(of path: RemotePath) throws(SFTPStatus) -> VolumeStatistics {
        try with { state throws(SFTPStatus) in
            _ = try state.find(path, followingLink: true)
            var statistics = VolumeStatistics()
            (statistics.blockSize, statistics.fragmentSize, statistics.maximumName) = (1, 1, 255)
            statistics.blocks = UInt64(capacity)
            statistics.freeBlocks = UInt64(max(0, capacity - state.bytes))
            statistics.availableBlocks = statistics.freeBlocks
            return statistics
        }
    }

    // MARK: Open files

    fileprivate func with<T>(_ body: (inout State) throws(SFTPStatus) -> T) throws(SFTPStatus) -> T {
        let outcome = state.withLockedValue { state -> Result<T, SFTPStatus> in
            do throws(SFTPStatus) { return .success(try body(&state)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    fileprivate func set(
        _ attributes: FileAttributes, of number: UInt64, _ state: inout State
    ) throws(SFTPStatus) {
        if let size = attributes.size {
            guard case .file(let contents) = try state.node(number).kind,
                size <= UInt64(max(0, capacity - state.bytes + contents.count))
            else { throw SFTPStatus(.failure, "No space left") }
            state.resize(number, to: Int(size))
        }
        if let mode = attributes.permissions { state.nodes[number]?.mode = mode & 0o777 }
        if let times = attributes.times { state.nodes[number]?.times = times }
        if let owner = attributes.owner { state.nodes[number]?.owner = owner }
    }

    fileprivate func write(_ data: ByteBuffer, at offset: UInt64, to number: UInt64, appends: Bool) throws(SFTPStatus) {
        try with { state throws(SFTPStatus) in
            guard case .file(let contents) = try state.node(number).kind else { throw .invalidHandle }
            let start = appends ? UInt64(contents.count) : offset
            guard start <= UInt64(capacity),
                state.bytes - contents.count + max(contents.count, Int(start) + data.readableBytes) <= capacity
            else { throw SFTPStatus(.failure, "No space left") }
            state.write(data, at: Int(start), to: number)
        }
    }
}

extension MemoryFileSystem {
    struct Node {
        enum Kind {
            case file([UInt8])
            case directory([RemotePath: UInt64])
            case link(RemotePath)
        }

        var kind: Kind
        var mode: UInt32
        var times = FileAttributes.Times(accessed: 0, modified: 0)
        var owner = FileAttributes.Owner(user: 0, group: 0)
        var links = 0
        var opened = 0

        var attributes: FileAttributes {
            let (size, type): (Int, UInt32) =
                switch kind {
                case .file(let contents): (contents.count, 0o100000)
                case .directory: (0, 0o040000)
                case .link(let target): (target.bytes.count, 0o120000)
                }
            return FileAttributes(size: UInt64(size), owner: owner, permissions: type | mode, times: times)
        }
    }

    struct State {
        static let maximumLinks = 40

        var nodes: [UInt64: Node] = [1: Node(kind: .directory([:]), mode: 0o755, links: 1)]
        var bytes = 0
        private var last: UInt64 = 1

        func node(_ number: UInt64) throws(SFTPStatus) -> Node {
            guard let node = nodes[number] else { throw .noSuchFile }
            return node
        }

        func children(of number: UInt64) throws(SFTPStatus) -> [RemotePath: UInt64] {
            guard case .directory(let children) = try node(number).kind else {
                throw SFTPStatus(.noSuchFile, "Not a directory")
            }
            return children
        }

        func find(_ path: RemotePath, followingLink: Bool) throws(SFTPStatus) -> UInt64 {
            var rest = Array(path.components.reversed())
            var passed: [UInt64] = [1]
            var linksLeft = Self.maximumLinks
            while let component = rest.popLast() {
                if component == [46] { continue }
                if component == [46, 46] {
                    if passed.count > 1 { passed.removeLast() }
                    continue
                }
                guard let next = try children(of: passed.last ?? 1)[RemotePath(bytes: component)] else {
                    throw .noSuchFile
                }
                guard case .link(let target) = try node(next).kind, followingLink || !rest.isEmpty else {
                    passed.append(next)
                    continue
                }
                guard linksLeft > 0 else { throw SFTPStatus(.noSuchFile, "Too many symbolic links") }
                linksLeft -= 1
                if target.isAbsolute { passed = [1] }
                rest += target.components.reversed()
            }
            return passed.last ?? 1
        }

        private func parent(of path: RemotePath) throws(SFTPStatus) -> (number: UInt64, name: RemotePath) {
            var components = path.components
            guard let name = components.popLast() else { throw SFTPStatus(.failure, "The root itself") }
            let parent = RemotePath(bytes: Array(components.joined(separator: [UInt8(ascii: "/")])))
            return (try find(parent, followingLink: true), RemotePath(bytes: name))
        }

        mutating func insert(_ node: Node, at path: RemotePath) throws(SFTPStatus) -> UInt64 {
            last += 1
            let number = last
            nodes[number] = node
            do throws(SFTPStatus) { try link(number, at: path) } catch {
                nodes[number] = nil
                throw error
            }
            return number
        }

        mutating func link(_ number: UInt64, at path: RemotePath) throws(SFTPStatus) {
            let (parent, name) = try parent(of: path)
            var children = try children(of: parent)
            guard name.isSafeComponent else { throw SFTPStatus(.badMessage, "Invalid name") }
            guard children[name] == nil else { throw .exists }
            children[name] = number
            nodes[parent]?.kind = .directory(children)
            nodes[number]?.links += 1
        }

        mutating func unlink(_ path: RemotePath) throws(SFTPStatus) {
            let (parent, name) = try parent(of: path)
            var children = try children(of: parent)
            guard let number = children.removeValue(forKey: name) else { throw .noSuchFile }
            nodes[parent]?.kind = .directory(children)
            nodes[number]?.links -= 1
            removeIfUnused(number)
        }

        mutating func removeIfUnused(_ number: UInt64) {
            guard let node = nodes[number], node.links <= 0, node.opened <= 0 else { return }
            if case .file(let contents) = node.kind { bytes -= contents.count }
            nodes[number] = nil
        }

        mutating func resize(_ number: UInt64, to size: Int) {
            change(number) { contents in
                if size < contents.count { contents.removeLast(contents.count - size) }
                if size > contents.count { contents += [UInt8](repeating: 0, count: size - contents.count) }
            }
        }

        mutating func write(_ data: ByteBuffer, at offset: Int, to number: UInt64) {
            let end = offset + data.readableBytes
            if case .file(let contents)? = nodes[number]?.kind, contents.count < end { resize(number, to: end) }
            change(number) { $0.replaceSubrange(offset..<end, with: data.readableBytesView) }
        }

        /// The contents are taken out of the table while they change, so that they are not copied.
        private mutating func change(_ number: UInt64, _ body: (inout [UInt8]) -> Void) {
            guard case .file(var contents)? = nodes[number]?.kind else { return }
            nodes[number]?.kind = .file([])
            bytes -= contents.count
            body(&contents)
            bytes += contents.count
            nodes[number]?.kind = .file(contents)
        }
    }
}

private final class MemoryFile: SFTPOpenFile {
    private let number: UInt64
    private let system: MemoryFileSystem
    private let appends: Bool

    init(_ number: UInt64, of system: MemoryFileSystem, appends: Bool) {
        self.number = number
        self.system = system
        self.appends = appends
    }

    deinit {
        try? system.with { state throws(SFTPStatus) in
            state.nodes[number]?.opened -= 1
            state.removeIfUnused(number)
        }
    }

    func read(into buffer: inout ByteBuffer, at offset: UInt64, length: Int) throws(SFTPStatus) -> Int {
        let piece = try system.with { state throws(SFTPStatus) -> ArraySlice<UInt8> in
            guard case .file(let contents) = try state.node(number).kind else { throw .invalidHandle }
            guard offset < UInt64(contents.count) else { return [] }
            return contents.dropFirst(Int(offset)).prefix(length)
        }
        return buffer.writeBytes(piece)
    }

    func write(_ data: ByteBuffer, at offset: UInt64) throws(SFTPStatus) {
        try system.write(data, at: offset, to: number, appends: appends)
    }

    func attributes() throws(SFTPStatus) -> FileAttributes {
        try system.with { state throws(SFTPStatus) in try state.node(number).attributes }
    }

    func setAttributes(_ attributes: FileAttributes) throws(SFTPStatus) {
        try system.with { state throws(SFTPStatus) in try system.set(attributes, of: number, &state) }
    }

    func synchronise() throws(SFTPStatus) {}

    func statistics() throws(SFTPStatus) -> VolumeStatistics { try system.statistics(of: "/") }

    func copy(
        at offset: UInt64, to target: any SFTPOpenFile, at targetOffset: UInt64, length: UInt64
    ) throws(SFTPStatus) -> UInt64 {
        var buffer = ByteBuffer()
        let count = try read(into: &buffer, at: offset, length: Int(min(length, 1 << 20)))
        if count > 0 { try target.write(buffer, at: targetOffset) }
        return UInt64(count)
    }

    func isSame(as other: any SFTPOpenFile) -> Bool { (other as? MemoryFile)?.number == number }
}

private final class MemoryListing: SFTPOpenDirectory {
    private let rest: NIOLockedValueBox<ArraySlice<DirectoryEntry>>

    init(_ entries: [DirectoryEntry]) { rest = NIOLockedValueBox(entries[...]) }

    func next(_ count: Int) throws(SFTPStatus) -> [DirectoryEntry] {
        rest.withLockedValue { rest in
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
    }
}

extension SFTPStatus {
    fileprivate static let exists = SFTPStatus(.failure, "File exists")
}
