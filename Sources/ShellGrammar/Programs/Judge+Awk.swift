extension Judge {
    mutating func awk(_ name: String, _ invocation: Invocation) {
        // Options end at the program, whose text comes first of the rest.
        guard
            let rest = LeadingOptions(valued: "Fv", long: "field-separator= assign= posix traditional sandbox")
                .skip(invocation.arguments)
        else { return found.add(.unknown, name, "has an option that is not known to be harmless") }
        guard let program = rest.first else { return found.add(.read) }
        guard let text = program.text else {
            return found.add(.unknown, name, "has a program that is only known when it runs")
        }
        if let danger = AwkProgram(Array(text.utf8)).danger {
            return found.add(danger.writes ? .write : .unknown, name, danger.text)
        }
        found.add(.read)
    }
}

/// A program of awk, searched for what reaches outside: `system`, pipes, redirections, `getline`, gawk's `@`.
struct AwkProgram {
    let danger: (text: String, writes: Bool)?

    init(_ bytes: [UInt8]) {
        danger = Self.danger(in: bytes)
    }

    private static func danger(in bytes: [UInt8]) -> (text: String, writes: Bool)? {
        // Strings and patterns are not taken out for this: what is a pattern and what a division needs awk's own grammar.
        for word in ["system", "getline", "close", "fflush", "extension", "fork", "exec"] where contains(bytes, word) {
            return ("uses \(word), which can run commands or reach files", false)
        }
        var index = 0
        while index < bytes.count {
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            if bytes[index] == Byte.bar {
                guard next == Byte.bar else { return ("pipes to a command (|)", false) }
                index += 1
            }
            if bytes[index] == UInt8(ascii: "@") { return ("loads code or calls by name (@)", false) }
            if bytes[index] == Byte.backslash, next == Byte.newline { return ("joins lines", false) }
            index += 1
        }
        return bytes.contains(Byte.greater) && !comparesOnly(bytes) ? ("may write a file (>)", true) : nil
    }

    private static func contains(_ bytes: [UInt8], _ word: String) -> Bool {
        let word = Array(word.utf8)
        guard bytes.count >= word.count else { return false }
        return (0...(bytes.count - word.count)).contains { start in
            let end = start + word.count
            // The end of a longer name is another: "Filesystem".
            return bytes[start..<end].elementsEqual(word) && (start == 0 || !Byte.isName(bytes[start - 1]))
                && (end == bytes.count || !Byte.isName(bytes[end]))
        }
    }

    /// Whether each `>` compares: outside of all braces, or within parentheses. A program with a slash may hold a pattern,
    /// in which quotes mean nothing, and is not read for this.
    private static func comparesOnly(_ bytes: [UInt8]) -> Bool {
        guard !bytes.contains(UInt8(ascii: "/")) else { return false }
        var (braces, parentheses, isString) = (0, 0, false)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if isString {
                if byte == Byte.backslash { index += 1 }
                if byte == Byte.doubleQuote || byte == Byte.newline { isString = false }
                continue
            }
            switch byte {
            case Byte.doubleQuote: isString = true
            case Byte.hash: while index < bytes.count, bytes[index] != Byte.newline { index += 1 }
            case Byte.openBrace: braces += 1
            case Byte.closeBrace: braces -= 1
            case Byte.open: parentheses += 1
            case Byte.close: parentheses -= 1
            case Byte.greater: if braces != 0 && parentheses <= 0 || braces < 0 { return false }
            default: break
            }
        }
        return true
    }
}
