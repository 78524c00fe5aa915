/// Commands that a person allows or forbids by their words: `systemctl status *`, `kubectl get ** `, `make test`.
///
/// Words are compared after the shell's quotes are taken away. `*` in a word stands for any characters of that word, but an
/// option is only met by a pattern that begins with a dash too; a last `**` stands for any further words.
public struct CommandPattern: Sendable, Hashable {
    /// Why a text is no pattern.
    public struct Unusable: Error, Hashable {
        public let code = "bad_pattern"
        public let message: String
        public let hint = "Write the program's name and its words, such as 'systemctl status *'."
    }

    /// As it was written.
    public let text: String
    private let words: [[Character]]
    private let takesMore: Bool

    public init(_ text: String) throws(Unusable) {
        var words = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map { Array($0) }
        guard text.utf8.count <= 1024, let first = words.first else {
            throw Unusable(message: "A command pattern has between 1 and 1024 bytes.")
        }
        takesMore = words.count > 1 && words.last == ["*", "*"]
        if takesMore { words.removeLast() }
        guard !first.allSatisfy({ $0 == "*" }) else {
            throw Unusable(message: "A pattern that begins with '*' would mean every program.")
        }
        guard !words.contains(["*", "*"]) else {
            throw Unusable(message: "'**' may only stand at the end of a pattern.")
        }
        self.text = text
        self.words = words
    }

    /// Whether a line is exactly one command of this pattern: no list, pipe, substitution, redirection, assignment or
    /// wildcard, so that it does nothing that its words do not say.
    public func allows(_ line: String) -> Bool {
        guard line.utf8.count <= ShellGrammar.maximumLength else { return false }
        var parser = Parser(Array(line.utf8), isTyped: false, depth: 0)
        guard let script = try? parser.script(), script.pipelines.count == 1, let pipeline = script.pipelines.first,
            pipeline.commands.count == 1, case .simple(let command)? = pipeline.commands.first,
            command.assignments.isEmpty, command.redirections.isEmpty
        else { return false }
        var texts: [String] = []
        for word in command.words {
            guard let text = word.text else { return false }
            texts.append(text)
        }
        guard texts.count == words.count || takesMore && texts.count > words.count else { return false }
        return zip(words, texts).allSatisfy { Self.matches($0, Array($1), optionsNeedDash: true) }
    }

    /// Whether anything that a line runs may be of this pattern: for rules that forbid. A word that is only known when it
    /// runs may be anything.
    public func mayBeIn(_ found: CommandClass) -> Bool {
        found.commands.contains { command in
            guard command.count >= words.count || command.contains(nil) else { return false }
            guard command.count == words.count || takesMore || command.contains(nil) else { return false }
            return zip(words, command).allSatisfy { pattern, word in
                guard let word else { return true }
                let name = pattern == words.first ? Judge.programName(word) ?? word : word
                return Self.matches(pattern, Array(name), optionsNeedDash: false)
            }
        }
    }

    /// A wildcard match in time of pattern × text, without recursion: the last `*` is the only one that moves.
    private static func matches(_ pattern: [Character], _ text: [Character], optionsNeedDash: Bool) -> Bool {
        if optionsNeedDash, text.first == "-", pattern.first != "-" { return false }
        var (place, at, star, mark) = (0, 0, -1, 0)
        while at < text.count {
            if place < pattern.count, pattern[place] == "*" {
                (star, mark) = (place, at)
                place += 1
            } else if place < pattern.count, pattern[place] == text[at] {
                place += 1
                at += 1
            } else if star >= 0 {
                mark += 1
                (place, at) = (star + 1, mark)
            } else {
                return false
            }
        }
        while place < pattern.count, pattern[place] == "*" { place += 1 }
        return place == pattern.count
    }
}
