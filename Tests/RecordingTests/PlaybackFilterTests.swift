import Recording
import Testing

@Suite("What a recording may do to a terminal")
struct PlaybackFilterTests {
    private func shown(_ text: String) -> String {
        var filter = PlaybackFilter()
        return String(decoding: filter.filter(text.utf8), as: UTF8.self)
    }

    @Test(
        "what shows text passes",
        arguments: [
            "plain äöü 😀 \u{A0}\r\n\t\u{8}\u{7}", "\u{1B}[1;31mred\u{1B}[0m", "\u{1B}[38:2::1:2:3mx",
            "\u{1B}[2J\u{1B}[H\u{1B}[10;20Hx",
            "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7lx", "\u{1B}(0lqk\u{1B}(B", "\u{1B}7x\u{1B}8", "\u{1B}M\u{1B}D",
            "\u{1B}[3 q",
            "\u{1B}[?2026hx\u{1B}[?2026l", "\u{1B}[!p", "\u{1B}[4h", "\u{1B}#8",
        ])
    func harmless(text: String) {
        #expect(shown(text) == text)
    }

    @Test(
        "what does anything else is taken out",
        arguments: [
            "\u{1B}]0;title\u{7}", "\u{1B}]52;c;aGk=\u{1B}\\", "\u{1B}]8;;http://x\u{7}", "\u{1B}P$qm\u{1B}\\",
            "\u{1B}_G\u{1B}\\",
            "\u{1B}^x\u{1B}\\", "\u{1B}Xx\u{1B}\\", "\u{1B}[6n", "\u{1B}[c", "\u{1B}[>c", "\u{1B}[=c", "\u{1B}Z",
            "\u{5}", "\u{1B}[5i",
            "\u{1B}[21t", "\u{1B}[8;10;10t", "\u{1B}[?1000h", "\u{1B}[?1003;1006h", "\u{1B}[?2004h", "\u{1B}[?1004h",
            "\u{1B}[>4;2m",
            "\u{1B}[>1u", "\u{1B}[?u", "\u{1B}[>q", "\u{1B}[?25$p", "\u{1B}[2h", "\u{1B} F", "\u{1B}%@", "\u{1B}[0x",
            "\u{9D}0;t\u{9C}",
            "\u{90}x\u{9C}", "\u{9B}6n", "\u{1B}[?25;1000h", "\u{1B}]0;cut off", "\u{1B}[1\u{5}c",
        ])
    func harmful(text: String) {
        #expect(shown(text) == "")
    }

    @Test("text goes on behind what was taken out")
    func goesOn() {
        #expect(shown("a\u{1B}]0;x\u{7}b\u{1B}[6nc\u{1B}[\u{1B}[1md\u{9B}31me") == "abc\u{1B}[1md\u{1B}[31me")
    }

    @Test("bytes may be cut anywhere")
    func cuts() {
        let text = "ä\u{1B}]0;x\u{1B}\\b\u{1B}[1;31mc\u{9B}6n\u{9D}t\u{9C}d"
        let bytes = Array(text.utf8)
        var filter = PlaybackFilter()
        let single = bytes.flatMap { filter.filter([$0]) }
        #expect(String(decoding: single, as: UTF8.self) == shown(text))
        #expect(shown(text) == "äb\u{1B}[1;31mcd")
    }

    @Test("a sequence without an end holds no memory")
    func endless() {
        var filter = PlaybackFilter()
        #expect(filter.filter(Array("\u{1B}[".utf8) + [UInt8](repeating: 0x31, count: 300)).count < 300)
        #expect(filter.filter("m shown".utf8) == Array("m shown".utf8))
    }
}
