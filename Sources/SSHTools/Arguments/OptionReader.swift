/// Words of a command line as OpenSSH's tools take them: single letters, several of them in one word, values in the same
/// word or the next one (`-p22`, `-p 22`, `-NL 8080:web:80`, `-vvv`), and long names after two dashes.
public struct OptionReader {
    /// What a tool knows.
    public struct Syntax: Sendable {
        /// Letters that stand alone.
        public var flags: Set<Character>
        /// Letters that take a value.
        public var valued: Set<Character>
        /// Long names that stand alone, without their dashes; a value may follow after "=".
        public var long: Set<String>
        /// Letters that OpenSSH knows and this tool doesn't, and why.
        public var refused: [Character: String]

        public init(flags: String, valued: String, long: Set<String> = [], refused: [Character: String] = [:]) {
            self.flags = Set(flags)
            self.valued = Set(valued)
            self.long = long.union(["help"])
            self.refused = refused
        }
    }

    /// One option.
    public enum Option: Sendable, Hashable {
        case flag(Character)
        case value(Character, String)
        /// `--name` or `--name=value`.
        case long(String, String?)
    }

    private let syntax: Syntax
    private let tool: String
    /// What was not read yet.
    public private(set) var rest: ArraySlice<String>
    /// Letters of a word that was begun.
    private var letters: Substring = ""

    /// - Parameters:
    ///   - words: Without the program's name.
    ///   - tool: For the hint about its help: "copilot ssh".
    public init(_ words: [String], _ syntax: Syntax, tool: String) {
        rest = words[...]
        self.syntax = syntax
        self.tool = tool
    }

    /// The next option; nil where the options end: before a word without a dash, after "--", at the end.
    public mutating func next() throws(Failure) -> Option? {
        if letters.isEmpty {
            guard let word = rest.first, word.hasPrefix("-"), word != "-" else { return nil }
            rest.removeFirst()
            if word == "--" { return nil }
            if word.hasPrefix("--") { return try long(word.dropFirst(2)) }
            letters = word.dropFirst()
        }
        let letter = letters.removeFirst()
        if syntax.flags.contains(letter) { return .flag(letter) }
        guard syntax.valued.contains(letter) else {
            if let why = syntax.refused[letter] { throw usage("-\(letter): \(why)") }
            throw usage("unknown option -\(letter)")
        }
        defer { letters = "" }
        if !letters.isEmpty { return .value(letter, String(letters)) }
        guard let value = rest.popFirst() else { throw usage("option -\(letter) needs a value") }
        return .value(letter, value)
    }

    /// The next word that is no option, such as the host.
    public mutating func operand() -> String? { rest.popFirst() }

    private func long(_ word: Substring) throws(Failure) -> Option {
        let name = word.prefix { $0 != "=" }
        guard syntax.long.contains(String(name)) else { throw usage("unknown option --\(name)") }
        return .long(String(name), name.count < word.count ? String(word.dropFirst(name.count + 1)) : nil)
    }

    /// A command that was used wrongly.
    public func usage(_ problem: String) -> Failure {
        Failure("\(problem).", hint: "See: \(tool) --help", status: .connection)
    }
}
