import Foundation
import NIOConcurrencyHelpers
import NIOCore
import TestSupport
import Testing

@testable import SFTP

@Suite struct ServerTests {
    /// Both file systems, and the disk also without the kernel's help.
    enum Kind: CaseIterable { case memory, disk, diskByComponents }

    static func make(_ kind: Kind, _ folder: TemporaryFolder) throws -> any SFTPFileSystem {
        switch kind {
        case .memory: MemoryFileSystem()
        case .disk: try RootedFileSystem(root: folder.path)
        case .diskByComponents: try RootedFileSystem(root: folder.path, kernelResolves: false)
        }
    }

    @Test("our client and our server do every operation together", arguments: Kind.allCases)
    func operations(kind: Kind) async throws {
        let folder = try TemporaryFolder()
        let client = try await Pair(try Self.make(kind, folder)).client
        try await client.makeDirectory("/dir", permissions: 0o777)
        // The mask, as any server has one.
        #expect(try await client.attributes(of: "/dir").safeMode == (kind == .memory ? 0o777 : 0o755))
        try await client.write(Files.noise(700_000), to: "/dir/file", permissions: 0o6755)
        #expect(try await client.attributes(of: "/dir/file").permissions == 0o100755)
        #expect(try await client.read("/dir/file") == Files.noise(700_000))
        #expect(try await client.list("/dir").all().map(\.name) == ["file"])
        try await client.makeSymbolicLink("/link", target: "dir/../dir/file")
        #expect(try await client.read("/link").count == 700_000)
        #expect(try await client.linkTarget(of: "/link") == "dir/../dir/file")
        try await client.makeHardLink("/hard", to: "/dir/file")
        #expect(await sftpError { try await client.rename("/hard", to: "/link") } == .failure)
        try await client.rename("/hard", to: "/soft", replacing: true)
        try await client.setAttributes(
            FileAttributes(size: 10, permissions: 0o4600, times: .init(accessed: 3, modified: 4)), of: "/soft")
        let changed = try await client.attributes(of: "/soft")
        #expect(changed.size == 10)
        #expect(changed.permissions == 0o100600)
        #expect(changed.times == .init(accessed: 3, modified: 4))
        try await client.setAttributes(
            FileAttributes(times: .init(accessed: 5, modified: 6)), of: "/link", followingLink: false)
        #expect(try await client.attributes(of: "/link", followingLink: false).times?.modified == 6)
        let (from, to) = (try await client.open("/soft"), try await client.open("/copy", [.write, .create]))
        try await from.copy(from: 2, length: 5, to: to, at: 1)
        #expect(try await client.read("/copy") == [0] + Files.noise(700_000)[2..<7])
        try await to.synchronise()
        #expect(try await to.statistics().blocks > 0)
        #expect(try await client.statistics(of: "/").maximumName == 255)
        #expect(try await client.limits()?.handles == 256)
        #expect(try await client.expandedPath(of: "~/x/../y") == "/y")
        #expect(try await client.accountNames(users: [0], groups: [0]).users == [kind == .memory ? nil : "root"])
        #expect(await sftpError { try await client.removeDirectory("/dir") } == .failure)
        try await client.remove("/dir/file")
        try await client.removeDirectory("/dir")
        let names = try await client.list("/").all().map(\.name.description).sorted()
        #expect(names == ["copy", "link", "soft"])
    }

    @Test("a tree goes through our client and our server, in both directions")
    func tree() async throws {
        let folder = try TemporaryFolder()
        try await TransferTests.makeTree(folder.file("here"), files: 300)
        try Files.makeDirectory(folder.file("root"))
        let client = try await Pair(try RootedFileSystem(root: folder.file("root"))).client
        try await client.upload(folder.file("here"), to: "/there")
        #expect(await Files.areSame(folder.file("here"), folder.file("root/there")))
        try await client.download("/there", to: folder.file("back"))
        #expect(await Files.areSame(folder.file("here"), folder.file("back")))
        try await ChildProcess.tool("/bin/chmod", ["-R", "u+w", folder.path])
    }

