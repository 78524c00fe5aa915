import Terminal
import Testing

@testable import SSHTools

/// What the prompt looks like in a terminal, by a real screen model.
struct PromptDrawingTests {
    private func screen(_ keys: String, columns: Int = 20) -> (text: String, cursor: Int) {
        var (decoder, editor, drawing) = (PromptKeyDecoder(), LineEditor(history: ["get report"]), PromptDrawing())
        var screen = Screen(columns: columns, rows: 3)
        screen.feed(Array(drawing.draw(editor, prompt: "sftp> ", columns: columns).utf8))
        for key in decoder.decode(Array(keys.utf8)) {
            _ = editor.press(key)
            screen.feed(Array(drawing.draw(editor, prompt: "sftp> ", columns: columns).utf8))
        }
        return (screen.firstRow, screen.cursorColumn)
    }

    @Test("the line stands behind the prompt with the cursor at its place")
    func plain() {
        #expect(screen("get a").text == "sftp> get a")
        #expect(screen("get a").cursor == 11)
        #expect(screen("get a\u{01}").cursor == 6)
        #expect(screen("get a\u{02}\u{02}X").text == "sftp> getX a")
    }

    @Test("wide characters take two columns")
    func wide() {
        #expect(screen("漢字").cursor == 10)
        #expect(screen("漢字\u{02}").cursor == 8)
    }

    @Test("a line that is longer than the row scrolls under the cursor")
    func scrolling() {
        #expect(
            screen("abcdefghijklmnopqrst").text == "sftp> ijklmnopqrst"
                || screen("abcdefghijklmnopqrst").text == "sftp> hijklmnopqrst")
        #expect(screen("abcdefghijklmnopqrst\u{01}").text == "sftp> abcdefghijklm")
        #expect(screen("漢漢漢漢漢漢漢漢漢漢").cursor < 20)
    }

    @Test("a search shows what it looks for")
    func search() {
        #expect(screen("\u{12}rep", columns: 40).text == "(search)'rep': get report")
    }

    @Test("a letter at the end writes that letter alone")
    func short() {
        var (editor, drawing) = (LineEditor(), PromptDrawing())
        _ = drawing.draw(editor, prompt: "> ", columns: 80)
        _ = editor.press(.text("a"))
        #expect(drawing.draw(editor, prompt: "> ", columns: 80) == "a")
    }
}
