import Foundation
import NIOConcurrencyHelpers
import SSH
import TestSupport
import Testing

@testable import SFTP

@Suite(.enabled(if: OpenSSHFiles.isInstalled, "OpenSSH's sftp-server is not installed"))
struct TransferTests {
    @Test("a large file arrives whole in both directions, with its times and mode")
    func largeFile() async throws {
        let folder = try TemporaryFolder()
        let files = try await OpenSSHFiles()
        let contents = Files.noise(40_000_001)
        try Files.write(contents, to: folder.file("here"))
        try await ChildProcess.tool("/bin/chmod", ["751", folder.file("here")])
        try await ChildProcess.tool("/usr/bin/touch", ["-d", "2020-02-02 02:02:02 UTC", folder.file("here")])
        let seen = NIOLockedValueBox<[TransferProgress]>([])
        let up = try await files.client.upload(folder.file("here"), to: RemotePath(folder.file("there"))) { progress in
            seen.withLockedValue { $0.append(progress) }
        }
        #expect(up.files == 1)
        #expect(up.bytes == 40_000_001)
        #expect(try Files.read(folder.file("there")) == contents)
        let last = seen.withLockedValue { $0.last }
        #expect(last?.bytes == 40_000_001 && last?.totalBytes == 40_000_001)
        #expect(last?.files == 1 && last?.totalFiles == 1 && last?.underWay == [])
        let down = try await files.client.download(RemotePath(folder.file("there")), to: folder.file("back"))
        #expect(down.bytes == 40_000_001)
        #expect(try Files.read(folder.file("back")) == contents)
        for name in ["there", "back"] {
            let information = try Files.information(folder.file(name))
            #expect(information.st_mode & 0o7777 == 0o751)
            #expect(information.st_mtim.tv_sec == 1_580_608_922)
        }
    }

    @Test(
        "sizes around every edge arrive whole",
        arguments: [0, 1, 4095, 32768, 65535, 65536, 65537, 261_120, 261_121, 1_048_576])
    func edges(size: Int) async throws {
        let folder = try TemporaryFolder()
        let files = try await OpenSSHFiles()
        try Files.write(Files.noise(size), to: folder.file("a"))
        try await files.client.upload(folder.file("a"), to: RemotePath(folder.file("b")))
        try await files.client.download(RemotePath(folder.file("b")), to: folder.file("c"))
        #expect(try Files.read(folder.file("c")) == Files.noise(size))
    }

    @Test("a tree with 2,000 small files, links and empty folders is the same at the other end and back again")
    func tree() async throws {
        let folder = try TemporaryFolder()
        let files = try await OpenSSHFiles()
        try await Self.makeTree(folder.file("here"), files: 2000)
        let up = try await files.client.upload(folder.file("here"), to: RemotePath(folder.file("there")))
        #expect(up.files == 2001)
        #expect(up.links == 2)
        #expect(up.directories == 23)
        #expect(await Files.areSame(folder.file("here"), folder.file("there")))
        let down = try await files.client.download(RemotePath(folder.file("there")), to: folder.file("back"))
        #expect(down.files == 2001)
        #expect(down.links == 2)
        #expect(await Files.areSame(folder.file("here"), folder.file("back")))
        for name in ["there", "back"] {
            #expect(try Files.information(folder.file("\(name)/d3")).st_mtim.tv_sec == 1_000_000_000)
            #expect(try Files.information(folder.file("\(name)/d3")).st_mode & 0o777 == 0o555)
            #expect(try Files.information(folder.file("\(name)/d4/f4")).st_mtim.tv_sec == 1_200_000_000)
        }
        // A second time over what is there.
        try await files.client.upload(folder.file("here"), to: RemotePath(folder.file("there")))
        #expect(await Files.areSame(folder.file("here"), folder.file("there")))
        try await ChildProcess.tool("/bin/chmod", ["-R", "u+w", folder.path])
    }

    static func makeTree(_ root: String, files: Int) async throws {
        for number in 0..<20 { try Files.makeDirectory("\(root)/d\(number)") }
        try Files.makeDirectory("\(root)/empty/inner")
        for number in 0..<files {
            try Files.write(
                Files.noise(number * 7 % 5000, seed: UInt64(number)), to: "\(root)/d\(number % 20)/f\(number)")
        }
        try Files.write(Files.noise(300_000), to: "\(root)/d1/larger")
        try FileManager.default.createSymbolicLink(atPath: "\(root)/link", withDestinationPath: "d2/f2")
        try FileManager.default.createSymbolicLink(atPath: "\(root)/dangling", withDestinationPath: "/no/where")
        try await ChildProcess.tool("/usr/bin/touch", ["-d", "@1200000000", "\(root)/d4/f4"])
        try await ChildProcess.tool("/usr/bin/touch", ["-d", "@1000000000", "\(root)/d3"])
        try await ChildProcess.tool("/bin/chmod", ["555", "\(root)/d3"])
    }

    @Test("1 GB of holes stays holes in both directions")
    func sparse() async throws {
        let folder = try TemporaryFolder()
        let files = try await OpenSSHFiles()
        let handle = try #require(fopen(folder.file("a"), "w"))
        fseek(handle, 600 << 20, SEEK_SET)
        fputs("in the middle", handle)
        fclose(handle)
        #expect(truncate(folder.file("a"), 1 << 30) == 0)
        let up = try await files.client.upload(folder.file("a"), to: RemotePath(folder.file("b")))
        #expect(up.bytes < 1 << 20)
        #expect(try Files.information(folder.file("b")).st_size == 1 << 30)
        #expect(try Files.information(folder.file("b")).st_blocks < 1024)
        #expect(truncate(folder.file("b"), 650 << 20) == 0)
        try await files.client.download(RemotePath(folder.file("b")), to: folder.file("c"))
        #expect(try Files.information(folder.file("c")).st_size == 650 << 20)
        #expect(try Files.information(folder.file("c")).st_blocks < 1024)
        try await ChildProcess.tool("/usr/bin/cmp", [folder.file("b"), folder.file("c")])
    }