    @Test("answers come in the order of the questions, whatever they ask")
    func order() async throws {
        let folder = try TemporaryFolder()
        try Files.write(Files.noise(1 << 20), to: folder.file("a"))
        let raw = try await RawClient(try RootedFileSystem(root: folder.path))
        try await raw.greet()
        let handle = try #require(try await raw.ask(.open("/a", .read, .init())).handle)
        for id in 0..<200 as Range<UInt32> {
            raw.send(id % 3 == 0 ? .stat("/a") : .read(handle, offset: UInt64(id) * 100, length: 30_000), id: id)
        }
        for id in 0..<200 as Range<UInt32> { #expect(try await raw.answer().id == id) }
    }

    @Test("requests with one number are both answered")
    func duplicateNumbers() async throws {
        let raw = try await RawClient(MemoryFileSystem())
        try await raw.greet()
        raw.send(.stat("/"), id: 5)
        raw.send(.stat("/no"), id: 5)
        #expect(try await raw.answer().response.code == nil)
        #expect(try await raw.answer().response.code == .noSuchFile)
    }

    @Test("a handle that was closed, and one that never was, are refused")
    func handles() async throws {
        let raw = try await RawClient(MemoryFileSystem())
        try await raw.greet()
        let handle = try #require(try await raw.ask(.open("/a", [.write, .create], .init())).handle)
        #expect(try await raw.ask(.close(handle)).code == .ok)
        let next = try #require(try await raw.ask(.open("/b", [.write, .create], .init())).handle)
        #expect(next != handle)
        for bad in [
            handle, SFTPHandle(bytes: []), SFTPHandle(bytes: [0]), SFTPHandle(bytes: Array(repeating: 255, count: 8)),
        ] {
            #expect(try await raw.ask(.close(bad)).code == .failure)
            #expect(try await raw.ask(.write(bad, offset: 0, data: ByteBuffer(string: "x"))).code == .failure)
            #expect(try await raw.ask(.readdir(bad)).code == .failure)
            #expect(try await raw.ask(.fstat(bad)).code == .failure)
        }
        #expect(try await raw.ask(.read(next, offset: 0, length: 1)).code == .permissionDenied)
    }

    @Test("no more than 256 handles are given, and closing one makes room")
    func handleLimit() async throws {
        let raw = try await RawClient(MemoryFileSystem())
        try await raw.greet()
        var last: SFTPHandle?
        for _ in 0..<256 { last = try await raw.ask(.opendir("/")).handle }
        #expect(try await raw.ask(.opendir("/")).code == .failure)
        #expect(try await raw.ask(.close(try #require(last))).code == .ok)
        #expect(try await raw.ask(.opendir("/")).handle != nil)
    }

    @Test("extreme offsets and lengths bring a status and nothing else", arguments: ServerTests.Kind.allCases)
    func extremes(kind: Kind) async throws {
        let folder = try TemporaryFolder()
        let raw = try await RawClient(try Self.make(kind, folder))
        try await raw.greet()
        let handle = try #require(try await raw.ask(.open("/a", [.read, .write, .create], .init())).handle)
        _ = try await raw.ask(.write(handle, offset: 0, data: ByteBuffer(bytes: Files.noise(200_000))))
        _ = try await raw.ask(.write(handle, offset: 200_000, data: ByteBuffer(bytes: Files.noise(200_000))))
        guard case .data(let data) = try await raw.ask(.read(handle, offset: 0, length: .max)) else {
            Issue.record("a read of 4 GiB brings as much as one answer holds")
            return
        }
        #expect(data.readableBytes == SFTPLimits.maximumData)
        #expect(try await raw.ask(.read(handle, offset: .max, length: .max)).code == .endOfFile)
        #expect(try await raw.ask(.read(handle, offset: UInt64(Int64.max), length: 10)).code == .endOfFile)
        for offset in [UInt64.max, UInt64(Int64.max), UInt64(Int64.max) - 1] {
            #expect(
                try await raw.ask(.write(handle, offset: offset, data: ByteBuffer(string: "abc"))).code == .failure)
        }
        #expect(try await raw.ask(.fsetstat(handle, FileAttributes(size: .max))).code == .failure)
        guard case .data(let none) = try await raw.ask(.read(handle, offset: 0, length: 0)) else {
            Issue.record("nothing asked for is nothing read")
            return
        }
        #expect(none.readableBytes == 0)
    }

    @Test("a file is not copied onto itself, by whatever name", arguments: ServerTests.Kind.allCases)
    func copyOntoItself(kind: Kind) async throws {
        let folder = try TemporaryFolder()
        let client = try await Pair(try Self.make(kind, folder)).client
        try await client.write([1, 2, 3], to: "/a")
        try await client.makeHardLink("/b", to: "/a")
        let file = try await client.open("/a", [.read, .write])
        let other = try await client.open("/b", [.read, .write])
        #expect(await sftpError { try await file.copy(to: file) } == .failure)
        #expect(await sftpError { try await file.copy(to: other, at: 3) } == .failure)
        #expect(try await client.attributes(of: "/a").size == 3)
    }

