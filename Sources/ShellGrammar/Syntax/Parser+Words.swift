/// A word while it is read.
struct WordBuilder {
    private var parts: [Word.Part] = []
    private var literal: [UInt8] = []
    private var literalIsQuoted = false
    var isQuoted = false

    mutating func append(_ byte: UInt8, isQuoted: Bool) {
        if isQuoted != literalIsQuoted, !literal.isEmpty { flush() }
        literalIsQuoted = isQuoted
        literal.append(byte)
    }

    mutating func append(_ part: Word.Part) {
        flush()
        parts.append(part)
    }

    private mutating func flush() {
        guard !literal.isEmpty else { return }
        parts.append(.literal(String(decoding: literal, as: UTF8.self), isQuoted: literalIsQuoted))
        literal = []
    }

    var isEmpty: Bool { parts.isEmpty && literal.isEmpty && !isQuoted }

    /// The literal bytes since the last expansion.
    var openLiteral: [UInt8] { literal }

    var word: Word {
        var copy = self
        copy.flush()
        return Word(parts: copy.parts, isQuoted: isQuoted)
    }
}

extension Parser {
    /// The word that begins here; nil at a separator.
    mutating func nextWord() throws(ShellSyntaxError) -> Word? {
        var builder = WordBuilder()
        let start = at
        if isTyped, let byte = peek(), byte == UInt8(ascii: "^") || byte == UInt8(ascii: "%") || byte == Byte.equals {
            throw ShellSyntaxError(
                "begins a word with '\(Character(UnicodeScalar(byte)))', which prompts read differently")
        }
        while let byte = peek() {
            if byte == Byte.less || byte == Byte.greater, peek(1) == Byte.open {
                guard at == start else { throw ShellSyntaxError("has a process substitution inside of a word") }
                at += 2
                builder.append(.process(try substitution()))
                continue
            }
            if Byte.isMeta(byte) { break }
            try character(byte, into: &builder, start: start)
        }
        return builder.isEmpty ? nil : builder.word
    }

    private mutating func character(
        _ byte: UInt8, into builder: inout WordBuilder, start: Int
    ) throws(ShellSyntaxError) {
        switch byte {
        case Byte.backslash:
            guard let next = peek(1) else { throw ShellSyntaxError("ends with a backslash") }
            guard next != Byte.newline else { throw ShellSyntaxError("joins two lines inside of a word") }
            builder.isQuoted = true
            builder.append(next, isQuoted: true)
            at += 2
        case Byte.quote: try singleQuoted(into: &builder)
        case Byte.doubleQuote: try doubleQuoted(into: &builder)
        case Byte.dollar: try dollar(into: &builder, isQuoted: false)
        case Byte.backquote: try backquoted(into: &builder, isQuoted: false)
        case UInt8(ascii: "*"), UInt8(ascii: "?"):
            builder.append(.glob(Character(UnicodeScalar(byte))))
            at += 1
        case Byte.bracket:
            // `[` and `[[` alone are programs' names.
            let isAlone =
                at == start && (peek(1).map(Byte.isMeta) ?? true || sees("[[") && (peek(2).map(Byte.isMeta) ?? true))
            if isAlone {
                while peek() == Byte.bracket {
                    builder.append(Byte.bracket, isQuoted: false)
                    at += 1
                }
            } else {
                builder.append(.glob("["))
                at += 1
            }
        case Byte.openBrace: try brace(into: &builder, start: start)
        default:
            builder.append(byte, isQuoted: false)
            at += 1
        }
    }

    private mutating func brace(into builder: inout WordBuilder, start: Int) throws(ShellSyntaxError) {
        at += 1
        if peek() == Byte.closeBrace {
            builder.append(Byte.openBrace, isQuoted: false)
            builder.append(Byte.closeBrace, isQuoted: false)
            at += 1
        } else {
            // `{name}>file` opens a descriptor and sets a variable.
            var end = at
            while end < bytes.count, Byte.isName(bytes[end]) { end += 1 }
            if start == at - 1, end + 1 < bytes.count, bytes[end] == Byte.closeBrace,
                bytes[end + 1] == Byte.less || bytes[end + 1] == Byte.greater
            {
                throw ShellSyntaxError("keeps a file open in a variable")
            }
            builder.append(.brace)
        }
    }

    /// `'…'`
    mutating func singleQuoted(into builder: inout WordBuilder) throws(ShellSyntaxError) {
        builder.isQuoted = true
        at += 1
        let start = at
        while let byte = peek(), byte != Byte.quote {
            // fish reads \' in such a string as a quote, and goes on.
            if isTyped, byte == Byte.backslash {
                throw ShellSyntaxError("has a backslash in quotes, which prompts read differently")
            }
            builder.append(byte, isQuoted: true)
            at += 1
        }
        guard peek() == Byte.quote else { throw ShellSyntaxError("has a quote that is not closed") }
        noteHidden(bytes[start..<at])
        at += 1
    }

    /// Whether a text would run something if a shell evaluated it.
    private mutating func noteHidden(_ text: ArraySlice<UInt8>) {
        guard !hidesSubstitution else { return }
        var previous: UInt8 = 0
        for byte in text {
            if byte == Byte.backquote || previous == Byte.dollar && (byte == Byte.open || byte == Byte.openBrace) {
                hidesSubstitution = true
                return
            }
            previous = byte
        }
    }

    /// `"…"`
    mutating func doubleQuoted(into builder: inout WordBuilder) throws(ShellSyntaxError) {
        builder.isQuoted = true
        at += 1
        while let byte = peek() {
            switch byte {
            case Byte.doubleQuote:
                at += 1
                return
            case Byte.backslash: try escapedInQuotes(into: &builder)
            case Byte.dollar: try dollar(into: &builder, isQuoted: true)
            case Byte.backquote: try backquoted(into: &builder, isQuoted: true)
            default:
                builder.append(byte, isQuoted: true)
                at += 1
            }
        }
        throw ShellSyntaxError("has a quote that is not closed")
    }

    private mutating func escapedInQuotes(into builder: inout WordBuilder) throws(ShellSyntaxError) {
        if isTyped { throw ShellSyntaxError("has a backslash in quotes, which prompts read differently") }
        switch peek(1) {
        case Byte.newline?:
            if at > 0, bytes[at - 1] == Byte.dollar { throw ShellSyntaxError("joins two lines inside of an expansion") }
        case .some(let next) where next == Byte.dollar || next == Byte.backquote:
            hidesSubstitution = true
            builder.append(next, isQuoted: true)
        case .some(let next) where next == Byte.doubleQuote || next == Byte.backslash:
            builder.append(next, isQuoted: true)
        case .some(let next):
            builder.append(Byte.backslash, isQuoted: true)
            builder.append(next, isQuoted: true)
        case nil: throw ShellSyntaxError("has a quote that is not closed")
        }
        at += 2
    }
}
