import Terminal

/// Shows a line that is edited in one row of a terminal; a line that is longer scrolls sideways under the cursor.
struct PromptDrawing {
    private var shown: (characters: [Character], cursor: Int, columns: Int, prompt: String)?

    /// The escape sequences that bring the terminal from what was drawn before to this.
    ///
    /// - Parameter columns: Of the terminal.
    mutating func draw(_ editor: LineEditor, prompt: String, columns: Int) -> String {
        let prompt = Self.prompt(prompt, editor)
        defer { shown = (editor.characters, editor.cursor, columns, prompt) }
        if let added = added(editor, prompt: prompt, columns: columns) { return added }
        let room = max(1, columns - TextWidth.columns(of: prompt) - 1)
        let window = Self.window(editor.characters, cursor: editor.cursor, room: room)
        let before = TextWidth.columns(of: prompt) + Self.columns(editor.characters[window.lowerBound..<editor.cursor])
        let text = String(editor.characters[window])
        return "\r" + prompt + text + "\u{1b}[K\r" + (before > 0 ? "\u{1b}[\(before)C" : "")
    }

    /// Nothing of what was drawn is there any more.
    mutating func forget() { shown = nil }

    /// Typing at the end needs no more than the letter itself.
    private func added(_ editor: LineEditor, prompt: String, columns: Int) -> String? {
        guard let shown, shown.columns == columns, shown.prompt == prompt, shown.cursor == shown.characters.count,
            editor.cursor == editor.characters.count, editor.characters.count > shown.characters.count,
            editor.characters.starts(with: shown.characters),
            TextWidth.columns(of: prompt) + Self.columns(editor.characters[...]) < columns - 1
        else { return nil }
        return String(editor.characters[shown.characters.count...])
    }

    private static func prompt(_ prompt: String, _ editor: LineEditor) -> String {
        guard let search = editor.search else { return prompt }
        return "(\(search.isFailing ? "failing " : "")search)'\(search.query)': "
    }

    /// The part that is shown: it ends with the line, or keeps the cursor in sight.
    private static func window(_ characters: [Character], cursor: Int, room: Int) -> Range<Int> {
        var start = 0
        var used = columns(characters[..<cursor])
        while used >= room, start < cursor {
            used -= TextWidth.columns(of: characters[start])
            start += 1
        }
        var end = cursor
        while end < characters.count {
            used += TextWidth.columns(of: characters[end])
            if used > room { break }
            end += 1
        }
        return start..<end
    }

    private static func columns(_ characters: ArraySlice<Character>) -> Int {
        characters.reduce(0) { $0 + TextWidth.columns(of: $1) }
    }
}