    @Test("a read-only server changes nothing and does not offer to")
    func readOnly() async throws {
        let files = MemoryFileSystem()
        try await Pair(files).client.write([1], to: "/a")
        var configuration = SFTPServerConfiguration()
        configuration.isReadOnly = true
        let client = try await Pair(files, configuration).client
        #expect(try await client.read("/a") == [1])
        #expect(await client.has(.posixRename) == false)
        #expect(await client.has(.limits))
        let attempts: [SFTPRequest] = [
            .open("/a", [.write], .init()), .open("/n", [.read, .write, .create], .init()),
            .open("/a", [.read, .truncate], .init()), .setstat("/a", .init(size: 0)), .remove("/a"),
            .mkdir("/d", .init()),
            .rmdir("/"), .rename(from: "/a", to: "/b"), .symlink(target: "a", link: "/l"),
            .posixRename(from: "/a", to: "/b"), .hardlink(existing: "/a", link: "/b"), .lsetstat("/a", .init()),
        ]
        for attempt in attempts {
            #expect(await sftpError { _ = try await client.request(attempt, "/a") } == .permissionDenied)
        }
        #expect(try await client.read("/a") == [1])
    }

    @Test("policy decides on each operation, and the audit log has it with its outcome")
    func policy() async throws {
        let told = NIOLockedValueBox<[String]>([])
        var configuration = SFTPServerConfiguration()
        configuration.permits = { $0.path != "/secret" }
        configuration.authorize = { operation in
            await Task.yield()
            return operation.otherPath != "/secret" && operation.kind != .makeDirectory
        }
        configuration.audit = { operation, outcome in
            told.withLockedValue { $0.append("\(operation.kind) \(operation.path) \(outcome)") }
        }
        let client = try await Pair(MemoryFileSystem(), configuration).client
        try await client.write([1, 2], to: "/x/../a")
        #expect(await sftpError { try await client.write([1], to: "/./secret") } == .permissionDenied)
        #expect(await sftpError { try await client.rename("/a", to: "/secret") } == .permissionDenied)
        #expect(await sftpError { try await client.makeDirectory("/d") } == .permissionDenied)
        #expect(
            told.withLockedValue { $0 } == [
                "open(reads: false, writes: true) /a ok", "close(bytesRead: 0, bytesWritten: 2) /a ok",
                "open(reads: false, writes: true) /secret permissionDenied", "rename /a permissionDenied",
                "makeDirectory /d permissionDenied",
            ])
    }

    @Test("what is no INIT, comes twice, or is too long ends the session")
    func session() async throws {
        for bytes: [UInt8] in [
            [0, 0, 0, 5, 17, 0, 0, 0, 3], [0xFF, 0xFF, 0xFF, 0xFF, 1], [0, 0, 0, 0], [0, 0, 0, 1, 1],
            [0, 0, 0, 5, 1, 0, 0, 0, 2],
        ] {
            let raw = try await RawClient(MemoryFileSystem())
            raw.send(bytes)
            #expect(try await eventually { raw.isClosed })
        }
        let raw = try await RawClient(MemoryFileSystem())
        try await raw.greet()
        raw.send([0, 0, 0, 5, 1, 0, 0, 0, 3])
        #expect(try await eventually { raw.isClosed })
    }

    @Test(
        "every truncation of each request gets an answer or ends the session; the server lives",
        arguments: MessageTests.requests)
    func truncations(request: SFTPRequest) async throws {
        let raw = try await RawClient(MemoryFileSystem())
        try await raw.greet()
        let whole = Array(MessageTests.encode(request).readableBytesView)
        for length in 9..<whole.count {
            raw.send(withUnsafeBytes(of: UInt32(length - 4).bigEndian) { Array($0) } + whole[4..<length])
            let answer = try await raw.answer()
            #expect(answer.id == 77)
            #expect(answer.response.code != nil && answer.response.code != .ok)
        }
        #expect(try await raw.ask(.stat("/")).code == nil)
    }

    @Test("a server survives random packets")
    func garbage() async throws {
        var random = SeededNumbers(seed: 99)
        let raw = try await RawClient(MemoryFileSystem(capacity: 1 << 20))
        try await raw.greet()
        for round in 0..<3000 {
            var body = (0..<Int(random.next() % 50)).map { _ in UInt8(random.next() % 5) }
            let type = UInt8(random.next() % 24)
            if type == 1 { continue }
            body = [0, 0, UInt8(round >> 8), UInt8(round & 255)] + body
            raw.send([0, 0, 0, UInt8(body.count + 1), type] + body)
            _ = try await raw.packet()
        }
        #expect(try await raw.ask(.stat("/")).code == nil)
    }
}
