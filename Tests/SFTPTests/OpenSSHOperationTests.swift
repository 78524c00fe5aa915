import Foundation
import SSH
import SSHTestSupport
import TestSupport
import Testing

@testable import SFTP

@Suite(.enabled(if: OpenSSHFiles.isInstalled, "OpenSSH's sftp-server is not installed"))
struct OpenSSHOperationTests {
    @Test("every operation of version 3 works with OpenSSH's server")
    func operations() async throws {
        let folder = try TemporaryFolder()
        let files = try await OpenSSHFiles()
        let root = RemotePath(folder.path)
        let client = files.client

        try await client.makeDirectory(root.appending("dir"), permissions: 0o750)
        #expect(try await client.attributes(of: root.appending("dir")).permissions == 0o40750)
        let path = try root.appending("dir").appending("file")
        try await client.write(Array("hello".utf8), to: path, permissions: 0o640)
        #expect(try await client.read(path) == Array("hello".utf8))
        #expect(try await client.attributes(of: path).size == 5)

        try await client.makeSymbolicLink(root.appending("link"), target: "dir/file")
        #expect(try await client.linkTarget(of: root.appending("link")) == "dir/file")
        #expect(try await client.attributes(of: root.appending("link"), followingLink: false).kind == .symbolicLink)
        #expect(try await client.attributes(of: root.appending("link")).kind == .regular)

        try await client.setAttributes(
            FileAttributes(permissions: 0o600, times: .init(accessed: 1_000_000_000, modified: 1_100_000_000)), of: path
        )
        let changed = try await client.attributes(of: path)
        #expect(changed.safeMode == 0o600)
        #expect(changed.times == .init(accessed: 1_000_000_000, modified: 1_100_000_000))

        try await client.rename(path, to: root.appending("dir").appending("other"))
        #expect(await sftpError { _ = try await client.attributes(of: path) } == .noSuchFile)
        #expect(await sftpError { try await client.removeDirectory(root.appending("dir")) } == .failure)
        try await client.remove(root.appending("dir").appending("other"))
        try await client.removeDirectory(root.appending("dir"))
        #expect(try await client.canonicalPath(of: root.joined(".//.")) == root)
        #expect(try await client.list(root).all().map(\.name) == ["link"])
        await client.close()
        #expect(await sftpError { _ = try await client.attributes(of: root) } == .closed)
    }

    @Test("OpenSSH's extensions work")
    func extensions() async throws {
        let folder = try TemporaryFolder()
        let files = try await OpenSSHFiles()
        let client = files.client
        let root = RemotePath(folder.path)
        let path = try root.appending("a")
        try await client.write(Files.noise(300_000), to: path)

        #expect(try await client.statistics(of: root).blocks > 0)
        try await client.makeHardLink(root.appending("b"), to: path)
        #expect(try Files.information(folder.file("b")).st_nlink == 2)
        try await client.write([1], to: root.appending("c"))
        #expect(await sftpError { try await client.rename(path, to: root.appending("c")) } == .failure)
        try await client.rename(path, to: root.appending("c"), replacing: true)
        #expect(try Files.read(folder.file("c")) == Files.noise(300_000))
        let file = try await client.open(root.appending("c"), [.read, .write])
        try await file.synchronise()
        #expect(try await file.statistics().blockSize > 0)
        let copy = try await client.open(root.appending("d"), [.write, .create])
        if await client.has(.copyData) {
            try await file.copy(to: copy)
            #expect(try Files.read(folder.file("d")) == Files.noise(300_000))
        }
        try await file.close()
        try await copy.close()
        try await client.makeSymbolicLink(root.appending("l"), target: "nowhere")
        try await client.setAttributes(
            FileAttributes(times: .init(accessed: 5, modified: 6)), of: root.appending("l"), followingLink: false)
        #expect(try Files.information(folder.file("l")).st_mtim.tv_sec == 6)
        #expect(try #require(try await client.limits()).read == 261_120)
        #expect(try await client.expandedPath(of: "~").description == NSHomeDirectory())
        #expect(try await client.homeDirectory().description == NSHomeDirectory())
        if await client.has(.homeDirectory) {
            #expect(try await client.homeDirectory(of: NSUserName()).description == NSHomeDirectory())
        }
    }

    @Test("a listing of 3,000 names comes whole, and one that is left early leaves nothing open")
    func listing() async throws {
        let folder = try TemporaryFolder()
        for number in 0..<3000 {
            #expect(FileManager.default.createFile(atPath: folder.file("n\(number)"), contents: nil))
        }
        let files = try await OpenSSHFiles()
        let all = try await files.client.list(RemotePath(folder.path)).all()
        #expect(Set(all.map(\.name)).count == 3000)
        for try await _ in files.client.list(RemotePath(folder.path)) { break }
        // Its handle is closed behind it: as many listings as a server could never hold open.
        for _ in 0..<40 { for try await _ in files.client.list(RemotePath(folder.path)) { break } }
        #expect(try await files.client.attributes(of: RemotePath(folder.path)).kind == .directory)
    }

    @Test("errors name the path and what to do")
    func errors() async throws {
        let files = try await OpenSSHFiles()
        let error = await #expect(throws: SFTPError.self) { _ = try await files.client.read("/no/such/file") }
        #expect(error?.code == .noSuchFile)
        #expect(error?.path == "/no/such/file")
        #expect(error?.description.contains("No such file") == true)
        #expect(error?.hint.isEmpty == false)
    }

    @Test("a host without SFTP says so")
    func refused() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        #expect(await sftpError { _ = try await connection.sftp() } == .subsystemRefused)
    }

    @Test("start files that print text are named as the cause")
    func strayOutput() async throws {
        let server = try await OpenSSHServer(["Subsystem sftp /bin/echo Welcome, this is no SFTP"])
        let connection = try await server.connect()
        let error = await #expect(throws: SFTPError.self) { _ = try await connection.sftp() }
        #expect(error?.code == .protocolError)
        #expect(error?.description.contains("Welcome") == true)
    }

    @Test("the end of the connection ends what waits")
    func lost() async throws {
        let folder = try TemporaryFolder()
        let files = try await OpenSSHFiles()
        let file = try await files.client.open(RemotePath(folder.file("x")), [.write, .create])
        files.connection.beginClosing()
        #expect(await sftpError { try await file.write(Files.noise(1 << 20), at: 0) } == .connectionLost)
    }
}
