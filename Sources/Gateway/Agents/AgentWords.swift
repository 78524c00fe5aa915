import Redaction
import Storage

/// Short texts that others wrote and that stand in answers to agents: names of files, hosts and programs, titles, prompts, notes,
/// reasons, sentences of hosts. Every one of them goes through here: secrets are taken out, and what could hide or turn something is
/// written out, so that it is seen for what it is.
///
/// What a terminal showed as clean text or as a screen is treated alike. Outputs of commands, files and raw bytes keep theirs but for
/// secrets (``redact(_:_:)``): whoever asks for those asks for them exactly.
extension AgentService {
    private static let general = SecretRedaction()

    /// A short text of somebody else's, as an agent may read it.
    func words(_ text: String, _ session: AgentSession? = nil) -> String {
        Self.words(text, session?.redaction ?? Self.general)
    }

    private static func words(_ text: String, _ redaction: SecretRedaction) -> String {
        VisibleText.marked(redaction.redact(text).text)
    }

    /// An error on its way to an agent: a host or a person may have had a say in its words.
    public static func words(of error: GatewayError) -> GatewayError {
        var error = error
        error.error = words(error.error, general)
        error.hint = words(error.hint, general)
        error.details = error.details.mapValues(words)
        return error
    }

    private static func words(_ value: DetailValue) -> DetailValue {
        switch value {
        case .string(let text): .string(words(text, general))
        case .object(let members): .object(members.mapValues(words))
        case .array(let values): .array(values.map(words))
        case .integer, .bool: value
        }
    }

    func words(_ page: EventPage) -> EventPage {
        EventPage(
            events: page.events.map { event in
                let session = event.sessionId.flatMap { id in board.read { $0.sessions[id] } }
                return AgentEvent(
                    seq: event.seq, time: event.time, kind: event.kind, sessionId: event.sessionId,
                    commandId: event.commandId, approvalId: event.approvalId, by: event.by.map { words($0, session) },
                    text: event.text.map { words($0, session) })
            }, seq: page.seq, firstSeq: page.firstSeq)
    }
}

/// A folder as an agent sees it.
public struct AgentFolder: Sendable, Encodable {
    public struct Entry: Sendable, Encodable {
        /// As it may be read: not always as it is.
        public let name: String
        public let path: String
        /// The path byte for byte, percent-encoded; missing for a name that holds a secret.
        public let encoded: String?
        /// Something of the name was taken out or written out: it does not stand for the file.
        public let altered: Bool
        public let kind: FileEntry.Kind
        @Nullable public var size: UInt64?
        @Nullable public var modified: String?
        @Nullable public var mode: String?
        @Nullable public var owner: String?
        @Nullable public var group: String?
        /// Where a link points.
        @Nullable public var target: String?
    }

    public let path: String
    public let entries: [Entry]
    public let total: Int
    public let skipped: Int
    public let truncated: Bool
    public let untrusted = true

    /// - Parameters:
    ///   - redact: takes secrets out of a name.
    init(_ listing: FileListing, words: (String) -> String, redact: (String) -> (text: String, count: Int)) {
        path = words(listing.path)
        entries = listing.entries.map { entry in
            // A secret may go on over a slash: the path is looked at as a whole, too.
            let isSecret = redact(entry.name).count > 0 || redact(entry.path).count > 0
            let name = words(entry.name)
            return Entry(
                name: name, path: words(entry.path), encoded: isSecret ? nil : entry.encoded,
                altered: isSecret || name != entry.name, kind: entry.kind, size: entry.size, modified: entry.modified,
                mode: entry.mode, owner: entry.owner.map(words), group: entry.group.map(words),
                target: entry.target.map(words))
        }
        total = listing.total
        skipped = listing.skipped
        truncated = listing.truncated
    }
}
