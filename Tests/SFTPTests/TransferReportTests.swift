import Foundation
import NIOConcurrencyHelpers
import Testing

@testable import SFTP

/// What a transfer tells of each file, and what it leaves behind.
@Suite(.enabled(if: OpenSSHFiles.isInstalled)) struct TransferReportTests {
    @Test("every file of a tree is told when it is complete, in both directions")
    func finished() async throws {
        let (folder, files) = (try TemporaryFolder(), try await OpenSSHFiles())
        try Files.makeDirectory(folder.file("tree"))
        for number in 0..<20 { try Files.write(Files.noise(number * 9000), to: folder.file("tree/\(number)")) }
        let told = NIOLockedValueBox<[TransferredFile]>([])
        try await files.client.upload(folder.file("tree"), to: RemotePath(folder.file("there"))) { progress in
            told.withLockedValue { $0 += progress.finished }
        }
        #expect(Set(told.withLockedValue { $0.map(\.target) }) == Set((0..<20).map { folder.file("there/\($0)") }))
        #expect(told.withLockedValue { $0.allSatisfy { $0.bytes == $0.size } })
        told.withLockedValue { $0 = [] }
        try await files.client.download(RemotePath(folder.file("there")), to: folder.file("back")) { progress in
            told.withLockedValue { $0 += progress.finished }
        }
        #expect(Set(told.withLockedValue { $0.map(\.source) }) == Set((0..<20).map { folder.file("there/\($0)") }))
        #expect(Files.areSame(folder.file("tree"), folder.file("back")))
    }

    @Test("a transfer that is cancelled names the beginnings that it leaves")
    func partial() async throws {
        let (folder, files) = (try TemporaryFolder(), try await OpenSSHFiles())
        try Files.write(Files.noise(4_000_000), to: folder.file("big"))
        await files.client.limitFlight(FlightLimits(bytesPerSecond: 1_000_000))
        let last = NIOLockedValueBox(TransferProgress())
        let client = files.client
        let task = Task {
            try await client.download(RemotePath(folder.file("big")), to: folder.file("here")) { progress in
                last.withLockedValue { $0 = progress }
            }
        }
        #expect(try await eventually { last.withLockedValue { $0.bytes > 200_000 } })
        task.cancel()
        await #expect(throws: SFTPError.self) { try await task.value }
        let left = try #require(last.withLockedValue { $0.partial.first })
        #expect(left.target == folder.file("here") && left.size == 4_000_000 && left.bytes < 4_000_000)
        let here = try Files.read(folder.file("here"))
        #expect(here.count == Int(left.bytes) && here == Array(Files.noise(4_000_000).prefix(here.count)))
    }

    @Test("links to files are followed where that is asked for, and other links are named as left out")
    func followed() async throws {
        let (folder, files) = (try TemporaryFolder(), try await OpenSSHFiles())
        try Files.makeDirectory(folder.file("tree"))
        try Files.write(Files.noise(100), to: folder.file("outside"))
        for (name, target) in [("file", "../outside"), ("folder", "/etc"), ("nowhere", "missing")] {
            try FileManager.default.createSymbolicLink(
                atPath: folder.file("tree/\(name)"), withDestinationPath: target)
        }
        var options = TransferOptions()
        options.links = .followed
        options.continuesAfterErrors = true
        let up = try await files.client.upload(
            folder.file("tree"), to: RemotePath(folder.file("there")), options: options)
        #expect(up.files == 1 && up.links == 0)
        #expect(Set(up.skippedPaths) == [folder.file("tree/folder"), folder.file("tree/nowhere")])
        let down = try await files.client.download(
            RemotePath(folder.file("tree")), to: folder.file("back"), options: options)
        #expect(down.files == 1 && down.skippedPaths == [folder.file("tree/folder")] && down.failures.count == 1)
        for copy in ["there/file", "back/file"] {
            #expect(try Files.information(folder.file(copy)).st_mode & S_IFMT == S_IFREG)
            #expect(try Files.read(folder.file(copy)) == Files.noise(100))
        }
    }

    @Test("without their preservation modes go through the mask, and what exists keeps its own")
    func modes() async throws {
        let (folder, files) = (try TemporaryFolder(), try await OpenSSHFiles())
        try Files.write([1], to: folder.file("script"))
        chmod(folder.file("script"), 0o777)
        try Files.write([1], to: folder.file("old"))
        chmod(folder.file("old"), 0o600)
        var options = TransferOptions()
        (options.preservesModes, options.preservesTimes, options.synchronises) = (false, false, true)
        try await files.client.upload(folder.file("script"), to: RemotePath(folder.file("new")), options: options)
        try await files.client.upload(folder.file("script"), to: RemotePath(folder.file("old")), options: options)
        try await files.client.download(RemotePath(folder.file("script")), to: folder.file("down"), options: options)
        #expect(try Files.information(folder.file("new")).st_mode & 0o777 == 0o755)
        #expect(try Files.information(folder.file("old")).st_mode & 0o777 == 0o600)
        #expect(try Files.information(folder.file("down")).st_mode & 0o777 == 0o755)
    }
}
