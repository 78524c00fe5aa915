import Testing

@testable import Terminal

/// The screen that a snapshot gives.
func restored(_ original: Screen) -> Screen {
    var fresh = Screen(columns: original.columns, rows: original.rows, scrollbackLimit: 1000)
    fresh.feed(original.snapshot(scrollback: 1000))
    return fresh
}

struct SnapshotTests {
    @Test(
        "a snapshot rebuilds the screen",
        arguments: [
            "", "hello", "0123456789", "0123456789\u{1B}[31m", "0123456789ab", "a\u{1B}[3b", "012345678漢字",
            "\u{1B}[41m\u{1B}[2Jx",
            "1\r\n2\r\n3\r\n4\r\n5\r\n6", "\u{1B}[?1049hedit\u{1B}[2;3r", "\u{1B}[2;3r\u{1B}[?6hx",
            "\u{1B}[3g\u{1B}[3G\u{1B}H", "\u{1B}(0q",
            "\u{1B}[2;2H\u{1B}[32m\u{1B}7\u{1B}[H", "\u{1B}[4hab", "0123456789\u{1B}[?7l", "\u{1B}[?7l0123456789漢",
            "e\u{301}",
            "\u{1B}]2;title\u{7}", "\u{1B}[?1000;1006h", "\u{1B}[5 q", "\u{1B}]8;;http://a/\u{7}x", "\u{1B}[1\"qa",
            "0123456789a\r\u{1B}M\u{1B}[K",
            "0123456789a\u{1B}[1;5H\u{1B}[44m\u{1B}[K", "漢字漢字漢字", "\u{1B}]4;1;#123456\u{7}", "a\u{1B}]2;b",
            "\u{1B}[1;3", "漢".prefix(1) + "",
            "\u{1B}[?1049h\u{1B}7\u{1B}[31m\u{1B}7\u{1B}[?47l", "0123456789\u{1B}[?7labc",
        ] as [String])
    func rebuilds(text: String) {
        let original = screen(text)
        #expect(restored(original).difference(from: original) == nil)
    }

    @Test("a stream goes on behind a snapshot at every cut", arguments: 1...6)
    func everyCut(seed: Int) {
        let stream = GeneratedStream.garbage(seed: UInt64(1000 + seed), count: 4000)
        var random = SplitMix64(state: UInt64(seed))
        var original = Screen(
            columns: Int.random(in: 2...40, using: &random), rows: Int.random(in: 1...12, using: &random),
            scrollbackLimit: 30)
        for (index, byte) in stream.enumerated() {
            original.feed([byte])
            let copy = restored(original)
            if let difference = copy.difference(from: original) {
                let context = String(decoding: stream[max(0, index - 60)...index], as: UTF8.self).debugDescription
                Issue.record("\(difference) differs after byte \(index): \(context)")
                return
            }
        }
    }

    @Test("a snapshot of a plain screen is small")
    func size() {
        let prompt = screen("user@host:~$ ", columns: 120, rows: 50)
        #expect(prompt.snapshot(scrollback: 0).count < 100)
    }
}
