/// A line taken apart into words as a POSIX shell does it (POSIX.1-2017, Shell Command Language §2.2), and nothing else
/// that a shell does: no variable, no pattern, no substitution, no operator. `;`, `|`, `$` and `*` are letters here.
///
/// ```swift
/// try ShellWords.parse(#"tail "my job" it\'s"#)   // ["tail", "my job", "it's"]
/// ShellWords.quote("it's")                         // 'it'\''s'
/// ```
public enum ShellWords {
    /// The words of a line.
    ///
    /// - Throws: `open_single_quote`, `open_double_quote`, `open_escape` or `nul` for a line that is not whole.
    public static func parse(_ line: String) throws(ShellWordsError) -> [String] {
        try parse(bytes: Array(line.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The words of a line in an encoding that only the two ends know: a client sends bytes, and a program gets bytes.
    public static func parse(bytes line: some Sequence<UInt8>) throws(ShellWordsError) -> [[UInt8]] {
        var parser = Parser()
        for byte in line { try parser.take(byte) }
        return try parser.finish()
    }

    /// One word, written so that a POSIX shell and `parse` read it back as it is.
    public static func quote(_ word: String) -> String {
        guard word.isEmpty || !word.utf8.allSatisfy(isPlain) else { return word }
        return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }

    /// A line of words.
    public static func line(_ words: [String]) -> String { words.map(quote).joined(separator: " ") }

    /// What no shell reads as anything but itself, wherever it stands in a word.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "+"), UInt8(ascii: "@"),
            UInt8(ascii: "%"):
            true
        default: false
        }
    }
}

extension ShellWords {
    fileprivate struct Parser {
        private enum Quotation {
            case none, single, double
        }

        private var words: [[UInt8]] = []
        private var word: [UInt8] = []
        /// An empty pair of quotes makes a word, too.
        private var isInWord = false
        private var quotation = Quotation.none
        private var isEscaped = false

        mutating func take(_ byte: UInt8) throws(ShellWordsError) {
            guard byte != 0 else { throw .nul }
            if isEscaped { return takeEscaped(byte) }
            switch quotation {
            case .single: takeQuoted(byte, end: UInt8(ascii: "'"))
            case .double where byte != UInt8(ascii: "\\"): takeQuoted(byte, end: UInt8(ascii: "\""))
            case .double, .none: takePlain(byte)
            }
        }

        private mutating func takePlain(_ byte: UInt8) {
            switch byte {
            case UInt8(ascii: "\\"): isEscaped = true
            case UInt8(ascii: "'"): open(.single)
            case UInt8(ascii: "\""): open(.double)
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"): endWord()
            default: append(byte)
            }
        }

        private mutating func takeQuoted(_ byte: UInt8, end: UInt8) {
            if byte == end { quotation = .none } else { append(byte) }
        }

        /// §2.2.1 and §2.2.3: between double quotes a backslash takes the meaning of few characters, and stays before
        /// the others; with a line feed it vanishes in both places.
        private mutating func takeEscaped(_ byte: UInt8) {
            isEscaped = false
            guard byte != UInt8(ascii: "\n") else { return }
            if quotation == .double, !Array("$`\"\\".utf8).contains(byte) { append(UInt8(ascii: "\\")) }
            append(byte)
        }

        private mutating func open(_ quotation: Quotation) {
            self.quotation = quotation
            isInWord = true
        }

        private mutating func append(_ byte: UInt8) {
            word.append(byte)
            isInWord = true
        }

        private mutating func endWord() {
            if isInWord { words.append(word) }
            word = []
            isInWord = false
        }

        mutating func finish() throws(ShellWordsError) -> [[UInt8]] {
            guard !isEscaped else { throw .openEscape }
            switch quotation {
            case .single: throw .openSingleQuote
            case .double: throw .openDoubleQuote
            case .none: endWord()
            }
            return words
        }
    }
}
