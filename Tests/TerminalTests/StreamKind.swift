/// The families of generated streams that all terminals are compared on, each as some program would write it.
enum StreamKind: String, CaseIterable, Sendable {
    case common, progress, packages, chinese, emoji, log, editor, resized

    /// What every terminal should agree on. With a change of size pyte does something else: it has no reflow.
    var isForPyte: Bool { self != .resized && self != .emoji }

    /// A stream with a mark after every few steps.
    func stream(seed: Int) -> RecordedStream {
        guard self != .common else { return RecordedStream(generated: seed) }
        var writer = StreamWriter(seed: UInt64(seed) &* 31 &+ UInt64(rawValue.utf8.count))
        let (columns, rows) = (20 + seed % 61, 6 + seed % 19)
        writer.columns = columns
        writer.rows = rows
        for step in 0..<40 {
            write(to: &writer)
            if self == .resized, step % 3 == 2 { writer.resize() }
            if step % 4 == 3 { writer.mark("\(step)") }
        }
        return RecordedStream(name: "\(rawValue) \(seed)", columns: columns, rows: rows, events: writer.events)
    }

    private func write(to writer: inout StreamWriter) {
        switch self {
        case .common: break
        case .progress: writer.progress()
        case .packages: writer.packages()
        case .chinese: writer.text(["漢字かな", "交じり文", "한국어 ", "ＡＢＣ", "ab", "x", "，。", "  "])
        case .emoji: writer.text(["😀", "👩\u{200D}💻", "❤\u{FE0F}", "🇩🇪", "👍🏽", "1\u{FE0F}\u{20E3}", "e\u{301}", "word "])
        case .log: writer.log()
        case .editor: writer.editor()
        case .resized: writer.number(2) == 0 ? writer.log() : writer.text(["漢字", "long words that wrap ", "a", "é"])
        }
    }
}

/// Writes the output of imagined programs.
struct StreamWriter {
    private var random: SplitMix64
    private(set) var events: [RecordedStream.Event] = []
    var columns = 80
    var rows = 24

    init(seed: UInt64) { random = SplitMix64(state: seed) }

    mutating func number(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private mutating func add(_ text: String) { events.append(.output(Array(text.utf8))) }

    mutating func mark(_ name: String) { events.append(.mark(name)) }

    mutating func resize() {
        columns = 4 + number(100)
        rows = 2 + number(30)
        events.append(.resize(columns: columns, rows: rows))
    }

    /// A bar that is drawn over itself.
    mutating func progress() {
        let width = max(columns - 12, 4)
        for part in 0...4 {
            let done = width * part / 4
            let bar = String(repeating: "█", count: done) + String(repeating: "░", count: width - done)
            add("\r\u{1B}[K\(part * 25)% \u{1B}[3\(1 + number(6))m\(bar)\u{1B}[0m")
        }
        add(number(2) == 0 ? "\r\n" : " done\r\nnext file-\(number(1000)).tar.gz\r\n")
    }

    /// A package tool: scroll region over a bar in the last row.
    mutating func packages() {
        add("\r\n\u{1B}7\u{1B}[1;\(rows - 1)r\u{1B}8\u{1B}[1A")
        for percent in [0, 40, 100] {
            add("Setting up package-\(number(100)) (1.\(number(9))-1) ...\r\n")
            add(
                "\u{1B}7\u{1B}[\(rows);1H\u{1B}[42m\u{1B}[30mProgress: [\(percent)%]\u{1B}[49m\u{1B}[39m [##..] \u{1B}8"
            )
        }
        add("\u{1B}7\u{1B}[1;\(rows)r\u{1B}[\(rows);1H\u{1B}[2K\u{1B}8")
    }

    mutating func text(_ pieces: [String]) {
        for _ in 0...number(20) { add(pieces[number(pieces.count)]) }
        add("\r\n")
    }

    mutating func log() {
        let levels = ["\u{1B}[32mINFO\u{1B}[0m", "\u{1B}[1;33mWARN\u{1B}[0m", "\u{1B}[41mERROR\u{1B}[0m"]
        add("2026-11-21T10:\(10 + number(50)):00Z \(levels[number(3)]) ")
        for _ in 0...number(24) {
            add(["request ", "id=\(number(100_000)) ", "\u{1B}[4mpath\u{1B}[24m ", "\t"][number(4)])
        }
        add("\r\n")
    }

    /// A full screen drawn line by line, moved and edited.
    mutating func editor() {
        switch number(6) {
        case 0:
            add("\u{1B}[H\u{1B}[2J")
            for row in 1..<rows { add("\u{1B}[\(row);1H\u{1B}[33m\(row)\u{1B}[0m some text of line \(row)\u{1B}[K") }
        case 1: add("\u{1B}[2;\(rows - 1)r\u{1B}[\(rows - 1);1H\r\nnew line\u{1B}[r")
        case 2: add("\u{1B}[\(1 + number(rows));1H\u{1B}[\(1 + number(3))L\u{1B}[7minserted\u{1B}[27m")
        case 3: add("\u{1B}[\(1 + number(rows));\(1 + number(columns))H\u{1B}[\(1 + number(9))P")
        case 4: add("\u{1B}[\(1 + number(rows));\(1 + number(columns - 1))H\u{1B}[\(1 + number(5))@ab")
        default: add("\u{1B}[\(rows);1H\u{1B}[7m-- status \(number(100)) --\u{1B}[0m\u{1B}[K\u{1B}[1;1H")
        }
    }
}
