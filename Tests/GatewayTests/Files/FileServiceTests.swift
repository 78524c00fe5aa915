import Foundation
import NIOConcurrencyHelpers
import NIOCore
import Policy
import SFTP
import TestSupport
import Testing

@testable import Gateway

@Suite("Files of a session's host", .timeLimit(.minutes(2)))
struct FileServiceTests {
    @Test("a file is written, listed, read in parts, renamed, and removed")
    func life() async throws {
        try await FileBench.run(MemoryFileSystem()) { bench in
            try await bench.write("hello world", to: "/a.txt")
            _ = try await bench.files.makeFolder("/z", in: bench.access)
            #expect(try await bench.names("/") == ["z", "a.txt"])
            #expect(try await bench.contents("/a.txt") == "hello world")
            let part = try await bench.files.readAll(
                "/a.txt", range: .between(6, 100), limit: 100, in: bench.access)
            #expect(String(buffer: part.contents) == "world")
            let renamed = try await bench.files.rename("/a.txt", to: "/z/b.txt", in: bench.access)
            #expect(renamed.path == "/z/b.txt" && renamed.size == 11)
            #expect(try await bench.files.remove("/z", recursive: true, in: bench.access) == 2)
            #expect(try await bench.names("/") == [])
        }
    }

    @Test("what was done is in the audit log with path, size and hash")
    func audit() async throws {
        try await FileBench.run(MemoryFileSystem()) { bench in
            try await bench.write("abc", to: "/a")
            _ = try await bench.contents("/a")
            let audited = try await bench.audited()
            #expect(
                audited.map(\.action) == [
                    "file.upload_begin", "file.upload", "file.download_begin", "file.download",
                ])
            let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            for event in [audited[1], audited[3]] {
                #expect(event.details["path"] == "/a" && event.details["size"] == "3" && event.details["sha256"] == abc)
            }
        }
    }

    @Test("an upload that breaks off goes on at its offset, and the hash is of the whole")
    func resume() async throws {
        try await FileBench.run(MemoryFileSystem()) { bench in
            let options = FileWrite(size: 8, upload: "upload-0001")
            let first = try await bench.files.write(ByteBuffer(string: "abcd"), to: "/f", options, in: bench.access)
            guard case .partial(offset: 4) = first else { throw GatewayError.notFound("partial") }
            #expect(await bench.code { try await bench.contents("/f") } == "no_such_file")
            #expect(try await bench.files.uploadOffset("upload-0001", of: "/f", in: bench.access) == 4)
            var again = options
            again.offset = 6
            let early = again
            #expect(
                await bench.code {
                    try await bench.files.write(ByteBuffer(string: "gh"), to: "/f", early, in: bench.access)
                } == "upload_offset")
            again.offset = 4
            let second = try await bench.files.write(ByteBuffer(string: "efgh"), to: "/f", again, in: bench.access)
            guard case .complete(_, let receipt) = second else { throw GatewayError.notFound("file") }
            #expect(receipt.size == 8)
            #expect(receipt.sha256 == "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab")
            #expect(try await bench.contents("/f") == "abcdefgh")
            #expect(try await bench.names("/") == ["f"])
        }
    }

    @Test("a stream that ends too early, is too long or has another hash leaves the old file as it was")
    func failedWrites() async throws {
        try await FileBench.run(MemoryFileSystem()) { bench in
            try await bench.write("old", to: "/f")
            for (options, code) in [
                (FileWrite(size: 9), "incomplete"), (FileWrite(size: 2), "too_long"),
                (FileWrite(sha256: String(repeating: "0", count: 64)), "checksum_mismatch"),
                (FileWrite(precondition: .absent), "file_exists"),
                (FileWrite(precondition: .version("1-3")), "file_changed"),
                (FileWrite(upload: "../../etc"), "invalid"),
            ] {
                #expect(
                    await bench.code {
                        try await bench.files.write(ByteBuffer(string: "new"), to: "/f", options, in: bench.access)
                    } == code)
            }
            #expect(try await bench.contents("/f") == "old")
            #expect(try await bench.names("/") == ["f"])
        }
    }

    @Test("a text is saved only over the version that was edited")
    func edit() async throws {
        try await FileBench.run(MemoryFileSystem()) { bench in
            try await bench.write("one\n", to: "/f")
            let text = try await bench.files.text("/f", in: bench.access)
            #expect(text.text == "one\n" && !text.truncated)
            let version = try #require(text.version)
            let options = FileWrite(precondition: .version(version))
            _ = try await bench.files.write(ByteBuffer(string: "two\n"), to: "/f", options, in: bench.access)
            #expect(
                await bench.code {
                    try await bench.files.write(ByteBuffer(string: "three\n"), to: "/f", options, in: bench.access)
                } == "file_changed")
            #expect(try await bench.contents("/f") == "two\n")
        }
    }

    @Test("bytes that are no text are not shown as text")
    func noText() async throws {
        try await FileBench.run(MemoryFileSystem()) { bench in
            for bytes in [[UInt8(0xFF), 0xFE], [0x61, 0, 0x62]] {
                _ = try await bench.files.write(ByteBuffer(bytes: bytes), to: "/f", in: bench.access)
                #expect(try await bench.files.text("/f", in: bench.access).text == nil)
            }
        }
    }

    @Test("a long text shows its beginning or its end, cut between characters")
    func longText() async throws {
        try await FileBench.run(MemoryFileSystem()) { bench in
            try await bench.write(String(repeating: "é", count: 600_000) + "end", to: "/f")
            let head = try await bench.files.text("/f", in: bench.access)
            let tail = try await bench.files.text("/f", fromEnd: true, in: bench.access)
            #expect(head.truncated && head.text?.allSatisfy { $0 == "é" } == true)
            #expect(tail.text?.hasSuffix("éend") == true)
        }
    }

    @Test("names of any bytes come and go as they are")
    func anyBytes() async throws {
        try await FileBench.run(MemoryFileSystem()) { bench in
            let name: [UInt8] = [0x2F, 0xFF, 0x0A, 0x3C, 0x62, 0x3E, 0x25]
            _ = try await bench.files.write(ByteBuffer(string: "x"), to: RemotePath(bytes: name), in: bench.access)
            let entry = try #require(try await bench.files.list("/", in: bench.access).entries.first)
            #expect(entry.encoded == "/%FF%0A%3Cb%3E%25")
            #expect(entry.location.bytes == name)
            let details = try await bench.audited().last { $0.action == "file.upload" }?.details
            #expect(details?["pathBytes"] == "/%FF%0A%3Cb%3E%25")
            #expect(details?["path"]?.contains("\n") == false)
        }
    }

    @Test("what ends in no name is not changed", arguments: ["/", "..", "/a/..", ".", "/a/."])
    func noNames(path: String) async throws {
        try await FileBench.run(MemoryFileSystem()) { bench in
            try await bench.write("x", to: "/a")
            let path = RemotePath(path)
            #expect(
                await bench.code { try await bench.files.remove(path, recursive: true, in: bench.access) } == "invalid")
            #expect(await bench.code { try await bench.files.rename(path, to: "/b", in: bench.access) } == "invalid")
            #expect(await bench.code { try await bench.files.makeFolder(path, in: bench.access) } == "invalid")
            #expect(try await bench.contents("/a") == "x")
        }
    }

    @Test("links are not followed when a folder is removed or packed, so circles have an end")
    func links() async throws {
        let folder = try TemporaryFolder()
        try folder.write("keep", to: "outside/secret")
        try folder.write("in", to: "root/tree/file")
        let manager = FileManager.default
        try manager.createSymbolicLink(atPath: folder.file("root/tree/loop"), withDestinationPath: ".")
        try manager.createSymbolicLink(atPath: folder.file("root/tree/up"), withDestinationPath: "..")
        try manager.createSymbolicLink(atPath: folder.file("root/tree/out"), withDestinationPath: "/outside")
        let root = try RootedFileSystem(root: folder.path)
        try await FileBench.run(root) { bench in
            let listing = try await bench.files.list("/root/tree", in: bench.access)
            #expect(listing.entries.map(\.kind) == [.file, .link, .link, .link])
            try await bench.archive("/root/tree", to: folder.file("tree.zip"))
            let names = try Zip.names(folder.file("tree.zip"))
            #expect(names == ["tree/", "tree/file", "LEFT-OUT.txt"])
            #expect(try await bench.files.remove("/root/tree", recursive: true, in: bench.access) == 5)
        }
        #expect(try folder.read("outside/secret") == Array("keep".utf8))
    }

    @Test("a right that is taken away ends a transfer")
    func revoked() async throws {
        try await FileBench.run(HostileFiles(opens: { $0 == "/big" ? LyingFile(size: 1 << 40, length: 1 << 40) : nil }))
        { bench in
            try await bench.write("x", to: "/big")
            let download = try await bench.files.read("/big", in: bench.access)
            bench.refusal.withLockedValue { $0 = .notPermitted(.fileRead, "Not any more.") }
            let begin = ContinuousClock.now
            let code = await bench.code { try await download.stream { _ in } }
            #expect(code == "not_permitted")
            #expect(ContinuousClock.now - begin < .seconds(10))
        }
    }

    @Test("a session's SFTP is opened anew when it was ended")
    func reopened() async throws {
        try await FileBench.run(MemoryFileSystem()) { bench in
            try await bench.write("x", to: "/a")
            try await bench.files.hosts.with(bench.session) { await $0.close() }
            #expect(await bench.code { try await bench.names("/") } != nil)
            #expect(try await bench.names("/") == ["a"])
        }
    }

    @Test("a folder's pages are one moment of it, and nobody else's")
    func pages() async throws {
        try await FileBench.run(MemoryFileSystem()) { bench in
            for number in 0..<5 { try await bench.write("x", to: "/f\(number)") }
            let first = try await bench.files.list("/", in: bench.access, page: FilePage(limit: 2))
            try await bench.write("x", to: "/a-new-one")
            let second = try await bench.files.list(
                "/", in: bench.access, page: FilePage(cursor: first.next, limit: 10))
            #expect((first.entries + second.entries).map(\.name) == ["f0", "f1", "f2", "f3", "f4"])
            #expect(first.total == 5 && second.next == nil)
            let bad = FilePage(cursor: "dir_nothing.2")
            #expect(
                await bench.code { try await bench.files.list("/", in: bench.access, page: bad) } == "listing_expired")
        }
    }
}

