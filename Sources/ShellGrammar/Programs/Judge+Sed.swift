extension Judge {
    mutating func sed(_ name: String, _ invocation: Invocation) {
        let options = OptionRule(
            "nErszu", valued: "el",
            long:
                "quiet silent regexp-extended separate null-data unbuffered expression= line-length= posix debug sandbox"
        )
        let texts = invocation.texts
        if texts.contains(where: { $0 == "-i" || $0?.hasPrefix("-i") == true || $0?.hasPrefix("--in-place") == true }) {
            found.add(.write, name, "changes the files themselves (-i)")
        }
        guard case .allowed(let positionals) = options.check(invocation.arguments) else {
            return found.add(.unknown, name, "has an option that is not known to be harmless")
        }
        var scripts = Self.expressions(in: invocation.arguments)
        if scripts.isEmpty {
            guard let first = positionals.first else { return found.add(.read) }
            scripts = [first.text]
        }
        var script = ""
        for text in scripts {
            guard let text else { return found.add(.unknown, name, "has a script that is only known when it runs") }
            script += text + "\n"
        }
        var reader = SedScript(Array(script.utf8))
        if let why = reader.firstDanger() {
            found.add(why.writes ? .write : .unknown, name, why.text)
        } else {
            found.add(.read)
        }
    }

    /// The values of `-e`, in whichever form.
    private static func expressions(in words: ArraySlice<Word>) -> [String?] {
        var expressions: [String?] = []
        var rest = words
        while let word = rest.popFirst() {
            guard let text = word.text else { continue }
            if text == "--" { break }
            if text.hasPrefix("--expression=") {
                expressions.append(String(text.dropFirst("--expression=".count)))
            } else if text == "--expression" || text == "--line-length" {
                let value = rest.popFirst()?.text
                if text == "--expression" { expressions.append(value) }
            } else if text.hasPrefix("-"), !text.hasPrefix("--") {
                guard let letter = text.firstIndex(where: { $0 == "e" || $0 == "l" }) else { continue }
                let attached = text[text.index(after: letter)...]
                let value = attached.isEmpty ? rest.popFirst()?.text : String(attached)
                if text[letter] == "e" { expressions.append(value) }
            }
        }
        return expressions
    }
}

/// A script of sed, read far enough to see what it does besides editing its stream: `w` and `W` write files, `e` and the
/// flag `e` of `s` run commands.
struct SedScript {
    struct Danger {
        let text: String
        let writes: Bool
    }

    private let bytes: [UInt8]
    private var at = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The first thing in it that is not plain editing; nil where there is none.
    mutating func firstDanger() -> Danger? {
        while at < bytes.count {
            skip {
                $0 == Byte.space || $0 == Byte.tab || $0 == Byte.newline || $0 == Byte.semicolon
                    || $0 == Byte.closeBrace
            }
            guard at < bytes.count else { return nil }
            guard addresses() else { return unclear }
            guard at < bytes.count else { return unclear }
            if let danger = command() { return danger }
        }
        return nil
    }

    private var unclear: Danger { Danger(text: "has a script that is not followed here", writes: false) }

    private mutating func skip(_ belongs: (UInt8) -> Bool) {
        while at < bytes.count, belongs(bytes[at]) { at += 1 }
    }

