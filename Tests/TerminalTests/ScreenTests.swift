import Testing

@testable import Terminal

/// A small screen fed with text.
func screen(_ text: String, columns: Int = 10, rows: Int = 4, scrollback: Int = 100) -> Screen {
    var screen = Screen(columns: columns, rows: rows, scrollbackLimit: scrollback)
    screen.feed(text.utf8)
    return screen
}

struct ScreenTests {
    @Test("text goes from left to right and wraps at the right margin only when more follows")
    func wraps() {
        var full = screen("0123456789")
        #expect(full.cursor == (0, 9))
        #expect(full.position.pendingWrap)
        full.feed("a".utf8)
        #expect(full.text == ["0123456789", "a", "", ""])
        #expect(full.grid[1].isWrapped)
        #expect(full.cursor == (1, 1))
    }

    @Test("without autowrap the last column is overwritten")
    func noAutowrap() {
        #expect(screen("\u{1B}[?7l0123456789abc").text[0] == "012345678c")
    }

    @Test("a wide character that does not fit goes to the next line")
    func wideWrap() {
        let wide = screen("012345678漢x")
        #expect(wide.text[0] == "012345678")
        #expect(wide.text[1] == "漢x")
        #expect(wide.cursor == (1, 3))
    }

    @Test("overwriting half of a wide character blanks the other half")
    func halfWide() {
        #expect(screen("漢字\u{1B}[1;2Hx").text[0] == " x字")
        #expect(screen("漢字\u{1B}[1;3Hx").text[0] == "漢x")
        #expect(screen("漢字\u{1B}[1;2H\u{1B}[P").text[0] == " 字")
    }

    @Test("marks, variation selectors and joiners stay with the character before them and take no column")
    func clusters() {
        let accents = screen("e\u{301}❤\u{FE0F}👩\u{200D}💻|")
        #expect(accents.cursor.column == 7)
        #expect(accents.text[0] == "e\u{301}❤\u{FE0F}👩\u{200D}💻|")
        #expect(screen("\u{301}x").text[0] == "x")
        #expect(screen("abcdefghij\u{301}").text[0] == "abcdefghij\u{301}")
    }

    @Test("a cluster keeps at most twelve scalars")
    func clusterLimit() {
        let marks = String(repeating: "\u{301}", count: 100)
        #expect(screen("e" + marks).text[0].unicodeScalars.count == Screen.clusterLimit)
    }

    @Test("lines that leave at the top are kept up to the limit")
    func scrollback() {
        let lines = (1...10).map { "\($0)" }.joined(separator: "\r\n")
        let few = screen(lines, rows: 3, scrollback: 4)
        #expect(few.text == ["8", "9", "10"])
        #expect(few.scrollbackText(last: 10) == ["4", "5", "6", "7"])
        #expect(few.scrollbackText(last: 2) == ["6", "7"])
        #expect(screen(lines, rows: 3, scrollback: 0).scrollbackCount == 0)
    }

    @Test("a scroll region scrolls alone")
    func region() {
        #expect(screen("a\r\nb\r\nc\r\nd\u{1B}[2;3r\u{1B}[3;1H\n").text == ["a", "c", "", "d"])
        #expect(screen("a\r\nb\r\nc\r\nd\u{1B}[2;3r\u{1B}[2;1H\u{1B}M").text == ["a", "", "b", "d"])
        #expect(screen("a\r\nb\r\nc\r\nd\u{1B}[2;2H\u{1B}[L").text == ["a", "", "b", "c"])
        #expect(screen("a\r\nb\r\nc\r\nd\u{1B}[2;2H\u{1B}[2M").text == ["a", "d", "", ""])
    }

    @Test("origin mode counts rows from the region and keeps the cursor in it")
    func origin() {
        var region = screen("\u{1B}[2;3r\u{1B}[?6h\u{1B}[9;2Hx\u{1B}[6n")
        #expect(region.text == ["", "", " x", ""])
        #expect(String(decoding: region.takeResponses(), as: UTF8.self) == "\u{1B}[2;3R")
    }

