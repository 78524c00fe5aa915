import Foundation
public import NIOCore
import Synchronization

/// Records a terminal to an asciicast file while it is used: start, tell it what happens, stop. No gateway, no database.
///
/// ```swift
/// let header = AsciicastHeader(columns: 80, rows: 24, title: "demo")
/// let recorder = try TerminalRecorder.start(at: "demo.cast", header: header)
/// recorder.output(Array("$ uptime\r\n".utf8))
/// recorder.resize(columns: 120, rows: 40)
/// try recorder.stop(exit: .exit(status: 0))
/// ```
///
/// The file is there from the start and grows as things happen: what is older than a second survives a crash. Input is kept
/// only as far as the terminal echoed it (`InputRedaction`): what was typed at a password prompt never reaches the file.
/// Methods may be called from any thread; each time is told by the clock, in the order of the calls.
public final class TerminalRecorder: Sendable {
    /// How the file is written.
    public struct Options: Sendable, Hashable {
        public var version: AsciicastVersion
        /// Whether what is typed is kept, as far as it was echoed.
        public var recordsInput: Bool
        /// Whether a file of that name may go. Without it such a file is an error.
        public var mayReplace: Bool

        public init(version: AsciicastVersion = .v2, recordsInput: Bool = false, mayReplace: Bool = false) {
            self.version = version
            self.recordsInput = recordsInput
            self.mayReplace = mayReplace
        }
    }

    private struct State {
        var writer: AsciicastWriter
        var redaction: InputRedaction?
        /// What is not written yet.
        var pending: [UInt8]
        var lastWrite: Int64 = 0
        var failure: RecordingError?
        var isStopped = false
    }

    /// So much is written at once.
    private static let block = 64 << 10
    /// Microseconds that an event may wait in memory.
    private static let patience: Int64 = 1_000_000

    private let path: String
    private let descriptor: Int32
    private let now: @Sendable () -> Int64
    private let state: Mutex<State>

    /// Creates the file, readable by this account alone, and writes its header.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - header: its first line.
    ///   - options: format, input, what may be replaced.
    ///   - now: microseconds since the start.
    ///
    /// Throws `exists`, `permission_denied`, `not_found`, `disk_full`, `storage_failed`.
    public static func start(
        at path: String, header: AsciicastHeader, options: Options = Options(),
        now: @escaping @Sendable () -> Int64 = TerminalRecorder.clock()
    ) throws(RecordingError) -> TerminalRecorder {
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (options.mayReplace ? O_TRUNC : O_EXCL)
        let descriptor = open(path, flags, 0o600)
        guard descriptor >= 0 else { throw .system(errno, "create", path: path) }
        let recorder = TerminalRecorder(path, descriptor, header, options, now)
        recorder.flush()
        if let failure = recorder.failure {
            // Only what was made here goes: the other may be a device.
            if !options.mayReplace { unlink(path) }
            throw failure
        }
        return recorder
    }

    private init(
        _ path: String, _ descriptor: Int32, _ header: AsciicastHeader, _ options: Options,
        _ now: @escaping @Sendable () -> Int64
    ) {
        self.path = path
        self.descriptor = descriptor
        self.now = now
        state = Mutex(
            State(
                writer: AsciicastWriter(options.version),
                redaction: options.recordsInput ? InputRedaction(columns: header.columns) : nil,
                pending: header.line(options.version)))
    }

    deinit { close(descriptor) }

    /// Microseconds from now on, by a clock that nobody sets.
    public static func clock() -> @Sendable () -> Int64 {
        let start = ContinuousClock.now
        return {
            let (seconds, attoseconds) = start.duration(to: .now).components
            return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        }
    }

    // MARK: What happens

    /// What the terminal showed.
    public func output(_ bytes: [UInt8]) { bytes.withUnsafeBytes { output($0) } }

    /// What the terminal showed.
    public func output(_ bytes: ByteBuffer) { bytes.withUnsafeReadableBytes { output($0) } }

    /// What the terminal showed.
    public func output(_ bytes: UnsafeRawBufferPointer) {
        add { state, time in
            if let settled = state.redaction?.observe(output: bytes, at: time) { Self.append(settled, &state) }
            state.writer.append(output: bytes, at: time, to: &state.pending)
        }
    }

    /// What was typed. Without `recordsInput` nothing of it is kept.
    public func input(_ bytes: [UInt8]) {
        add { state, time in
            if let settled = state.redaction?.input(bytes, actor: "", at: time) { Self.append(settled, &state) }
        }
    }

    /// The terminal has another size.
    public func resize(columns: Int, rows: Int) {
        add { state, time in
            state.redaction?.resize(columns: columns)
            state.writer.append(
                RecordingEvent(time: time, kind: .resize(columns: columns, rows: rows)), to: &state.pending)
        }
    }

    /// A place to find again.
    public func mark(_ label: String) {
        add { state, time in
            state.writer.append(RecordingEvent(time: time, kind: .marker(label)), to: &state.pending)
        }
    }

    /// Writes out what waits in memory, and gives up on echoes that did not come. Call it every second while nothing
    /// happens.
    public func flush() {
        add { state, time in
            if let settled = state.redaction?.advance(to: time) { Self.append(settled, &state) }
            state.lastWrite = time - Self.patience
        }
    }

    /// Why the file is not whole: a full disk, for instance. Nothing is written after it.
    public var failure: RecordingError? { state.withLock { $0.failure } }

    /// Ends the file. What is told afterwards is dropped.
    ///
    /// - Parameter exit: how the recorded program ended; nil if that is nobody's business.
    /// - Returns: Microseconds from the start to the last event.
    ///
    /// Throws what made the file end early: what was recorded before is in it.
    @discardableResult
    public func stop(exit: RecordingEvent.Kind? = nil) throws(RecordingError) -> Int64 {
        add { state, time in
            if let settled = state.redaction?.finish(at: time) { Self.append(settled, &state) }
            state.writer.finish(to: &state.pending)
            if case .exit = exit, let exit {
                state.writer.append(RecordingEvent(time: time, kind: exit), to: &state.pending)
            }
            state.lastWrite = time - Self.patience
        }
        let (failure, duration) = state.withLock { state in
            state.isStopped = true
            return (state.failure, state.writer.lastTime)
        }
        if let failure { throw failure }
        return duration
    }

    // MARK: The file

    private static func append(_ events: [RecordingEvent], _ state: inout State) {
        for event in events { state.writer.append(event, to: &state.pending) }
    }

    private func add(_ body: (inout State, Int64) -> Void) {
        state.withLock { state in
            guard !state.isStopped, state.failure == nil else { return }
            let time = now()
            body(&state, time)
            guard state.pending.count >= Self.block || time - state.lastWrite >= Self.patience else { return }
            state.lastWrite = time
            state.failure = write(state.pending)
            state.pending.removeAll(keepingCapacity: true)
        }
    }

    private func write(_ bytes: [UInt8]) -> RecordingError? {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = systemWrite(descriptor, UnsafeRawBufferPointer(rebasing: rest))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return .system(errno, "write", path: path) }
                rest = rest.dropFirst(count)
            }
            return nil
        }
    }
}

/// write(2), whose name a method has.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
