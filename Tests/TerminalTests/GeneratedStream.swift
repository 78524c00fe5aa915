/// Seeded numbers, the same on every machine (SplitMix64, Steele, Lea, Flood 2014).
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// Streams that look like a terminal's input: text of several scripts, control characters, sequences with sensible and
/// senseless parameters, strings, broken sequences and bare noise.
struct GeneratedStream {
    private var random: SplitMix64
    private(set) var bytes: [UInt8] = []

    static func garbage(seed: UInt64, count: Int) -> [UInt8] {
        var stream = GeneratedStream(random: SplitMix64(state: seed))
        while stream.bytes.count < count { stream.appendAnything() }
        return stream.bytes
    }

    /// What every terminal that calls itself VT100 or xterm should agree on, in narrow characters.
    static func common(seed: UInt64, count: Int) -> [UInt8] {
        var stream = GeneratedStream(random: SplitMix64(state: seed))
        while stream.bytes.count < count { stream.appendCommon() }
        return stream.bytes
    }

    private init(random: SplitMix64) { self.random = random }

    private mutating func number(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private mutating func add(_ text: String) { bytes += Array(text.utf8) }

    private mutating func appendAnything() {
        switch number(20) {
        case 0...5: appendText()
        case 6...7: bytes.append([0x08, 0x09, 0x0A, 0x0D, 0x0A, 0x0D, 0x0E, 0x0F, 0x07, 0x0B, 0x00, 0x7F][number(12)])
        case 8...12: appendControl()
        case 13: appendRendition()
        case 14: appendMode()
        case 15: appendEscape()
        case 16: appendString()
        case 17: add(["\u{1B}", "\u{1B}[", "\u{1B}[1;", "\u{18}", "\u{9B}", "\u{1B}]2;x", "\u{85}"][number(7)])
        case 18: for _ in 0..<number(6) { bytes.append(UInt8(number(256))) }
        default: add("\u{1B}[\(number(30));\(number(100))H")
        }
    }

    private mutating func appendCommon() {
        switch number(16) {
        case 0...5: add(["hello ", "x", "äöü", "─│┌", "some longer text that may wrap ", "1234567890"][number(6)])
        case 6: bytes.append([0x08, 0x0D][number(2)])
        case 7...8: add("\r\n")
        case 9: add("\u{1B}[\(1 + number(20));\(1 + number(60))H")
        case 10:
            bytes += Array("\u{1B}[\(1 + number(5))".utf8)
            bytes.append(Array("@ABCDGLMPXd".utf8)[number(11)])
        case 11:
            add(
                ["\u{1B}[J", "\u{1B}[K", "\u{8}\u{1B}[1J", "\u{8}\u{1B}[2J", "\u{8}\u{1B}[1K", "\u{8}\u{1B}[2K"][
                    number(6)])
        case 12...13:
            let codes = [
                "0", "1", "3", "4", "7", "31", "42", "95", "38;5;\(16 + number(240))", "48;2;1;2;\(number(256))",
            ]
            add("\u{1B}[\(codes[number(codes.count)])m")
        case 14:
            let top = 1 + number(6)
            add(number(3) == 0 ? "\u{1B}[\(top);\(top + 1 + number(8))r" : "\u{1B}[r")
        default: add(["\u{1B}M", "\u{1B}D", "\u{1B}E", "\u{1B}7", "\u{1B}[1;1H\t"][number(5)])
        }
    }

    private mutating func appendText() {
        let pieces = [
            "hello ", "x", "漢字", "e\u{301}", "👩\u{200D}💻", "❤\u{FE0F}", "äöü", "─│┌", "한국어", "\u{200B}",
            "\u{1F1E9}\u{1F1EA}",
            "the quick brown fox jumps over the lazy dog ", "_", "qqq", "\u{3000}", " ",
        ]
        for _ in 0...number(4) { add(pieces[number(pieces.count)]) }
    }

    private mutating func parameter() -> String {
        switch number(10) {
        case 0...2: ""
        case 3...7: "\(number(12))"
        case 8: "\(number(300))"
        default: "\(random.next())"
        }
    }

    private mutating func appendControl() {
        let finals = Array("@ABCDEFGHIJKLMPSTXZ`abdefgmnrsux^ctl".utf8)
        let prefixes = ["", "", "", "", "?", ">", "="]
        let intermediates = ["", "", "", "", "", " ", "!", "\"", "$", "'", "  "]
        var text = "\u{1B}[" + prefixes[number(prefixes.count)]
        for index in 0..<number(4) { text += (index > 0 ? (number(5) == 0 ? ":" : ";") : "") + parameter() }
        text += intermediates[number(intermediates.count)]
        add(text)
        bytes.append(number(12) == 0 ? UInt8(0x40 + number(63)) : finals[number(finals.count)])
    }

    private mutating func appendRendition() {
        let codes = [
            "0", "1", "2", "3", "4", "4:3", "5", "7", "8", "9", "21", "22", "24", "27", "31", "42", "53", "95", "103",
            "39", "49",
            "38;5;\(number(256))", "48;2;\(number(256));\(number(256));\(number(256))", "58:5:\(number(256))",
            "38:2::1:2:3",
        ]
        add("\u{1B}[" + (0...number(3)).map { _ in codes[number(codes.count)] }.joined(separator: ";") + "m")
    }

    private mutating func appendMode() {
        let modes = [
            "?1", "?5", "?6", "?7", "?7", "?12", "?25", "?45", "?47", "?66", "?1047", "?1048", "?1049", "?1000",
            "?1002", "?1003", "?1004",
            "?1006", "?1015", "?2004", "?2026", "4", "20", "?6;7",
        ]
        add("\u{1B}[\(modes[number(modes.count)])\(number(2) == 0 ? "h" : "l")")
    }

    private mutating func appendEscape() {
        let escapes = [
            "7", "8", "D", "E", "H", "M", "=", ">", "(0", "(B", ")0", "*0", "n", "o", "#8", "c", "N", "\\", "%G", " F",
        ]
        // RIS is made rare: it would leave little to look at.
        let choice = escapes[number(escapes.count)]
        if choice != "c" || number(10) == 0 { add("\u{1B}" + choice) }
    }

    private mutating func appendString() {
        let strings = [
            "]2;title \(number(9))", "]8;id=\(number(3));https://example.com/\(number(5))", "]8;;",
            "]4;\(number(300));rgb:12/34/56",
            "]11;?", "]52;c;aGVsbG8=", "]133;A", "P$qm", "P$qr", "Psixel", "_application", "^privacy", "]104",
            "]7;file://x/",
            "]2;" + String(repeating: "long", count: number(2000)),
        ]
        add("\u{1B}" + strings[number(strings.count)] + ["\u{7}", "\u{1B}\\", "\u{9C}", ""][number(4)])
    }
}
