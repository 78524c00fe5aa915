import Recording
import Terminal

/// What was run in a session, as far as it can be told: for whoever takes it over.
///
/// A line counts as a command when the host echoed it behind the text that stood there before it was typed. What was
/// typed without an echo, as a password is, is therefore never in it. Exit statuses come from the marks of shell
/// integration (OSC 133), where the host sends them; nobody should take them for more than the host's word.
struct CommandJournal: Sendable {
    struct Entry: Sendable, Hashable {
        /// Microseconds since the session began.
        let at: Int64
        let by: String
        let text: String
        var exitStatus: Int?
    }

    /// A file that was moved, removed or written beside the terminal.
    struct File: Sendable, Hashable {
        let at: Int64
        let by: String
        let operation: String
        let path: String
        let size: Int64?
    }

    static let limit = 200
    /// Characters of a command that are kept.
    static let textLimit = 400
    /// How long an echo may take, in microseconds, and how often the screen is looked at for it.
    private static let patience: Int64 = 2_000_000
    private static let attempts = 20
    private static let typedLimit = 4096

    private struct Line {
        /// The line of the screen before the first key.
        let prompt: String
        let by: String
        var typed: [UInt8] = []
        /// Keys were used whose effect only the host knows: the screen tells what came of them.
        var isEdited = false

        /// One character back, whatever its bytes.
        mutating func removeLast() {
            while let byte = typed.popLast(), byte & 0xC0 == 0x80 {}
        }
    }
    private struct Pending {
        let entry: Entry
        let prompt: String
        var attempts = 0
    }

    private(set) var entries: [Entry] = []
    private(set) var files: [File] = []
    /// Commands before the first entry that is kept.
    private(set) var dropped = 0
    private var line: Line?
    private var pending: [Pending] = []
    /// When the command that runs was typed, as far as the host marks its beginning.
    private var running: Int64?

    // MARK: What was typed

    /// - Parameter screen: as it is before the bytes reach the host.
    mutating func typed(_ bytes: some Sequence<UInt8>, by: String, at: Int64, on screen: borrowing Screen) {
        guard !screen.isAlternate else {
            line = nil
            return
        }
        for byte in bytes { type(byte, by, at, screen) }
    }

    /// Takes printable keys of a line that is begun; false, with nothing taken, for whatever needs the screen.
    mutating func goesOn(_ bytes: some Collection<UInt8>) -> Bool {
        guard let count = line?.typed.count, bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return false }
        line?.typed.append(contentsOf: bytes.prefix(max(0, Self.typedLimit - count)))
        return true
    }

    /// A program has the whole screen: what is typed there is no command.
    mutating func leftLine() { line = nil }

    private mutating func type(_ byte: UInt8, _ by: String, _ at: Int64, _ screen: borrowing Screen) {
        switch byte {
        case 0x0D, 0x0A:
            if let line { finish(line, at, screen) }
            line = nil
        case 0x03, 0x04: line = nil
        case 0x15: line?.typed = []
        case 0x7F, 0x08: line?.removeLast()
        case 0x00..<0x20:
            begin(by, screen)
            line?.isEdited = true
        default:
            begin(by, screen)
            if let count = line?.typed.count, count < Self.typedLimit { line?.typed.append(byte) }
        }
    }

    private mutating func begin(_ by: String, _ screen: borrowing Screen) {
        if line == nil { line = Line(prompt: screen.cursorLineText, by: by) }
    }

    private mutating func finish(_ line: Line, _ at: Int64, _ screen: borrowing Screen) {
        guard !line.isEdited else {
            // Whoever uses the arrows or Tab waits for the screen: the line is there already.
            guard let text = Self.rest(of: screen.cursorLineText, behind: line.prompt) else { return }
            return add(Entry(at: at, by: line.by, text: Self.short(text)))
        }
        let text = String(decoding: line.typed, as: UTF8.self).trimmedOfSpaces
        guard !text.isEmpty, pending.count < 64 else { return }
        pending.append(Pending(entry: Entry(at: at, by: line.by, text: text), prompt: line.prompt))
    }

    /// Another seat types now: what stands in the line is no longer one person's.
    mutating func holderChanged() { line?.isEdited = true }

    // MARK: What the host said

    /// Whether a line waits for its echo.
    var isWaiting: Bool { !pending.isEmpty }

    /// - Parameter screen: with the output in it.
    mutating func observe(_ events: [ScreenEvent], at: Int64, on screen: borrowing Screen) {
        if !pending.isEmpty { settle(at, screen) }
        for case .shellMark(let mark) in events {
            if mark.hasPrefix("C") { running = entries.last?.at }
            guard mark.hasPrefix("D"), let began = running else { continue }
            running = nil
            let status = mark.split(separator: ";").dropFirst().first.flatMap { Int($0) }
            // What was typed while it ran is another command.
            if let index = entries.lastIndex(where: { $0.at == began }) { entries[index].exitStatus = status }
        }
    }

    private mutating func settle(_ now: Int64, _ screen: borrowing Screen) {
        let lines = screen.scrollbackText(last: 8) + screen.text
        var waiting: [Pending] = []
        for var one in pending {
            if Self.isShown(one.entry.text, behind: one.prompt, in: lines, columns: screen.columns) {
                add(Entry(at: one.entry.at, by: one.entry.by, text: Self.short(one.entry.text)))
                continue
            }
            one.attempts += 1
            if now - one.entry.at < Self.patience, one.attempts < Self.attempts { waiting.append(one) }
        }
        pending = waiting
    }

    /// A long line goes on in the next rows of the screen.
    private static func isShown(_ text: String, behind prompt: String, in lines: [String], columns: Int) -> Bool {
        for index in lines.indices.reversed() {
            var whole = lines[index]
            var next = index + 1
            while whole.count < prompt.count + text.count, next < lines.endIndex, next - index < 8,
                lines[next - 1].count >= columns - 1
            {
                whole += lines[next]
                next += 1
            }
            if rest(of: whole, behind: prompt) == text { return true }
        }
        return false
    }

    private static func rest(of line: String, behind prompt: String) -> String? {
        guard line.hasPrefix(prompt) else { return nil }
        let rest = String(line.dropFirst(prompt.count)).trimmedOfSpaces
        return rest.isEmpty ? nil : rest
    }

    private static func short(_ text: String) -> String {
        text.count > textLimit ? String(text.prefix(textLimit)) + "…" : text
    }

    // MARK: What is known for certain

    /// A command that did not go through the terminal, with its end.
    mutating func ran(_ text: String, by: String, at: Int64, exitStatus: Int?) {
        add(Entry(at: at, by: by, text: Self.short(text), exitStatus: exitStatus))
    }

    /// What was recorded of things beside the terminal.
    mutating func note(_ note: RecordingNote, at: Int64) {
        switch note {
        case .file(let operation, let path, let size, _, let by):
            moved(File(at: at, by: by, operation: operation, path: path, size: size))
        case .command(let by, let command, let exitCode): ran(command, by: by, at: at, exitStatus: exitCode)
        case .chat, .control, .marker: break
        }
    }

    mutating func moved(_ file: File) {
        files.append(file)
        if files.count > Self.limit { files.removeFirst(files.count - Self.limit) }
    }

    private mutating func add(_ entry: Entry) {
        entries.append(entry)
        guard entries.count > Self.limit else { return }
        dropped += entries.count - Self.limit
        entries.removeFirst(entries.count - Self.limit)
    }
}

extension String {
    fileprivate var trimmedOfSpaces: String {
        var text = self[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
