#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What completes a word at a prompt.
public struct PromptCompletion: Sendable, Hashable {
    /// Characters of the line, where what is replaced begins; it ends at the cursor.
    public var start: Int
    /// What comes in its place: as much as all candidates have in common.
    public var text: String
    /// To be shown when there are several. Harmless to show.
    public var candidates: [String]

    public init(start: Int, text: String, candidates: [String]) {
        self.start = start
        self.text = text
        self.candidates = candidates
    }
}

/// Asks for lines at a terminal, with editing, history and completion.
public final class EditedPrompt {
    public enum Answer: Sendable, Hashable {
        case line(String)
        /// Ctrl-C
        case interrupted
        /// Ctrl-D, or the terminal is gone.
        case end
    }

    private let input: TerminalInput
    private let output: Int32
    private let descriptor: Int32
    private let history: CommandHistory
    private var decoder = PromptKeyDecoder()
    private var keys: ArraySlice<PromptKey> = []
    private var killed: [Character] = []

    public init(input: Int32 = STDIN_FILENO, output: Int32 = STDOUT_FILENO, history: CommandHistory) {
        descriptor = input
        self.output = output
        self.history = history
        self.input = TerminalInput(input, watchesSize: true)
    }

    /// Ends a question that is being asked, as the end of the terminal does.
    public var wake: @Sendable () -> Void {
        let input = input
        return { input.wake() }
    }

    /// Shows `prompt` and returns what was typed. The terminal is as it was when this returns.
    ///
    /// - Parameter complete: Asked at a Tab with the line before the cursor; nil when it has no answer.
    public func ask(
        _ prompt: String, complete: (String) async -> PromptCompletion?
    ) async -> Answer {
        let restore = rawMode()
        // Bracketed paste: what is pasted is told from what is typed.
        write("\u{1b}[?2004h")
        defer {
            write("\u{1b}[?2004l")
            restore()
        }
        var editor = LineEditor(history: history.lines, killed: killed)
        var drawing = PromptDrawing()
        write(drawing.draw(editor, prompt: prompt, columns: columns))
        while true {
            guard let key = await nextKey({ write(drawing.draw(editor, prompt: prompt, columns: columns)) }) else {
                write("\r\n")
                return .end
            }
            switch editor.press(key) {
            case .edited: break
            case .refused: write("\u{7}")
            case .submitted(let line):
                write(drawing.draw(editor, prompt: prompt, columns: columns) + "\r\n")
                killed = editor.taken
                history.add(line)
                return .line(line)
            case .interrupted:
                write("^C\r\n")
                killed = editor.taken
                return .interrupted
            case .ended:
                write("\r\n")
                return .end
            case .wantsClearScreen:
                drawing.forget()
                write("\u{1b}[H\u{1b}[2J")
            case .wantsCompletion:
                await self.complete(&editor, &drawing, with: await complete(editor.beforeCursor))
            }
            write(drawing.draw(editor, prompt: prompt, columns: columns))
        }
    }

    private func complete(
        _ editor: inout LineEditor, _ drawing: inout PromptDrawing, with completion: PromptCompletion?
    ) async {
        guard let completion else { return write("\u{7}") }
        let before = editor.beforeCursor
        editor.replace(from: completion.start, with: completion.text)
        guard completion.candidates.count > 1, editor.beforeCursor == before else { return }
        drawing.forget()
        let rows = ColumnLayout.rows(completion.candidates, columns: columns)
        write("\r\n" + rows.map { $0 + "\r\n" }.joined())
    }

    private var columns: Int { TerminalSize.columns(of: output) ?? 80 }

    private func nextKey(_ redraw: () -> Void) async -> PromptKey? {
        while keys.isEmpty {
            switch await input.next() {
            case .bytes(let bytes): keys = decoder.decode(bytes)[...]
            case .resized: redraw()
            case .end: return nil
            }
        }
        return keys.popFirst()
    }

    /// Keys come one by one and without an echo; returns what undoes it.
    private func rawMode() -> () -> Void {
        var before = termios()
        guard tcgetattr(descriptor, &before) == 0 else { return {} }
        var raw = before
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
        raw.c_iflag &= ~tcflag_t(IXON | ICRNL | INLCR | ISTRIP)
        tcsetattr(descriptor, TCSADRAIN, &raw)
        return { [descriptor] in
            var before = before
            tcsetattr(descriptor, TCSADRAIN, &before)
        }
    }

    private func write(_ text: String) { PersonTerminal.write(Array(text.utf8), to: output) }
}
