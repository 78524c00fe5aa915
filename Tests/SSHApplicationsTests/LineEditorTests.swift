import SSHApplications
import Terminal
import Testing

@Suite struct LineEditorTests {
    /// Types bytes into an editor whose output goes to a real screen.
    private func typed(
        _ text: String, prompt: String = "> ", echoes: Bool = true, columns: Int = 20
    ) -> (outcome: LineEditor.Outcome, screen: Screen) {
        var editor = LineEditor(prompt: prompt, echoes: echoes, columns: columns)
        var decoder = KeyDecoder()
        var screen = Screen(columns: columns, rows: 8, scrollbackLimit: 0)
        screen.feed(Array(editor.begin().utf8))
        var outcome = LineEditor.Outcome.editing
        for key in decoder.keys(of: text.utf8) {
            let (output, now) = editor.take(key)
            screen.feed(Array(output.utf8))
            outcome = now
        }
        return (outcome, screen)
    }

    @Test(
        "editing gives the line that a person sees",
        arguments: [
            ("abc\r", "abc"), ("abc\u{7f}d\r", "abd"), ("bc\u{1}a\r", "abc"), ("ac\u{1b}[Db\r", "abc"),
            ("abc\u{1b}[H\u{1b}[3~\r", "bc"), ("abc\u{15}x\r", "x"), ("abc\u{1}\u{b}x\r", "x"),
            ("one two\u{17}three\r", "one three"), ("a\u{1b}[C\u{1b}[C\u{1b}[Fb\r", "ab"), ("\u{7f}\u{7f}a\r", "a"),
            ("a\u{2}\u{2}\u{6}b\r", "ab"), ("e\u{301}\u{7f}x\r", "x"), ("a\u{4}\r", "a"), ("ab\u{1}\u{4}\r", "b"),
        ])
    func lines(keys: String, line: String) {
        #expect(typed(keys).outcome == .line(line))
    }

    @Test("Ctrl-C interrupts, and Ctrl-D ends the input in an empty line alone")
    func endings() {
        #expect(typed("ab\u{3}").outcome == .interrupted)
        #expect(typed("\u{4}").outcome == .endOfInput)
        #expect(typed("a\u{4}").outcome == .editing)
    }

    @Test("the screen shows prompt and line, also over several rows and after changes in the middle")
    func display() {
        let long = typed("0123456789abcdefghijklmnopq\u{1}XY\u{5}Z\u{7f}", columns: 10)
        #expect(Array(long.screen.text.prefix(4)) == ["> XY012345", "6789abcdef", "ghijklmnop", "q"])
        let full = typed("01234567", columns: 10)
        #expect(full.screen.cursor.row == 1 && full.screen.cursor.column == 0)
    }

    @Test("a secret is not shown, and neither is its length")
    func secret() {
        let (outcome, screen) = typed("hunter2\u{7f}3\r", prompt: "Password: ", echoes: false)
        #expect(outcome == .line("hunter3"))
        #expect(screen.text.filter { !$0.isEmpty } == ["Password:"])
        #expect(screen.cursor.column == 0)
    }

    @Test("control characters never reach the line, and a line has a longest")
    func limits() {
        #expect(typed("a\u{0}\u{1c}\u{1b}[99Xb\r").outcome == .line("ab"))
        var editor = LineEditor(prompt: "", columns: 80)
        for _ in 0..<5000 { _ = editor.take(.character("x")) }
        #expect(editor.take(.enter).outcome == .line(String(repeating: "x", count: LineEditor.maximumLength)))
    }
}
