// One SFTP connection that passes through a gateway: draft-ietf-secsh-filexfer-02, with OpenSSH's extensions.

public import NIOCore

/// Stands between a client and a host's SFTP server: passes on what is permitted, answers what is not by itself, and tells
/// what was done with which file.
///
/// Contents pass as slices of what came, whatever the size of a packet. A value; whoever owns it does the input and output.
///
/// ```swift
/// var inspection = SFTPInspection(mayRead: true, mayWrite: false)
/// let passage = try inspection.fromClient(bytes)
/// for bytes in passage.toHost { host.write(bytes) }
/// for bytes in passage.toClient { client.write(bytes) }
/// for event in passage.events { log(event) }
/// ```
public struct SFTPInspection {
    /// Whether contents and listings may be read, and whether anything may be changed. May change at any time; what is
    /// open already is judged anew at each request.
    public var mayRead: Bool
    public var mayWrite: Bool

    private var client = PassingPackets()
    private var host = PassingPackets()
    private var pending: [UInt32: PendingOperation] = [:]
    private var handles: [SFTPHandle: PassingFile] = [:]
    /// The file whose contents pass at the moment, with the place of the next byte.
    private var upload: (file: PassingFile, offset: UInt64)?
    private var download: (file: PassingFile, offset: UInt64)?
    /// Answers of ours that wait for the end of a packet of the host's.
    private var ownReplies: [ByteBuffer] = []
    private var refusals = 0

    /// Requests that may wait for their answers. No client has more under way.
    private static let maximumPending = 8192
    private static let maximumHandles = 8192
    /// A client that goes on in spite of so many refusals is up to no good.
    private static let maximumRefusals = 1000

    public init(mayRead: Bool, mayWrite: Bool) {
        self.mayRead = mayRead
        self.mayWrite = mayWrite
    }

    /// What is to be done with bytes that came.
    public struct Passage {
        public fileprivate(set) var toHost: [ByteBuffer] = []
        public fileprivate(set) var toClient: [ByteBuffer] = []
        public fileprivate(set) var events: [SFTPInspectionEvent] = []
    }

    // MARK: From the client

    /// Bytes of the client.
    ///
    /// - Throws: `badMessage` for what is no SFTP, and for a client that does not stop asking for what it may not have: the
    ///   connection is to be ended.
    public mutating func fromClient(_ data: ByteBuffer) throws(SFTPStatus) -> Passage {
        var passage = Passage()
        client.append(data)
        while true {
            if let contents = client.passing() {
                if let (file, offset) = upload {
                    file.wrote(contents, at: offset)
                    upload = (file, offset &+ UInt64(contents.readableBytes))
                }
                if !client.isDropping { passage.toHost.append(contents) }
                continue
            }
            if !client.isWithinPacket { upload = nil }
            guard let head = try client.head() else { break }
            if head.type == MessageType.write.rawValue {
                guard try beginWrite(head, &passage) else { break }
            } else {
                guard let packet = client.packet(head) else { break }
                try receive(packet, head, &passage)
            }
        }
        giveOwnReplies(&passage)
        return passage
    }

    /// - Returns: false when more bytes are needed.
    private mutating func beginWrite(
        _ head: PassingPackets.Head, _ passage: inout Passage
    ) throws(SFTPStatus) -> Bool {
        guard let header = try client.writeHeader(head) else { return false }
        try expect(header.id)
        let file = handles[header.handle]
        let refusal: SFTPStatus? =
            file == nil ? .invalidHandle : mayWrite ? nil : Self.refusal(of: .upload)
        if let refusal {
            client.pass(header.length, of: head, isDropped: true)
            if let file, !file.isRefusalTold {
                file.isRefusalTold = true
                passage.events.append(.init(.upload, file.path, .refused))
            }
            try reply(refusal, to: header.id)
            return true
        }
        passage.toHost.append(client.pass(header.length, of: head, isDropped: false))
        pending[header.id] = .other
        if let file { upload = (file, header.offset) }
        return true
    }

