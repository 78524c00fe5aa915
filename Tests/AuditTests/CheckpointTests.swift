import Crypto
import Foundation
import Storage
import Testing

@testable import Audit

@Suite struct CheckpointTests {
    private let key = AuditSigningKey(name: "copilot test+key")

    @Test("a checkpoint is a signed note that its public key verifies")
    func note() throws {
        let checkpoint = try Checkpoint(
            tenant: "t1", size: 12, head: [UInt8](repeating: 7, count: 32), signedBy: key)
        let lines = checkpoint.note.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0] == "copilot-audit/t1" && lines[1] == "12" && lines[3] == "")
        #expect(lines[4].hasPrefix("— copilot-test-key "))
        let verifier = try AuditVerifierKey(text: key.verifier.text)
        #expect(try Checkpoint(note: checkpoint.note, verifiedBy: verifier) == checkpoint)
    }

    @Test("a note that was changed, or was signed by another key, is refused")
    func forged() throws {
        let head = [UInt8](repeating: 7, count: 32)
        let checkpoint = try Checkpoint(tenant: "t1", size: 12, head: head, signedBy: key)
        let forged = checkpoint.note.replacing("\n12\n", with: "\n11\n")
        let changed = #expect(throws: AuditError.self) { try Checkpoint(note: forged, verifiedBy: key.verifier) }
        #expect(changed?.code == .checkpointInvalid)
        let other = AuditSigningKey(name: key.name).verifier
        #expect(throws: AuditError.self) { try Checkpoint(note: checkpoint.note, verifiedBy: other) }
        for hostile in ["", "\n\n\n\n\n", "copilot-audit/t1\n-1\nAAAA\n\n— x y\n"] {
            #expect(throws: AuditError.self) { try Checkpoint(note: hostile, verifiedBy: key.verifier) }
        }
    }

    @Test("a checkpoint cut off by a crash is left out, and the next one follows the last whole one")
    func tornTail() async throws {
        let fixture = try await AuditFixture()
        let file = CheckpointFile(directory: fixture.folder, tenant: "t1")
        let writer = CheckpointWriter(log: fixture.log, directory: fixture.folder, key: key)
        for _ in 0..<2 {
            try await fixture.fill(2)
            try await writer.flush()
        }
        let whole = try Data(contentsOf: URL(fileURLWithPath: file.path))
        for cut in [1, 2, 30, 120] {
            try whole.dropLast(cut).write(to: URL(fileURLWithPath: file.path))
            #expect(try file.read(verifiedBy: key.verifier).map(\.size) == [2], "cut \(cut)")
        }
        try await CheckpointWriter(log: fixture.log, directory: fixture.folder, key: key).flush()
        #expect(try file.read(verifiedBy: key.verifier).map(\.size) == [2, 4])
    }

    @Test("a long file is continued without being read, and a tail that is no checkpoint is cut off")
    func longFile() async throws {
        let fixture = try await AuditFixture()
        let file = CheckpointFile(directory: fixture.folder, tenant: "t1")
        for _ in 0..<40 {
            try await fixture.fill(1)
            try await CheckpointWriter(log: fixture.log, directory: fixture.folder, key: key).flush()
        }
        #expect(try file.last(verifiedBy: key.verifier)?.size == 40)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file.path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("copilot-audit/t1\n41\nAAAA\n\n".utf8))
        try handle.close()
        #expect(try file.last(verifiedBy: key.verifier)?.size == 40)
        try await fixture.fill(1)
        try await CheckpointWriter(log: fixture.log, directory: fixture.folder, key: key).flush()
        #expect(try file.read(verifiedBy: key.verifier).map(\.size) == (1...41).map { Int64($0) })
    }

    @Test("two writers on one file lose no checkpoint")
    func twoWriters() async throws {
        let fixture = try await AuditFixture()
        let key = self.key
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                let writer = CheckpointWriter(log: fixture.log, directory: fixture.folder, key: key)
                group.addTask {
                    for _ in 0..<30 {
                        try await fixture.fill(1)
                        try await writer.flush()
                    }
                }
            }
            try await group.waitForAll()
        }
        let checkpoints = try CheckpointFile(directory: fixture.folder, tenant: "t1").read(verifiedBy: key.verifier)
        #expect(checkpoints.count >= 30 && checkpoints.map(\.size).max() == 60)
        #expect(try await fixture.log.verify(against: checkpoints).isWhole)
    }

    @Test("the file is readable by its owner alone and has no second checkpoint without new entries")
    func file() async throws {
        let fixture = try await AuditFixture()
        try await fixture.fill(2)
        let writer = CheckpointWriter(log: fixture.log, directory: fixture.folder, key: key)
        #expect(try await writer.flush() != nil)
        #expect(try await writer.flush() == nil)
        let path = CheckpointFile(directory: fixture.folder, tenant: "t1").path
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        #expect(CheckpointFile(directory: "/x", tenant: "../a b").path == "/x/audit-%2e%2e%2fa%20b.checkpoints")
    }

    /// Waits for a checkpoint file to satisfy a condition, at most ten seconds.
    private func sizes(_ fixture: AuditFixture, until done: ([Int64]) -> Bool) async throws -> [Int64] {
        let file = CheckpointFile(directory: fixture.folder, tenant: "t1")
        let deadline = ContinuousClock.now + .seconds(10)
        var sizes: [Int64] = []
        while ContinuousClock.now < deadline {
            sizes = try file.read(verifiedBy: key.verifier).map(\.size)
            if done(sizes) { break }
            try await Task.sleep(for: .milliseconds(5))
        }
        return sizes
    }

    @Test("64 entries get a checkpoint at once, fewer after the interval")
    func running() async throws {
        let fixture = try await AuditFixture()
        let slow = CheckpointWriter(log: fixture.log, directory: fixture.folder, key: key, interval: .seconds(600))
        let first = Task { await slow.run() }
        try await fixture.fill(1)
        try await fixture.fill(64)
        #expect(try await sizes(fixture) { $0.last == 65 }.last == 65)
        try await fixture.fill(3)
        first.cancel()
        await first.value
        #expect(try await sizes(fixture) { _ in true }.last == 68, "written at shutdown")
        let quick = CheckpointWriter(log: fixture.log, directory: fixture.folder, key: key, interval: .milliseconds(10))
        let second = Task { await quick.run() }
        try await fixture.fill(1)
        #expect(try await sizes(fixture) { $0.last == 69 }.last == 69)
        second.cancel()
        await second.value
    }

    @Test("a folder that cannot be written is reported, and the checkpoint comes when it can")
    func fault() async throws {
        let fixture = try await AuditFixture()
        let (faults, continuation) = AsyncStream.makeStream(of: AuditError.self)
        let writer = CheckpointWriter(
            log: fixture.log, directory: fixture.folder + "/later", key: key, interval: .milliseconds(10)
        ) { continuation.yield($0) }
        try await fixture.fill(1)
        let task = Task { await writer.run() }
        var iterator = faults.makeAsyncIterator()
        #expect(await iterator.next()?.code == .fileUnavailable)
        try FileManager.default.createDirectory(atPath: fixture.folder + "/later", withIntermediateDirectories: false)
        let path = CheckpointFile(directory: fixture.folder + "/later", tenant: "t1").path
        let deadline = ContinuousClock.now + .seconds(10)
        while !FileManager.default.fileExists(atPath: path), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(FileManager.default.fileExists(atPath: path))
        task.cancel()
        await task.value
    }

    @Test("the signing key is made once, is private, and refused when others may read it")
    func signingKey() async throws {
        let fixture = try await AuditFixture()
        let path = fixture.folder + "/audit.key"
        let made = try AuditSigningKey.loadOrCreate(path: path, name: "n")
        #expect(try AuditSigningKey.loadOrCreate(path: path, name: "n").verifier.text == made.verifier.text)
        let published = try String(contentsOf: URL(fileURLWithPath: path + ".pub"), encoding: .utf8)
        #expect(try AuditVerifierKey(text: published).text == made.verifier.text)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        let error = #expect(throws: AuditError.self) { try AuditSigningKey.loadOrCreate(path: path, name: "n") }
        #expect(error?.code == .keyNotPrivate)
        #expect(error?.hint.contains("chmod 600") == true)
    }
}
