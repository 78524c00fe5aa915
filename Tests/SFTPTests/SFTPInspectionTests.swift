import Crypto
import NIOCore
import Testing

@testable import SFTP

@Suite("SFTP that passes through")
struct SFTPInspectionTests {
    /// A client and a host about one inspection, by whole requests and answers.
    private struct Passing {
        var inspection: SFTPInspection
        var toHost = ByteBuffer()
        var toClient = ByteBuffer()
        var events: [SFTPInspectionEvent] = []

        init(mayRead: Bool = true, mayWrite: Bool = true) {
            inspection = SFTPInspection(mayRead: mayRead, mayWrite: mayWrite)
        }

        mutating func ask(_ request: SFTPRequest, id: UInt32, pieces: Int = .max) throws {
            var buffer = ByteBuffer()
            request.write(id: id, to: &buffer)
            if case .write(_, _, let data) = request { buffer.writeImmutableBuffer(data) }
            while let piece = buffer.readSlice(length: min(pieces, buffer.readableBytes)), piece.readableBytes > 0 {
                take(try inspection.fromClient(piece))
            }
        }

        mutating func answer(_ response: SFTPResponse, id: UInt32, pieces: Int = .max) throws {
            var buffer = ByteBuffer()
            response.write(id: id, to: &buffer)
            while let piece = buffer.readSlice(length: min(pieces, buffer.readableBytes)), piece.readableBytes > 0 {
                take(try inspection.fromHost(piece))
            }
        }

        private mutating func take(_ passage: SFTPInspection.Passage) {
            for bytes in passage.toHost { toHost.writeImmutableBuffer(bytes) }
            for bytes in passage.toClient { toClient.writeImmutableBuffer(bytes) }
            events += passage.events
        }

        mutating func open(_ path: String, _ flags: OpenFlags, id: UInt32, handle: UInt8) throws {
            try ask(.open(RemotePath(path), flags, FileAttributes()), id: id)
            try answer(.handle(SFTPHandle(bytes: [handle])), id: id)
        }

        /// The types and numbers of the packets that one side got.
        static func packets(_ stream: ByteBuffer) throws -> [(type: UInt8, id: UInt32, body: ByteBuffer)] {
            var packets = PacketStream()
            packets.append(stream)
            var found: [(UInt8, UInt32, ByteBuffer)] = []
            while let (type, packet) = try packets.next() {
                var body = packet
                found.append((type, body.readInteger(as: UInt32.self) ?? 0, body))
            }
            return found
        }
    }

    private let file = SFTPHandle(bytes: [1])

    @Test(
        "an upload passes unchanged in pieces of any size, and is told with its size and SHA-256",
        arguments: [Int.max, 1, 7, 4096])
    func upload(pieces: Int) throws {
        var passing = Passing()
        try passing.open("/tmp/x", [.write, .create, .truncate], id: 1, handle: 1)
        let contents = [UInt8]((0..<70_000).map { UInt8(truncatingIfNeeded: $0) })
        for (number, start) in stride(from: 0, to: contents.count, by: 32_768).enumerated() {
            let part = ByteBuffer(bytes: contents[start..<min(start + 32_768, contents.count)])
            try passing.ask(.write(file, offset: UInt64(start), data: part), id: UInt32(10 + number), pieces: pieces)
        }
        for number in 0..<3 { try passing.answer(.status(.ok), id: UInt32(10 + number)) }
        try passing.ask(.close(file), id: 20)
        try passing.answer(.status(.ok), id: 20)

        let received = try Passing.packets(passing.toHost)
        #expect(received.map(\.type) == [3, 6, 6, 6, 4])
        #expect(received.filter { $0.type == 6 }.reduce(0) { $0 + $1.body.readableBytes - 17 } == contents.count)
        let event = try #require(passing.events.last)
        #expect(event.operation == .upload && event.outcome == .done && event.path == RemotePath("/tmp/x"))
        #expect(event.bytes == 70_000 && event.sha256 == Array(SHA256.hash(data: contents)))
    }

