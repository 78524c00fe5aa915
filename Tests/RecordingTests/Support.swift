import Crypto
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Recording

/// A folder of its own for one test, removed at the end.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "recording-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}

final class VirtualClock: Sendable {
    private let time = Mutex<Int64>(1_000_000_000)
    var now: Int64 { time.withLock { $0 } }
    func advance(_ microseconds: Int64) { time.withLock { $0 += microseconds } }
}

/// A recording whose thread and clock are the test's.
struct Studio {
    let folder: TemporaryFolder
    let clock = VirtualClock()
    let io: RecordingIO
    let key = SymmetricKey(size: .bits256)

    init() throws {
        folder = try TemporaryFolder()
        io = try RecordingIO(now: { [clock] in clock.now })
    }

    var path: String { folder.file("a.rec") }

    static func header(id: String = "rec_1", columns: Int = 80, rows: Int = 24) -> RecordingHeader {
        RecordingHeader(
            id: id, session: "ses_1", title: "web-1 \"prod\"", host: "web-1", user: "ada",
            startedAt: 1_700_000_000_123_456, columns: columns, rows: rows)
    }

    func writer(
        _ name: String = "a.rec", id: String = "rec_1", key: SymmetricKey? = nil,
        bounds: RecordingWriter.Bounds = .init()
    ) throws -> RecordingWriter {
        try RecordingWriter.create(
            path: folder.file(name), header: Self.header(id: id), key: key ?? self.key, wrappedKey: [1, 2, 3], io: io,
            bounds: bounds)
    }

    /// Closes by turning until the summary is there.
    func close(_ writer: RecordingWriter) async -> RecordingSummary {
        async let summary = writer.close(patience: .seconds(1))
        let turns = Task { [io] in
            while !Task.isCancelled {
                io.turn()
                await Task.yield()
            }
        }
        let result = await summary
        turns.cancel()
        return result
    }

    func reader(_ name: String = "a.rec", key: SymmetricKey? = nil) throws -> RecordingReader {
        try RecordingReader(path: folder.file(name), key: key ?? self.key)
    }

    /// A recording of `count` seconds with one chunk for each.
    func record(
        _ name: String = "a.rec", id: String = "rec_1", seconds count: Int, key: SymmetricKey? = nil,
        closes: Bool = true
    ) async throws {
        let writer = try writer(name, id: id, key: key)
        for second in 0..<count {
            writer.append(output: Array("second \(second)\r\n".utf8), at: Int64(second) * 1_000_000)
            clock.advance(1_000_000)
            io.turn()
        }
        if closes { _ = await close(writer) }
    }
}

func allEvents(_ reader: RecordingReader) throws -> [RecordingEvent] {
    var events: [RecordingEvent] = []
    var cursor = reader.events()
    while let event = try cursor.next() { events.append(event) }
    return events
}

func outputText(_ events: [RecordingEvent]) -> String {
    String(
        decoding: events.flatMap { event -> [UInt8] in
            if case .output(let bytes) = event.kind { bytes } else { [] }
        }, as: UTF8.self)
}

func contents(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

func store(_ bytes: [UInt8], _ path: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

/// Runs a program of PATH to its end; its status and what it wrote.
@discardableResult
func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> (status: Int32, output: String) {
    let ended = try await ChildProcess.run("/usr/bin/env", arguments, environment: environment)
    return (ended.status, ended.text + ended.errors)
}

/// Whether a program is installed here.
func isInstalled(_ program: String) -> Bool {
    ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"].contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
    }
}

/// A disk in memory that fails when it is told to.
final class FaultyDisk: RecordingDisk {
    struct State {
        var bytes: [UInt8] = []
        var capacity = Int.max
        var failsToSynchronize = false
        var failsToTruncate = false
        /// What would be left after a power cut.
        var durable: [UInt8] = []
        var synchronizations = 0
        var isClosed = false
    }

    let state = Mutex(State())

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(RecordingError) -> Int {
        try state.withLock { state throws(RecordingError) in
            let start = Int(offset)
            let room = max(0, state.capacity - start)
            guard room > 0 else { throw .system(ENOSPC, "write", path: nil) }
            let part = Array(bytes.prefix(room))
            if state.bytes.count < start + part.count {
                state.bytes += [UInt8](repeating: 0, count: start + part.count - state.bytes.count)
            }
            state.bytes.replaceSubrange(start..<(start + part.count), with: part)
            return part.count
        }
    }

    func truncate(to length: Int64) throws(RecordingError) {
        try state.withLock { state throws(RecordingError) in
            guard !state.failsToTruncate else { throw .system(EIO, "truncate", path: nil) }
            state.bytes.removeLast(max(0, state.bytes.count - Int(length)))
        }
    }

    func synchronize() throws(RecordingError) {
        try state.withLock { state throws(RecordingError) in
            state.synchronizations += 1
            guard !state.failsToSynchronize else {
                // As Linux does it: what was written may be gone, and the next flush says that all is well.
                state.bytes = state.durable
                throw .system(EIO, "flush", path: nil)
            }
            state.durable = state.bytes
        }
    }

    func close() { state.withLock { $0.isClosed = true } }
}

/// Collects what a writer says of itself.
final class StateLog: Sendable {
    private let states = Mutex<[RecordingState]>([])
    func add(_ state: RecordingState) { states.withLock { $0.append(state) } }
    var all: [RecordingState] { states.withLock { $0 } }
    var codes: [String] {
        all.map { state in
            switch state {
            case .recording: "recording"
            case .behind: "behind"
            case .caughtUp: "caughtUp"
            case .stalled(let error): "stalled \(error.code.rawValue)"
            case .recovered: "recovered"
            case .closed(let error): error == nil ? "closed" : "given up"
            }
        }
    }
}
