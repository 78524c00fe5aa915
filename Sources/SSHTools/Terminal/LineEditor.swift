/// A line that a person edits, with what was typed before. It knows no terminal: keys come in, and what they amount to
/// goes out.
struct LineEditor {
    enum Outcome: Hashable {
        /// The line or the cursor may have changed.
        case edited
        case submitted(String)
        /// Ctrl-C: the line is given up.
        case interrupted
        /// Ctrl-D on an empty line.
        case ended
        case wantsCompletion
        case wantsClearScreen
        /// Nothing happened, and the person should notice.
        case refused
    }

    /// Looking for a line of the history by what it contains.
    struct Search: Hashable {
        var query = ""
        /// Where the line that is shown stands in the history.
        var found: Int?
        var isFailing = false
    }

    /// What is typed must fit a command line, also when a file is pasted.
    static let maximumLength = 64 * 1024

    private(set) var characters: [Character] = []
    /// Characters before the cursor.
    private(set) var cursor = 0
    private(set) var search: Search?
    let history: [String]
    private var place: Int
    private var unsent: [Character] = []
    private var killed: [Character]

    /// - Parameters:
    ///   - history: Earlier lines, the oldest first.
    ///   - killed: What an earlier line's Ctrl-K or Ctrl-W took away.
    init(history: [String] = [], killed: [Character] = []) {
        self.history = history
        self.killed = killed
        place = history.count
    }

    var line: String { String(characters) }
    var beforeCursor: String { String(characters[..<cursor]) }
    /// For the next line's editor.
    var taken: [Character] { killed }

    mutating func press(_ key: PromptKey) -> Outcome {
        if search != nil, let outcome = pressWhileSearching(key) { return outcome }
        switch key {
        case .text(let text): return insert(text)
        case .paste(let text): return insert(Self.oneLine(text))
        case .enter: return .submitted(line)
        case .interrupt: return .interrupted
        case .endOfInput: return characters.isEmpty ? .ended : delete(cursor..<min(cursor + 1, characters.count))
        case .tab: return .wantsCompletion
        case .clearScreen: return .wantsClearScreen
        case .search:
            search = Search()
            return .edited
        case .up, .down: return move(by: key == .up ? -1 : 1)
        case .abandon, .unknown: return .refused
        case .left, .right, .wordLeft, .wordRight, .home, .end:
            let target = position(of: key)
            defer { cursor = target }
            return target == cursor && key != .home && key != .end ? .refused : .edited
        case .backspace: return delete(max(0, cursor - 1)..<cursor)
        case .delete: return delete(cursor..<min(cursor + 1, characters.count))
        case .killToEnd: return kill(cursor..<characters.count)
        case .killToStart: return kill(0..<cursor)
        case .killWord: return kill(blankBefore(cursor)..<cursor)
        case .killNextWord: return kill(cursor..<position(of: .wordRight))
        case .yank: return insert(String(killed))
        case .transpose: return transpose()
        }
    }

    /// Replaces what stands before the cursor from `start` on.
    mutating func replace(from start: Int, with text: String) {
        let start = max(0, min(start, cursor))
        _ = delete(start..<cursor)
        _ = insert(text)
    }

    // MARK: Changes

    private mutating func insert(_ text: String) -> Outcome {
        let new = text.filter { !$0.isControl }
        guard !new.isEmpty, characters.count + new.count <= Self.maximumLength else { return .refused }
        // A mark that joins the letter before it makes one character of the two.
        let before = String(characters[..<cursor]) + new
        characters.replaceSubrange(..<cursor, with: Array(before))
        cursor = before.count
        return .edited
    }

    private mutating func delete(_ range: Range<Int>) -> Outcome {
        guard !range.isEmpty else { return .refused }
        characters.removeSubrange(range)
        cursor = range.lowerBound
        return .edited
    }

    private mutating func kill(_ range: Range<Int>) -> Outcome {
        guard !range.isEmpty else { return .refused }
        killed = Array(characters[range])
        return delete(range)
    }

    private mutating func transpose() -> Outcome {
        let right = min(cursor, characters.count - 1)
        guard right >= 1 else { return .refused }
        characters.swapAt(right - 1, right)
        cursor = right + 1
        return .edited
    }

    /// Line ends and tabs of a paste become spaces: nothing of it runs before the person says so.
    private static func oneLine(_ text: String) -> String {
        let ends = text.drop { $0.isNewline }.reversed().drop { $0.isNewline }.reversed()
        return String(ends.map { $0.isNewline || $0 == "\t" ? " " : $0 })
    }

    // MARK: Places

    private func position(of key: PromptKey) -> Int {
        switch key {
        case .left: max(0, cursor - 1)
        case .right: min(characters.count, cursor + 1)
        case .home: 0
        case .wordLeft: wordStart(before: cursor)
        case .wordRight: wordEnd(after: cursor)
        default: characters.count
        }
    }

    private func wordStart(before place: Int) -> Int {
        var index = place
        while index > 0, !characters[index - 1].isWordPart { index -= 1 }
        while index > 0, characters[index - 1].isWordPart { index -= 1 }
        return index
    }

    private func wordEnd(after place: Int) -> Int {
        var index = place
        while index < characters.count, !characters[index].isWordPart { index += 1 }
        while index < characters.count, characters[index].isWordPart { index += 1 }
        return index
    }

    /// Ctrl-W goes back to a blank, as terminals do.
    private func blankBefore(_ place: Int) -> Int {
        var index = place
        while index > 0, characters[index - 1].isWhitespace { index -= 1 }
        while index > 0, !characters[index - 1].isWhitespace { index -= 1 }
        return index
    }

    // MARK: History

    private mutating func move(by step: Int) -> Outcome {
        let target = place + step
        guard (0...history.count).contains(target) else { return .refused }
        if place == history.count { unsent = characters }
        place = target
        characters = target == history.count ? unsent : Array(history[target])
        cursor = characters.count
        return .edited
    }

    /// nil when the key ends the search and then means what it always does.
    private mutating func pressWhileSearching(_ key: PromptKey) -> Outcome? {
        guard var current = search else { return nil }
        switch key {
        case .text(let text): current.query += text.filter { !$0.isControl }
        case .backspace: if !current.query.isEmpty { current.query.removeLast() }
        case .search:
            guard !current.query.isEmpty else { return .refused }
            return find(current, before: current.found ?? history.count)
        case .abandon, .interrupt:
            search = nil
            (characters, cursor, place) = ([], 0, history.count)
            return .edited
        default:
            if let found = current.found { place = found }
            search = nil
            return nil
        }
        return find(current, before: history.count)
    }

    private mutating func find(_ wanted: Search, before end: Int) -> Outcome {
        var result = wanted
        let found = result.query.isEmpty ? nil : history[..<end].lastIndex { $0.contains(result.query) }
        result.isFailing = found == nil && !result.query.isEmpty
        if let found {
            result.found = found
            characters = Array(history[found])
            cursor = characters.count
        }
        search = result
        return result.isFailing ? .refused : .edited
    }
}

extension Character {
    fileprivate var isControl: Bool {
        unicodeScalars.contains { $0.properties.generalCategory == .control }
    }

    fileprivate var isWordPart: Bool { isLetter || isNumber || self == "_" }
}