    @Test("a download is told with what the host really sent", arguments: [Int.max, 3])
    func download(pieces: Int) throws {
        var passing = Passing(mayWrite: false)
        try passing.open("notes", .read, id: 1, handle: 1)
        try passing.ask(.read(file, offset: 0, length: 100), id: 2)
        try passing.ask(.read(file, offset: 5, length: 100), id: 3)
        try passing.answer(.data(ByteBuffer(string: "hello")), id: 2, pieces: pieces)
        try passing.answer(.data(ByteBuffer(string: " world")), id: 3, pieces: pieces)
        try passing.ask(.close(file), id: 4)
        try passing.answer(.status(.ok), id: 4)
        let event = try #require(passing.events.last)
        #expect(event.operation == .download && event.bytes == 11)
        #expect(event.sha256 == Array(SHA256.hash(data: Array("hello world".utf8))))
        #expect(try Passing.packets(passing.toClient).map(\.type) == [102, 103, 103, 101])
    }

    @Test(
        "whoever may only read changes nothing: the host never hears of it",
        arguments: [
            SFTPRequest.open(RemotePath("x"), [.write], FileAttributes()),
            .open(RemotePath("x"), [.read, .create], FileAttributes()),
            .open(RemotePath("x"), [.append], FileAttributes()), .open(RemotePath("x"), [.truncate], FileAttributes()),
            .remove(RemotePath("x")), .rmdir(RemotePath("x")), .mkdir(RemotePath("x"), FileAttributes()),
            .rename(from: RemotePath("x"), to: RemotePath("y")),
            .posixRename(from: RemotePath("x"), to: RemotePath("y")),
            .symlink(target: RemotePath("x"), link: RemotePath("y")),
            .hardlink(existing: RemotePath("x"), link: RemotePath("y")),
            .setstat(RemotePath("x"), FileAttributes(permissions: 0o777)),
            .lsetstat(RemotePath("x"), FileAttributes()),
        ])
    func readOnly(request: SFTPRequest) throws {
        var passing = Passing(mayWrite: false)
        try passing.ask(request, id: 9)
        #expect(passing.toHost.readableBytes == 0)
        let answers = try Passing.packets(passing.toClient)
        #expect(answers.map(\.type) == [101] && answers.map(\.id) == [9])
        #expect(answers.first?.body.getInteger(at: answers[0].body.readerIndex, as: UInt32.self) == 3)
        #expect(passing.events.map(\.outcome) == [.refused])
    }

    @Test("whoever may only write reads and lists nothing")
    func writeOnly() throws {
        var passing = Passing(mayRead: false)
        try passing.ask(.open(RemotePath("x"), .read, FileAttributes()), id: 1)
        try passing.ask(.opendir(RemotePath("/")), id: 2)
        #expect(passing.toHost.readableBytes == 0 && passing.events.map(\.outcome) == [.refused, .refused])
        try passing.ask(.stat(RemotePath("x")), id: 3)
        #expect(passing.toHost.readableBytes > 0)
    }

    @Test("a file that is open when the right to write goes takes nothing more")
    func revoked() throws {
        var passing = Passing()
        try passing.open("/tmp/x", [.write], id: 1, handle: 1)
        try passing.ask(.write(file, offset: 0, data: ByteBuffer(string: "one")), id: 2)
        let before = passing.toHost.readableBytes
        passing.inspection.mayWrite = false
        try passing.ask(.write(file, offset: 3, data: ByteBuffer(repeating: 7, count: 50_000)), id: 3, pieces: 100)
        #expect(passing.toHost.readableBytes == before)
        try passing.ask(.close(file), id: 4)
        #expect(passing.toHost.readableBytes > before)
    }

