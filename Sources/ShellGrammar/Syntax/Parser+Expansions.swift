extension Parser {
    /// What a `$` begins (POSIX §2.6).
    mutating func dollar(into builder: inout WordBuilder, isQuoted: Bool) throws(ShellSyntaxError) {
        if sees("$((") { return try arithmetic(into: &builder) }
        guard let next = peek(1) else {
            builder.append(Byte.dollar, isQuoted: isQuoted)
            at += 1
            return
        }
        switch next {
        case Byte.open:
            at += 2
            builder.append(.command(try substitution(), isQuoted: isQuoted))
        case Byte.openBrace:
            at += 2
            let parameter = try descend { (parser) throws(ShellSyntaxError) in try parser.braced(isQuoted: isQuoted) }
            builder.append(.parameter(parameter, isQuoted: isQuoted))
        case Byte.bracket: throw ShellSyntaxError("holds '$[', which shells read differently")
        case Byte.backslash where peek(2) == Byte.newline:
            throw ShellSyntaxError("joins two lines inside of an expansion")
        case Byte.quote where !isQuoted: try escaped(into: &builder)
        case Byte.doubleQuote where !isQuoted:
            at += 1
            builder.append(.obscured)
            try doubleQuoted(into: &builder)
        case _ where Byte.isNameStart(next):
            at += 1
            builder.append(.parameter(Parameter(name: name()), isQuoted: isQuoted))
        case _ where Byte.isDigit(next) || "?$!#-*@".utf8.contains(next):
            at += 2
            let name = String(UnicodeScalar(next))
            builder.append(.parameter(Parameter(name: name), isQuoted: isQuoted))
        default:
            builder.append(Byte.dollar, isQuoted: isQuoted)
            at += 1
        }
    }

    private mutating func name() -> String {
        let start = at
        while let byte = peek(), Byte.isName(byte) { at += 1 }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    /// The list up to the `)` that closes it.
    mutating func substitution() throws(ShellSyntaxError) -> Script {
        guard waitingDocuments.isEmpty else { throw ShellSyntaxError("has a substitution beside a here-document") }
        let script = try descend { (parser) throws(ShellSyntaxError) in
            try parser.list(until: [], closing: Byte.close)
        }
        guard waitingDocuments.isEmpty else { throw ShellSyntaxError("has a here-document that does not end") }
        at += 1
        return script
    }

    /// `$((…))`. A name in it stands for a text that bash evaluates again, commands included: only numbers are followed.
    private mutating func arithmetic(into builder: inout WordBuilder) throws(ShellSyntaxError) {
        at += 3
        var open = 0
        while let byte = peek() {
            at += 1
            switch byte {
            case Byte.open: open += 1
            case Byte.close where open > 0: open -= 1
            case Byte.close:
                guard take(")") else { throw ShellSyntaxError("holds arithmetic that shells read differently") }
                builder.append(.arithmetic)
                return
            case _ where Byte.isDigit(byte) || "+-*/%<>=!&|^~?:, ".utf8.contains(byte): continue
            default: throw ShellSyntaxError("works out arithmetic with variables, which can run commands")
            }
        }
        throw ShellSyntaxError("has arithmetic that is not closed")
    }

    /// `${…}` after the brace.
    private mutating func braced(isQuoted: Bool) throws(ShellSyntaxError) -> Parameter {
        if peek() == Byte.hash, let next = peek(1), Byte.isName(next) {
            at += 1
            let parameter = Parameter(name: name())
            guard take("}") else { throw ShellSyntaxError("has an expansion that is not plain") }
            return parameter
        }
        guard let first = peek() else { throw ShellSyntaxError("has an expansion that is not closed") }
        var parameter: Parameter
        if Byte.isName(first) {
            parameter = Parameter(name: name())
        } else if "?$#-*@".utf8.contains(first) {
            at += 1
            parameter = Parameter(name: String(UnicodeScalar(first)))
        } else {
            throw ShellSyntaxError("has an expansion that is not plain")
        }
        if take("}") { return parameter }
        if sees("[") { throw ShellSyntaxError("takes an element of a list, whose index the shell works out") }
        if sees("@") { throw ShellSyntaxError("transforms a variable, which can run commands") }
        try operation(of: &parameter)
        parameter.words = [try inBraces(isQuoted: isQuoted)]
        return parameter
    }

    private mutating func operation(of parameter: inout Parameter) throws(ShellSyntaxError) {
        let hasColon = take(":")
        guard let byte = peek() else { throw ShellSyntaxError("has an expansion that is not closed") }
        switch byte {
        case Byte.equals: parameter.assigns = true
        case UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: "+"): break
        case Byte.hash, UInt8(ascii: "%"), UInt8(ascii: "/"), UInt8(ascii: "^"), UInt8(ascii: ","):
            if hasColon { throw ShellSyntaxError("has an expansion that is not plain") }
        default: throw ShellSyntaxError("has an expansion that is not plain")
        }
        at += 1
    }

    /// The word of an expansion, up to the closing brace. Inside of quotes, shells disagree on quotes here.
    private mutating func inBraces(isQuoted: Bool) throws(ShellSyntaxError) -> Word {
        var builder = WordBuilder()
        while let byte = peek() {
            switch byte {
            case Byte.closeBrace:
                at += 1
                return builder.word
            case Byte.quote, Byte.doubleQuote:
                if isQuoted { throw ShellSyntaxError("has quotes in an expansion, which shells read differently") }
                if byte == Byte.quote { try singleQuoted(into: &builder) } else { try doubleQuoted(into: &builder) }
            case Byte.backslash:
                guard let next = peek(1), next != Byte.newline, !isTyped else {
                    throw ShellSyntaxError("has an expansion that is not plain")
                }
                builder.append(next, isQuoted: true)
                at += 2
            case Byte.dollar: try dollar(into: &builder, isQuoted: isQuoted)
            case Byte.backquote: try backquoted(into: &builder, isQuoted: isQuoted)
            case Byte.less, Byte.greater:
                if peek(1) == Byte.open { throw ShellSyntaxError("has a process substitution inside of an expansion") }
                builder.append(byte, isQuoted: isQuoted)
                at += 1
            case Byte.openBrace:
                throw ShellSyntaxError("has braces in an expansion, which shells read differently")
            default:
                builder.append(byte, isQuoted: isQuoted)
                at += 1
            }
        }
        throw ShellSyntaxError("has an expansion that is not closed")
    }

    /// `$'…'`. dash takes the backslash before a quote as text and ends there.
    private mutating func escaped(into builder: inout WordBuilder) throws(ShellSyntaxError) {
        at += 1
        var hasEscapes = false
        var end = at + 1
        while end < bytes.count, bytes[end] != Byte.quote {
            if bytes[end] == Byte.backslash {
                guard end + 1 < bytes.count, bytes[end + 1] != Byte.quote else {
                    throw ShellSyntaxError("has an escaped quote in $'…', which shells read differently")
                }
                hasEscapes = true
                end += 1
            }
            end += 1
        }
        builder.append(.obscured)
        if hasEscapes { hidesSubstitution = true }
        try singleQuoted(into: &builder)
    }

    /// `` `…` ``: up to the next backquote that has no backslash.
    mutating func backquoted(into builder: inout WordBuilder, isQuoted: Bool) throws(ShellSyntaxError) {
        guard waitingDocuments.isEmpty else { throw ShellSyntaxError("has a substitution beside a here-document") }
        guard depth < ShellGrammar.maximumDepth else { throw ShellSyntaxError("is nested too deeply") }
        at += 1
        var content: [UInt8] = []
        while let byte = peek(), byte != Byte.backquote {
            if byte == Byte.backslash, let next = peek(1) {
                if isQuoted, next == Byte.doubleQuote {
                    throw ShellSyntaxError("has an escaped quote in a substitution, which shells read differently")
                }
                if next == Byte.backquote || next == Byte.dollar || next == Byte.backslash {
                    content.append(next)
                } else {
                    content += [byte, next]
                }
                at += 2
            } else {
                content.append(byte)
                at += 1
            }
        }
        guard take("`") else { throw ShellSyntaxError("has a substitution that is not closed") }
        var inside = Parser(content, isTyped: isTyped, depth: depth + 1)
        builder.append(.command(try inside.script(), isQuoted: isQuoted))
        documentWords += inside.documentWords
        hidesSubstitution = hidesSubstitution || inside.hidesSubstitution
    }
}
