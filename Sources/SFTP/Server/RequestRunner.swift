// Does what requests ask, on the thread pool: one batch at a time, in order.

import NIOConcurrencyHelpers
import NIOCore

/// A request as it waits for its turn.
struct PendingRequest: Sendable {
    var id: UInt32
    /// A request that could not be read is answered in its turn too.
    var request: Result<SFTPRequest, SFTPStatus>
    /// What it occupies of the channel's window.
    var wireBytes: Int
    /// What its packet was put together in, to be used again.
    var memory: ByteBuffer?
    var isRefused = false
}

/// The files that one client holds open, and the file system. Used by one job of the thread pool at a time; the lock is
/// what makes that safe to say.
final class RequestRunner: Sendable {
    let fileSystem: any SFTPFileSystem
    let configuration: SFTPServerConfiguration
    private let table = NIOLockedValueBox(HandleTable())
    private let isCancelled = NIOLockedValueBox(false)

    init(_ fileSystem: any SFTPFileSystem, _ configuration: SFTPServerConfiguration) {
        self.fileSystem = fileSystem
        self.configuration = configuration
    }

    /// Nobody waits for the answers any more: a long copy stops. May be called from anywhere.
    func cancel() { isCancelled.withLockedValue { $0 = true } }

    /// Closes everything that is still open.
    func finish() {
        let left = table.withLockedValue { $0.removeAll() }
        for entry in left { tellClosed(entry) }
    }

    /// The answers to a batch, in its order.
    func run(_ batch: [PendingRequest]) -> ByteBuffer {
        var replies = ByteBuffer()
        replies.reserveCapacity(batch.reduce(256) { $0 + $1.expectedReply })
        table.withLockedValue { table in
            var readAhead = batch.count > 1
            for pending in batch {
                if isCancelled.withLockedValue({ $0 }) { return }
                if readAhead, case .success(.read) = pending.request {
                    announceReads(batch, table)
                    readAhead = false
                }
                answer(pending, &table, into: &replies)
            }
        }
        return replies
    }

    /// Lets the system fetch what the rest of the batch reads while its beginning is answered.
    private func announceReads(_ batch: [PendingRequest], _ table: HandleTable) {
        for pending in batch.dropFirst() {
            guard case .success(.read(let handle, let offset, let length)) = pending.request,
                case .file(let file)? = table[handle]?.item
            else { continue }
            file.willRead(at: offset, length: Int(min(length, UInt32(SFTPLimits.maximumData))))
        }
    }

    private func answer(_ pending: PendingRequest, _ table: inout HandleTable, into replies: inout ByteBuffer) {
        do throws(SFTPStatus) {
            let request = try pending.request.get()
            if case .read(let handle, let offset, let length) = request {
                try read(handle, offset, length, id: pending.id, &table, into: &replies)
                return
            }
            let operation = try operation(of: request, table)
            let response: SFTPResponse
            do throws(SFTPStatus) {
                if let operation { try check(operation, pending) }
                response = try perform(request, &table)
            } catch {
                if let operation { configuration.audit(operation, error.code) }
                throw error
            }
            if let operation { configuration.audit(operation, .ok) }
            response.write(id: pending.id, to: &replies)
        } catch {
            SFTPResponse.status(error).write(id: pending.id, to: &replies)
        }
    }

    private func check(_ operation: SFTPOperation, _ pending: PendingRequest) throws(SFTPStatus) {
        if configuration.isReadOnly && operation.changes {
            throw SFTPStatus(.permissionDenied, "This server is read-only")
        }
        guard !pending.isRefused, configuration.permits(operation) else { throw .permissionDenied }
    }

    /// A DATA reply, made in place: what is read goes into the replies without another copy.
    private func read(
        _ handle: SFTPHandle, _ offset: UInt64, _ length: UInt32, id: UInt32, _ table: inout HandleTable,
        into replies: inout ByteBuffer
    ) throws(SFTPStatus) {
        guard var entry = table[handle], case .file(let file) = entry.item else { throw .invalidHandle }
        guard entry.reads else { throw SFTPStatus(.permissionDenied, "The file is not open for reading") }
        let start = replies.writerIndex
        replies.writeMultipleIntegers(UInt32(0), MessageType.data.rawValue, id, UInt32(0))
        var count = 0
        do throws(SFTPStatus) {
            count = try file.read(
                into: &replies, at: offset, length: Int(min(length, UInt32(SFTPLimits.maximumData))))
            // Nothing asked for is nothing read, not the end.
            if count == 0 && length > 0 { throw .endOfFile }
        } catch {
            replies.moveWriterIndex(to: start)
            throw error
        }
        replies.setInteger(UInt32(clamping: count + 9), at: start)
        replies.setInteger(UInt32(clamping: count), at: start + 9)
        entry.bytesRead &+= UInt64(count)
        table[handle] = entry
    }

