import Terminal

/// Writes what a terminal showed as plain text, the way a reader would have copied it: one line for each line that
/// scrolled by, long lines whole, and of a full-screen program the screens that it left behind.
///
/// Output goes through the whole screen model, so that whatever moves the cursor comes out as it looked. A screen that
/// is about to be erased or left is written first.
///
/// ```swift
/// var transcript = Transcript(columns: 80, rows: 24)
/// transcript.append(event, to: &bytes)
/// transcript.finish(to: &bytes)
/// ```
public struct Transcript: Sendable {
    /// Lines that may scroll off in one step: what is fed in one step can push no more of them.
    private static let step = 4096
    private static let history = 20_000

    private var screen: Screen
    private var parser = EscapeParser()
    /// A line that may go on in the next one.
    private var open: String?
    /// What was written of the screen already, row by row: an erased screen that comes back the same is not told again.
    private var told: [String] = []

    public init(columns: Int, rows: Int) {
        screen = Screen(columns: columns, rows: rows, scrollbackLimit: Self.history)
    }

    /// Writes a whole recording in pieces of about 64 KiB; `write` may throw to stop.
    public static func write(_ reader: RecordingReader, to write: ([UInt8]) throws -> Void) throws {
        var transcript = Transcript(columns: reader.header.columns, rows: reader.header.rows)
        try PlainText.write(
            reader, render: { transcript.append($0, to: &$1) }, finish: { transcript.finish(to: &$0) }, to: write)
    }

    /// Appends the lines that an event finished.
    public mutating func append(_ event: RecordingEvent, to bytes: inout [UInt8]) {
        switch event.kind {
        case .output(let output): append(output, to: &bytes)
        case .resize(let columns, let rows):
            screen.resize(columns: columns, rows: rows)
            takeScrolled(&bytes)
        default: break
        }
    }

    /// Appends the lines that `output` finished.
    public mutating func append(_ output: [UInt8], to bytes: inout [UInt8]) {
        var start = 0
        var index = 0
        while index < output.count {
            let byte = output[index]
            if byte != 0x1B, parser.isInGround {
                index += 1
            } else {
                var erasing: Erasing?
                parser.feed(byte) { erasing = Erasing($0) ?? erasing }
                if let erasing {
                    // The screen has not seen the sequence's last byte yet: it still shows what is about to go.
                    feed(output[start..<index], &bytes)
                    start = index
                    if loses(erasing) { tellScreen(&bytes) }
                }
                index += 1
            }
            if index - start >= Self.step {
                feed(output[start..<index], &bytes)
                start = index
            }
        }
        feed(output[start...], &bytes)
    }

    /// Appends what the screen shows at the end.
    public mutating func finish(to bytes: inout [UInt8]) {
        takeScrolled(&bytes)
        tellScreen(&bytes)
        closeLine(&bytes)
    }

    private mutating func feed(_ bytes: ArraySlice<UInt8>, _ text: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        screen.feed(bytes)
        // Nothing here answers the host, and nobody reads what it says beside the screen.
        _ = screen.takeResponses()
        _ = screen.takeEvents()
        takeScrolled(&text)
    }

    /// What a sequence takes away of the screen.
    private enum Erasing {
        case everything
        case fromCursor
        case otherScreen

        init?(_ token: EscapeParser.Token) {
            switch token {
            case .csi(let parameters, false, UInt8(ascii: "J")):
                switch parameters.first ?? 0 {
                case 0: self = .fromCursor
                case 2: self = .everything
                default: return nil
                }
            case .csi(let parameters, true, UInt8(ascii: "l")):
                guard parameters.contains(where: { [47, 1047, 1049].contains($0) }) else { return nil }
                self = .otherScreen
            case .escape(UInt8(ascii: "c")): self = .everything
            default: return nil
            }
        }
    }

    private func loses(_ erasing: Erasing) -> Bool {
        switch erasing {
        case .everything: true
        case .fromCursor: screen.cursor.row == 0 && screen.cursor.column == 0
        case .otherScreen: screen.isAlternate
        }
    }

    // MARK: Lines

    private mutating func takeScrolled(_ bytes: inout [UInt8]) {
        guard screen.scrollbackCount > 0 else { return }
        told = []
        for line in screen.takeScrollback() { tell(line.text, isContinued: line.isContinued, &bytes) }
    }

    private mutating func tellScreen(_ bytes: inout [UInt8]) {
        var rows = screen.text
        while rows.last == "" { rows.removeLast() }
        // Programs that redraw the same screen again and again, as a clock does with one line, are told by what changed.
        let isTold = rows.count == told.count && zip(rows, told).filter { $0 != $1 }.count * 4 <= rows.count
        guard !rows.isEmpty, !(isTold && rows == told) else { return }
        for (row, text) in rows.enumerated() {
            if isTold, text == told[row] { continue }
            tell(text, isContinued: !isTold && screen.isContinued(row: row), &bytes)
        }
        closeLine(&bytes)
        told = rows
    }

    private mutating func tell(_ text: String, isContinued: Bool, _ bytes: inout [UInt8]) {
        if isContinued, let begun = open, begun.utf8.count < RecordingFormat.textLimit {
            open = begun + text
        } else {
            closeLine(&bytes)
            open = text
        }
    }

    private mutating func closeLine(_ bytes: inout [UInt8]) {
        guard let line = open else { return }
        bytes.append(contentsOf: line.utf8)
        bytes.append(0x0A)
        open = nil
    }
}
