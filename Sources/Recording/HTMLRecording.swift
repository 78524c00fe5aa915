import Foundation
import Terminal

/// Writes a recording as one HTML file that plays in any browser without a network: the page, its own player, and the
/// screens as data.
///
/// The screen model does the terminal's work here, so that the file holds no byte of the host but the characters that
/// were shown, as JSON that cannot leave its block.
public struct HTMLRecording: Sendable {
    /// Microseconds between two pictures of the screen, by how many bytes were written.
    private static func interval(after bytes: Int) -> Int64 {
        switch bytes {
        case ..<(32 << 20): 40_000
        case ..<(64 << 20): 250_000
        default: 1_000_000
        }
    }

    /// So many pictures may follow each other faster than that: what a person does is told step by step, only a flood is
    /// sampled.
    private static let burst = 60
    /// Lines of a flood that passed between two pictures and are kept to be found, as text.
    private static let passedLimit = 200

    /// No browser opens more in one piece.
    static let limit = 160 << 20

    private let header: RecordingHeader
    private var screen: Screen
    private var rows: [[StyledRun]] = []
    private var cursor: [Int]?
    private var size: [Int]
    private var isBegun = false
    private var isFull = false
    private var written = 0
    /// When what is not pictured yet began and when it was last added to.
    private var changedSince: Int64?
    private var changedAt: Int64 = 0
    /// Pictures that may come at once, and when that was counted.
    private var allowance = HTMLRecording.burst
    private var allowedAt: Int64 = 0
    private var lastTime: Int64 = 0

    public init(_ header: RecordingHeader) {
        self.header = header
        screen = Screen(columns: header.columns, rows: header.rows, scrollbackLimit: Self.passedLimit)
        size = [screen.columns, screen.rows]
        rows = Array(repeating: [], count: screen.rows)
    }

    /// Appends what an event adds to the file.
    public mutating func append(_ event: RecordingEvent, to bytes: inout [UInt8]) {
        let before = bytes.count
        defer { written += bytes.count - before }
        begin(&bytes)
        guard !isFull else { return }
        lastTime = max(lastTime, event.time)
        picture(ifDueAt: event.time, &bytes)
        switch event.kind {
        case .output(let output):
            screen.feed(output)
            _ = screen.takeResponses()
            _ = screen.takeEvents()
            changed(event.time)
        case .resize(let columns, let rows):
            picture(&bytes)
            screen.resize(columns: columns, rows: rows)
            changed(event.time)
        default: mark(event, &bytes)
        }
        if written + bytes.count - before >= Self.limit { fill(event.time, &bytes) }
    }

    /// Appends the rest of the file.
    public mutating func finish(to bytes: inout [UInt8]) {
        begin(&bytes)
        if !isFull { picture(&bytes) }
        line(Line(t: Self.seconds(lastTime), e: true), &bytes)
        bytes.append(contentsOf: HTMLPage.end.utf8)
    }

    // MARK: Lines of the data

    private struct Head: Encodable {
        let columns: Int
        let rows: Int
    }

    private struct Line: Encodable {
        let t: Double
        var s: [Int]?
        var u: Int?
        var l: [String]?
        var r: [Row]?
        var c: [Int]?
        var m: String?
        var k: String?
        var e: Bool?
    }

    /// A row and what it shows now.
    private struct Row: Encodable {
        let row: Int
        let runs: [StyledRun]

        func encode(to encoder: any Encoder) throws {
            var pair = encoder.unkeyedContainer()
            try pair.encode(row)
            try pair.encode(runs.map(Run.init))
        }
    }

    /// The text alone where nothing is special, else text, look, foreground, background, and the width where the number
    /// of characters does not tell it.
    private struct Run: Encodable {
        let run: StyledRun

        func encode(to encoder: any Encoder) throws {
            let isNarrow = run.columns == run.text.utf8.count
            guard !isNarrow || run.look != [] || run.foreground != .standard || run.background != .standard else {
                var single = encoder.singleValueContainer()
                return try single.encode(run.text)
            }
            var parts = encoder.unkeyedContainer()
            try parts.encode(run.text)
            try parts.encode(run.look.rawValue)
            try Self.encode(run.foreground, &parts)
            try Self.encode(run.background, &parts)
            if !isNarrow { try parts.encode(run.columns) }
        }

        private static func encode(_ colour: StyledRun.Colour, _ parts: inout any UnkeyedEncodingContainer) throws {
            switch colour {
            case .standard: try parts.encodeNil()
            case .indexed(let index): try parts.encode(index)
            case .rgb(let red, let green, let blue):
                let digits = [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
                try parts.encode("#" + digits.joined())
            }
        }
    }

    private static func seconds(_ time: Int64) -> Double { Double(time / 1000) / 1000 }