    /// Numbers, `$`, `/re/` and `\cREc`, their flags, a comma, and `!`.
    private mutating func addresses() -> Bool {
        while at < bytes.count {
            let byte = bytes[at]
            switch byte {
            case _
            where Byte.isDigit(byte) || byte == Byte.dollar || byte == Byte.exclamation || byte == Byte.space
                || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "~") || byte == UInt8(ascii: "+"):
                at += 1
            case UInt8(ascii: "/"):
                at += 1
                guard delimited(by: byte) else { return false }
                skip { $0 == UInt8(ascii: "I") || $0 == UInt8(ascii: "M") }
            case Byte.backslash:
                guard at + 1 < bytes.count, Byte.isName(bytes[at + 1]) == false, bytes[at + 1] != Byte.newline else {
                    return false
                }
                let delimiter = bytes[at + 1]
                at += 2
                guard delimited(by: delimiter) else { return false }
                skip { $0 == UInt8(ascii: "I") || $0 == UInt8(ascii: "M") }
            default: return true
            }
        }
        return true
    }

    /// Up to and past the delimiter. In brackets some versions take it as text and others do not: then nothing is certain.
    private mutating func delimited(by delimiter: UInt8) -> Bool {
        while at < bytes.count {
            let byte = bytes[at]
            if byte == Byte.newline { return false }
            if byte == Byte.backslash {
                at += 2
                continue
            }
            at += 1
            if byte == delimiter { return true }
            if byte == Byte.bracket, !brackets(without: delimiter) { return false }
        }
        return false
    }

    /// Past a list of characters, in which a `]` at the beginning, and names such as `[:alpha:]`, do not end it.
    private mutating func brackets(without delimiter: UInt8) -> Bool {
        let close = UInt8(ascii: "]")
        if at < bytes.count, bytes[at] == UInt8(ascii: "^") { at += 1 }
        var isFirst = true
        while at < bytes.count, bytes[at] != Byte.newline {
            let byte = bytes[at]
            guard byte != delimiter, byte != Byte.backslash else { return false }
            at += 1
            if byte == close, !isFirst { return true }
            isFirst = false
            guard byte == Byte.bracket, at < bytes.count, ":.=".utf8.contains(bytes[at]) else { continue }
            let kind = bytes[at]
            at += 1
            while at + 1 < bytes.count, bytes[at] != kind || bytes[at + 1] != close {
                guard bytes[at] != delimiter, bytes[at] != Byte.newline else { return false }
                at += 1
            }
            at += 2
        }
        return false
    }

    private mutating func command() -> Danger? {
        let byte = bytes[at]
        at += 1
        switch byte {
        case UInt8(ascii: "w"), UInt8(ascii: "W"):
            return Danger(text: "writes a file (\(Character(UnicodeScalar(byte))))", writes: true)
        case UInt8(ascii: "e"): return Danger(text: "runs a command (e)", writes: false)
        case UInt8(ascii: "s"): return substitution()
        case UInt8(ascii: "y"):
            guard at < bytes.count else { return unclear }
            let delimiter = bytes[at]
            at += 1
            guard delimiter != Byte.backslash, delimited(by: delimiter), delimited(by: delimiter) else {
                return unclear
            }
            return endOfCommand()
        case Byte.openBrace: return nil
        case Byte.hash: skip { $0 != Byte.newline }
        case _ where "dDgGhHnNpPx=zF".utf8.contains(byte): return endOfCommand()
        case _ where "lLqQ".utf8.contains(byte):
            skip { $0 == Byte.space || Byte.isDigit($0) }
            return endOfCommand()
        case _ where "btT:rR".utf8.contains(byte):
            // A label or a file's name. Where it ends differs, so it must be plain.
            skip { $0 != Byte.newline && $0 != Byte.semicolon && $0 != Byte.closeBrace }
        default: return unclear  // a, i and c too: their text's end differs between versions.
        }
        return nil
    }

    private mutating func substitution() -> Danger? {
        guard at < bytes.count else { return unclear }
        let delimiter = bytes[at]
        at += 1
        guard delimiter != Byte.backslash, delimiter != Byte.newline, delimited(by: delimiter), delimited(by: delimiter)
        else {
            return unclear
        }
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "e"): return Danger(text: "runs what it has put together (flag e of s)", writes: false)
            case UInt8(ascii: "w"): return Danger(text: "writes a file (flag w of s)", writes: true)
            case UInt8(ascii: "g"), UInt8(ascii: "p"), UInt8(ascii: "i"), UInt8(ascii: "I"), UInt8(ascii: "m"),
                UInt8(ascii: "M"):
                at += 1
            case let byte where Byte.isDigit(byte): at += 1
            default: return endOfCommand()
            }
        }
        return nil
    }

    private mutating func endOfCommand() -> Danger? {
        skip { $0 == Byte.space || $0 == Byte.tab }
        guard at < bytes.count else { return nil }
        switch bytes[at] {
        case Byte.newline, Byte.semicolon, Byte.closeBrace, Byte.hash: return nil
        default: return unclear
        }
    }
}
