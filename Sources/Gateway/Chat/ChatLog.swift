import Foundation

/// One message of the chat beside a session.
public struct ChatMessage: Sendable, Encodable {
    public struct Author: Sendable, Encodable {
        public let userId: String
        public let name: String
    }

    public let id: String
    /// When it was written: ISO 8601 in UTC.
    public let at: String
    /// Seconds since the session began, as its recording counts them.
    public let time: Double
    public let author: Author
    public let text: String
    /// The people that it mentions.
    public let mentions: [String]
}

/// A session's chat as those who come late get it.
public struct ChatHistory: Encodable, Sendable {
    public let messages: [ChatMessage]
    /// Whether nothing was left out; older messages are in the recording alone.
    public let isComplete: Bool
    /// The message that these follow, which the reader has; nil when they begin anew.
    public var after: String?
}

/// The newest messages of a session's chat, for those who come late. The recording keeps all of them.
struct ChatLog: Sendable {
    static let limit = 500
    /// Text that whoever comes late gets at once.
    static let historyBytes = 128 * 1024

    private(set) var messages: [ChatMessage] = []
    private var isComplete = true

    var history: ChatHistory { history(after: nil) }

    /// What somebody misses who has everything up to a message: a phone that was away for a moment gets no more.
    func history(after known: String?) -> ChatHistory {
        if let known, let index = messages.lastIndex(where: { $0.id == known }) {
            return ChatHistory(messages: Array(messages[(index + 1)...]), isComplete: isComplete, after: known)
        }
        var room = Self.historyBytes
        let newest = messages.reversed().prefix {
            room -= $0.text.utf8.count
            return room >= 0
        }
        return ChatHistory(
            messages: newest.reversed(), isComplete: isComplete && newest.count == messages.count, after: nil)
    }

    mutating func append(_ message: ChatMessage) {
        messages.append(message)
        guard messages.count > Self.limit else { return }
        messages.removeFirst(messages.count - Self.limit)
        isComplete = false
    }
}

/// What may be said in a chat: plain text of a bounded length.
enum ChatText {
    /// Characters of a message.
    static let limit = 2000
    /// People that one message mentions at most.
    static let mentionLimit = 20

    /// - Throws: 422 `invalid` for a message that is empty or too long.
    static func checked(_ text: String) throws(GatewayError) -> String {
        guard text.utf8.count <= limit * 8 else { throw tooLong }
        let clean = String(String.UnicodeScalarView(text.unicodeScalars.compactMap(shown)))
            .trimmingCharacters(in: .whitespacesAndNewlines)
        guard !clean.isEmpty else { throw .invalid("text", "The message is empty.", hint: "Write something.") }
        guard clean.count <= limit else { throw tooLong }
        return clean
    }

    private static var tooLong: GatewayError {
        .invalid("text", "The message is longer than \(limit) characters.", hint: "Shorten it, or send a file.")
    }

    /// Control bytes and the marks that turn the direction of writing have no place in it: the recording's text, an
    /// export and a terminal show it, too.
    private static func shown(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        if scalar == "\n" { return scalar }
        if scalar == "\t" { return " " }
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate: return nil
        case .format: return scalar == "\u{200C}" || scalar == "\u{200D}" ? scalar : nil
        default: return scalar
        }
    }

    /// The user names that the text mentions: `@ada`, at its beginning or after something that is no part of a name.
    static func mentions(in text: String) -> Set<String> {
        var found: Set<String> = []
        var before: Character = " "
        var rest = text[...]
        while let character = rest.popFirst() {
            defer { before = character }
            guard character == "@", !before.isLetter, !before.isNumber else { continue }
            let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }.prefix(32)
            guard !name.isEmpty, found.count < mentionLimit else { continue }
            // A full stop after a name ends the sentence.
            found.insert(name.lowercased().trimmingCharacters(in: CharacterSet(charactersIn: ".-_")))
        }
        return found
    }
}
