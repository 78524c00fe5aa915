import Foundation
import Testing

@testable import Recording

@Suite struct Asciicast2Tests {
    /// Holds a file to the letter of asciicast v2.
    private struct StrictCast {
        let header: [String: Any]
        var events: [(time: Double, code: String, data: String)] = []

        init(_ bytes: [UInt8]) throws {
            let text = try #require(String(validating: bytes, as: UTF8.self))
            #expect(text.hasSuffix("\n"))
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            let first = try JSONSerialization.jsonObject(with: Data(try #require(lines.first).utf8))
            header = try #require(first as? [String: Any])
            var last = 0.0
            for line in lines.dropFirst() {
                let array = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [Any])
                #expect(array.count == 3)
                let time = try #require(array[0] as? Double)
                let code = try #require(array[1] as? String)
                let data = try #require(array[2] as? String)
                #expect(time >= last && ["o", "i", "r", "m"].contains(code) && !data.isEmpty)
                if code == "r" { #expect(data.wholeMatch(of: /[1-9][0-9]*x[1-9][0-9]*/) != nil) }
                last = time
                events.append((time, code, data))
            }
        }
    }

    private func cast(_ studio: Studio, _ options: Asciicast2.Options = .init()) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try Asciicast2.write(try studio.reader(), options: options) { bytes += $0 }
        return bytes
    }

    private func sample() async throws -> Studio {
        let studio = try Studio()
        let writer = try studio.writer()
        let events: [RecordingEvent.Kind] = [
            .output(Array("\u{1B}[1mhé".utf8)), .output([0xE4, 0xB8]), .input(Array("ls\r".utf8), actor: "ada"),
            .output([0x96, 0xE7, 0x95]), .resize(columns: 100, rows: 30), .output([0x8C, 0xFF, 0x41, 0xC3, 0x28]),
            .redactedInput(count: 6, actor: "ada"), .marker("quote \" slash \\ \u{1}"), .chat("hi", actor: "bob"),
            .exit(status: 0, signal: nil), .output([0xF0, 0x9F]),
        ]
        for (index, kind) in events.enumerated() {
            writer.append(RecordingEvent(time: Int64(index) * 1_234_567, kind: kind))
        }
        _ = await studio.close(writer)
        return studio
    }

    @Test("the export is asciicast v2 to the letter, with characters joined over events and wrong bytes replaced")
    func strict() async throws {
        let cast = try StrictCast(try cast(try await sample()))
        #expect(cast.header["version"] as? Int == 2)
        #expect(cast.header["width"] as? Int == 80 && cast.header["height"] as? Int == 24)
        #expect(cast.header["timestamp"] as? Int == 1_700_000_000)
        #expect(cast.header["title"] as? String == "web-1 \"prod\"")
        #expect((cast.header["env"] as? [String: String])?["TERM"] == "xterm-256color")
        let output = cast.events.filter { $0.code == "o" }.map(\.data).joined()
        #expect(output == "\u{1B}[1mhé世界\u{FFFD}A\u{FFFD}(\u{FFFD}")
        #expect(cast.events.filter { $0.code == "i" }.map(\.data) == ["ls\r"])
        #expect(cast.events.filter { $0.code == "r" }.map(\.data) == ["100x30"])
        #expect(
            cast.events.filter { $0.code == "m" }.map(\.data)
                == ["hidden input (6 characters)", "quote \" slash \\ \u{1}", "bob: hi", "exit status 0"])
        #expect(abs((cast.events.last?.time ?? 0) - 12.34567) < 1e-9)
    }

    @Test("input, redactions and people can be left out")
    func options() async throws {
        let options = Asciicast2.Options(includesInput: false, marksRedactedInput: false, marksPeople: false)
        let cast = try StrictCast(try cast(try await sample(), options))
        #expect(cast.events.filter { $0.code == "i" }.isEmpty)
        #expect(cast.events.filter { $0.code == "m" }.count == 1)
    }

    @Test("a recording that ends early says so in its export")
    func truncated() async throws {
        let studio = try await sample()
        let end = Int(try #require(try studio.reader().chunks.first).offset)
        let bytes = try contents(studio.path)
        try store(Array(bytes.prefix(end)), studio.path)
        #expect(try StrictCast(try cast(studio)).events.map(\.data) == ["recording ends early"])
    }

    @Test("the writer of an export may stop it")
    func stopped() async throws {
        struct Full: Error {}
        let studio = try await sample()
        #expect(throws: Full.self) { try Asciicast2.write(try studio.reader()) { _ in throw Full() } }
    }

    private static let hasAsciinema = isInstalled("asciinema")

    @Test("asciinema plays the export", .enabled(if: hasAsciinema, "asciinema is not installed"))
    func asciinema() async throws {
        let studio = try await sample()
        let file = studio.folder.file("a.cast")
        try store(try cast(studio), file)
        let played = try await run(["asciinema", "play", "-s", "1000", file], environment: ["LC_ALL": "C.UTF-8"])
        #expect(played.status == 0 && played.output.contains("hé世界"), "\(played.output)")
        let shown = try await run(
            ["script", "-qec", "asciinema cat \(file)", "/dev/null"], environment: ["LC_ALL": "C.UTF-8"])
        #expect(shown.status == 0 && shown.output.contains("\u{1B}[1mhé世界\u{FFFD}A"))
    }

    @Test("UTF-8 cut at every place decodes to the same text")
    func incrementalDecoding() {
        let bytes: [UInt8] = Array("aé世🙂".utf8) + [0xC0, 0xF5, 0xE4, 0xB8, 0x41, 0xF0, 0x9F, 0x99, 0xFF, 0x80]
        let whole = String(decoding: bytes, as: UTF8.self)
        for first in bytes.indices {
            for second in first..<bytes.count {
                var stream = UTF8Stream()
                var text = stream.decode(Array(bytes[..<first])) + stream.decode(Array(bytes[first..<second]))
                text += stream.decode(Array(bytes[second...])) + stream.finish()
                #expect(text == whole)
            }
        }
    }
}

@Suite struct PlainTextTests {
    private func text(_ output: String...) -> String {
        var text = PlainText(columns: 80)
        var bytes: [UInt8] = []
        for part in output { text.append(Array(part.utf8), to: &bytes) }
        text.finish(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("escape sequences are gone, and corrections are made")
    func plain() {
        #expect(text("\u{1B}[31mred\u{1B}[0m\r\n", "\u{1B}]0;ti", "tle\u{7}next\r\n") == "red\nnext\n")
        #expect(text("10%\r20%\r100%\r\n") == "100%\n")
        #expect(text("lx\u{8} \u{8}s\r\n$ ") == "ls\n$\n")
        #expect(text("old line\r\u{1B}[Knew\r\n") == "new\n")
        #expect(text("世界\u{8}\u{8}x\r\n") == "世x\n")
    }

    @Test("a whole recording is written, through a renderer too")
    func recording() async throws {
        let studio = try Studio()
        try await studio.record(seconds: 3)
        var bytes: [UInt8] = []
        try PlainText.write(try studio.reader()) { bytes += $0 }
        #expect(String(decoding: bytes, as: UTF8.self) == "second 0\nsecond 1\nsecond 2\n")
        var lines: [UInt8] = []
        try PlainText.write(
            try studio.reader(), render: { event, out in out += Array("\(event.time)\n".utf8) },
            finish: { $0 += Array("end\n".utf8) }, to: { lines += $0 })
        #expect(String(decoding: lines, as: UTF8.self) == "0\n1000000\n2000000\nend\n")
    }
}
