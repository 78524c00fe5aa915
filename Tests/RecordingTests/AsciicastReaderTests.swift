import Foundation
import Testing

@testable import Recording

@Suite("Reading asciicast")
struct AsciicastReaderTests {
    private func events(_ text: String) throws -> [AsciicastEvent] {
        var reader = try AsciicastReader(bytes: Array(text.utf8))
        var events: [AsciicastEvent] = []
        while let event = try reader.next() { events.append(event) }
        return events
    }

    private let header2 = #"{"version": 2, "width": 100, "height": 30, "title": "a \"b\"", "idle_time_limit": 1.5}"#

    @Test("version 2 counts from the start")
    func version2() throws {
        let found = try events(header2 + "\n[0.5, \"o\", \"hi\\r\\n\"]\n[1.25,\"r\",\"80x24\"]\n")
        #expect(
            found == [
                AsciicastEvent(time: 500_000, kind: .output(Array("hi\r\n".utf8))),
                AsciicastEvent(time: 1_250_000, kind: .resize(columns: 80, rows: 24)),
            ])
    }

    @Test("version 3 counts from the event before, and knows comments")
    func version3() throws {
        let text = """
            {"version": 3, "term": {"cols": 90, "rows": 20, "type": "vt100"}, "env": {"SHELL": "/bin/sh"}}
            # nothing
            [1.000001, "o", "a"]

            [0.5, "m", "here"]
            [2, "x", "3"]

            """
        #expect(
            try events(text) == [
                AsciicastEvent(time: 1_000_001, kind: .output([0x61])),
                AsciicastEvent(time: 1_500_001, kind: .marker("here")),
                AsciicastEvent(time: 3_500_001, kind: .exit(3)),
            ])
        let header = try AsciicastReader(bytes: Array(text.utf8)).header
        #expect((header.columns, header.rows) == (90, 20))
        #expect(header.environment == ["TERM": "vt100", "SHELL": "/bin/sh"])
    }

    @Test("version 1 is one object, on one line or on many")
    func version1() throws {
        let text = """
            {"version": 1, "width": 80, "height": 24,
             "stdout": [[0.25, "a"],
                        [1.5, "b"]]}
            """
        #expect(
            try events(text) == [
                AsciicastEvent(time: 250_000, kind: .output([0x61])),
                AsciicastEvent(time: 1_750_000, kind: .output([0x62])),
            ])
    }

    @Test("the header's fields are there")
    func header() throws {
        let header = try AsciicastReader(bytes: Array(header2.utf8)).header
        #expect(header.title == #"a "b""#)
        #expect(header.idleLimit == 1.5)
        #expect((header.columns, header.rows) == (100, 30))
    }

    @Test(
        "escapes of JSON become their characters",
        arguments: [
            (#"\u001b[1m"#, "\u{1B}[1m"), (#"\ud83d\ude00"#, "😀"), (#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{C}\n\r\t"),
            (#"\ud800x"#, "\u{FFFD}x"), ("ä", "ä"),
        ])
    func escapes(json: String, text: String) throws {
        #expect(
            try events(header2 + "\n[0, \"o\", \"\(json)\"]\n")
                == [AsciicastEvent(time: 0, kind: .output(Array(text.utf8)))])
    }

    @Test("time never runs backwards, and may be written in any way that JSON has")
    func time() throws {
        let found = try events(
            header2 + "\n[2, \"o\", \"a\"]\n[1, \"o\", \"b\"]\n[2.5e0, \"o\", \"c\"]\n[3.0000004, \"o\", \"d\"]\n")
        #expect(found.map(\.time) == [2_000_000, 2_000_000, 2_500_000, 3_000_000])
    }

    @Test("a code that is not known is passed on as such")
    func unknownCode() throws {
        #expect(
            try events(header2 + "\n[0, \"z\", \"q\"]\n[0, \"r\", \"huge\"]\n").map(\.kind) == [
                .other("z"), .other("r"),
            ])
    }

    @Test("a file that was cut off plays up to there")
    func cut() throws {
        var reader = try AsciicastReader(bytes: Array((header2 + "\n[0, \"o\", \"a\"]\n[1, \"o\", \"b").utf8))
        #expect(try reader.next()?.time == 0)
        #expect(try reader.next() == nil)
        #expect(reader.endsEarly)
    }

    @Test(
        "a line that is no event is refused with its number",
        arguments: [
            "{}", "[]", "[0]", "[0, \"o\"]", "[0, \"o\", 1]", "[-1, \"o\", \"\"]", "[\"0\", \"o\", \"\"]",
            "[1e99, \"o\", \"\"]",
            "[0, \"o\", \"\\x\"]", "[0, \"o\", \"\\u12\"]", "[0, \"o\", \"a\"] x", "[0, \"o\", \"\u{1}\"]",
            "[nan, \"o\", \"\"]", "[2.50.1, \"o\", \"\"]", "[1..2, \"o\", \"\"]",
        ])
    func wrongLine(line: String) {
        #expect {
            try events(header2 + "\n" + line + "\n[1, \"o\", \"x\"]\n")
        } throws: { error in
            (error as? RecordingError)?.description.contains("Line 2") == true
        }
    }

    @Test(
        "what is no recording is refused",
        arguments: [
            "", "\n", "hello", "[]", "{}", #"{"version": 9}"#, #"{"version": 2, "width": "x"}"#, #"{"version": 1}"#,
        ])
    func noRecording(text: String) {
        #expect(throws: RecordingError.self) { try AsciicastReader(bytes: Array(text.utf8)) }
    }

    @Test("sizes that no terminal has are brought into range")
    func sizes() throws {
        let header = try AsciicastReader(bytes: Array(#"{"version": 2, "width": -5, "height": 99999999}"#.utf8)).header
        #expect((header.columns, header.rows) == (1, 10_000))
    }

    @Test("rewinding reads the same again")
    func rewind() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a.cast")
        let lines = (0..<5000).map { "[\($0), \"o\", \"line \($0)\\r\\n\"]\n" }.joined()
        try (header2 + "\n" + lines).write(toFile: path, atomically: true, encoding: .utf8)
        var reader = try AsciicastReader(path: path)
        var first: [AsciicastEvent] = []
        while let event = try reader.next() { first.append(event) }
        #expect(first.count == 5000)
        let isBack = try reader.rewind()
        #expect(isBack)
        var second: [AsciicastEvent] = []
        while let event = try reader.next() { second.append(event) }
        #expect(first == second)
    }

    @Test("what the writer writes the reader reads", arguments: [AsciicastVersion.v2, .v3])
    func roundTrip(version: AsciicastVersion) throws {
        let header = AsciicastHeader(
            columns: 80, rows: 24, startedAt: 1_700_000_000, title: "t", command: "top -b", idleLimit: 2,
            environment: ["TERM": "xterm", "SHELL": "/bin/zsh"])
        var writer = AsciicastWriter(version)
        var bytes = header.line(version)
        let kinds: [RecordingEvent.Kind] = [
            .output(Array("\u{1B}[1mä\"\\\u{7}\r\n".utf8)), .input([0x61], actor: ""), .resize(columns: 100, rows: 50),
            .marker("here"), .redactedInput(count: 3, actor: ""),
        ]
        for (index, kind) in kinds.enumerated() {
            writer.append(RecordingEvent(time: Int64(index) * 333_333, kind: kind), to: &bytes)
        }
        writer.finish(to: &bytes)
        var reader = try AsciicastReader(bytes: bytes)
        #expect(reader.header == header)
        #expect(reader.version == version)
        var found: [AsciicastEvent] = []
        while let event = try reader.next() { found.append(event) }
        #expect(found.map(\.time) == [0, 333_333, 666_666, 999_999, 1_333_332])
        #expect(
            found.map(\.kind) == [
                .output(Array("\u{1B}[1mä\"\\\u{7}\r\n".utf8)), .input([0x61]), .resize(columns: 100, rows: 50),
                .marker("here"), .marker("hidden input (3 characters)"),
            ])
    }

    @Test("a character that is cut between two outputs is whole in the file")
    func cutCharacter() throws {
        var writer = AsciicastWriter(.v2)
        var bytes = Array(header2.utf8) + [0x0A]
        writer.append(RecordingEvent(time: 0, kind: .output([0x61, 0xC3])), to: &bytes)
        writer.append(RecordingEvent(time: 1, kind: .output([0xA4, 0x62])), to: &bytes)
        writer.append(RecordingEvent(time: 2, kind: .output([0xFF])), to: &bytes)
        writer.finish(to: &bytes)
        var reader = try AsciicastReader(bytes: Array(bytes))
        var text: [UInt8] = []
        while case .output(let data)? = try reader.next()?.kind { text += data }
        #expect(String(decoding: text, as: UTF8.self) == "aäb\u{FFFD}")
    }
}
