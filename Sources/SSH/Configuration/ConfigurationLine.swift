/// One line of ssh_config(5), cut as OpenSSH cuts it: a keyword, then the rest as arguments or as one text.
struct ConfigurationLine {
    /// In lower case.
    let keyword: String
    /// Everything after the keyword and its "=", without white space at the end.
    let rest: [UInt8]

    private static let space = UInt8(ascii: " ")
    private static let tab = UInt8(ascii: "\t")
    private static let hash = UInt8(ascii: "#")
    private static let quote = UInt8(ascii: "\"")
    private static let apostrophe = UInt8(ascii: "'")
    private static let backslash = UInt8(ascii: "\\")
    static let equals = UInt8(ascii: "=")

    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab || byte == 0x0A || byte == 0x0D }

    /// nil for an empty line and for a comment.
    init?(_ line: [UInt8]) {
        var bytes = line[...]
        // A form feed counts as white space at the end of a line alone.
        while let last = bytes.last, Self.isBlank(last) || last == 0x0C { bytes.removeLast() }
        bytes = bytes.drop(while: Self.isBlank)
        guard let first = bytes.first, first != Self.hash else { return nil }
        let name: ArraySlice<UInt8>
        if first == Self.quote {
            bytes.removeFirst()
            name = bytes.prefix { $0 != Self.quote }
            bytes = bytes.dropFirst(name.count + 1).drop(while: Self.isBlank)
        } else {
            name = bytes.prefix { !Self.isBlank($0) && $0 != Self.equals && $0 != Self.quote }
            bytes = bytes.dropFirst(name.count).drop(while: Self.isBlank)
            if bytes.first == Self.equals { bytes = bytes.dropFirst().drop(while: Self.isBlank) }
        }
        keyword = String(decoding: name, as: UTF8.self).lowercased()
        rest = Array(bytes)
    }

    /// The rest as one text, as commands are written.
    var command: String {
        String(decoding: rest.drop { Self.isBlank($0) || $0 == Self.equals }, as: UTF8.self)
    }

    /// The rest as words: quotation marks of both kinds hold words together, a backslash takes the meaning from a
    /// quotation mark, a backslash and, outside of quotation marks, a space; "#" begins a comment.
    ///
    /// nil when a quotation mark does not close.
    var arguments: [String]? {
        var words: [String] = []
        var position = 0
        while position < rest.count {
            let byte = rest[position]
            if byte == Self.space || byte == Self.tab {
                position += 1
                continue
            }
            if byte == Self.hash { break }
            guard let word = word(&position) else { return nil }
            words.append(word)
        }
        return words
    }

    private func word(_ position: inout Int) -> String? {
        var word: [UInt8] = []
        var open: UInt8?
        while position < rest.count {
            let byte = rest[position]
            if byte == Self.backslash, position + 1 < rest.count, isEscapable(rest[position + 1], isQuoted: open != nil)
            {
                position += 1
                word.append(rest[position])
            } else if open == nil, byte == Self.space || byte == Self.tab {
                break
            } else if open == nil, byte == Self.quote || byte == Self.apostrophe {
                open = byte
            } else if byte == open {
                open = nil
            } else {
                word.append(byte)
            }
            position += 1
        }
        return open == nil ? String(decoding: word, as: UTF8.self) : nil
    }

    private func isEscapable(_ byte: UInt8, isQuoted: Bool) -> Bool {
        byte == Self.quote || byte == Self.apostrophe || byte == Self.backslash || (byte == Self.space && !isQuoted)
    }

    /// The words of a `Match` line, which are cut in the older way: only a quotation mark at a word's beginning counts, and
    /// "=" separates as white space does.
    struct Criteria {
        private var bytes: ArraySlice<UInt8>

        init(_ rest: [UInt8]) { bytes = rest.drop(while: ConfigurationLine.isBlank) }

        /// nil at the end and at a comment.
        mutating func next() -> String? {
            guard let first = bytes.first, first != ConfigurationLine.hash else { return nil }
            if first == ConfigurationLine.quote {
                bytes.removeFirst()
                let word = bytes.prefix { $0 != ConfigurationLine.quote }
                guard word.count < bytes.count else { return nil }
                bytes = bytes.dropFirst(word.count + 1).drop(while: ConfigurationLine.isBlank)
                return String(decoding: word, as: UTF8.self)
            }
            let word = bytes.prefix { !ConfigurationLine.isBlank($0) && $0 != ConfigurationLine.equals }
            bytes = bytes.dropFirst(word.count).drop(while: ConfigurationLine.isBlank)
            if bytes.first == ConfigurationLine.equals {
                bytes = bytes.dropFirst().drop(while: ConfigurationLine.isBlank)
            }
            return String(decoding: word, as: UTF8.self)
        }
    }
}
