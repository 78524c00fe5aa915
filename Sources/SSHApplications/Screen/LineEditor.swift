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
    /// The row of the terminal's cursor, below the one where the prompt begins.
    private var row = 0

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
        default: return (edit(key) ? shown() : "", .editing)
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
                return shown()
            }
        }
        text.insert(Character(scalar), at: cursor)
        cursor += 1
        return shown()
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
        let place = echoes ? cursor : 0
        var output = row > 0 ? "\r\u{1b}[\(row)A" : "\r"
        output += prompt + String(visible) + "\u{1b}[J"
        let all = TextWidth.columns(of: prompt) + TextWidth.columns(of: String(visible))
        let before = TextWidth.columns(of: prompt) + TextWidth.columns(of: String(visible[..<place]))
        // A terminal whose row is just full waits with the next one; a line end makes it go there.
        if all > 0, all % columns == 0 { output += "\r\n" }
        let (last, wanted) = (all / columns, before / columns)
        if last > wanted { output += "\u{1b}[\(last - wanted)A" }
        output += "\r"
        if before % columns > 0 { output += "\u{1b}[\(before % columns)C" }
        row = wanted
        return output
    }
}
