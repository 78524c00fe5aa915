/// One line as it is being typed, and how much of it the host has echoed.
///
/// An echo is believed only where it must appear: at the place where the cursor stood when the key was pressed, one
/// character after the other. Text elsewhere is a redraw or a suggestion and proves nothing; any other character at
/// that very place, a line feed too early, or a cursor that moved by itself makes the line doubtful, and a doubtful
/// line is redacted. Nothing turns a doubtful line back.
struct TypedLine: Sendable {
    private(set) var keys: [TypedKey] = []
    /// Index into `keys` of the first key whose echo is awaited.
    private var awaited = 0
    /// Where the next echo must come; `nil` = wherever the cursor is when the next character is typed.
    private var expected: CursorLine.Place?
    /// Places of the characters that were echoed and not erased.
    private var echoed: [CursorLine.Place] = []
    private(set) var isDoubtful: Bool
    private(set) var endedAt: Int64?
    /// Typed before the line above was settled: it can only be placed when the same prompt shows again.
    private(set) var isAhead: Bool
    /// What stands left of the first character.
    private(set) var prompt: String?
    /// Nothing was awaited when the line ended: it can be settled without the host's line feed.
    private(set) var wasEchoedAtItsEnd = false
    private var textCount = 0
    private var codedCount = 0

    init(isAhead: Bool, isDoubtful: Bool = false) {
        self.isAhead = isAhead
        self.isDoubtful = isDoubtful
    }

    var isEmpty: Bool { keys.isEmpty }
    var isAwaiting: Bool { awaited < keys.count }
    /// The whole line was echoed, character by character.
    var isEchoed: Bool { !isDoubtful && !isAwaiting && (codedCount == 0 || textCount > 0) }
    /// Echoed so far, with no control key since that could make the host write something else.
    var isAtRest: Bool { !isDoubtful && !isAhead && !isAwaiting && !isHarmless && expected != nil && endedAt == nil }
    /// Holds nothing that could be a secret.
    var isHarmless: Bool { textCount == 0 && codedCount == 0 }

    /// When the oldest thing that is still unproved was typed.
    var oldestUnproved: Int64? {
        if isDoubtful { return keys.first?.time }
        if awaited < keys.count { return keys[awaited].time }
        if codedCount > 0, textCount == 0 { return keys.first?.time }
        return endedAt
    }

    mutating func doubt() { isDoubtful = true }

    /// Hands out what is held, and goes on as the rest of the same line.
    mutating func takeKeys() -> [TypedKey] {
        defer {
            keys = []
            awaited = 0
            textCount = 0
            codedCount = 0
            echoed = []
        }
        return keys
    }

    // MARK: Typing

    mutating func type(_ key: TypedKey, cursor: CursorLine) {
        switch key.kind {
        case .text, .pastedLineBreak:
            textCount += 1
            if !isAhead, !isDoubtful { place(key, cursor) }
            keys.append(key)
        case .erase:
            let isPlain = !isAwaiting && echoed.isEmpty
            keys.append(key)
            if isPlain { passControl() }
        case .lineEnd:
            endedAt = key.time
            wasEchoedAtItsEnd = !isAwaiting
            // Everything was echoed, but the cursor is elsewhere: something else writes here.
            if !isAwaiting, let expected, textCount > 0, cursor.target(width: 1) != expected { doubt() }
            keys.append(key)
            if !isAwaitingBeforeLast { awaited = keys.count }
        case .control, .coded:
            if key.kind == .coded { codedCount += 1 }
            keys.append(key)
            if !isAwaitingBeforeLast { passControl() }
        }
        if keys.count > CursorLine.longest { doubt() }
    }

    private var isAwaitingBeforeLast: Bool { awaited < keys.count - 1 }

    /// After a control key the cursor may be anywhere, and no echo of the key itself is awaited.
    private mutating func passControl() {
        awaited = keys.count
        expected = nil
        echoed = []
    }

    private mutating func place(_ key: TypedKey, _ cursor: CursorLine) {
        if isAwaiting {
            // What a control key between unechoed characters does to the cursor cannot be known.
            if keys[awaited...].contains(where: { $0.kind == .control || $0.kind == .coded }) { doubt() }
            return
        }
        let target = cursor.target(width: 1)
        if let expected {
            if expected != target { doubt() }
            return
        }
        expected = target
        let text = cursor.text(upTo: cursor.place.column)
        if prompt == nil { prompt = text }
        if SecretPrompt.matches(text) { doubt() }
    }

    // MARK: The host's output

    /// Before a character is written at the cursor.
    mutating func willPrint(_ scalar: UInt32, cursor: CursorLine, knownPrompt: String) {
        guard !isDoubtful, isAwaiting else { return }
        if isAhead {
            guard case .text(let typed) = keys[awaited].kind, typed == scalar else { return }
            let text = cursor.text(upTo: cursor.place.column)
            guard !knownPrompt.allSatisfy(\.isWhitespace), text == knownPrompt else { return }
            isAhead = false
            prompt = text
            expected = cursor.target(width: 1)
        }
        guard cursor.target(width: 1) == expected else { return }
        if case .text(let typed) = keys[awaited].kind, typed == scalar {
            echoed.append(cursor.target(width: 1))
            expected = nil
            advance()
        } else if scalar != 0x20 {
            // A blank only clears: the rest of an erased character, or a terminal being made to wrap.
            doubt()
        }
    }

    /// After a character, a control byte or a sequence took its effect.
    mutating func moved(cursor: CursorLine) {
        let target = cursor.target(width: 1)
        if expected == nil, !echoed.isEmpty, !isDoubtful { expected = target }
        while isAwaiting, !isDoubtful, keys[awaited].kind == .erase {
            guard let back = echoed.last else {
                awaited += 1
                passControls()
                continue
            }
            guard target == back else { return }
            echoed.removeLast()
            expected = back
            advance()
        }
    }

    /// Before the cursor leaves the line by a line feed, or goes back to its beginning.
    /// - Returns: true when this ends the line.
    mutating func willLeave(isLineFeed: Bool, cursor: CursorLine) -> Bool {
        guard !isDoubtful, !isAhead else { return false }
        if isAwaiting, keys[awaited].kind == .pastedLineBreak {
            if isLineFeed {
                expected = nil
                echoed.append(CursorLine.Place(row: .min, column: 0))
                advance()
            }
            return false
        }
        if isAwaiting {
            if isLineFeed { doubt() }
            return isLineFeed && endedAt != nil
        }
        guard endedAt != nil else { return false }
        if let expected, cursor.target(width: 1) != expected { doubt() }
        return true
    }

    private mutating func advance() {
        awaited += 1
        passControls()
    }

    /// Keys without an echo of their own are passed with the character before them.
    private mutating func passControls() {
        while awaited < keys.count {
            switch keys[awaited].kind {
            case .control, .coded:
                expected = nil
                echoed = []
                awaited += 1
            case .lineEnd: awaited += 1
            case .text, .pastedLineBreak, .erase: return
            }
        }
    }
}
