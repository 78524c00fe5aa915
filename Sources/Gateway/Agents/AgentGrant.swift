import Foundation
import ShellGrammar
import Storage

/// How much an agent may do by itself at one session.
public enum AgentMode: String, Sendable, Codable, CaseIterable {
    /// Look at the terminal, and nothing else.
    case observe
    /// Run commands that only read.
    case readOnly = "read_only"
    /// Commands that only read run at once; a person decides about every other.
    case supervised
    /// A person decides only about what destroys, needs another account or stops the machine.
    case trusted
}

/// Whether an agent may run things as root.
public enum AgentSudo: String, Sendable, Codable, CaseIterable {
    case never, ask, allow
}

/// What a person granted an agent at one session: never more than that person may do there.
public struct AgentGrant: Sendable, Encodable {
    /// Places in the file system: whole paths in which `*` stands for anything.
    public struct Files: Sendable, Codable, Equatable {
        public var read: [String]
        public var write: [String]

        public init(read: [String] = [], write: [String] = []) {
            self.read = read
            self.write = write
        }
    }

    public var mode: AgentMode
    /// Commands that run without a question: their words, `*` for anything in one, a last `**` for any further ones.
    public var allow: [String]
    /// Commands that never run, wherever they stand in a line.
    public var deny: [String]
    public var sudo: AgentSudo
    public var files: Files
    public var expiresAt: String
    /// Commands in all; nil without a limit.
    public var maxCommands: Int?
    /// Commands of the agent run on while a person has the keyboard.
    public var execDuringHuman: Bool

    var expires: Timestamp

    private enum CodingKeys: String, CodingKey {
        case mode, allow, deny, sudo, files, expiresAt, maxCommands, execDuringHuman
    }

    /// What a person chooses when letting an agent in; what is nil is the usual.
    public struct Choice: Sendable, Codable {
        public var hostId: String
        public var mode: AgentMode?
        public var allow: [String]?
        public var deny: [String]?
        public var sudo: AgentSudo?
        public var files: Files?
        public var durationMinutes: Int?
        public var maxCommands: Int?
        public var execDuringHuman: Bool?

        public init(hostId: String, mode: AgentMode? = nil) {
            self.hostId = hostId
            self.mode = mode
        }
    }

    /// Word for word what is decided, for a passkey to sign.
    static func words(_ choice: Choice) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(choice)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    static let longestMinutes = 24 * 60
    static let usualMinutes = 60
    private static let patternsEach = 50
    private static let longestPattern = 500

    init(_ choice: Choice, now: Timestamp = .now()) throws(GatewayError) {
        let minutes = choice.durationMinutes ?? Self.usualMinutes
        guard (1...Self.longestMinutes).contains(minutes) else {
            throw .invalid(
                "durationMinutes", "An agent may be let in for 1 to \(Self.longestMinutes) minutes.",
                hint: "Choose a time within a day.")
        }
        if let count = choice.maxCommands, count < 1 {
            throw .invalid("maxCommands", "At least one command has to be allowed.", hint: "Leave it out for no limit.")
        }
        mode = choice.mode ?? .supervised
        allow = try Self.patterns(choice.allow ?? [], "allow").map { text throws(GatewayError) in
            try Self.commandPattern(text, field: "allow")
        }
        deny = try Self.patterns(choice.deny ?? [], "deny").map { text throws(GatewayError) in
            try Self.commandPattern(text, field: "deny")
        }
        sudo = choice.sudo ?? .ask
        files = Files(
            read: try Self.patterns(choice.files?.read ?? [], "files.read"),
            write: try Self.patterns(choice.files?.write ?? [], "files.write"))
        expires = now + .seconds(minutes * 60)
        expiresAt = expires.iso8601
        maxCommands = choice.maxCommands
        execDuringHuman = choice.execDuringHuman ?? false
    }

    /// A pattern for commands that can be understood.
    static func commandPattern(_ text: String, field: String) throws(GatewayError) -> String {
        do throws(CommandPattern.Unusable) {
            return try CommandPattern(text).text
        } catch {
            throw .invalid(field, error.message, hint: error.hint)
        }
    }

    private static func patterns(_ texts: [String], _ field: String) throws(GatewayError) -> [String] {
        guard texts.count <= patternsEach, texts.allSatisfy({ $0.utf8.count <= longestPattern }) else {
            throw .invalid(
                field, "There are at most \(patternsEach) patterns of at most \(longestPattern) bytes each.",
                hint: "Write fewer, shorter ones.")
        }
        return texts.filter { !$0.isEmpty }
    }
}

/// A text in which `*` stands for anything. Matching looks at each byte of the text a bounded number of times.
struct TextPattern: Sendable {
    private let parts: [[UInt8]]

    init(_ pattern: String) {
        parts = pattern.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map { Array($0) }
    }

    func matches(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = parts.first, let last = parts.last else { return false }
        guard parts.count > 1 else { return bytes == first }
        guard bytes.count >= first.count + last.count, bytes.starts(with: first), bytes.suffix(last.count) == last[...]
        else { return false }
        var rest = bytes[first.count..<(bytes.count - last.count)]
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let end = Self.end(of: part, in: rest) else { return false }
            rest = rest[end...]
        }
        return true
    }

    /// The earliest place behind `part`: what comes first leaves the most for what follows.
    private static func end(of part: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard part.count <= bytes.count else { return nil }
        for start in bytes.startIndex...(bytes.endIndex - part.count)
        where bytes[start..<(start + part.count)] == part[...] { return start + part.count }
        return nil
    }
}