    // MARK: Requests

    private func perform(_ request: SFTPRequest, _ table: inout HandleTable) throws(SFTPStatus) -> SFTPResponse {
        switch request {
        case .open(let path, let flags, let attributes): return try open(path, flags, attributes, &table)
        case .opendir(let path):
            try checkRoom(table)
            let path = try absolute(path)
            let directory = try fileSystem.openDirectory(path)
            return .handle(table.insert(.init(item: .directory(directory), path: path)))
        case .close(let handle):
            guard let entry = table.remove(handle) else { throw .invalidHandle }
            tellClosed(entry)
        case .write(let handle, let offset, let data):
            guard var entry = table[handle], case .file(let file) = entry.item else { throw .invalidHandle }
            guard entry.writes else { throw SFTPStatus(.permissionDenied, "The file is not open for writing") }
            try file.write(data, at: offset)
            entry.bytesWritten &+= UInt64(data.readableBytes)
            table[handle] = entry
        case .readdir(let handle):
            guard case .directory(let directory)? = table[handle]?.item else { throw .invalidHandle }
            let entries = try directory.next(Self.namesInReply)
            return entries.isEmpty ? .status(.endOfFile) : .names(entries)
        case .fstat(let handle): return .attributes(try file(handle, table).attributes())
        case .fsetstat(let handle, let attributes): try file(handle, table).setAttributes(attributes)
        case .fsync(let handle): try file(handle, table).synchronise()
        case .fstatvfs(let handle): return statistics(try file(handle, table).statistics())
        case .copyData(let range): try copy(range, &table)
        case .read: throw .unsupported
        default: return try performOnPaths(request)
        }
        return .status(.ok)
    }

    private func performOnPaths(_ request: SFTPRequest) throws(SFTPStatus) -> SFTPResponse {
        switch request {
        case .lstat(let path):
            return .attributes(try fileSystem.attributes(of: try absolute(path), followingLink: false))
        case .stat(let path):
            return .attributes(try fileSystem.attributes(of: try absolute(path), followingLink: true))
        case .setstat(let path, let attributes):
            try fileSystem.setAttributes(attributes, of: try absolute(path), followingLink: true)
        case .lsetstat(let path, let attributes):
            try fileSystem.setAttributes(attributes, of: try absolute(path), followingLink: false)
        case .remove(let path): try fileSystem.remove(try absolute(path))
        case .mkdir(let path, let attributes): try fileSystem.makeDirectory(try absolute(path), attributes)
        case .rmdir(let path): try fileSystem.removeDirectory(try absolute(path))
        case .rename(let from, let to):
            try fileSystem.rename(try absolute(from), to: try absolute(to), replacing: false)
        case .posixRename(let from, let to):
            try fileSystem.rename(try absolute(from), to: try absolute(to), replacing: true)
        case .symlink(let target, let link): try fileSystem.makeSymbolicLink(try absolute(link), target: target)
        case .hardlink(let existing, let link):
            try fileSystem.makeHardLink(try absolute(link), to: try absolute(existing))
        case .readlink(let path): return names(try fileSystem.linkTarget(of: try absolute(path)))
        case .realpath(let path): return names(try absolute(path))
        case .expandPath(let path): return names(try expand(path))
        case .homeDirectory: return names(fileSystem.home)
        case .statvfs(let path): return statistics(try fileSystem.statistics(of: try absolute(path)))
        case .limits: return extended { limits.write(to: &$0) }
        case .usersGroupsByID(let users, let groups):
            let names = fileSystem.accountNames(users: users, groups: groups)
            return extended { names.write(to: &$0) }
        default: throw .unsupported
        }
        return .status(.ok)
    }

    /// A reply of this many names stays well below the longest packet.
    private static let namesInReply = 200

