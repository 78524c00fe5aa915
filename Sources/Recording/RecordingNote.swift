/// Something that happened beside the terminal and belongs to its recording: it becomes an event with the time of the
/// moment, a marker in the player and in exports.
///
/// Whoever writes a note has already taken out what nobody may read later: notes are kept as they are. Names are those
/// of people as a reader of the recording should see them.
public enum RecordingNote: Sendable, Hashable {
    /// Somebody wrote in the chat beside the terminal.
    case chat(author: String, text: String)
    /// The keyboard went from one person to another; nil = nobody had it, or has it now.
    case control(from: String?, to: String?)
    /// A file was read, written or changed beside the terminal. `operation` is one word such as `upload`; `size` is in
    /// bytes and `sha256` in hexadecimal digits, both of the content that was moved, where there was any.
    case file(operation: String, path: String, size: Int64?, sha256: String?, by: String)
    /// A command was run beside the terminal, as an agent does; `exitCode` is nil where it has none.
    case command(by: String, command: String, exitCode: Int?)
    /// Somebody marked this moment.
    case marker(label: String, by: String)

    /// The event as it stands in the recording.
    public var kind: RecordingEvent.Kind {
        switch self {
        case .chat(let author, let text): .chat(text, actor: author)
        case .control(let from, let to): .controlChange(holder: to, from: from)
        case .file(let operation, let path, let size, let sha256, let actor):
            .file(.init(operation: operation, path: path, size: size, sha256: sha256), actor: actor)
        case .command(let actor, let command, let exitCode): .command(command, status: exitCode, actor: actor)
        case .marker(let label, let actor): .marker(label, actor: actor)
        }
    }
}

/// What was done with a file beside the terminal.
public struct RecordedFile: Sendable, Hashable {
    /// One word: `download`, `upload`, `rename`, `delete`, …
    public let operation: String
    public let path: String
    /// Bytes of content that were moved.
    public let size: Int64?
    /// SHA-256 of that content in hexadecimal digits.
    public let sha256: String?

    public init(operation: String, path: String, size: Int64? = nil, sha256: String? = nil) {
        self.operation = operation
        self.path = path
        self.size = size
        self.sha256 = sha256
    }
}