    private mutating func receive(
        _ packet: ByteBuffer, _ head: PassingPackets.Head, _ passage: inout Passage
    ) throws(SFTPStatus) {
        guard let type = MessageType(rawValue: head.type) else {
            throw SFTPStatus(.badMessage, "A message of type \(head.type) is no request")
        }
        guard type != .initialise else { return passage.toHost.append(packet) }
        var reader = SFTPReader(packet.getSlice(at: packet.readerIndex + 5, length: packet.readableBytes - 5) ?? packet)
        let id = try reader.uint32()
        let request = try SFTPRequest(type, &reader)
        try expect(id)
        do throws(SFTPStatus) {
            pending[id] = try judge(request)
            passage.toHost.append(packet)
        } catch {
            if error.code == .permissionDenied, let (operation, path) = request.operation {
                passage.events.append(.init(operation, path, .refused))
            }
            try reply(error, to: id)
        }
    }

    /// A number that waits for its answer may not come again: nobody could tell whose answer it is.
    private func expect(_ id: UInt32) throws(SFTPStatus) {
        guard pending[id] == nil else { throw SFTPStatus(.badMessage, "A request's number is used twice") }
        guard pending.count < Self.maximumPending else { throw SFTPStatus(.badMessage, "Too many requests at once") }
    }

    /// - Returns: What its answer will mean.
    /// - Throws: What the client is answered instead.
    private mutating func judge(_ request: SFTPRequest) throws(SFTPStatus) -> PendingOperation {
        switch request {
        case .open(let path, let flags, _):
            let writes = !flags.isDisjoint(with: [.write, .append, .create, .truncate])
            let reads = flags.contains(.read) || !writes
            if writes, !mayWrite { throw Self.refusal(of: .upload) }
            if reads, !mayRead { throw Self.refusal(of: .download) }
            guard handles.count < Self.maximumHandles else { throw SFTPStatus(.failure, "Too many files are open") }
            return .open(PassingFile(path, reads: reads, writes: writes))
        case .opendir(let path):
            guard mayRead else { throw Self.refusal(of: .list) }
            guard handles.count < Self.maximumHandles else { throw SFTPStatus(.failure, "Too many files are open") }
            return .open(PassingFile(directory: path))
        case .close(let handle):
            guard let file = handles.removeValue(forKey: handle) else { throw .invalidHandle }
            return .close(file)
        case .read(let handle, let offset, _):
            guard let file = handles[handle] else { throw .invalidHandle }
            guard mayRead else { throw Self.refusal(of: .download) }
            return .read(file, offset)
        case .readdir(let handle), .fstat(let handle), .fstatvfs(let handle), .fsync(let handle):
            guard handles[handle] != nil else { throw .invalidHandle }
            guard mayRead || mayWrite else { throw Self.refusal(of: .list) }
            return .other
        case .fsetstat(let handle, _):
            guard let file = handles[handle] else { throw .invalidHandle }
            guard mayWrite else { throw Self.refusal(of: .chmod) }
            return .change(.chmod, file.path, nil)
        case .copyData(let range):
            guard handles[range.source] != nil, let target = handles[range.target] else { throw .invalidHandle }
            guard mayRead, mayWrite else { throw Self.refusal(of: .upload) }
            // What the host copies passes nobody: its size is not known here.
            return .change(.copy, target.path, nil)
        case .lstat, .stat, .realpath, .readlink, .statvfs, .expandPath, .homeDirectory, .limits, .usersGroupsByID:
            guard mayRead || mayWrite else { throw Self.refusal(of: .list) }
            return .other
        case .unknownExtension: throw .unsupported
        default:
            guard let (operation, path) = request.operation else { throw .unsupported }
            guard mayWrite else { throw Self.refusal(of: operation) }
            return .change(operation, path, request.secondPath)
        }
    }

    private static func refusal(of operation: SFTPInspectionEvent.Operation) -> SFTPStatus {
        SFTPStatus(
            .permissionDenied,
            operation.changes
                ? "You may not write files on this host (file.write)."
                : "You may not read files on this host (file.read).")
    }

    private mutating func reply(_ status: SFTPStatus, to id: UInt32) throws(SFTPStatus) {
        refusals += 1
        guard refusals <= Self.maximumRefusals else { throw SFTPStatus(.badMessage, "Too many refused requests") }
        var buffer = ByteBuffer()
        SFTPResponse.status(status).write(id: id, to: &buffer)
        ownReplies.append(buffer)
    }

    private mutating func giveOwnReplies(_ passage: inout Passage) {
        guard !host.isWithinPacket, !ownReplies.isEmpty else { return }
        passage.toClient += ownReplies
        ownReplies = []
    }

