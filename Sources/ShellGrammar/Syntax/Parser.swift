/// Reads a shell's text once from its beginning to its end (POSIX.1-2017, Shell Command Language §2, and what bash adds).
///
/// Shells differ, and the text may be made to be read in two ways. Wherever dash, bash, ksh and busybox would not agree,
/// the parser refuses instead of choosing.
struct Parser {
    let bytes: [UInt8]
    let isTyped: Bool
    var at = 0
    var depth: Int
    /// Here-documents whose bodies come after the next line end.
    var waitingDocuments: [HereDocument] = []
    /// The bodies that have expansions.
    var documentWords: [Word] = []
    /// Whether a literal text holds what a shell would run if it came to evaluate it: `$(` or a backquote in quotes.
    var hidesSubstitution = false

    init(_ bytes: [UInt8], isTyped: Bool, depth: Int) {
        self.bytes = bytes
        self.isTyped = isTyped
        self.depth = depth
    }

    /// The whole text.
    mutating func script() throws(ShellSyntaxError) -> Script {
        if bytes.contains(0) { throw ShellSyntaxError("holds a zero byte") }
        if isTyped { try refuseKeys() }
        let script = try list(until: [], closing: nil)
        guard at == bytes.count else {
            throw ShellSyntaxError("has a '\(Character(UnicodeScalar(bytes[at])))' too many")
        }
        guard waitingDocuments.isEmpty else { throw ShellSyntaxError("has a here-document without its text") }
        return script
    }

    /// At a prompt these bytes are keys, not text: editing, completion, history.
    private func refuseKeys() throws(ShellSyntaxError) {
        for byte in bytes where byte != Byte.newline {
            if byte < 0x20 || byte == 0x7F {
                throw ShellSyntaxError("holds control characters, which a prompt reads as keys")
            }
            if byte == Byte.exclamation {
                throw ShellSyntaxError("holds '!', with which a prompt recalls old commands")
            }
        }
    }

    // MARK: Bytes

    func peek(_ distance: Int = 0) -> UInt8? {
        at + distance < bytes.count ? bytes[at + distance] : nil
    }

    func sees(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard at + count <= bytes.count else { return false }
        return text.withUTF8Buffer { $0.elementsEqual(bytes[at..<at + count]) }
    }

    mutating func take(_ text: StaticString) -> Bool {
        guard sees(text) else { return false }
        at += text.utf8CodeUnitCount
        return true
    }

    mutating func descend<Result>(
        _ body: (inout Parser) throws(ShellSyntaxError) -> Result
    ) throws(ShellSyntaxError) -> Result {
        guard depth < ShellGrammar.maximumDepth else { throw ShellSyntaxError("is nested too deeply") }
        depth += 1
        defer { depth -= 1 }
        return try body(&self)
    }

    /// Blanks, joined lines and a comment. A newline stays.
    mutating func skipBlanks() throws(ShellSyntaxError) {
        while let byte = peek() {
            if byte == Byte.space || byte == Byte.tab {
                at += 1
            } else if byte == Byte.backslash, peek(1) == Byte.newline {
                try joinLines()
            } else {
                break
            }
        }
        if peek() == Byte.hash, isAtWordStart {
            if isTyped { throw ShellSyntaxError("holds '#', which not every prompt takes as a comment") }
            while let byte = peek(), byte != Byte.newline { at += 1 }
        }
    }

    /// A backslash at a line's end joins it with the next. Between blanks all shells agree what that means; elsewhere it can
    /// make one sign of two.
    private mutating func joinLines() throws(ShellSyntaxError) {
        let before = at > 0 ? bytes[at - 1] : Byte.space
        guard before == Byte.space || before == Byte.tab || before == Byte.newline else {
            throw ShellSyntaxError("joins two lines inside of a word")
        }
        at += 2
        if let next = peek(), next == Byte.hash { throw ShellSyntaxError("joins a line with a comment") }
    }

    var isAtWordStart: Bool {
        guard at > 0 else { return true }
        return Byte.isMeta(bytes[at - 1])
    }

    /// Newlines, blanks and comments; bodies of here-documents are read where their line ends.
    mutating func skipLines() throws(ShellSyntaxError) {
        try skipBlanks()
        while peek() == Byte.newline {
            at += 1
            try readDocuments()
            try skipBlanks()
        }
    }

    /// The unquoted word that begins here, if nothing in it needs expanding.
    func reservedWord() -> String? {
        var end = at
        while end < bytes.count, !Byte.isMeta(bytes[end]) {
            let byte = bytes[end]
            if byte == Byte.backslash || byte == Byte.quote || byte == Byte.doubleQuote || byte == Byte.dollar
                || byte == Byte.backquote || end - at > 8
            {
                return nil
            }
            end += 1
        }
        return end == at ? nil : String(decoding: bytes[at..<end], as: UTF8.self)
    }

    mutating func expect(_ word: String) throws(ShellSyntaxError) {
        try skipLines()
        guard reservedWord() == word else { throw ShellSyntaxError("lacks a '\(word)'") }
        at += word.utf8.count
    }
}

/// The bytes that mean something to a shell.
enum Byte {
    static let tab = UInt8(ascii: "\t")
    static let newline = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")
    static let exclamation = UInt8(ascii: "!")
    static let doubleQuote = UInt8(ascii: "\"")
    static let hash = UInt8(ascii: "#")
    static let dollar = UInt8(ascii: "$")
    static let ampersand = UInt8(ascii: "&")
    static let quote = UInt8(ascii: "'")
    static let open = UInt8(ascii: "(")
    static let close = UInt8(ascii: ")")
    static let semicolon = UInt8(ascii: ";")
    static let less = UInt8(ascii: "<")
    static let equals = UInt8(ascii: "=")
    static let greater = UInt8(ascii: ">")
    static let bracket = UInt8(ascii: "[")
    static let backslash = UInt8(ascii: "\\")
    static let backquote = UInt8(ascii: "`")
    static let openBrace = UInt8(ascii: "{")
    static let bar = UInt8(ascii: "|")
    static let closeBrace = UInt8(ascii: "}")

    /// Whether it ends a word.
    static func isMeta(_ byte: UInt8) -> Bool {
        switch byte {
        case tab, newline, space, ampersand, open, close, semicolon, less, greater, bar: true
        default: false
        }
    }

    static func isNameStart(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            || byte == UInt8(ascii: "_")
    }

    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    static func isName(_ byte: UInt8) -> Bool { isNameStart(byte) || isDigit(byte) }
}
