import NIOCore
import NIOEmbedded

@testable import SFTP

extension FuzzTarget {
    static let files: [FuzzTarget] = [
        FuzzTarget("sftp-server", seeds: { SFTPSamples.requests }) { try serve($0) },
        FuzzTarget("sftp-client", seeds: { SFTPSamples.answers }) { try ask($0) },
        FuzzTarget("scp-lines", seeds: { SFTPSamples.lines }) { try readLine($0) },
        FuzzTarget(waiting: "scp", seeds: { SFTPSamples.transfers }) { try await transfer($0) },
    ]

    /// A client's stream behind INIT, against files in memory.
    @Sendable private static func serve(_ bytes: [UInt8]) throws {
        var configuration = SFTPServerConfiguration()
        configuration.maximumHandles = 8
        configuration.maximumReplyBytes = 64 * 1024
        let (runner, capacity) = (RequestRunner(SFTPSamples.fileSystem(), configuration), SFTPSamples.capacity)
        defer { runner.finish() }
        var stream = PacketStream(limit: 64 * 1024)
        stream.append(ByteBuffer(bytes: bytes))
        var batch: [PendingRequest] = []
        var replied = 0
        do throws(SFTPStatus) {
            while let packet = try stream.next(), batch.count < 64 {
                var reader = SFTPReader(packet.body)
                let id = try reader.uint32()
                guard let type = MessageType(rawValue: packet.type) else { continue }
                let request: Result<SFTPRequest, SFTPStatus>
                do throws(SFTPStatus) { request = .success(try SFTPRequest(type, &reader)) } catch {
                    request = .failure(error)
                }
                batch.append(PendingRequest(id: id, request: request, wireBytes: packet.body.readableBytes + 5))
            }
        } catch {}
        for pending in batch {
            let operation = (try? pending.request.get()).flatMap { try? runner.operation(of: $0) }
            _ = operation?.path
            let replies = runner.run([pending])
            replied += 1
            try checkReply(replies, to: pending, capacity)
        }
        try hold(replied == batch.count, "A request has no answer")
    }

    /// One well-formed answer with the request's number.
    private static func checkReply(_ replies: ByteBuffer, to pending: PendingRequest, _ capacity: Int) throws {
        var stream = PacketStream()
        stream.append(replies)
        guard let packet = try? stream.next(), stream.pendingBytes == 0 else {
            throw FuzzFinding("A request is not answered by one packet: \(pending.request)")
        }
        var reader = SFTPReader(packet.body)
        try hold((try? reader.uint32()) == pending.id, "An answer has another number")
        guard let response = try? SFTPResponse(type: packet.type, &reader) else {
            throw FuzzFinding("An answer is malformed: \(pending.request)")
        }
        if case .data(let data) = response { try hold(data.readableBytes <= capacity, "More data than there is") }
    }

    /// A server's stream behind the client's INIT. The first byte says in what pieces it comes.
    @Sendable private static func ask(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let size = input.byte()
        let channel = FakeByteChannel()
        let core = ClientCore(channel)
        let answers = AnswerCount()
        core.greeted.futureResult.whenComplete { _ in answers.greetings += 1 }
        core.start()
        let asked = SFTPSamples.allRequests(SFTPHandle(bytes: [1]))
        for request in asked {
            core.send(request) { result in
                answers.count += 1
                guard case .success(let response) = result else { return }
                SFTPSamples.use(response)
            }
        }
        if let number = core.send(.opendir("/"), reply: { _ in answers.count += 1 }) { core.abandon(number) }
        channel.loop.run()
        for piece in ByteBuffer(bytes: input.rest).pieces([UInt8](repeating: size, count: 256)) {
            core.received(piece)
            _ = (core.readSize, core.writeSize, core.handleAllowance)
            channel.loop.run()
        }
        core.closed(nil)
        channel.loop.run()
        try hold(answers.count == asked.count + 1, "\(answers.count) answers to \(asked.count + 1) requests")
        try hold(answers.greetings == 1, "\(answers.greetings) greetings")
        try hold(channel.consumed == input.rest.count, "Of \(input.rest.count) bytes \(channel.consumed) were consumed")
    }

