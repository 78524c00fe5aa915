import Testing

@testable import Terminal

struct ResponseTests {
    private func answer(to question: String) -> String {
        var asked = screen(question, columns: 80, rows: 24)
        return String(decoding: asked.takeResponses(), as: UTF8.self)
    }

    @Test(
        "questions get the answers that xterm gives",
        arguments: [
            ("\u{1B}[c", "\u{1B}[?62;22c"),
            ("\u{1B}[>c", "\u{1B}[>0;277;0c"),
            ("\u{1B}[5n", "\u{1B}[0n"),
            ("ab\u{1B}[6n", "\u{1B}[1;3R"),
            ("ab\u{1B}[?6n", "\u{1B}[?1;3R"),
            ("\u{1B}[18t", "\u{1B}[8;24;80t"),
            ("\u{1B}[>q", "\u{1B}P>|SSH Copilot\u{1B}\\"),
            ("\u{1B}[?2004$p", "\u{1B}[?2004;2$y"),
            ("\u{1B}[?2004h\u{1B}[?2004$p", "\u{1B}[?2004;1$y"),
            ("\u{1B}[?1049h\u{1B}[?1049$p", "\u{1B}[?1049;1$y"),
            ("\u{1B}[?4711$p", "\u{1B}[?4711;0$y"),
            ("\u{1B}[4h\u{1B}[4$p", "\u{1B}[4;1$y"),
            ("\u{1B}]11;?\u{7}", "\u{1B}]11;rgb:0000/0000/0000\u{1B}\\"),
            ("\u{1B}]10;?;?\u{7}", "\u{1B}]10;rgb:e5e5/e5e5/e5e5\u{1B}\\\u{1B}]11;rgb:0000/0000/0000\u{1B}\\"),
            (
                "\u{1B}]4;1;?;2;#0f0;2;?\u{7}",
                "\u{1B}]4;1;rgb:cdcd/0000/0000\u{1B}\\\u{1B}]4;2;rgb:0000/ffff/0000\u{1B}\\"
            ),
            ("\u{1B}[1;31;4:3m\u{1B}P$qm\u{1B}\\", "\u{1B}P1$r0;1;4:3;31m\u{1B}\\"),
            ("\u{1B}[2;5r\u{1B}P$qr\u{1B}\\", "\u{1B}P1$r2;5r\u{1B}\\"),
            ("\u{1B}P$qevil\u{1B}\\", "\u{1B}P0$r\u{1B}\\"),
        ])
    func answers(question: String, expected: String) {
        #expect(answer(to: question) == expected)
    }

    @Test(
        "titles, answers and unknown requests are never sent back",
        arguments: [
            "\u{1B}]2;rm -rf\r\u{7}\u{1B}[21t", "\u{1B}[20t", "\u{05}", "\u{1B}]52;c;?\u{7}", "\u{1B}P+q544e\u{1B}\\",
            "\u{1B}]l;\u{7}", "\u{1B}[?u",
        ])
    func silence(question: String) {
        #expect(answer(to: question) == "")
    }

    @Test("answers are bounded between two calls and start again after a call")
    func bounded() {
        var asked = screen(String(repeating: "\u{1B}[c", count: 10_000))
        #expect(asked.takeResponses().count <= Screen.responseLimit)
        #expect(asked.takeResponses().isEmpty)
        asked.feed("\u{1B}[c".utf8)
        #expect(!asked.takeResponses().isEmpty)
    }
}
