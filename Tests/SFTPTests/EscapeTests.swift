import Foundation
import NIOConcurrencyHelpers
import NIOCore
import TestSupport
import Testing

@testable import SFTP

/// Nothing leads out of the root: no name, no link, no race. By the kernel's resolution and by ours.
@Suite struct EscapeTests {
    /// A root with a secret beside it.
    static func place(_ kernelResolves: Bool) throws -> (TemporaryFolder, RootedFileSystem) {
        let folder = try TemporaryFolder()
        try Files.makeDirectory(folder.file("root/dir"))
        try Files.makeDirectory(folder.file("outside"))
        try folder.write("secret", to: "outside/secret")
        try folder.write("secret", to: "secret")
        try folder.write("mine", to: "root/mine")
        return (folder, try RootedFileSystem(root: folder.file("root"), kernelResolves: kernelResolves))
    }

    @Test("paths that climb stay in the root", arguments: [true, false])
    func names(kernelResolves: Bool) async throws {
        let (folder, files) = try Self.place(kernelResolves)
        let client = try await Pair(files).client
        for path in ["../secret", "/../secret", "/dir/../../secret", "dir/../../outside/secret", folder.file("secret")]
        {
            #expect(await sftpError { _ = try await client.read(RemotePath(path)) } == .noSuchFile)
        }
        #expect(try await client.canonicalPath(of: "/../..") == "/")
        #expect(try await client.read("/../mine") == Array("mine".utf8))
        #expect(await sftpError { _ = try await client.read(RemotePath(bytes: Array("mine\0x".utf8))) } == .badMessage)
        #expect(await sftpError { try await client.removeDirectory("/") } != nil)
        #expect(await sftpError { try await client.rename("/", to: "/x") } != nil)
        #expect(try Files.read(folder.file("secret")) == Array("secret".utf8))
    }

