import Crypto
import Foundation
import Synchronization
import Testing

@testable import Recording

/// Full disks, failing disks, killed processes.
@Suite struct RecordingFaultTests {
    private func faulty(_ studio: Studio, _ log: StateLog) throws -> (FaultyDisk, RecordingWriter) {
        let disk = FaultyDisk()
        let writer = try RecordingWriter(
            disk: disk, header: Studio.header(), key: studio.key, wrappedKey: [], io: studio.io)
        writer.onState = log.add
        writer.start()
        studio.io.turn()
        return (disk, writer)
    }

    private func events(_ bytes: [UInt8], _ studio: Studio) throws -> [RecordingEvent] {
        try store(bytes, studio.folder.file("copy.rec"))
        return try allEvents(try studio.reader("copy.rec"))
    }

    /// Incompressible, so that the disk fills when the test says so.
    private func noise(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255) } }

    @Test("a full disk stalls the recording, half a chunk is cut off again, and nothing is lost when space returns")
    func fullDisk() async throws {
        let studio = try Studio()
        let log = StateLog()
        let (disk, writer) = try faulty(studio, log)
        disk.state.withLock { $0.capacity = $0.bytes.count + 1000 }
        let output = noise(5000)
        writer.append(output: output, at: 1)
        studio.clock.advance(1_000_000)
        studio.io.turn()
        #expect(log.codes == ["recording", "stalled disk_full"])
        #expect(try events(disk.state.withLock { $0.bytes }, studio).isEmpty)
        writer.append(output: output, at: 2)
        studio.clock.advance(500_000)
        studio.io.turn()
        #expect(log.codes.count == 2)
        disk.state.withLock { $0.capacity = .max }
        studio.clock.advance(499_999)
        studio.io.turn()
        #expect(log.codes.count == 2)
        studio.clock.advance(1)
        studio.io.turn()
        #expect(log.codes == ["recording", "stalled disk_full", "recovered"])
        let summary = await studio.close(writer)
        #expect(summary.isComplete)
        let all = try events(disk.state.withLock { $0.durable }, studio)
        #expect(all.map(\.kind) == [.output(output), .output(output)])
    }

    @Test("a retry can be asked for before its time")
    func retryOnDemand() throws {
        let studio = try Studio()
        let log = StateLog()
        let (disk, writer) = try faulty(studio, log)
        disk.state.withLock { $0.capacity = 0 }
        writer.append(output: noise(100_000), at: 1)
        studio.io.turn()
        disk.state.withLock { $0.capacity = .max }
        studio.io.turn()
        #expect(log.codes.last == "stalled disk_full")
        writer.retry()
        studio.io.turn()
        #expect(log.codes.last == "recovered")
    }

    @Test("a partial chunk that could not be cut off is cut off before the retry")
    func truncationFails() async throws {
        let studio = try Studio()
        let log = StateLog()
        let (disk, writer) = try faulty(studio, log)
        disk.state.withLock {
            $0.capacity = $0.bytes.count + 30_000
            $0.failsToTruncate = true
        }
        let output = noise(100_000)
        writer.append(output: output, at: 1)
        studio.io.turn()
        disk.state.withLock { $0.capacity = .max }
        writer.retry()
        studio.io.turn()
        #expect(log.codes == ["recording", "stalled disk_full", "stalled storage_failed"])
        disk.state.withLock { $0.failsToTruncate = false }
        writer.retry()
        studio.io.turn()
        _ = await studio.close(writer)
        let all = try events(disk.state.withLock { $0.durable }, studio)
        #expect(all.count == 4 && log.codes.suffix(2) == ["recovered", "closed"])
    }

    @Test("chunks whose flush failed are written again, since the disk may have dropped them")
    func failedFlush() async throws {
        let studio = try Studio()
        let log = StateLog()
        let (disk, writer) = try faulty(studio, log)
        studio.clock.advance(2_000_000)
        disk.state.withLock { $0.failsToSynchronize = true }
        let output = noise(100_000)
        writer.append(output: output, at: 1)
        studio.io.turn()
        #expect(log.codes.last == "stalled storage_failed")
        disk.state.withLock { $0.failsToSynchronize = false }
        studio.clock.advance(500_000)
        studio.io.turn()
        #expect(log.codes.last == "recovered")
        _ = await studio.close(writer)
        let all = try events(disk.state.withLock { $0.durable }, studio)
        #expect(
            all.flatMap { event -> [UInt8] in if case .output(let part) = event.kind { part } else { [] } } == output)
    }

    @Test("the disk is asked to flush at most once a second")
    func flushRate() throws {
        let studio = try Studio()
        let (disk, writer) = try faulty(studio, StateLog())
        studio.clock.advance(1_000_000)
        let before = disk.state.withLock { $0.synchronizations }
        for step in 0..<100 {
            writer.append(output: noise(70_000), at: Int64(step))
            studio.io.turn()
            studio.clock.advance(50_000)
        }
        let count = disk.state.withLock { $0.synchronizations } - before
        #expect((5...7).contains(count))
    }

    @Test("closing on a full disk gives up after its patience, and what is there plays")
    func closingOnFullDisk() async throws {
        let studio = try Studio()
        let log = StateLog()
        let (disk, writer) = try faulty(studio, log)
        writer.append(output: Array("kept".utf8), at: 1)
        studio.clock.advance(1_000_000)
        studio.io.turn()
        disk.state.withLock { $0.capacity = $0.bytes.count }
        async let closing = writer.close(patience: .seconds(3))
        let turns = Task { [io = studio.io, clock = studio.clock] in
            while !Task.isCancelled {
                io.turn()
                clock.advance(10_000)
                await Task.yield()
            }
        }
        let summary = await closing
        turns.cancel()
        #expect(!summary.isComplete && log.codes.last == "given up")
        #expect(disk.state.withLock { $0.isClosed })
        #expect(outputText(try events(disk.state.withLock { $0.bytes }, studio)) == "kept")
    }

    @Test("a file cut anywhere plays up to its last whole chunk")
    func cutAnywhere() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 8)
        let whole = try contents(studio.path)
        let all = try allEvents(try studio.reader())
        let start = Int(try #require(try studio.reader().chunks.first).offset)
        var played: Set<Int> = []
        for length in start..<whole.count {
            try store(Array(whole.prefix(length)), studio.folder.file("cut.rec"))
            let reader = try studio.reader("cut.rec")
            let events = try allEvents(reader)
            #expect(events == Array(all.prefix(events.count)))
            #expect(reader.ending == .truncated(at: reader.end))
            played.insert(events.count)
        }
        #expect(played == Set(0...8))
    }

    @Test("a recorder that is killed leaves everything up to its last second")
    func killed() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("killed.rec")
        let clockPath = folder.file("clock")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, clockPath = clockPath as String] in
            let io = try RecordingIO()
            let writer = try RecordingWriter.create(
                path: path, header: Studio.header(), key: SymmetricKey(data: [UInt8](repeating: 9, count: 32)),
                wrappedKey: [], io: io)
            let start = Alarm.now()
            var now: Int64 = 0
            while now < 2_400_000 {
                now = Alarm.now() - start
                writer.append(output: Array("\(now)\r\n".utf8), at: now)
                try await Task.sleep(for: .milliseconds(5))
            }
            try store(Array("\(now)".utf8), clockPath)
            kill(getpid(), SIGKILL)
        }
        let died = try #require(Int64(String(decoding: try contents(clockPath), as: UTF8.self)))
        let key = SymmetricKey(data: [UInt8](repeating: 9, count: 32))
        let reader = try RecordingReader(path: path, key: key)
        let last = try #require(try allEvents(reader).last)
        #expect(died - last.time < 1_000_000)
        let repair = try RecordingRepair.repair(path: path, key: key)
        #expect(!repair.isComplete && repair.duration == last.time)
    }

    @Test("copies taken while the recorder runs always play, and never less than before")
    func copiesWhileRunning() async throws {
        let folder = try TemporaryFolder()
        let io = try RecordingIO()
        let key = SymmetricKey(size: .bits256)
        let path = folder.file("live.rec")
        let writer = try RecordingWriter.create(
            path: path, header: Studio.header(), key: key, wrappedKey: [], io: io)
        var counts: [Int] = []
        for round in 0..<60 {
            for number in 0..<20 { writer.append(output: noise(7000), at: Int64(round * 20 + number)) }
            try store(try contents(path), folder.file("copy.rec"))
            counts.append(try allEvents(try RecordingReader(path: folder.file("copy.rec"), key: key)).count)
            await Task.yield()
        }
        #expect(counts == counts.sorted())
        #expect(await writer.close().isComplete)
        #expect(try allEvents(try RecordingReader(path: path, key: key)).count == 1200)
        await io.shutdown()
    }

    private static let canMount = getuid() == 0

    @Test(
        "on a real full disk the recording stalls, says so, and goes on when space is freed",
        .enabled(if: canMount, "needs root to mount a small tmpfs"))
    func realFullDisk() async throws {
        let folder = try TemporaryFolder()
        let mount = folder.file("small")
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
        guard try await run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "tmpfs", mount]).status == 0 else {
            try Test.cancel("no tmpfs can be mounted here")
        }
        do {
            try await fill(mount)
        } catch {
            try await run(["umount", "-l", mount])
            throw error
        }
        try await run(["umount", "-l", mount])
    }

    private func fill(_ mount: String) async throws {
        let clock = VirtualClock()
        let io = try RecordingIO(now: { clock.now })
        let key = SymmetricKey(size: .bits256)
        let writer = try RecordingWriter.create(
            path: "\(mount)/a.rec", header: Studio.header(), key: key, wrappedKey: [], io: io)
        let log = StateLog()
        writer.onState = log.add
        try store([UInt8](repeating: 1, count: 300_000), "\(mount)/ballast")
        var output: [UInt8] = []
        for step in 0..<8 {
            let part = noise(60_000)
            output += part
            #expect(writer.append(output: part, at: Int64(step)) == .accepted)
            clock.advance(1_000_000)
            io.turn()
        }
        #expect(log.codes == ["stalled disk_full"])
        #expect(try RecordingReader(path: "\(mount)/a.rec", key: key).ending == .recording)
        try FileManager.default.removeItem(atPath: "\(mount)/ballast")
        try #require(try await run(["mount", "-o", "remount,size=2m", mount]).status == 0)
        clock.advance(500_000)
        io.turn()
        #expect(log.codes == ["stalled disk_full", "recovered"])
        async let closing = writer.close()
        let turns = Task {
            while !Task.isCancelled {
                io.turn()
                await Task.yield()
            }
        }
        #expect(await closing.isComplete)
        turns.cancel()
        let events = try allEvents(try RecordingReader(path: "\(mount)/a.rec", key: key))
        #expect(
            events.flatMap { event -> [UInt8] in if case .output(let part) = event.kind { part } else { [] } } == output
        )
    }
}