    @Sendable private static func readLine(_ bytes: [UInt8]) throws {
        if let header = try? SCPHeader(bytes) {
            switch header {
            case .file(_, _, let name), .directory(_, let name):
                try hold(name.isSafeComponent, "A name that leads elsewhere")
            case .endOfDirectory, .times: break
            }
            if !bytes.contains(10) {
                try hold(
                    (try? SCPHeader(header.line.dropLast())) == header, "A line changes when it is written and read")
            }
        }
        _ = SCPCommand(String(decoding: bytes, as: UTF8.self))
        let path = RemotePath(bytes: bytes)
        let plain = path.normalised(from: "/home/ada")
        try hold(plain.isAbsolute && !plain.components.contains([46, 46]), "A path leads above the root")
        try hold(plain.normalised() == plain, "A path is not plain the first time")
        _ = path.description
    }

    /// The first byte says which end we are and with what options, the rest is what the other end sends.
    @Sendable private static func transfer(_ bytes: [UInt8]) async throws {
        var input = FuzzInput(bytes)
        let choice = input.byte()
        let options = SCPOptions(
            isRecursive: choice & 2 != 0, preserves: choice & 4 != 0, targetsDirectory: choice & 8 != 0)
        let stream = FakeSCPStream(ByteBuffer(bytes: input.rest).pieces([choice >> 4, choice >> 2, 90]))
        let files = SFTPSamples.fileSystem()
        if choice & 1 == 0 {
            let sink = SCPSink(
                stream, fileSystem: files, options: options, accepts: { choice & 0x80 == 0 || $0 == "name" })
            _ = try? await sink.receive(into: "/home/ada")
            // Through a link that was there before scp does write, within the root.
            guard !String(decoding: bytes, as: UTF8.self).contains("link") else { return }
            let other = try? files.attributes(of: "/other", followingLink: true)
            try hold(other?.size == 5, "A file beside the target was touched")
        } else {
            _ = try? await SCPSource(stream, fileSystem: files, options: options).send("/home")
        }
    }
}

private final class AnswerCount {
    var count = 0
    var greetings = 0
}

/// Takes everything.
private final class FakeByteChannel: SFTPByteChannel {
    let loop = EmbeddedEventLoop()
    var eventLoop: any EventLoop { loop }
    var isWritable: Bool { true }
    var consumed = 0

    func write(_ data: ByteBuffer) -> Bool { true }
    func consumed(_ bytes: Int) { consumed += bytes }
    func close() {}
}

/// Sends what it was given and takes everything.
private actor FakeSCPStream: SCPStream {
    private var pieces: ArraySlice<ByteBuffer>

    init(_ pieces: [ByteBuffer]) { self.pieces = pieces[...] }

    func read() async throws(SFTPError) -> ByteBuffer? { pieces.popFirst() }
    func write(_ data: ByteBuffer) async throws(SFTPError) {}
}

enum SFTPSamples {
    static let capacity = 1 << 20

    /// A home with a file and a link, and a file beside it.
    static func fileSystem() -> MemoryFileSystem {
        let files = MemoryFileSystem(home: "/home/ada", capacity: capacity)
        for path in ["/home/ada/file", "/other"] as [RemotePath] {
            let file = try? files.open(path, [.write, .create], FileAttributes(permissions: 0o644))
            try? file?.write(ByteBuffer(string: "inside"), at: 0)
            try? file?.setAttributes(FileAttributes(size: 5))
        }
        try? files.makeSymbolicLink("/home/ada/link", target: "../../other")
        return files
    }

    static func allRequests(_ handle: SFTPHandle) -> [SFTPRequest] {
        let (path, attributes): (RemotePath, _) = ("file", FileAttributes(size: 3, permissions: 0o600))
        return [
            .opendir("/"), .readdir(handle), .open(path, [.read, .write, .create], attributes),
            .write(handle, offset: 2, data: ByteBuffer(bytes: [1, 2, 3])), .read(handle, offset: 0, length: 100),
            .fstat(handle), .fsetstat(handle, attributes), .fstatvfs(handle), .fsync(handle), .lstat(path),
            .stat("link"),
            .setstat(path, attributes), .lsetstat("link", attributes), .mkdir("new", attributes), .rmdir("new"),
            .realpath("../x/."), .rename(from: path, to: "b"), .readlink("link"), .symlink(target: "a", link: "b"),
            .posixRename(from: path, to: "c"), .statvfs("/"), .hardlink(existing: path, link: "d"), .limits,
            .expandPath("~/x"), .homeDirectory(user: "ada"), .usersGroupsByID(users: [0], groups: [0]),
            .copyData(CopyRange(source: handle, sourceOffset: 0, length: 9, target: handle, targetOffset: 1 << 40)),
            .remove("file"), .close(handle), .unknownExtension("none"),
        ]
    }

