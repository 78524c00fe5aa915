import Foundation
import Testing

@testable import Terminal

/// What Fixtures/pyte-grid.py prints.
struct PyteScreen: Decodable {
    var lines: [[String]]
    var row: Int
    var column: Int
}

@Suite(.enabled("pyte 0.8.2 could not be installed from PyPI") { await Peers.pyte != nil }, .serialized)
struct PyteTests {
    private func pyte(_ streams: [RecordedStream]) async throws -> [[PyteScreen]] {
        let python = try #require(await Peers.pyte)
        return try await Peers.screens(python, [Peers.fixtures.appending(path: "pyte-grid.py").path], of: streams)
    }

    /// A cell in the words of pyte-grid.py. A blank's attributes are left out: see docs/terminal.md.
    private func text(of cell: Cell, in screen: Screen) -> String {
        if cell.isTail { return "" }
        var bytes: [UInt8] = []
        screen.appendCharacter(of: cell, to: &bytes)
        if bytes == [0x20] { return "\u{B7}" }
        let names: [(Style.Attributes, String)] = [
            (.bold, "Bold"), (.italic, "Italic"), (.blink, "Blink"), (.inverse, "Inverse"),
            (.strikethrough, "Strikethrough"),
        ]
        var flags = names.filter { cell.style.attributes.contains($0.0) }.map(\.1)
        if cell.style.underline != .none { flags.append("Underline") }
        return [
            String(decoding: bytes, as: UTF8.self).precomposedStringWithCanonicalMapping, color(cell.style.foreground),
            color(cell.style.background), flags.joined(separator: "+"),
        ].joined(separator: " ")
    }

    /// pyte keeps most indexed colours as red, green and blue; here all are.
    private func color(_ color: Color) -> String {
        switch color.kind {
        case .default: return "-"
        case .indexed(let number):
            let rgb = Palette()[Int(number)]
            return String(format: "%02x%02x%02x", Int(rgb.red), Int(rgb.green), Int(rgb.blue))
        case .rgb: return String(format: "%06x", color.bits & 0xFF_FFFF)
        }
    }

    private func difference(_ mine: Screen, _ other: PyteScreen) -> String? {
        for (row, line) in other.lines.enumerated() {
            for (column, cell) in line.enumerated() {
                let theirs = cell.hasPrefix("\u{B7}") ? "\u{B7}" : cell
                let ours = text(of: mine.grid[row][column], in: mine)
                if ours != theirs { return "row \(row) column \(column): \(ours), \(theirs)" }
            }
        }
        let cursor = mine.cursor
        return cursor == (other.row, other.column) ? nil : "cursor \(cursor), \(other.row) \(other.column)"
    }

    /// The marks at which pyte shows something else, and why: docs/terminal.md.
    private static let known: Set<String> = [
        "less end", "vim end", "resize end", "emoji end", "watch end", "reflow narrow", "reflow wide", "reflow end",
    ]

    @Test("recorded streams show the same in pyte", arguments: RecordedStream.recorded)
    func recorded(name: String) async throws {
        let stream = try RecordedStream(recorded: name)
        let theirs = try await pyte([stream])[0]
        for (mine, other) in zip(stream.screens(), theirs) where !PyteTests.known.contains("\(name) \(mine.mark)") {
            #expect(difference(mine.screen, other) == nil, "\(mine.mark)")
        }
    }

    @Test("generated streams show the same in pyte", arguments: StreamKind.allCases.filter(\.isForPyte))
    func generated(kind: StreamKind) async throws {
        let streams = Peers.seeds.map { kind.stream(seed: $0) }
        for (stream, theirs) in zip(streams, try await pyte(streams)) {
            for (mine, other) in zip(stream.screens(), theirs) {
                let difference = difference(mine.screen, other)
                #expect(difference == nil, "\(stream.name), \(mine.mark)")
                if difference != nil { break }
            }
        }
    }
}
