import Foundation

/// The hosts that an `ssh_config` names. It is read as a list and not obeyed: no other file is opened for `Include`, no
/// command is run for `Match exec` or `ProxyCommand`, and no key file is looked at.
enum SSHConfigList {
    private struct Block {
        let patterns: [String]
        let line: Int
        /// The first value of a keyword counts, as ssh has it.
        var values: [String: String] = [:]
    }

    static func read(_ text: String) throws(GatewayError) -> ImportList {
        var list = ImportList()
        let blocks = blocks(text, &list)
        var seen: Set<String> = []
        for block in blocks {
            for alias in block.patterns where !alias.contains(where: { "*?!".contains($0) }) {
                guard seen.insert(alias.lowercased()).inserted else { continue }
                let place = "line \(block.line)"
                var values: [String: String] = [:]
                for other in blocks where matches(alias, other.patterns) {
                    values.merge(other.values) { first, _ in first }
                }
                if let jump = values["proxyjump"] ?? values["proxycommand"], jump.lowercased() != "none" {
                    list.skip(alias, place, "It is reached through another host, which a host here is not.")
                    continue
                }
                let port = values["port"].map { Int($0) ?? 0 }
                let name = (values["hostname"] ?? alias).replacingOccurrences(of: "%h", with: alias)
                try list.add(
                    ImportedHost(alias: alias, address: name, port: port, username: values["user"], place: place))
            }
        }
        return list
    }

    private static func blocks(_ text: String, _ list: inout ImportList) -> [Block] {
        var blocks = [Block(patterns: ["*"], line: 1)]
        // Lines of a Match block count for nobody here.
        var isMatch = false
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            var words = words(line)
            guard !words.isEmpty else { continue }
            let keyword = words.removeFirst().lowercased()
            switch keyword {
            case "host":
                isMatch = false
                blocks.append(Block(patterns: words, line: index + 1))
            case "match":
                isMatch = true
                list.skip("Match " + words.joined(separator: " "), "line \(index + 1)", "Match blocks are not read.")
            case "include":
                list.skip("Include " + words.joined(separator: " "), "line \(index + 1)", "Other files are not read.")
            default:
                guard !isMatch, let value = words.first else { continue }
                let last = blocks.count - 1
                if blocks[last].values[keyword] == nil { blocks[last].values[keyword] = value }
            }
        }
        return blocks
    }

    /// A line's words: "Keyword value", "Keyword=value", values in quotation marks.
    private static func words(_ line: Substring) -> [String] {
        var words: [String] = []
        var word = ""
        var (isQuoted, isWord) = (false, false)
        for character in line {
            if !isQuoted, character == "#", !isWord { break }
            if character == "\"" {
                isQuoted.toggle()
                isWord = true
            } else if !isQuoted, character == " " || character == "\t" || (character == "=" && words.count <= 1) {
                if isWord { words.append(word) }
                (word, isWord) = ("", false)
            } else {
                word.append(character)
                isWord = true
            }
        }
        if isWord { words.append(word) }
        return words
    }

    /// Whether a list of patterns means this alias: one fits, and none that is negated.
    private static func matches(_ alias: String, _ patterns: [String]) -> Bool {
        var isMeant = false
        for pattern in patterns {
            if pattern.hasPrefix("!") {
                if fits(alias, pattern.dropFirst()) { return false }
            } else if fits(alias, pattern[...]) {
                isMeant = true
            }
        }
        return isMeant
    }

    /// "*" and "?", in time that grows with both lengths and no more.
    private static func fits(_ alias: String, _ pattern: Substring) -> Bool {
        let (name, pattern) = (Array(alias.lowercased().utf8), Array(pattern.lowercased().utf8))
        var (place, at, star, mark) = (0, 0, -1, 0)
        while place < name.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "?") || pattern[at] == name[place] {
                place += 1
                at += 1
            } else if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                (star, mark) = (at, place)
                at += 1
            } else if star >= 0 {
                mark += 1
                (at, place) = (star + 1, mark)
            } else {
                return false
            }
        }
        while at < pattern.count, pattern[at] == UInt8(ascii: "*") { at += 1 }
        return at == pattern.count
    }
}
