/// Names and lists of names as ssh_config(5), PATTERNS, describes them: `*` stands for any characters, `?` for one.
package enum NamePattern {
    /// Whether the whole of `text` is what `pattern` describes; upper and lower case differ.
    package static func matches(_ text: String, _ pattern: String) -> Bool { WildcardPattern(pattern).matches(text) }

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
