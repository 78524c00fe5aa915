import Terminal

/// One line of input that a person edits: keys go in, and what the terminal is to be sent comes out.
///
/// The keys are those of readline: arrows, Home, End, Ctrl-A E B F, Backspace, Delete, Ctrl-D H K U W, Enter, Ctrl-C.
public struct LineEditor: Sendable {
    public enum Outcome: Sendable, Hashable {
        case editing
        /// Enter.
        case line(String)
        /// Ctrl-C.
        case interrupted
        /// Ctrl-D in an empty line.
        case endOfInput
    }

    /// The longest line, in characters; more is not taken.
    public static let maximumLength = 4096

    private let prompt: String
    private let echoes: Bool
    /// The terminal's width; a change counts from the next key on.
    public var columns: Int
    private var text: [Character] = []
    private var cursor = 0
    /// Where the terminal's cursor is: rows below the one where the prompt begins, and the column.
    private var place = Place()

    private struct Place {
        var row = 0
        var column = 0

        /// A character that has no room at the end of a row goes to the next one.
        mutating func advance(over character: Character, columns: Int) {
            let width = TextWidth.columns(of: character)
            if column + width > columns {
                row += 1
                column = 0
            }
            column += width
        }
    }

    /// - Parameters:
    ///   - prompt: One line, of the application's own words.
    ///   - echoes: Whether what is typed is shown; not for a secret, whose length stays hidden, too.
    ///   - columns: The terminal's width.
    public init(prompt: String, echoes: Bool = true, columns: Int) {
        self.prompt = prompt
        self.echoes = echoes
        self.columns = max(columns, 1)
    }

    /// What shows the prompt.
    public mutating func begin() -> String { prompt.isEmpty ? "" : shown() }

    /// Takes a key.
    ///
    /// - Returns: What is to be written, and how it stands.
    public mutating func take(_ key: Key) -> (output: String, outcome: Outcome) {
        switch key {
        case .enter: return finish(.line(String(text)))
        case .control("c"): return finish(.interrupted)
        case .control("d") where text.isEmpty: return finish(.endOfInput)
        case .character(let scalar): return (insert(scalar), .editing)
        default: return (edit(key) && echoes ? shown() : "", .editing)
        }
    }

    private mutating func finish(_ outcome: Outcome) -> (String, Outcome) {
        cursor = text.count
        let output = shown() + "\r\n"
        return (output, outcome)
    }

    private mutating func insert(_ scalar: Unicode.Scalar) -> String {
        guard text.count < Self.maximumLength else { return "\u{7}" }
        // A mark belongs to the character before it.
        if cursor > 0 {
            var joined = String(text[cursor - 1])
            joined.unicodeScalars.append(scalar)
            if joined.count == 1, let character = joined.first, joined.unicodeScalars.count <= 16 {
                text[cursor - 1] = character
                return echoes ? shown() : ""
            }
        }
        let character = Character(scalar)
        text.insert(character, at: cursor)
        cursor += 1
        guard echoes else { return "" }
        guard cursor == text.count, TextWidth.columns(of: character) > 0 else { return shown() }
        // At the end the character alone is enough, however long the line is.
        place.advance(over: character, columns: columns)
        return String(character) + Self.leaveFullRow(&place, columns)
    }

    /// Whether something changed.
    private mutating func edit(_ key: Key) -> Bool {
        let before = (text, cursor)
        switch key {
        case .left, .control("b"): cursor = max(cursor - 1, 0)
        case .right, .control("f"): cursor = min(cursor + 1, text.count)
        case .home, .control("a"): cursor = 0
        case .end, .control("e"): cursor = text.count
        case .backspace where cursor > 0:
            cursor -= 1
            text.remove(at: cursor)
        case .delete, .control("d"):
            if cursor < text.count { text.remove(at: cursor) }
        case .control("k"): text.removeSubrange(cursor...)
        case .control("u"):
            text.removeSubrange(..<cursor)
            cursor = 0
        case .control("w"):
            let word = text[..<cursor].reversed().drop { $0 == " " }.drop { $0 != " " }
            text.removeSubrange(word.count..<cursor)
            cursor = word.count
        default: return false
        }
        return before.1 != cursor || before.0.count != text.count
    }

    /// Draws prompt and line anew over what stood there, over as many rows as they take, and puts the cursor.
    private mutating func shown() -> String {
        let visible = echoes ? text : []
        let drawn = Array(prompt) + visible
        let wanted = drawn.count - (echoes ? text.count - cursor : 0)
        var end = Place()
        var target = Place()
        for (index, character) in drawn.enumerated() {
            if index == wanted { target = end }
            end.advance(over: character, columns: columns)
        }
        if wanted == drawn.count { target = end }
        var output = place.row > 0 ? "\r\u{1b}[\(place.row)A" : "\r"
        output += String(drawn) + "\u{1b}[J" + Self.leaveFullRow(&end, columns)
        _ = Self.leaveFullRow(&target, columns)
        if end.row > target.row { output += "\u{1b}[\(end.row - target.row)A" }
        output += "\r"
        if target.column > 0 { output += "\u{1b}[\(target.column)C" }
        place = target
        return output
    }

    /// A terminal whose row is just full waits with the next one; a line end makes it go there.
    private static func leaveFullRow(_ place: inout Place, _ columns: Int) -> String {
        guard place.column >= columns else { return "" }
        place.row += 1
        place.column = 0
        return "\r\n"
    }
}