    private static func packets(_ requests: [SFTPRequest]) -> [UInt8] {
        var out = ByteBuffer()
        for (number, request) in requests.enumerated() {
            request.write(id: UInt32(truncatingIfNeeded: number + 1), to: &out)
            if case .write(_, _, let data) = request { out.writeImmutableBuffer(data) }
        }
        return Array(out.readableBytesView)
    }

    /// The handle that a server gives out first is known from an answer of its.
    private static let firstHandle: SFTPHandle = {
        let runner = RequestRunner(fileSystem(), SFTPServerConfiguration())
        let replies = runner.run([PendingRequest(id: 1, request: .success(.opendir("/")), wireBytes: 0)])
        runner.finish()
        var stream = PacketStream()
        stream.append(replies)
        guard let packet = try? stream.next() else { return SFTPHandle(bytes: []) }
        var reader = SFTPReader(packet.body)
        guard (try? reader.uint32()) != nil, let handle = try? reader.handle() else { return SFTPHandle(bytes: []) }
        return handle
    }()

    static var requests: [[UInt8]] {
        let all = allRequests(firstHandle)
        return [packets(all), packets(Array(all[2...])), packets([all[0], all[1], all[1]])]
    }

    static var answers: [[UInt8]] {
        var greeting = ByteBuffer(bytes: [0])
        greeting.writePacket(.version) { buffer in
            buffer.writeInteger(SFTPLimits.version)
            buffer.writeString(of: SFTPExtension.limits.rawValue)
            buffer.writeString(of: "1")
        }
        let entry = DirectoryEntry(name: "a", longName: "-rw- a", attributes: FileAttributes(size: 1))
        let responses: [SFTPResponse] = [
            .handle(SFTPHandle(bytes: [1])), .names([entry, entry]), .data(ByteBuffer(bytes: [1])),
            .attributes(FileAttributes(size: 1, permissions: 0o644, times: .init(accessed: 1, modified: 2))),
            .status(.ok), .extended(ByteBuffer(repeating: 0, count: 88)),
        ]
        return [responses, responses.reversed()].map { responses in
            var out = greeting
            for (number, response) in responses.enumerated() {
                response.write(id: UInt32(truncatingIfNeeded: number + 1), to: &out)
            }
            return Array(out.readableBytesView)
        }
    }

    /// What a client reads out of an answer.
    static func use(_ response: SFTPResponse) {
        switch response {
        case .extended(let data):
            var readers = [SFTPReader](repeating: SFTPReader(data), count: 3)
            _ = try? ServerLimits(&readers[0])
            _ = try? VolumeStatistics(&readers[1])
            _ = try? AccountNames(&readers[2])
        case .names(let entries):
            for entry in entries {
                _ = try? RemotePath("/d").appending(entry.name)
                _ = (entry.attributes.kind, entry.attributes.safeMode, entry.name.description)
            }
        case .status(let status): _ = SFTPError.status(status, "/p").description
        case .handle, .data, .attributes: break
        }
    }

    static let lines: [[UInt8]] = [
        "C0644 12 name", "D0755 0 dir", "E", "T1 0 2 0", "scp -rp -t -- 'a b'", "scp -f \"x\\\"y\" ", "../a/./b",
    ].map { Array($0.utf8) }

    static let transfers: [[UInt8]] = [
        "\u{6}T1 0 2 0\nD0755 0 dir\nC0644 2 name\nhi\0E\n", "\u{0}C0644 3 name\nabc\0",
        "\u{7}\0\0\0\0\0\0\0\0\0\0\0\0",
        "\u{1}\u{1}no\n",
    ].map { Array($0.utf8) }
}
