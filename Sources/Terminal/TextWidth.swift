/// How wide text is in a terminal.
public enum TextWidth {
    /// Columns that a character takes: that of its widest scalar, since joined ones share a cell.
    public static func columns(of character: Character) -> Int {
        character.unicodeScalars.reduce(0) { max($0, codePointWidth($1.value)) }
    }

    public static func columns(of text: String) -> Int { text.reduce(0) { $0 + columns(of: $1) } }
}
