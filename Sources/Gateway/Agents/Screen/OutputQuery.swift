/// What an agent wants to read of a terminal.
public struct OutputQuery: Sendable {
    /// How the text comes.
    public enum Mode: String, Sendable, Codable, CaseIterable {
        /// As the screen showed it, line by line.
        case clean
        /// As the host sent it, escape sequences and all.
        case raw
    }

    /// Number of the first line; lines that were finished before are left out.
    public var since: Int?
    /// Where an earlier answer ended.
    public var cursor: String?
    /// The last so many lines.
    public var limit: Int?
    public var mode: Mode
    /// Bytes of text; 16 KiB without it, at most 1 MiB.
    public var maxBytes: Int?
    /// Only lines that match this pattern.
    public var grep: String?
    /// How long to wait for something new when there is nothing.
    public var wait: Duration
    public var base64: Bool

    public init(
        since: Int? = nil, cursor: String? = nil, limit: Int? = nil, mode: Mode = .clean, maxBytes: Int? = nil,
        grep: String? = nil, wait: Duration = .zero, base64: Bool = false
    ) {
        self.since = since
        self.cursor = cursor
        self.limit = limit
        self.mode = mode
        self.maxBytes = maxBytes
        self.grep = grep
        self.wait = wait
        self.base64 = base64
    }

    var byteLimit: Int { min(max(maxBytes ?? 16 << 10, 64), 1 << 20) }
}

/// Where a reader stands: a line of the transcript, or a byte of the output. Opaque to agents, the same for ever.
enum OutputCursor: Sendable, Equatable {
    case line(Int)
    case byte(UInt64)

    init?(_ text: String) {
        let digits = text.dropFirst(2)
        guard digits.utf8.count <= 19, !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        switch text.prefix(2) {
        case "l:": self = .line(Int(digits) ?? 0)
        case "b:": self = .byte(UInt64(digits) ?? 0)
        default: return nil
        }
    }

    var text: String {
        switch self {
        case .line(let number): "l:\(number)"
        case .byte(let offset): "b:\(offset)"
        }
    }
}

/// A part of a terminal's output.
public struct OutputView: Sendable, Encodable {
    public struct Gap: Sendable, Encodable {
        public let from: Int
        public let to: Int
        /// `lines` or `bytes`.
        public let unit: String
    }

    /// Finished lines, and the unfinished one last.
    public let lines: [String]
    /// Finished lines there are: what to send as `since` the next time.
    public let currentLine: Int
    public let cursor: String
    public let nextCursor: String
    /// The last of `lines` has no end yet, and does not count in `currentLine`.
    public let partial: Bool
    /// What is no longer kept.
    public let gap: Gap?
    /// Something was left out to keep within the limits.
    public let truncated: Bool
    public let text: String?
    public let base64: String?
    public let state: String
    public let redactions: Int
    public let untrusted = true
}
