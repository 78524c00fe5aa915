import Terminal

/// Reads one command's output out of the bytes of a terminal: behind the echo of its line, up to the mark of the prompt that follows.
///
/// The bytes go through a screen of their own, so that the text is what a person saw, line by line. A line that was finished never
/// changes: what was given out stays right.
struct TerminalCommandReader {
    private let marks: PromptMarks?
    private var screen: Screen
    private var transcript = SessionTranscript(from: 0)
    private var offset: UInt64 = 0
    private var nextLine = 0
    private var hasBegun = false
    /// How it ended, once it has.
    private(set) var ending: (exitCode: Int?, folder: String)?

    init(columns: Int, rows: Int, marks: PromptMarks?) {
        self.marks = marks
        screen = Screen(columns: columns, rows: rows, scrollbackLimit: 0)
    }

    /// Takes bytes in, cut anywhere.
    /// - Returns: finished lines of the output that are new, each with its line feed; at the end the unfinished one, too.
    mutating func read(_ bytes: [UInt8]) -> String {
        var text = ""
        var begin = 0
        while begin < bytes.count, ending == nil {
            // A mark ends with BEL: behind each one is looked, so that its place between the lines is known.
            let end = bytes[begin...].firstIndex(of: 0x07).map { $0 + 1 } ?? bytes.count
            bytes[begin..<end].withUnsafeBytes { transcript.feed($0, into: &screen, from: offset) }
            offset += UInt64(end - begin)
            begin = end
            let events = screen.takeEvents()
            text += newLines()
            for case .shellMark(let mark) in events { take(mark, &text) }
        }
        return text
    }

    private mutating func take(_ mark: String, _ text: inout String) {
        switch marks?.read(mark) {
        case .begins?:
            hasBegun = true
            nextLine = transcript.count
            text = ""
        case .ended(let exitCode, let folder)? where hasBegun:
            text += screen.isAlternate ? "" : screen.cursorLogicalLine()
            ending = (exitCode, folder)
        // The prompt that was there already, written once more.
        case .ended?, nil: break
        }
    }

    private mutating func newLines() -> String {
        guard transcript.count > nextLine else { return "" }
        var lines = transcript.lines(from: nextLine)
        nextLine = transcript.count
        if !hasBegun {
            guard marks?.marksBeginning != true else { return "" }
            // The first line that ends is the echo of what was typed.
            hasBegun = true
            lines.removeFirst()
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The line that has no end yet, where nothing marks the end.
    var unfinished: String { hasBegun && !screen.isAlternate ? screen.cursorLogicalLine() : "" }
}
