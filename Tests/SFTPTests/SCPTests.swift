import Foundation
import NIOConcurrencyHelpers
import NIOCore
import SSH
import SSHTestSupport
import TestSupport
import Testing

@testable import SFTP

@Suite struct SCPTests {
    @Test(
        "files and trees go to and from a host's own scp",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/scp")))
    func openSSH() async throws {
        let folder = try TemporaryFolder()
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        try Files.write(Files.noise(3_000_001), to: folder.file("it's a file"))
        try await ChildProcess.tool("/usr/bin/touch", ["-d", "@1000000000", folder.file("it's a file")])
        let preserving = SCPOptions(preserves: true)
        let up = try await connection.scpUpload(
            folder.file("it's a file"), to: RemotePath(folder.file("up $(x)")), options: preserving)
        #expect(up.bytes == 3_000_001)
        #expect(try Files.read(folder.file("up $(x)")) == Files.noise(3_000_001))
        let down = try await connection.scpDownload(
            RemotePath(folder.file("up $(x)")), to: folder.file("down"), options: preserving)
        #expect(down.files == 1)
        #expect(try Files.read(folder.file("down")) == Files.noise(3_000_001))
        #expect(try Files.information(folder.file("down")).st_mtim.tv_sec == 1_000_000_000)

        try Files.makeDirectory(folder.file("tree/a/b"))
        for number in 0..<50 { try Files.write(Files.noise(number * 100), to: folder.file("tree/a/f\(number)")) }
        let options = SCPOptions(isRecursive: true, preserves: true)
        try await connection.scpUpload(folder.file("tree"), to: RemotePath(folder.file("there")), options: options)
        #expect(await Files.areSame(folder.file("tree"), folder.file("there")))
        try Files.makeDirectory(folder.file("back"))
        try await connection.scpDownload(RemotePath(folder.file("there")), to: folder.file("back"), options: options)
        #expect(await Files.areSame(folder.file("tree"), folder.file("back/there")))

        #expect(
            await sftpError {
                try await connection.scpDownload(RemotePath(folder.file("none")), to: folder.file("x"))
            } == .failure)
    }

    @Test("our source and our sink understand each other")
    func ownEnds() async throws {
        let (from, to) = (MemoryFileSystem(), MemoryFileSystem())
        let writer = try await Pair(from).client
        try await writer.makeDirectory("/t")
        try await writer.makeDirectory("/t/inner")
        try await writer.write(Files.noise(600_000), to: "/t/inner/f")
        try await writer.write([], to: "/t/empty")
        let (near, far) = QueueStream.pair()
        let options = SCPOptions(isRecursive: true, preserves: true)
        async let sent = SCPSource(near, fileSystem: from, options: options).send("/t")
        let command = try #require(SCPCommand("scp -r -p -t -- '/'"))
        let received = Task { try await command.run(far, fileSystem: to) }
        #expect(try await sent.files == 2)
        near.end()
        #expect(try await received.value.directories == 2)
        let reader = try await Pair(to).client
        #expect(try await reader.read("/t/inner/f") == Files.noise(600_000))
        #expect(try await reader.attributes(of: "/t/empty").size == 0)
    }

    @Test(
        "what a source makes up is refused, and nothing is written",
        arguments: [
            "C0644 4 ../evil\nabcd\0", "C0644 4 /evil\nabcd\0", "C0644 4 other\nabcd\0", "C0644 4 \nabcd\0",
            "C0644 4 ..\nabcd\0", "D0755 0 file\nC0644 1 x\na\0E\n", "E\n", "C0644 99999999999999999999 file\n",
            "C644 4 file\n", "C0644 -4 file\n", "X\n", "T1 0\n", "\u{1}no such file\n", "\u{2}fatal\n", "C0644 4 file",
            "C0644 4 file\nab", "T1 0 2 0 3 0\nC0644 1 file\na\0",
        ])
    func hostileSource(lines: String) async throws {
        let files = MemoryFileSystem()
        let (near, far) = QueueStream.pair()
        try await near.write(ByteBuffer(string: lines))
        near.end()
        let sink = SCPSink(far, fileSystem: files, accepts: { $0 == "file" })
        #expect(await sftpError { try await sink.receive(into: "/") } != nil)
        let names = try await Pair(files).client.list("/").all().map(\.name)
        #expect(names.allSatisfy { $0 == "file" })
    }

