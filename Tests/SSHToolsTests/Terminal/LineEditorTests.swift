import Testing

@testable import SSHTools

/// The line editor by literal key bytes.
struct LineEditorTests {
    private func typed(_ bytes: String, history: [String] = []) -> LineEditor {
        var decoder = PromptKeyDecoder()
        var editor = LineEditor(history: history)
        for key in decoder.decode(Array(bytes.utf8)) { _ = editor.press(key) }
        return editor
    }

    @Test("letters go in at the cursor, which keys move")
    func moving() {
        #expect(typed("bc\u{01}a\u{05}d").line == "abcd")
        #expect(typed("ac\u{1b}[Db").line == "abc")
        #expect(typed("ac\u{02}b\u{06}d").line == "abcd")
        #expect(typed("b\u{1b}[Ha\u{1b}[Fc").line == "abc")
        #expect(typed("b\u{1b}[1~a\u{1b}[4~c\u{1b}OD").cursor == 2)
    }

    @Test("words are passed and taken away whole")
    func words() {
        #expect(typed("get one two\u{1b}b\u{1b}bX").line == "get Xone two")
        #expect(typed("get one two\u{01}\u{1b}[1;5CX").line == "getX one two")
        #expect(typed("get a/b.txt\u{17}").line == "get ")
        #expect(typed("get one two\u{01}\u{1b}d").line == " one two")
    }

    @Test("Ctrl-K, Ctrl-U and Ctrl-Y take away and bring back")
    func killing() {
        #expect(typed("get one\u{02}\u{02}\u{0b}").line == "get o")
        #expect(typed("get one\u{02}\u{02}\u{15}").line == "ne")
        #expect(typed("one\u{15}two \u{19}").line == "two one")
        #expect(typed("abc\u{7f}\u{08}").line == "a")
        #expect(typed("abc\u{01}\u{1b}[3~\u{04}").line == "c")
        #expect(typed("ba\u{14}").line == "ab")
    }

    @Test("letters of several bytes and marks that join are one character each")
    func unicode() {
        #expect(typed("ü漢🇩🇪\u{7f}").line == "ü漢")
        #expect(typed("e\u{301}x\u{02}\u{7f}").line == "x")
        var decoder = PromptKeyDecoder()
        #expect(decoder.decode([0xE6, 0xBC]).isEmpty)
        #expect(decoder.decode([0xA2]) == [.text("漢")])
        #expect(decoder.decode([0xFF, 0xC3, 0x28]) == [.text("(")])
    }

    @Test("a paste goes in as one line and runs nothing")
    func paste() {
        var decoder = PromptKeyDecoder()
        let keys = decoder.decode(Array("\u{1b}[200~rm a\nrm b\t\r\u{03}\u{1b}[201~x".utf8))
        #expect(keys == [.paste("rm a\nrm b\t\r\u{03}"), .text("x")])
        #expect(typed("\u{1b}[200~rm a\nrm b\u{7}\n\u{1b}[201~").line == "rm a rm b")
        var split = PromptKeyDecoder()
        #expect(split.decode(Array("\u{1b}[200~ab\u{1b}[20".utf8)).isEmpty)
        #expect(split.decode(Array("1~".utf8)) == [.paste("ab")])
    }

    @Test("up and down go through the history, and the line that was begun comes back")
    func history() {
        let lines = ["ls", "get a"]
        #expect(typed("\u{1b}[A", history: lines).line == "get a")
        #expect(typed("pu\u{10}\u{10}\u{10}", history: lines).line == "ls")
        #expect(typed("pu\u{10}\u{10}\u{0e}\u{0e}", history: lines).line == "pu")
    }

    @Test("Ctrl-R finds the latest line that contains what is typed, and again the one before")
    func searching() {
        let lines = ["get report", "ls", "put report"]
        #expect(typed("\u{12}repo", history: lines).line == "put report")
        #expect(typed("\u{12}repo\u{12}", history: lines).line == "get report")
        #expect(typed("\u{12}xyz", history: lines).search?.isFailing == true)
        #expect(typed("\u{12}repo\u{07}", history: lines).line == "")
        #expect(typed("\u{12}repo\u{01}X", history: lines).line == "Xput report")
    }

    @Test("Enter submits, Ctrl-C gives up, Ctrl-D ends an empty line alone, Tab asks")
    func outcomes() {
        var editor = LineEditor()
        #expect(editor.press(.endOfInput) == .ended)
        #expect(editor.press(.text("ls")) == .edited)
        #expect(editor.press(.endOfInput) == .refused)
        #expect(editor.press(.tab) == .wantsCompletion)
        #expect(editor.press(.interrupt) == .interrupted)
        #expect(editor.press(.enter) == .submitted("ls"))
        editor.replace(from: 1, with: "longer")
        #expect(editor.line == "llonger")
    }

    @Test("a sequence that means nothing, or never ends, changes nothing")
    func strangeSequences() {
        #expect(typed("a\u{1b}[99~b\u{1b}[1;2Pc").line == "abc")
        #expect(typed("a\u{1b}[" + String(repeating: "1", count: 40)).line == "a")
    }
}