    private func open(
        _ path: RemotePath, _ flags: OpenFlags, _ attributes: FileAttributes, _ table: inout HandleTable
    ) throws(SFTPStatus) -> SFTPResponse {
        try checkRoom(table)
        guard flags.isSubset(of: .all) else { throw SFTPStatus(.badMessage, "Unknown flags") }
        let path = try absolute(path)
        let file = try fileSystem.open(path, flags, attributes)
        return .handle(
            table.insert(
                .init(
                    item: .file(file), path: path, reads: flags.contains(.read), writes: flags.contains(.write))))
    }

    private func checkRoom(_ table: HandleTable) throws(SFTPStatus) {
        guard table.count < configuration.maximumHandles else {
            throw SFTPStatus(.failure, "Too many files are open; at most \(configuration.maximumHandles) may be")
        }
    }

    private func file(_ handle: SFTPHandle, _ table: HandleTable) throws(SFTPStatus) -> any SFTPOpenFile {
        guard case .file(let file)? = table[handle]?.item else { throw .invalidHandle }
        return file
    }

    private func copy(_ range: CopyRange, _ table: inout HandleTable) throws(SFTPStatus) {
        guard let from = table[range.source], case .file(let source) = from.item, from.reads,
            let to = table[range.target], case .file(let target) = to.item, to.writes
        else { throw .invalidHandle }
        // A file copied onto itself could grow for ever.
        guard !source.isSame(as: target) else { throw SFTPStatus(.failure, "A file cannot be copied onto itself") }
        guard !range.sourceOffset.addingReportingOverflow(range.length).overflow,
            !range.targetOffset.addingReportingOverflow(range.length).overflow
        else { throw SFTPStatus(.failure, "The range is too large") }
        var done: UInt64 = 0
        while range.length == 0 || done < range.length {
            guard !isCancelled.withLockedValue({ $0 }) else { throw SFTPStatus(.connectionLost, "The client is gone") }
            let count = try source.copy(
                at: range.sourceOffset &+ done, to: target, at: range.targetOffset &+ done,
                length: range.length == 0 ? .max : range.length - done)
            if count == 0 { break }
            done &+= count
        }
        if range.length > 0 && done < range.length { throw .endOfFile }
    }

    private func expand(_ path: RemotePath) throws(SFTPStatus) -> RemotePath {
        guard path.bytes.first == UInt8(ascii: "~") else { return try absolute(path) }
        let rest = path.bytes.dropFirst()
        // Other accounts have no home here.
        guard rest.isEmpty || rest.first == UInt8(ascii: "/") else { throw .noSuchFile }
        return try absolute(fileSystem.home.joined(RemotePath(bytes: Array(rest.drop { $0 == UInt8(ascii: "/") }))))
    }

    private var limits: ServerLimits {
        ServerLimits(
            packet: UInt64(SFTPLimits.maximumPacket), read: UInt64(SFTPLimits.maximumData),
            write: UInt64(SFTPLimits.maximumData), handles: UInt64(configuration.maximumHandles))
    }

    private func statistics(_ statistics: VolumeStatistics) -> SFTPResponse {
        var statistics = statistics
        if configuration.isReadOnly { statistics.flags |= 1 }
        return extended { statistics.write(to: &$0) }
    }

    private func extended(_ write: (inout ByteBuffer) -> Void) -> SFTPResponse {
        var buffer = ByteBuffer()
        write(&buffer)
        return .extended(buffer)
    }

    private func names(_ path: RemotePath) -> SFTPResponse {
        .names([DirectoryEntry(name: path, longName: path.description, attributes: FileAttributes())])
    }

    private func tellClosed(_ entry: HandleTable.Entry) {
        guard case .file = entry.item else { return }
        configuration.audit(
            SFTPOperation(
                kind: .close(bytesRead: entry.bytesRead, bytesWritten: entry.bytesWritten), path: entry.path), .ok)
    }
}

extension PendingRequest {
    /// Bytes that its answer may take, about.
    var expectedReply: Int {
        switch request {
        case .success(.read(_, _, let length)): 13 + Int(min(length, UInt32(SFTPLimits.maximumData)))
        case .success(.readdir): 32 * 1024
        default: 256
        }
    }
}

extension SFTPStatus {
    static let invalidHandle = SFTPStatus(.failure, "Invalid handle")
}
