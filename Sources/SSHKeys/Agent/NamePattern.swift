/// The patterns of ssh_config(5), PATTERNS: `*` stands for any characters, `?` for exactly one.
package enum NamePattern {
    /// Whether the whole of `text` is what `pattern` describes; upper and lower case differ.
    ///
    /// The work is at most the product of the lengths: a pattern full of stars cannot stall anybody.
    package static func matches(_ text: String, _ pattern: String) -> Bool {
        let text = Array(text.utf8)
        let pattern = Array(pattern.utf8)
        let star = UInt8(ascii: "*")
        var position = 0
        var next = 0
        /// Where the last star stands, and the first byte that it does not cover yet.
        var resume: (pattern: Int, text: Int)?
        while position < text.count {
            if next < pattern.count, pattern[next] == star {
                resume = (next, position)
                next += 1
            } else if next < pattern.count, pattern[next] == UInt8(ascii: "?") || pattern[next] == text[position] {
                next += 1
                position += 1
            } else if let (at, from) = resume {
                resume = (at, from + 1)
                next = at + 1
                position = from + 1
            } else {
                return false
            }
        }
        return pattern[next...].allSatisfy { $0 == star }
    }

    /// Whether a list of patterns, separated by commas, has one that fits and none with "!" that fits.
    package static func listMatches(_ text: String, _ list: String, ignoringCase: Bool = false) -> Bool {
        let text = ignoringCase ? text.lowercased() : text
        var isMatch = false
        for item in list.split(separator: ",") {
            let pattern = ignoringCase ? item.lowercased() : String(item)
            if pattern.hasPrefix("!") {
                // A negated pattern that fits decides at once (match_pattern_list of PATTERNS).
                if matches(text, String(pattern.dropFirst())) { return false }
            } else if matches(text, pattern) {
                isMatch = true
            }
        }
        return isMatch
    }
}
