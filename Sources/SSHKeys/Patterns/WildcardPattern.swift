/// A text with `*` (any characters) and `?` (one character), as ssh_config(5) describes PATTERNS.
struct WildcardPattern {
    private let pattern: [UInt8]
    private let ignoresCase: Bool

    /// - Parameter ignoresCase: of ASCII letters, for host names.
    init(_ pattern: some StringProtocol, ignoresCase: Bool = false) {
        self.ignoresCase = ignoresCase
        self.pattern = pattern.utf8.map { ignoresCase ? Self.lower($0) : $0 }
    }

    /// Whether the whole `text` fits. Takes at most the product of the two lengths.
    func matches(_ text: some StringProtocol) -> Bool {
        let text = text.utf8.map { ignoresCase ? Self.lower($0) : $0 }
        var position = 0
        var next = 0
        // Where to go on after the last star: one more character for it, and the pattern behind it again. Going back
        // to earlier stars is never needed.
        var retry: (pattern: Int, text: Int)?
        while position < text.count {
            if next < pattern.count, pattern[next] == UInt8(ascii: "*") {
                retry = (next + 1, position)
                next += 1
            } else if next < pattern.count, pattern[next] == UInt8(ascii: "?") || pattern[next] == text[position] {
                next += 1
                position += 1
            } else if let star = retry {
                retry = (star.pattern, star.text + 1)
                (next, position) = (star.pattern, star.text + 1)
            } else {
                return false
            }
        }
        return pattern[next...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }
}
