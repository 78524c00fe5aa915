import Foundation
import Testing

@testable import Terminal

/// What Fixtures/xterm-grid.js prints.
struct XtermScreen: Decodable, Equatable {
    struct Line: Decodable, Equatable {
        var cells: [String]
        var isWrapped: Bool
    }

    struct Modes: Decodable, Equatable {
        var applicationCursorKeysMode, applicationKeypadMode, bracketedPasteMode, insertMode, originMode: Bool
        var reverseWraparoundMode, sendFocusMode, wraparoundMode: Bool
        var mouseTrackingMode: String
    }

    var lines, primary: [Line]
    var isAlternate, isCursorHidden: Bool
    var row, column, top, bottom: Int
    var tabs: [Int]
    var modes: Modes
    var titles: String
}

/// Our screen in the same words.
extension XtermScreen {
    init(_ screen: Screen) {
        let active = screen.grid
        let primary = screen.primaryGrid
        let history = (0..<primary.history.count).map { primary.history[$0] }
        self.primary = XtermScreen.lines(history + primary.lines, of: screen)
        lines = screen.isAlternate ? XtermScreen.lines(active.lines, of: screen) : self.primary
        isAlternate = screen.isAlternate
        isCursorHidden = !screen.modes.cursorVisible
        row = screen.position.row
        column = screen.position.pendingWrap && screen.modes.autowrap ? screen.columns : screen.position.column
        top = active.top
        bottom = active.bottom
        tabs = screen.tabStops.columns.filter { $0 > 0 }
        titles = screen.title
        let modes = screen.modes
        let mouse: [MouseTracking: String] = [
            .off: "none", .press: "x10", .pressAndRelease: "vt200", .drag: "drag", .motion: "any",
        ]
        self.modes = Modes(
            applicationCursorKeysMode: modes.applicationCursorKeys, applicationKeypadMode: modes.applicationKeypad,
            bracketedPasteMode: modes.bracketedPaste, insertMode: modes.insert, originMode: modes.origin,
            reverseWraparoundMode: modes.reverseWraparound, sendFocusMode: modes.focusReporting,
            wraparoundMode: modes.autowrap, mouseTrackingMode: mouse[modes.mouseTracking] ?? "")
    }

    private static func lines(_ lines: [Terminal.Line], of screen: Screen) -> [Line] {
        lines.enumerated().map { index, line in
            Line(
                cells: (0..<line.usedCount).map { text(of: line[$0], in: screen) },
                isWrapped: index > 0 && line.isWrapped)
        }
    }

    private static func text(of cell: Cell, in screen: Screen) -> String {
        if cell.isTail { return "" }
        let background = text(of: cell.style.background)
        if cell.isBlank { return "\u{B7} \(background)" }
        var bytes: [UInt8] = []
        screen.appendCharacter(of: cell, to: &bytes)
        let names: [(Style.Attributes, String)] = [
            (.bold, "Bold"), (.faint, "Dim"), (.italic, "Italic"), (.blink, "Blink"), (.inverse, "Inverse"),
            (.invisible, "Invisible"), (.strikethrough, "Strikethrough"), (.overline, "Overline"),
        ]
        var flags = names.filter { cell.style.attributes.contains($0.0) }.map(\.1)
        if cell.style.underline != .none { flags.append("Underline\(cell.style.underline.rawValue)") }
        if cell.style.link != 0 { flags.append("Link") }
        return [
            String(decoding: bytes, as: UTF8.self), "\(cell.width)", text(of: cell.style.foreground), background,
            flags.joined(separator: "+"),
        ].joined(separator: " ")
    }

    static func text(of color: Color) -> String {
        switch color.kind {
        case .default: "-"
        case .indexed(let number): "\(number)"
        case .rgb: "#" + String(format: "%06x", color.bits & 0xFF_FFFF)
        }
    }