    @Test(
        "an interrupted transfer is gone on with, and what differs is found",
        arguments: [TransferOptions.Resume.afterSamples, .afterWholeComparison])
    func resume(_ resume: TransferOptions.Resume) async throws {
        let folder = try TemporaryFolder()
        let files = try await OpenSSHFiles()
        let contents = Files.noise(6_000_000)
        try Files.write(contents, to: folder.file("whole"))
        var options = TransferOptions()
        options.resume = resume
        for part in [0, 1, 3_000_000, 6_000_000] {
            try Files.write(Array(contents.prefix(part)), to: folder.file("up"))
            let up = try await files.client.upload(
                folder.file("whole"), to: RemotePath(folder.file("up")), options: options)
            #expect(up.resumedBytes == UInt64(part))
            #expect(up.bytes == UInt64(6_000_000 - part))
            #expect(try Files.read(folder.file("up")) == contents)
            try Files.write(Array(contents.prefix(part)), to: folder.file("down"))
            let down = try await files.client.download(
                RemotePath(folder.file("whole")), to: folder.file("down"), options: options)
            #expect(down.resumedBytes == UInt64(part))
            #expect(try Files.read(folder.file("down")) == contents)
        }
        var other = Array(contents.prefix(3_000_000))
        other[10] ^= 1
        try Files.write(other, to: folder.file("down"))
        try Files.write(other, to: folder.file("up"))
        let settled = options
        #expect(
            await sftpError {
                try await files.client.download(
                    RemotePath(folder.file("whole")), to: folder.file("down"), options: settled)
            } == .resumeMismatch)
        #expect(
            await sftpError {
                try await files.client.upload(folder.file("whole"), to: RemotePath(folder.file("up")), options: settled)
            } == .resumeMismatch)
        #expect(try Files.read(folder.file("up")) == other)
        try Files.write(contents + [1], to: folder.file("down"))
        #expect(
            await sftpError {
                try await files.client.download(
                    RemotePath(folder.file("whole")), to: folder.file("down"), options: settled)
            } == .resumeMismatch)
    }

    @Test("a lost connection leaves a beginning of the file, which is resumed over a new one")
    func lostConnection() async throws {
        let folder = try TemporaryFolder()
        let contents = Files.noise(60_000_000)
        try Files.write(contents, to: folder.file("whole"))
        let first = try await OpenSSHFiles()
        let connection = first.connection
        let code = await sftpError {
            try await first.client.download(RemotePath(folder.file("whole")), to: folder.file("part")) { progress in
                if progress.bytes > 0 { connection.beginClosing() }
            }
        }
        #expect(code == .connectionLost)
        let part = try Files.read(folder.file("part"))
        #expect(part.count < contents.count)
        #expect(contents.starts(with: part))
        let second = try await OpenSSHFiles()
        var options = TransferOptions()
        options.resume = .afterWholeComparison
        let summary = try await second.client.download(
            RemotePath(folder.file("whole")), to: folder.file("part"), options: options)
        #expect(summary.resumedBytes == UInt64(part.count))
        #expect(try Files.read(folder.file("part")) == contents)
    }

    @Test("cancelling closes every handle at the server and leaves a beginning of the file")
    func cancellation() async throws {
        let folder = try TemporaryFolder()
        let files = try await OpenSSHFiles()
        try Files.write(Files.noise(80_000_000), to: folder.file("whole"))
        let process = try #require(
            try await files.connection.run("pgrep -n -f 'sftp-server' -P $(ps -o ppid= $$)").standardOutput.text
                .split(separator: "\n").last.map(String.init))
        let client = files.client
        let (started, go) = AsyncStream<Void>.makeStream()
        let task = Task {
            try await client.download(RemotePath(folder.file("whole")), to: folder.file("part")) { _ in go.yield() }
        }
        for await _ in started { break }
        task.cancel()
        await #expect(throws: SFTPError.self) { try await task.value }
        _ = try await client.attributes(of: "/")
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd"))?.compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\($0)")
        }
        #expect(open?.contains { $0.hasSuffix("whole") } == false)
        #expect(Files.noise(80_000_000).starts(with: try Files.read(folder.file("part"))))
    }

    @Test("a file of /proc, whose size nobody knows, is read to its end")
    func unknownSize() async throws {
        let folder = try TemporaryFolder()
        let files = try await OpenSSHFiles()
        try await files.client.download("/proc/cpuinfo", to: folder.file("cpuinfo"))
        #expect(try Files.read(folder.file("cpuinfo")).count > 100)
    }

    @Test("a tree goes on after a file that cannot be read, when it is told to")
    func goesOn() async throws {
        let folder = try TemporaryFolder()
        let files = try await OpenSSHFiles()
        try Files.makeDirectory(folder.file("here"))
        for number in 0..<10 { try Files.write([1], to: folder.file("here/f\(number)")) }
        try Files.makeDirectory(folder.file("there/f4"))
        #expect(
            await sftpError {
                try await files.client.upload(folder.file("here"), to: RemotePath(folder.file("there")))
            } == .failure)
        var options = TransferOptions()
        options.continuesAfterErrors = true
        let summary = try await files.client.upload(
            folder.file("here"), to: RemotePath(folder.file("there")), options: options)
        #expect(summary.files == 9)
        #expect(summary.failures.map(\.path) == [folder.file("there/f4")])
    }
}

extension [UInt8] {
    var text: String { String(decoding: self, as: UTF8.self) }
}