    private func line(_ value: some Encodable, _ bytes: inout [UInt8]) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        // Nothing in these values can fail to be encoded: texts, whole numbers, finite fractions.
        guard let json = try? encoder.encode(value) else { return }
        Self.append(json, to: &bytes)
        bytes.append(0x0A)
    }

    /// JSON without `<`, `>` and `&`, so that no text can end the block that it stands in or look like markup.
    static func append(_ json: Data, to bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + json.count)
        for byte in json {
            switch byte {
            case UInt8(ascii: "<"): bytes.append(contentsOf: "\\u003c".utf8)
            case UInt8(ascii: ">"): bytes.append(contentsOf: "\\u003e".utf8)
            case UInt8(ascii: "&"): bytes.append(contentsOf: "\\u0026".utf8)
            default: bytes.append(byte)
            }
        }
    }

    // MARK: Pictures

    private mutating func begin(_ bytes: inout [UInt8]) {
        guard !isBegun else { return }
        isBegun = true
        let started = Date(timeIntervalSince1970: Double(header.startedAt) / 1_000_000)
        let page = HTMLPage.start(
            title: header.title, note: "\(header.user) on \(header.host), \(started.formatted(.iso8601))")
        bytes.append(contentsOf: page.utf8)
        line(Head(columns: screen.columns, rows: screen.rows), &bytes)
    }

    private mutating func changed(_ time: Int64) {
        if changedSince == nil { changedSince = time }
        changedAt = time
    }

    private mutating func picture(ifDueAt time: Int64, _ bytes: inout [UInt8]) {
        guard let changedSince else { return }
        let interval = Self.interval(after: written)
        let gained = (time - allowedAt) / interval
        if gained > 0 {
            allowance = min(Self.burst, allowance + Int(clamping: gained))
            allowedAt = time
        }
        guard allowance > 0 || time - changedSince >= interval else { return }
        allowance = max(0, allowance - 1)
        picture(&bytes)
    }

    private mutating func picture(_ bytes: inout [UInt8]) {
        guard changedSince != nil else { return }
        changedSince = nil
        var frame = Line(t: Self.seconds(changedAt))
        let now = [screen.columns, screen.rows]
        if now != size {
            frame.s = now
            size = now
            while rows.count < screen.rows { rows.append([]) }
            rows.removeLast(rows.count - screen.rows)
        }
        let before = Set(rows.map { row in row.map(\.text).joined() })
        let passed = screen.takeScrollback().map(\.text).filter { !$0.isEmpty && !before.contains($0) }
        if !passed.isEmpty { frame.l = passed }
        let shown = (0..<screen.rows).map { screen.runs(row: $0) }
        let shift = Self.shift(from: rows, to: shown)
        if shift > 0 {
            frame.u = shift
            rows = Array(rows.dropFirst(shift)) + Array(repeating: [], count: shift)
        }
        let changes = shown.indices.filter { shown[$0] != rows[$0] }
        if !changes.isEmpty { frame.r = changes.map { Row(row: $0, runs: shown[$0]) } }
        rows = shown
        let place = screen.isCursorVisible ? [screen.cursor.row, screen.cursor.column] : []
        if place != cursor {
            frame.c = place
            cursor = place
        }
        if frame.s != nil || frame.u != nil || frame.l != nil || frame.r != nil || frame.c != nil {
            line(frame, &bytes)
        }
    }

    /// By how many rows the screen scrolled, if that is what it did: then most rows need not be written again.
    private static func shift(from old: [[StyledRun]], to new: [[StyledRun]]) -> Int {
        guard old.count == new.count, old != new, old.count > 2 else { return 0 }
        for shift in 1..<(old.count - 1) {
            let kept = old.count - shift
            // The last kept row is often the one that was being written.
            guard old[shift] == new[0], old[shift..<(shift + kept - 1)] == new[..<(kept - 1)] else { continue }
            return old[shift...].contains { !$0.isEmpty } ? shift : 0
        }
        return 0
    }

    // MARK: Markers

    private mutating func mark(_ event: RecordingEvent, _ bytes: inout [UInt8]) {
        let label: String? =
            switch event.kind {
            case .marker(let text, let actor): actor.map { "\($0): \(text)" } ?? text
            case .redactedInput(let count, let actor): "\(actor) typed \(count) characters without echo"
            default: Asciicast2.label(event.kind)
            }
        guard let label else { return }
        picture(&bytes)
        line(Line(t: Self.seconds(event.time), m: label), &bytes)
    }

    private mutating func fill(_ time: Int64, _ bytes: inout [UInt8]) {
        picture(&bytes)
        isFull = true
        line(Line(t: Self.seconds(time), m: "The rest is left out: this file is full"), &bytes)
    }
}