    @Test("insert, delete and erase change only their columns")
    func editing() {
        #expect(screen("abcdef\u{1B}[1;3H\u{1B}[2@").text[0] == "ab  cdef")
        #expect(screen("abcdef\u{1B}[1;3H\u{1B}[2P").text[0] == "abef")
        #expect(screen("abcdef\u{1B}[1;3H\u{1B}[2X").text[0] == "ab  ef")
        #expect(screen("abcdef\u{1B}[1;3H\u{1B}[K").text[0] == "ab")
        #expect(screen("abcdef\u{1B}[1;3H\u{1B}[1K").text[0] == "   def")
        #expect(screen("abc\u{1B}[1;1H\u{1B}[4hxy").text[0] == "xyabc")
        #expect(screen("a\r\nb\r\nc\u{1B}[2;1H\u{1B}[J").text == ["a", "", "", ""])
        #expect(screen("a\r\nb\r\nc\u{1B}[2;1H\u{1B}[1J").text == ["", "", "c", ""])
    }

    @Test("selective erase leaves protected characters")
    func protection() {
        #expect(screen("a\u{1B}[1\"qb\u{1B}[0\"qc\u{1B}[?2J").text[0] == " b")
    }

    @Test("REP repeats the last character and only right after it")
    func repetition() {
        #expect(screen("a\u{1B}[3b").text[0] == "aaaa")
        #expect(screen("a\u{1B}[m\u{1B}[3b").text[0] == "a")
        #expect(screen("a\u{1B}[2b\u{1B}[2b").text[0] == "aaaaa")
    }

    @Test("tab stops are set, cleared and reached in both directions")
    func tabs() {
        #expect(screen("\ta", columns: 20).text[0] == "        a")
        #expect(screen("\u{1B}[4G\u{1B}H\r\ta", columns: 20).text[0] == "   a")
        #expect(screen("\u{1B}[3g\ta", columns: 20).text[0] == String(repeating: " ", count: 19) + "a")
        #expect(screen("\u{1B}[18G\u{1B}[2Za", columns: 20).text[0] == "        a")
    }

    @Test("line drawing characters come by G0 and by G1")
    func lineDrawing() {
        #expect(screen("\u{1B}(0lqk\u{1B}(Bq").text[0] == "┌─┐q")
        #expect(screen("\u{1B})0a\u{0E}x\u{0F}x").text[0] == "a│x")
    }

    @Test(
        "colours and attributes are read in every notation",
        arguments: [
            ("1;31", Style(foreground: .indexed(1), attributes: .bold)),
            ("38;5;200", Style(foreground: .indexed(200))),
            ("38:5:200", Style(foreground: .indexed(200))),
            ("38;2;1;2;3", Style(foreground: .rgb(1, 2, 3))),
            ("38:2:1:2:3", Style(foreground: .rgb(1, 2, 3))),
            ("38:2::1:2:3", Style(foreground: .rgb(1, 2, 3))),
            ("48;2;1;2;3;97", Style(foreground: .indexed(15), background: .rgb(1, 2, 3))),
            ("58:2::1:2:3", Style(underlineColor: .rgb(1, 2, 3))),
            ("4:3", Style(attributes: .init(rawValue: 3 << 12))),
            ("1;2;22", .plain), ("38;5;300", .plain), ("7;0", .plain), ("", .plain),
        ])
    func rendition(parameters: String, expected: Style) {
        #expect(screen("\u{1B}[\(parameters)m").style == expected)
    }

    @Test("the alternate screen is empty at entry and leaves the primary as it was")
    func alternate() {
        var editor = screen("shell$ vi\r\n\u{1B}[?1049h\u{1B}[Hfile\u{1B}[31m")
        #expect(editor.isAlternate)
        #expect(editor.text[0] == "file")
        editor.feed("\u{1B}[?1049l".utf8)
        #expect(editor.text[0] == "shell$ vi")
        #expect(editor.cursor == (1, 0))
        #expect(editor.style == .plain)
        #expect(editor.scrollbackCount == 0)
    }

    @Test("the saved cursor has position, attributes, character sets and origin mode")
    func savedCursor() {
        var saved = screen("\u{1B}[2;3H\u{1B}[31m\u{1B}(0\u{1B}7\u{1B}[H\u{1B}[m\u{1B}(B\u{1B}8q")
        #expect(saved.text[1] == "  ─")
        #expect(saved.grid[1][2].style.foreground == .indexed(1))
        saved.feed("\u{1B}[!p\u{1B}8".utf8)
        #expect(saved.cursor == (0, 0))
    }

