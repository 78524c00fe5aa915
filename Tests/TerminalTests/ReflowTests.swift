import Testing

@testable import Terminal

/// History and screen together, with a `+` before each row that continues the one above.
private func rows(_ screen: Screen) -> [String] {
    let history = screen.primaryGrid.history
    let lines = (0..<history.count).map { history[$0] } + screen.primaryGrid.lines
    return lines.enumerated().map { ($0 > 0 && $1.isWrapped ? "+" : "") + screen.text(of: $1) }
}

struct ReflowTests {
    @Test("a text that ran over the margin is one line again where there is room, and breaks again where there is none")
    func thereAndBack() {
        var lines = screen("0123456789abcdefghij12345\r\nshort\r\n$ ", rows: 6)
        #expect(rows(lines) == ["0123456789", "+abcdefghij", "+12345", "short", "$", ""])
        lines.resize(columns: 30, rows: 6)
        #expect(rows(lines) == ["0123456789abcdefghij12345", "short", "$", "", "", ""])
        #expect(lines.cursor == (2, 2))
        lines.resize(columns: 10, rows: 6)
        #expect(rows(lines) == ["0123456789", "+abcdefghij", "+12345", "short", "$", ""])
        #expect(lines.cursor == (4, 2))
    }

    @Test("no wide character is cut in two, and the column that it left blank is none of the text")
    func wideCharacters() {
        var lines = screen("漢字漢字\r\n$", rows: 5)
        lines.resize(columns: 5, rows: 5)
        #expect(rows(lines) == ["漢字", "+漢字", "$", "", ""])
        lines.resize(columns: 7, rows: 5)
        #expect(rows(lines) == ["漢字漢", "+字", "$", "", ""])
        lines.resize(columns: 20, rows: 5)
        #expect(rows(lines) == ["漢字漢字", "$", "", "", ""])
    }

    @Test("the line that the cursor is in stays for the program that waits there")
    func cursorLine() {
        var prompt = screen("$ 0123456789", rows: 4)
        prompt.resize(columns: 20, rows: 4)
        #expect(rows(prompt) == ["$ 01234567", "+89", "", ""])
        var cut = screen("one\r\n$ 0123456", rows: 4)
        cut.resize(columns: 5, rows: 4)
        #expect(rows(cut) == ["one", "$ 012", "", ""])
    }

    @Test("what does not fit on the screen any more goes into the history, and comes back from it")
    func history() {
        var lines = screen("0123456789\r\nabcdefghij\r\n$ ", rows: 3)
        lines.resize(columns: 5, rows: 3)
        #expect(rows(lines) == ["01234", "+56789", "abcde", "+fghij", "$"])
        #expect(lines.scrollbackCount == 2)
        #expect(lines.cursor == (2, 2))
        lines.resize(columns: 10, rows: 3)
        #expect(rows(lines) == ["0123456789", "abcdefghij", "$"])
        #expect(lines.scrollbackCount == 0)
    }

    @Test("attributes and the backgrounds between words move with the text")
    func attributes() {
        var lines = screen("\u{1B}[31mabc\u{1B}[44m   \u{1B}[mdefgh\r\n$", rows: 4)
        lines.resize(columns: 4, rows: 4)
        #expect(lines.grid[0][2].style.foreground == .indexed(1))
        #expect(lines.grid[1][1].style.background == .indexed(4))
        #expect(rows(lines) == ["abc", "+  de", "+fgh", "$"])
    }

    @Test("the alternate screen does not reflow, and the shell's screen behind it does")
    func alternate() {
        var lines = screen("0123456789abc\r\n$ \u{1B}[?1049h\u{1B}[H0123456789abc\u{1B}[3;1H", rows: 4)
        lines.resize(columns: 20, rows: 4)
        #expect(lines.text == ["0123456789", "abc", "", ""])
        lines.feed("\u{1B}[?1049l".utf8)
        #expect(rows(lines) == ["0123456789abc", "$", "", ""])
        #expect(lines.cursor == (1, 2))
    }

    @Test("the history keeps to its limit however small the lines become")
    func limit() {
        var lines = Screen(columns: 1000, rows: 10, scrollbackLimit: 200)
        for _ in 0..<300 { lines.feed(String(repeating: "x", count: 1000).utf8) }
        lines.feed("\r\n$".utf8)
        lines.resize(columns: 2, rows: 10)
        #expect(lines.scrollbackCount == 200)
        #expect(rows(lines).dropLast().allSatisfy { $0 == "+xx" || $0 == "xx" })
        #expect(lines.text.last == "$")
    }

    @Test("a flood of sizes takes time linear in what is kept and traps nothing", arguments: 1...2)
    func flood(seed: Int) {
        var random = SplitMix64(state: UInt64(seed))
        var lines = Screen(columns: 80, rows: 24, scrollbackLimit: 100)
        let stream = GeneratedStream.garbage(seed: UInt64(seed), count: 15_000)
        for start in stride(from: 0, to: stream.count, by: 150) {
            lines.feed(stream[start..<min(start + 150, stream.count)])
            lines.resize(
                columns: Int.random(in: 2...120, using: &random), rows: Int.random(in: 1...40, using: &random))
            #expect(lines.text.count == lines.rows && lines.scrollbackCount <= 100)
            #expect((0..<lines.rows).contains(lines.cursor.row) && (0..<lines.columns).contains(lines.cursor.column))
            #expect(lines.grid.lines.allSatisfy { $0.count <= lines.columns })
            #expect(restored(lines).difference(from: lines) == nil)
        }
    }
}
