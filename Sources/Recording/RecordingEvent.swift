/// One thing that happened in a session, and when.
public struct RecordingEvent: Sendable, Hashable {
    /// What happened. `actor`, `holder` and names are ids or names of people as the owner of the recording chooses.
    public enum Kind: Sendable, Hashable {
        /// Bytes from the host to the terminal.
        case output([UInt8])
        /// Bytes that a participant typed, as far as they may be kept (see `InputRedaction`).
        case input([UInt8], actor: String)
        /// So many characters were typed that may not be kept.
        case redactedInput(count: Int, actor: String)
        case resize(columns: Int, rows: Int)
        /// A moment that somebody marked; `nil` = a program did.
        case marker(String, actor: String? = nil)
        case chat(String, actor: String)
        /// The keyboard changed hands; `nil` = nobody holds it, or held it before.
        case controlChange(holder: String?, from: String? = nil)
        case join(actor: String, mode: String)
        case leave(actor: String)
        case exit(status: Int?, signal: String? = nil)
        /// So many bytes of events could not be kept, because the owner went on after the writer's limit.
        case gap(bytes: Int)
        /// A file was moved or changed beside the terminal.
        case file(RecordedFile, actor: String)
        /// A command was run beside the terminal; `status` is nil where it has none.
        case command(String, status: Int?, actor: String)
    }

    /// Microseconds since the start of the recording. The writer never lets it run backwards.
    public let time: Int64
    public let kind: Kind

    public init(time: Int64, kind: Kind) {
        self.time = time
        self.kind = kind
    }
}

extension RecordingEvent.Kind {
    /// Part of the terminal's own stream: output, input, size. The rest are moments that a marker can stand for.
    var isStream: Bool {
        switch self {
        case .output, .input, .resize: true
        default: false
        }
    }
}

/// The whole screen at one moment: what stands for every event before it.
public struct RecordingKeyframe: Sendable, Hashable {
    /// Microseconds since the start of the recording.
    public let time: Int64
    public let columns: Int
    public let rows: Int
    /// Position in the session's output stream, in bytes: how much output came before.
    public let outputOffset: Int64
    /// VT bytes that rebuild the screen in a fresh terminal of that size. Opaque here.
    public let snapshot: [UInt8]

    public init(time: Int64, columns: Int, rows: Int, outputOffset: Int64, snapshot: [UInt8]) {
        self.time = time
        self.columns = columns
        self.rows = rows
        self.outputOffset = outputOffset
        self.snapshot = snapshot
    }
}