@Suite("Files of a hostile host", .timeLimit(.minutes(2)))
struct HostileFilesTests {
    private static func entries(_ count: Int, _ kind: UInt32 = 0o100644) -> [DirectoryEntry] {
        (0..<count).map {
            DirectoryEntry(name: RemotePath("f\($0)"), attributes: FileAttributes(size: 1, permissions: kind))
        }
    }

    @Test("a listing without an end stops at its limit")
    func endless() async throws {
        let files = HostileFiles(listing: { $0 == "/" ? Self.entries(500) : nil }, isEndless: true)
        try await FileBench.run(files) { bench in
            let listing = try await bench.files.list("/", in: bench.access, page: FilePage(limit: 10))
            #expect(listing.truncated && listing.total == FileService.longestFolder)
        }
    }

    @Test("names that would lead elsewhere are counted and not shown, and no archive has them")
    func climbing() async throws {
        let folder = try TemporaryFolder()
        let names = ["../../etc/passwd", "a/b", "", "good"]
        let file = FileAttributes(size: 1, permissions: 0o100644)
        let files = HostileFiles(listing: { path in
            path == "/d" ? names.map { DirectoryEntry(name: RemotePath($0), attributes: file) } : nil
        })
        try await FileBench.run(files) { bench in
            let listing = try await bench.files.list("/d", in: bench.access)
            #expect(listing.entries.map(\.name) == ["good"] && listing.skipped == 3)
            #expect(
                await bench.code { try await bench.archive("/d", to: folder.file("d.zip")) } == "host_protocol_error")
        }
    }

    @Test("folders within folders without end stop at a depth")
    func deep() async throws {
        let files = HostileFiles(listing: { path in
            path.bytes.count < 2 ? nil : Self.entries(1, 0o040755)
        })
        try await FileBench.run(files) { bench in
            #expect(
                await bench.code { try await bench.files.remove("/f0", recursive: true, in: bench.access) }
                    == "folder_too_large")
        }
    }

    @Test("a file that is shorter than it says is told, and one that goes on is cut at its size")
    func lyingSizes() async throws {
        for (size, length, expected) in [(UInt64(1000), UInt64(10), "file_changed"), (10, 1_000_000, nil)] {
            let files = HostileFiles(opens: { $0 == "/f" ? LyingFile(size: size, length: length) : nil })
            try await FileBench.run(files) { bench in
                try await bench.write("x", to: "/f")
                var count = 0
                let code = await bench.code {
                    try await bench.files.read("/f", in: bench.access).stream { count += $0.readableBytes }
                }
                #expect(code == expected)
                #expect(count <= 10)
            }
        }
    }

    @Test("a file that says it is empty is read on, to a limit")
    func unsized() async throws {
        let files = HostileFiles(opens: { $0 == "/f" ? LyingFile(size: 0, length: .max) : nil })
        try await FileBench.run(files) { bench in
            try await bench.write("x", to: "/f")
            let code = await bench.code { try await bench.files.read("/f", in: bench.access).stream { _ in } }
            #expect(code == "too_large")
        }
    }
}

/// Archives as another program reads them.
enum Zip {
    static func python(_ script: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = ["-c", script] + arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    static func names(_ file: String) throws -> [String] {
        try python(
            "import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nprint('\\n'.join(z.namelist()))",
            [file]
        ).split(separator: "\n").map(String.init)
    }
}
