// The words of a line at the prompt of sftp: quotes and backslashes as in OpenSSH's, and names as bytes.

import SFTP

/// One word: what was typed, and which bytes of it were quoted and mean themselves.
struct CommandWord: Hashable {
    /// Without quotes and backslashes.
    var bytes: [UInt8] = []
    /// For each byte whether a pattern may read it.
    var isQuoted: [Bool] = []

    init() {}

    init(_ text: String) {
        bytes = Array(text.utf8)
        isQuoted = Array(repeating: false, count: bytes.count)
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
    var path: RemotePath { RemotePath(bytes: bytes) }

    /// The same as a pattern, in which quoted bytes mean themselves.
    var pattern: [UInt8] {
        zip(bytes, isQuoted).flatMap { byte, quoted in
            quoted && "*?[\\".utf8.contains(byte) ? [UInt8(ascii: "\\"), byte] : [byte]
        }
    }

    mutating func append(_ byte: UInt8, isQuoted quoted: Bool) {
        bytes.append(byte)
        isQuoted.append(quoted)
    }
}

/// Why a line at the prompt is no command.
struct CommandLineError: Error, Hashable {
    var sentence: String

    init(_ sentence: String) { self.sentence = sentence }
}

/// Splits a line into words.
struct CommandWords {
    private enum Quote: Hashable { case single, double }

    /// The words so far; the last one may be empty when the line ends behind a blank.
    private(set) var words: [CommandWord] = []
    /// Bytes of the line before the last word.
    private(set) var lastStart = 0
    /// The quote that the line leaves open.
    private(set) var openQuote: UInt8?

    /// - Parameter line: Up to an unquoted "#", which begins a comment.
    /// - Throws: When a quote is not closed, or a backslash stands at the end.
    static func split(_ line: String) throws(CommandLineError) -> [CommandWord] {
        let result = CommandWords(Array(line.utf8))
        if result.openQuote != nil { throw CommandLineError("A quote is not closed.") }
        if result.endsInBackslash { throw CommandLineError("There is a backslash at the end of the line.") }
        return result.words
    }

    /// Whether the line ends within its last word, and not behind a blank.
    private(set) var endsInWord = false
    private var endsInBackslash = false

    /// Also for a line that is not finished, as completion sees it.
    init(_ line: [UInt8]) {
        var word: CommandWord?
        var quote: Quote?
        var index = 0
        scan: while index < line.count {
            let byte = line[index]
            let start = index
            index += 1
            switch (byte, quote) {
            case (UInt8(ascii: " "), nil), (UInt8(ascii: "\t"), nil):
                if let done = word { words.append(done) }
                word = nil
                lastStart = index
                continue
            case (UInt8(ascii: "#"), nil): break scan
            case (UInt8(ascii: "'"), nil): quote = .single
            case (UInt8(ascii: "\""), nil): quote = .double
            case (UInt8(ascii: "'"), .single), (UInt8(ascii: "\""), .double):
                quote = nil
                if word == nil { word = CommandWord() }
                continue
            case (UInt8(ascii: "\\"), _):
                guard index < line.count else {
                    endsInBackslash = true
                    break scan
                }
                let next = line[index]
                index += 1
                // Within quotes a backslash means itself, unless it stands before that quote or another backslash.
                let closing = quote == .single ? UInt8(ascii: "'") : UInt8(ascii: "\"")
                var current = word ?? CommandWord()
                if quote != nil, next != closing, next != UInt8(ascii: "\\") {
                    current.append(byte, isQuoted: true)
                }
                current.append(next, isQuoted: true)
                if word == nil { lastStart = start }
                word = current
                continue
            default:
                if word == nil { lastStart = start }
                var current = word ?? CommandWord()
                current.append(byte, isQuoted: quote != nil)
                word = current
                continue
            }
            // A quote was opened.
            if word == nil {
                lastStart = start
                word = CommandWord()
            }
        }
        endsInWord = word != nil
        if let word { words.append(word) }
        openQuote = quote.map { $0 == .single ? UInt8(ascii: "'") : UInt8(ascii: "\"") }
    }
}