    @Test(
        "symbolic links that lead out are refused where they are used, and can be looked at and removed",
        arguments: [true, false])
    func links(kernelResolves: Bool) async throws {
        let (folder, files) = try Self.place(kernelResolves)
        let client = try await Pair(files).client
        let targets = [
            folder.file("secret"), "../secret", "dir/../../secret", "dir/up/../secret", "/proc/self/root/etc/passwd",
        ]
        try await client.makeSymbolicLink("/dir/up", target: "../..")
        for (number, target) in targets.enumerated() {
            let link = RemotePath("/l\(number)")
            try await client.makeSymbolicLink(link, target: RemotePath(target))
            let code = await sftpError { _ = try await client.read(link) }
            #expect(code == .permissionDenied || code == .noSuchFile)
            #expect(await sftpError { try await client.write([1], to: link) } != nil)
            #expect(await sftpError { _ = try await client.attributes(of: link) } != nil)
            #expect(await sftpError { try await client.setAttributes(.init(permissions: 0o777), of: link) } != nil)
            #expect(await sftpError { try await client.setAttributes(.init(size: 0), of: link) } != nil)
            #expect(try await client.linkTarget(of: link) == RemotePath(target))
            #expect(try await client.attributes(of: link, followingLink: false).kind == .symbolicLink)
            // A hard link is to the link, never to what it names.
            try await client.makeHardLink(RemotePath("/h\(number)"), to: link)
            #expect(try Files.information(folder.file("root/h\(number)")).st_mode & S_IFMT == S_IFLNK)
            try await client.remove(link)
        }
        try await client.makeSymbolicLink("/out", target: "../outside")
        for path in ["/out/secret", "/out", "/dir/up/secret", "/dir/up/outside/secret"] {
            #expect(await sftpError { _ = try await client.read(RemotePath(path)) } != nil)
            #expect(await sftpError { try await client.write([1], to: RemotePath(path)) } != nil)
            if path != "/out" {
                #expect(await sftpError { try await client.remove(RemotePath(path)) } != nil)
                #expect(
                    await sftpError { try await client.rename("/mine", to: RemotePath(path), replacing: true) } != nil)
                #expect(await sftpError { try await client.makeHardLink("/stolen", to: RemotePath(path)) } != nil)
            }
        }
        #expect(await sftpError { _ = try await client.list("/out").all() } != nil)
        #expect(await sftpError { try await client.makeDirectory("/out/new") } != nil)
        // Within the root a link works.
        try await client.makeSymbolicLink("/dir/in", target: "../mine")
        #expect(try await client.read("/dir/in") == Array("mine".utf8))
        #expect(try Files.read(folder.file("outside/secret")) == Array("secret".utf8))
        #expect(try Files.read(folder.file("secret")) == Array("secret".utf8))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("outside")) == ["secret"])
    }

    @Test("links in a circle come to an end", arguments: [true, false])
    func circles(kernelResolves: Bool) async throws {
        let (folder, files) = try Self.place(kernelResolves)
        defer { withExtendedLifetime(folder) {} }
        let client = try await Pair(files).client
        try await client.makeSymbolicLink("/a", target: "b")
        try await client.makeSymbolicLink("/b", target: "a")
        try await client.makeSymbolicLink("/c", target: "c/c")
        for path: RemotePath in ["/a", "/b/x", "/c"] {
            #expect(await sftpError { _ = try await client.read(path) } == .noSuchFile)
        }
    }

    @Test("pipes and devices are not opened, so none holds the server up")
    func specialFiles() async throws {
        let (folder, files) = try Self.place(true)
        #expect(mkfifo(folder.file("root/pipe"), 0o600) == 0)
        let client = try await Pair(files).client
        #expect(await sftpError { _ = try await client.read("/pipe") } == .permissionDenied)
        #expect(await sftpError { try await client.write([1], to: "/pipe") } != nil)
        #expect(try await client.attributes(of: "/pipe").kind == .other)
    }

    @Test("a directory that is swapped with a link out, over and over, lets nobody out", arguments: [true, false])
    func races(kernelResolves: Bool) async throws {
        let (folder, files) = try Self.place(kernelResolves)
        try folder.write("inside", to: "root/dir/secret")
        let isOver = NIOLockedValueBox(false)
        let path = folder.path
        let swapper = Thread {
            // dir ⇄ a link to the outside, and a link that turns from one to the other.
            let (dir, kept) = (path + "/root/dir", path + "/root/kept")
            while !isOver.withLockedValue({ $0 }) {
                rename(dir, kept)
                symlink("../outside", dir)
                unlink(dir)
                rename(kept, dir)
                symlink(path + "/outside", path + "/root/link.new")
                rename(path + "/root/link.new", path + "/root/link")
                symlink("dir", path + "/root/link.new")
                rename(path + "/root/link.new", path + "/root/link")
            }
        }
        swapper.start()
        defer { isOver.withLockedValue { $0 = true } }
        var inside = 0
        for attempt in 0..<4000 {
            let name = attempt % 2 == 0 ? "/dir" : "/link"
            let secret = RemotePath(name + "/secret")
            if let file = try? files.open(secret, .read, .init()) {
                var data = ByteBuffer()
                if let count = try? file.read(into: &data, at: 0, length: 100), count > 0 {
                    #expect(String(buffer: data) == "inside")
                    inside += 1
                }
            }
            let new = RemotePath(name + "/new\(attempt)")
            switch attempt % 5 {
            case 0: _ = try? files.open(new, [.write, .create], .init())
            case 1: _ = try? files.makeDirectory(new, .init())
            case 2: _ = try? files.rename("/mine", to: RemotePath(name + "/mine"), replacing: true)
            case 3: _ = try? files.makeSymbolicLink(new, target: "x")
            default: _ = try? files.setAttributes(.init(permissions: 0o777), of: secret, followingLink: true)
            }
        }
        #expect(inside > 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("outside")) == ["secret"])
        #expect(try Files.information(folder.file("outside/secret")).st_mode & 0o777 == 0o600)
    }
}
