import NIOConcurrencyHelpers
import NIOCore
import Recording

/// The session's way to its recording: events in order with their times, input only as far as it may be kept.
///
/// Used on the session's event loop; the writer behind it has its own thread, and no call here waits for a disk.
final class SessionRecorder: Sendable {
    /// What the session has to know of its recording.
    enum Change: Sendable {
        /// The recording can't be written; the sentence says why.
        case stalled(String)
        case recovered
        /// More waits for the disk than should: the host must wait too.
        case behind
        case caughtUp
    }

    /// A keyframe as the screen gives it.
    struct Frame {
        let columns: Int
        let rows: Int
        let offset: UInt64
        let snapshot: [UInt8]
    }

    private let writer: RecordingWriter
    private let startedAt: NIODeadline
    /// Nil where nothing is typed.
    private let redaction: NIOLockedValueBox<InputRedaction>?
    private let listener = NIOLockedValueBox(Listener())

    /// In a structure: a function in a generic box is wrapped once more by each look at it.
    private struct Listener {
        var hear: @Sendable (RecordingNote) -> Void = { _ in }
    }

    private let keyboardHolder = NIOLockedValueBox<String?>(nil)

    /// - Parameter columns: Of the terminal; nil for a command without one, whose input nothing echoes and which has none
    ///   in its recording.
    init(writer: RecordingWriter, columns: Int?) {
        self.writer = writer
        self.startedAt = .now()
        self.redaction = columns.map { NIOLockedValueBox(InputRedaction(columns: $0)) }
    }

    /// Tells the session how its recording is doing; may come from any thread.
    func onChange(_ tell: @escaping @Sendable (Change) -> Void) {
        writer.onState = { state in
            switch state {
            case .stalled(let error): tell(.stalled(error.description))
            case .recovered: tell(.recovered)
            case .behind: tell(.behind)
            case .caughtUp: tell(.caughtUp)
            case .recording, .closed: break
            }
        }
    }

    /// Microseconds since the start of the recording.
    var elapsed: Int64 { time }

    private var time: Int64 { (NIODeadline.now() - startedAt).nanoseconds / 1000 }

    // MARK: Events

    func output(_ bytes: ByteBuffer, keyframe: () -> Frame) {
        let time = time
        if let redaction { append(redaction.withLockedValue { $0.observe(output: bytes, at: time) }) }
        writer.append(output: bytes, at: time)
        guard writer.wantsKeyframe else { return }
        let frame = keyframe()
        writer.append(
            RecordingKeyframe(
                time: time, columns: frame.columns, rows: frame.rows, outputOffset: Int64(clamping: frame.offset),
                snapshot: frame.snapshot))
    }

    func input(_ bytes: ByteBuffer, by name: String) {
        guard let redaction else { return }
        let (time, typed) = (time, bytes.withUnsafeReadableBytes { Array($0) })
        append(redaction.withLockedValue { $0.input(typed, actor: name, at: time) })
    }

    /// Decides about input that waited for its echo long enough; to be called now and then.
    func settle() {
        guard let redaction else { return }
        let time = time
        append(redaction.withLockedValue { $0.advance(to: time) })
    }

    /// Whether input waits for its echo.
    var hasUndecidedInput: Bool { redaction?.withLockedValue { $0.deadline } != nil }

    func resized(columns: Int, rows: Int) {
        redaction?.withLockedValue { $0.resize(columns: columns) }
        append(.resize(columns: columns, rows: rows))
    }

    func joined(_ name: String, mode: SeatMode) { append(.join(actor: name, mode: mode.rawValue)) }
    func left(_ name: String) { append(.leave(actor: name)) }

    /// Records what happened beside the terminal, at this moment.
    func note(_ note: RecordingNote) {
        append(note.kind)
        listener.withLockedValue { $0 }.hear(note)
    }

    /// Calls `listener` for whatever happens beside the terminal, on the thread that notes it.
    func onNote(_ listener: @escaping @Sendable (RecordingNote) -> Void) {
        self.listener.withLockedValue { $0.hear = listener }
    }

    /// The keyboard has this holder now. A holder who comes back is no change.
    func keyboardChanged(_ holder: String?) {
        let previous = keyboardHolder.withLockedValue { known in
            defer { known = holder }
            return known
        }
        guard previous != holder else { return }
        note(.control(from: previous, to: holder))
    }

    func ended(_ ending: SessionEnding) {
        let time = time
        if let redaction { append(redaction.withLockedValue { $0.finish(at: time) }) }
        append(.exit(status: ending.exitStatus, signal: ending.signal))
    }

    /// Writes what waits, seals the file, and gives up on a disk that stays full for ten seconds.
    func close() async -> RecordingSummary { await writer.close(patience: .seconds(10)) }

    private func append(_ kind: RecordingEvent.Kind) { writer.append(RecordingEvent(time: time, kind: kind)) }

    private func append(_ events: [RecordingEvent]) {
        for event in events { writer.append(event) }
    }
}