    /// The first difference in words; nil when equal.
    func difference(from other: XtermScreen) -> String? {
        for (name, mine, theirs) in [("line", lines, other.lines), ("primary line", primary, other.primary)] {
            if mine.count != theirs.count { return "\(name)s: \(mine.count), \(theirs.count)" }
            for (index, pair) in zip(mine, theirs).enumerated() where pair.0 != pair.1 {
                if pair.0.isWrapped != pair.1.isWrapped { return "\(name) \(index): wrapped \(pair.0.isWrapped)" }
                let count = max(pair.0.cells.count, pair.1.cells.count)
                let pad = { (cells: [String]) in cells + Array(repeating: "\u{B7} -", count: count - cells.count) }
                let column = zip(pad(pair.0.cells), pad(pair.1.cells)).enumerated().first { $0.1.0 != $0.1.1 }
                return "\(name) \(index): column \(column.map { "\($0.0): \($0.1)" } ?? "")"
            }
        }
        let rest: [(String, Bool)] = [
            ("screen", isAlternate == other.isAlternate),
            ("cursor \(row),\(column) \(other.row),\(other.column)", row == other.row && column == other.column),
            ("margins", top == other.top && bottom == other.bottom), ("tabs \(tabs) \(other.tabs)", tabs == other.tabs),
            ("modes \(modes) \(other.modes)", modes == other.modes),
            ("cursor visibility", isCursorHidden == other.isCursorHidden), ("title", titles == other.titles),
        ]
        return rest.first { !$0.1 }?.0
    }
}

@Suite(.enabled("xterm.js could not be fetched, or node is missing") { await Peers.xterm != nil }, .serialized)
struct XtermTests {
    private func xterm(_ streams: [RecordedStream]) async throws -> [[XtermScreen]] {
        let script = try #require(await Peers.xterm)
        // In a real browser where a python with playwright is named, else in node, which is quicker.
        let browser = ProcessInfo.processInfo.environment["COPILOT_XTERM_CHROMIUM"].map { [$0, "xterm-chromium.py"] }
        let (program, file) = browser.map { ($0[0], $0[1]) } ?? ("node", "xterm-grid.js")
        return try await Peers.screens(
            URL(fileURLWithPath: "/usr/bin/env"),
            [
                program, Peers.fixtures.appending(path: file).path, script.path,
                Checkout.root.appending(path: "Web/src/terminal/widths.ts").path,
            ], of: streams)
    }

    private func snapshot(_ screen: Screen, name: String) -> RecordedStream {
        RecordedStream(
            name: name, columns: screen.columns, rows: screen.rows,
            events: [.output(screen.snapshot(scrollback: 1000)), .mark("end")])
    }

    @Test("recorded streams show the same in xterm.js", arguments: RecordedStream.recorded)
    func recorded(name: String) async throws {
        let stream = try RecordedStream(recorded: name)
        let theirs = try await xterm([stream])[0]
        for (mine, other) in zip(stream.screens(), theirs) {
            #expect(XtermScreen(mine.screen).difference(from: other) == nil, "\(mine.mark)")
        }
    }

    @Test("a snapshot of a recorded stream rebuilds it in xterm.js", arguments: RecordedStream.recorded)
    func snapshots(name: String) async throws {
        let screens = try RecordedStream(recorded: name).screens()
        let theirs = try await xterm(screens.map { snapshot($0.screen, name: $0.mark) })
        for (mine, other) in zip(screens, theirs) {
            #expect(XtermScreen(mine.screen).difference(from: other[0]) == nil, "\(mine.mark)")
        }
    }

    @Test("a snapshot of a garbled stream rebuilds it in xterm.js", arguments: 1...4)
    func garbled(seed: Int) async throws {
        let stream = GeneratedStream.garbage(seed: UInt64(7000 + seed), count: 20_000)
        var random = SplitMix64(state: UInt64(seed))
        var screen = Screen(
            columns: Int.random(in: 2...50, using: &random), rows: Int.random(in: 2...15, using: &random),
            scrollbackLimit: 40)
        var screens: [Screen] = []
        for start in stride(from: 0, to: stream.count, by: 200) {
            screen.feed(stream[start..<min(start + 200, stream.count)])
            screens.append(screen)
        }
        let theirs = try await xterm(screens.map { snapshot($0, name: "cut") })
        for (index, pair) in zip(screens, theirs).enumerated() {
            #expect(XtermScreen(pair.0).difference(from: pair.1[0]) == nil, "cut \(index)")
        }
    }

    /// Every kind of stream by some seeds; by all where COPILOT_FULL_TESTS is set, which makes 200 with the recorded.
    @Test("generated streams show the same in xterm.js", arguments: StreamKind.allCases)
    func generated(kind: StreamKind) async throws {
        let streams = Peers.seeds.map { kind.stream(seed: $0) }
        for (stream, theirs) in zip(streams, try await xterm(streams)) {
            for (mine, other) in zip(stream.screens(), theirs) {
                let difference = XtermScreen(mine.screen).difference(from: other)
                #expect(difference == nil, "\(stream.name), \(mine.mark)")
                if difference != nil { break }
            }
        }
    }
}