    @Test("an answer of ours never stands within a packet of the host's")
    func boundaries() throws {
        var passing = Passing(mayWrite: false)
        try passing.open("notes", .read, id: 1, handle: 1)
        try passing.ask(.read(file, offset: 0, length: 1000), id: 2)
        var data = ByteBuffer()
        SFTPResponse.data(ByteBuffer(repeating: 65, count: 1000)).write(id: 2, to: &data)
        let beginning = data.readSlice(length: 500)
        let first = try #require(beginning)
        for bytes in try passing.inspection.fromHost(first).toClient { passing.toClient.writeImmutableBuffer(bytes) }
        try passing.ask(.remove(RemotePath("x")), id: 3)
        for bytes in try passing.inspection.fromHost(data).toClient { passing.toClient.writeImmutableBuffer(bytes) }
        #expect(try Passing.packets(passing.toClient).map(\.id) == [1, 2, 3])
    }

    @Test("a handle that the host never gave is good for nothing")
    func unknownHandle() throws {
        var passing = Passing()
        try passing.ask(.write(SFTPHandle(bytes: [9]), offset: 0, data: ByteBuffer(string: "x")), id: 1)
        try passing.ask(.read(SFTPHandle(bytes: [9]), offset: 0, length: 1), id: 2)
        try passing.ask(.close(SFTPHandle(bytes: [9])), id: 3)
        #expect(passing.toHost.readableBytes == 0)
        #expect(try Passing.packets(passing.toClient).map(\.id) == [1, 2, 3])
    }

    @Test("a number that is used twice ends it: nobody could tell whose answer it is")
    func reusedNumber() throws {
        var passing = Passing()
        try passing.ask(.open(RemotePath("a"), .read, FileAttributes()), id: 1)
        #expect(throws: SFTPStatus.self) { try passing.ask(.open(RemotePath("b"), .read, FileAttributes()), id: 1) }
    }

    @Test("an extension that nobody knows is not passed on")
    func unknownExtension() throws {
        var passing = Passing()
        var buffer = ByteBuffer()
        buffer.writePacket(.extended) { body in
            body.writeInteger(UInt32(5))
            body.writeString(of: "run-anything@example.org")
        }
        let passage = try passing.inspection.fromClient(buffer)
        #expect(passage.toHost.isEmpty && passage.toClient.count == 1)
    }

    @Test(
        "what is no SFTP ends it",
        arguments: [
            [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF, 3], [0, 0, 0, 5, 101, 0, 0, 0, 1],
            // A WRITE with bytes behind its contents.
            [0, 0, 0, 24, 6, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9],
        ] as [[UInt8]])
    func malformed(bytes: [UInt8]) {
        var inspection = SFTPInspection(mayRead: true, mayWrite: true)
        #expect(throws: SFTPStatus.self) { try inspection.fromClient(ByteBuffer(bytes: bytes)) }
    }

    @Test("a client that goes on in spite of a thousand refusals is put out")
    func stubborn() {
        var passing = Passing(mayWrite: false)
        #expect(throws: SFTPStatus.self) {
            for id in 1...2000 { try passing.ask(.remove(RemotePath("x")), id: UInt32(id)) }
        }
        #expect(passing.toHost.readableBytes == 0)
    }

    @Test("a file that nobody closed is told at the end, as cut")
    func cut() throws {
        var passing = Passing()
        try passing.open("/tmp/x", [.write, .create], id: 1, handle: 1)
        try passing.ask(.write(file, offset: 0, data: ByteBuffer(string: "half")), id: 2)
        let events = passing.inspection.end()
        #expect(events.map(\.outcome) == [.cut] && events.map(\.bytes) == [4])
    }

    @Test("changes are told with how the host answered")
    func changes() throws {
        var passing = Passing()
        try passing.ask(.rename(from: RemotePath("a"), to: RemotePath("b")), id: 1)
        try passing.answer(.status(.ok), id: 1)
        try passing.ask(.remove(RemotePath("c")), id: 2)
        try passing.answer(.status(.noSuchFile), id: 2)
        #expect(passing.events.map(\.operation) == [.rename, .delete])
        #expect(passing.events.map(\.outcome) == [.done, .failed(.noSuchFile)])
        #expect(passing.events.first?.target == RemotePath("b"))
    }
}