    @Test("only one file comes where one was asked for, and only under the asked name")
    func secondFile() async throws {
        let files = MemoryFileSystem()
        let (near, far) = QueueStream.pair()
        try await near.write(ByteBuffer(string: "C0644 1 file\na\0C0644 1 file\nb\0"))
        near.end()
        let sink = SCPSink(far, fileSystem: files, accepts: { $0 == "file" })
        #expect(await sftpError { try await sink.receive(into: "/mine") } == .protocolError)
        #expect(try await Pair(files).client.read("/mine") == Array("a".utf8))
    }

    @Test("a sink stays in its root though links lead out of it")
    func rooted() async throws {
        let folder = try TemporaryFolder()
        try Files.makeDirectory(folder.file("root"))
        try Files.makeDirectory(folder.file("outside"))
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("root/d"), withDestinationPath: folder.file("outside"))
        let (near, far) = QueueStream.pair()
        try await near.write(ByteBuffer(string: "D0755 0 d\nC0644 1 evil\na\0E\n"))
        near.end()
        let sink = SCPSink(
            far, fileSystem: try RootedFileSystem(root: folder.file("root")), options: SCPOptions(isRecursive: true))
        #expect(await sftpError { try await sink.receive(into: "/") } != nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("outside")).isEmpty)
    }

    @Test("policy is asked for scp as for SFTP")
    func policy() async throws {
        var configuration = SFTPServerConfiguration()
        configuration.isReadOnly = true
        let (near, far) = QueueStream.pair()
        try await near.write(ByteBuffer(string: "C0644 1 f\na\0"))
        near.end()
        let files = MemoryFileSystem()
        let sink = SCPSink(far, fileSystem: files, configuration: configuration)
        #expect(await sftpError { try await sink.receive(into: "/") } == .permissionDenied)
        #expect(try await Pair(files).client.list("/").all().isEmpty)
    }

    @Test(
        "only plain scp commands are taken for such",
        arguments: [
            ("scp -t /tmp", true), ("scp -r -p -f -- 'a b'", true), ("scp -rpdt .", true), ("scp -v -f \"x\"", true),
            ("scp", false), ("scp -t", false), ("scp -t a b", false), ("scp -t -f a", false), ("scp -S x -t a", false),
            ("scp -t a; rm -rf /", false), ("scp -t $(id)", false), ("scp -t 'a", false), ("ls", false),
            ("scp a b", false), ("/usr/bin/scp -t a", false), ("scp -t a | b", false), ("scp -t `id`", false),
        ])
    func commands(line: String, isOne: Bool) {
        #expect((SCPCommand(line) != nil) == isOne)
    }

    @Test("a quoted path is the path that was meant")
    func quoting() {
        let path: RemotePath = "it's a \"path\" \\ $(x)"
        #expect(SCPCommand(SCPCommand.line("f", .init(isRecursive: true), path))?.path == path)
    }
}

/// Two ends of a stream in memory.
final class QueueStream: SCPStream {
    private let incoming: AsyncStream<ByteBuffer>
    private let outgoing: AsyncStream<ByteBuffer>.Continuation

    private init(_ incoming: AsyncStream<ByteBuffer>, _ outgoing: AsyncStream<ByteBuffer>.Continuation) {
        self.incoming = incoming
        self.outgoing = outgoing
    }

    static func pair() -> (QueueStream, QueueStream) {
        let (there, sendThere) = AsyncStream<ByteBuffer>.makeStream()
        let (back, sendBack) = AsyncStream<ByteBuffer>.makeStream()
        return (QueueStream(back, sendThere), QueueStream(there, sendBack))
    }

    func read() async throws(SFTPError) -> ByteBuffer? {
        for await data in incoming where data.readableBytes > 0 { return data }
        return nil
    }

    func write(_ data: ByteBuffer) async throws(SFTPError) { outgoing.yield(data) }

    func end() { outgoing.finish() }
}