    // MARK: From the host

    /// Bytes of the host.
    ///
    /// - Throws: `badMessage` for what is no SFTP.
    public mutating func fromHost(_ data: ByteBuffer) throws(SFTPStatus) -> Passage {
        var passage = Passage()
        host.append(data)
        while true {
            if let contents = host.passing() {
                if let (file, offset) = download {
                    file.read(contents, at: offset)
                    download = (file, offset &+ UInt64(contents.readableBytes))
                }
                passage.toClient.append(contents)
                continue
            }
            if !host.isWithinPacket { download = nil }
            giveOwnReplies(&passage)
            guard let head = try host.head() else { break }
            if head.type == MessageType.data.rawValue {
                guard let header = try host.dataHeader(head) else { break }
                passage.toClient.append(host.pass(header.length, of: head, isDropped: false))
                if case .read(let file, let offset)? = pending.removeValue(forKey: header.id) {
                    download = (file, offset)
                }
            } else {
                guard let packet = host.packet(head) else { break }
                try receiveReply(packet, head, &passage)
            }
        }
        return passage
    }

    private mutating func receiveReply(
        _ packet: ByteBuffer, _ head: PassingPackets.Head, _ passage: inout Passage
    ) throws(SFTPStatus) {
        passage.toClient.append(packet)
        guard head.type != MessageType.version.rawValue else { return }
        var reader = SFTPReader(packet.getSlice(at: packet.readerIndex + 5, length: packet.readableBytes - 5) ?? packet)
        guard let operation = pending.removeValue(forKey: try reader.uint32()) else { return }
        switch MessageType(rawValue: head.type) {
        case .handle:
            guard case .open(let file) = operation else { return }
            handles[try reader.handle()] = file
            if file.isDirectory { passage.events.append(.init(.list, file.path, .done)) }
        case .status:
            let code = SFTPStatus.Code(rawValue: try reader.uint32()) ?? .failure
            passage.events += operation.ended(code)
        default: break
        }
    }

    // MARK: The end

    /// The connection is over: files that nobody closed.
    public mutating func end() -> [SFTPInspectionEvent] {
        let closing = pending.values.compactMap { if case .close(let file) = $0 { file } else { nil } }
        let files = closing + handles.values
        handles = [:]
        pending = [:]
        return files.flatMap { $0.events(isWhole: false) }
    }
}

/// What a request's answer will mean.
private enum PendingOperation {
    case open(PassingFile)
    case close(PassingFile)
    case read(PassingFile, UInt64)
    case change(SFTPInspectionEvent.Operation, RemotePath, RemotePath?)
    case other

    func ended(_ code: SFTPStatus.Code) -> [SFTPInspectionEvent] {
        switch self {
        case .open(let file):
            let operation: SFTPInspectionEvent.Operation = file.isDirectory ? .list : file.writes ? .upload : .download
            return [SFTPInspectionEvent(operation, file.path, .failed(code))]
        case .close(let file): return file.events(isWhole: true)
        case .change(let operation, let path, let second):
            var event = SFTPInspectionEvent(operation, path, code == .ok ? .done : .failed(code))
            event.target = second
            return [event]
        case .read, .other: return []
        }
    }
}

extension SFTPRequest {
    /// What a person would call it, where it concerns a path and changes something, opens a file or lists a folder.
    fileprivate var operation: (SFTPInspectionEvent.Operation, RemotePath)? {
        switch self {
        case .open(let path, let flags, _):
            (flags.isDisjoint(with: [.write, .append, .create, .truncate]) ? .download : .upload, path)
        case .opendir(let path): (.list, path)
        case .setstat(let path, _), .lsetstat(let path, _): (.chmod, path)
        case .remove(let path), .rmdir(let path): (.delete, path)
        case .mkdir(let path, _): (.mkdir, path)
        case .rename(let from, _), .posixRename(let from, _): (.rename, from)
        case .symlink(let target, _): (.link, target)
        case .hardlink(let existing, _): (.link, existing)
        default: nil
        }
    }

    fileprivate var secondPath: RemotePath? {
        switch self {
        case .rename(_, let to), .posixRename(_, let to): to
        case .symlink(_, let link), .hardlink(_, let link): link
        default: nil
        }
    }
}
