/// How many columns text takes in a terminal, by the same table as the screen's.
public enum TextWidth {
    /// - Returns: 0, 1 or 2. A character of several scalars is as wide as its widest one.
    public static func columns(of character: Character) -> Int {
        var width = 0
        for scalar in character.unicodeScalars {
            // An emoji's own presentation is wide whatever the scalar before it is.
            width = max(width, scalar.value == 0xFE0F ? 2 : codePointWidth(scalar.value))
        }
        return width
    }

    public static func columns(of text: some StringProtocol) -> Int {
        text.reduce(0) { $0 + columns(of: $1) }
    }

    /// The longest beginning of `text` that takes no more than `columns`.
    public static func prefix(_ text: String, columns limit: Int) -> Substring {
        var (used, end) = (0, text.startIndex)
        while end < text.endIndex {
            used += columns(of: text[end])
            if used > limit { break }
            end = text.index(after: end)
        }
        return text[..<end]
    }
}