    @Test("a title is bounded and holds no control characters")
    func title() {
        var titled = screen("\u{1B}]2;a\u{9}b\u{202E}c\u{1B}\\")
        #expect(titled.title == "abc")
        #expect(titled.takeEvents() == [.title("abc")])
        titled.feed(("\u{1B}]0;" + String(repeating: "é", count: 5000) + "\u{7}").utf8)
        #expect(titled.title.unicodeScalars.count == 256)
    }

    @Test("the title stack gives the former title back")
    func titleStack() {
        #expect(screen("\u{1B}]2;one\u{7}\u{1B}[22;2t\u{1B}]2;two\u{7}\u{1B}[23;2t").title == "one")
    }

    @Test("events are bounded and a clipboard question is not passed on")
    func events() {
        var host = screen("\u{1B}]52;c;aGk=\u{7}\u{1B}]52;c;?\u{7}\u{1B}]7;file://h/tmp\u{7}\u{1B}]133;D;1\u{7}")
        #expect(
            host.takeEvents() == [
                .clipboard(selection: "c", base64: "aGk="), .workingDirectory("file://h/tmp"), .shellMark("D;1"),
            ])
        host.feed(Array(repeating: 0x07, count: 1000))
        #expect(host.takeEvents().count == Screen.eventLimit)
        host.feed(("\u{1B}]52;c;" + String(repeating: "A", count: 8000) + "\u{7}").utf8)
        #expect(host.takeEvents().isEmpty)
    }

    @Test("hyperlinks are kept with their cells")
    func hyperlinks() {
        let linked = screen("\u{1B}]8;id=1;https://example.com/\u{1B}\\a\u{1B}[mb\u{1B}]8;;\u{1B}\\c")
        let expected = Hyperlink(identifier: "1", address: "https://example.com/")
        #expect(linked.hyperlink(of: linked.grid[0][0].style) == expected)
        #expect(linked.hyperlink(of: linked.grid[0][1].style) == expected)
        #expect(linked.hyperlink(of: linked.grid[0][2].style) == nil)
    }

    @Test("a full table of links makes room by forgetting those that no cell has")
    func manyLinks() {
        var busy = screen("")
        for number in 0..<5000 { busy.feed("\u{1B}]8;;https://example.com/\(number)\u{7}x\r".utf8) }
        #expect(busy.hyperlink(of: busy.grid[0][0].style)?.address == "https://example.com/4999")
    }

    @Test("growing takes lines back from the scrollback, shrinking gives them to it")
    func resizing() {
        var lines = screen("1\r\n2\r\n3\r\n4\r\n5\r\n6", rows: 4)
        lines.resize(columns: 10, rows: 2)
        #expect(lines.text == ["5", "6"])
        #expect(lines.scrollbackCount == 4)
        lines.resize(columns: 10, rows: 5)
        #expect(lines.text == ["2", "3", "4", "5", "6"])
        #expect(lines.cursor == (4, 1))
        var top = screen("1\r\n2\u{1B}[3;1Hx\u{1B}[1;1H", rows: 4)
        top.resize(columns: 10, rows: 2)
        #expect(top.text == ["1", "2"])
        #expect(top.scrollbackCount == 0)
    }

    @Test("cutting columns cuts no wide character in two")
    func cutting() {
        var wide = screen("abc漢d")
        wide.resize(columns: 4, rows: 4)
        #expect(wide.text[0] == "abc")
        wide.resize(columns: 0, rows: 0)
        #expect((wide.columns, wide.rows) == (2, 1))
    }

    @Test("RIS gives a fresh screen that keeps the title")
    func reset() {
        let fresh = screen("\u{1B}]2;t\u{7}")
        #expect(
            screen("\u{1B}]2;t\u{7}\u{1B}[?1049h\u{1B}[31mx\u{1B}[2;3r\u{1B}[?2004h\u{1B}[3gabc\n\n\n\n\u{1B}c")
                == fresh)
    }
}
