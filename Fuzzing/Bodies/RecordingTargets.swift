@testable import Recording
@testable import Terminal

extension FuzzTarget {
    /// What a terminal shows, and the files in which it is kept: a host writes the one, anybody may hand in the other.
    static let recordings: [FuzzTarget] = [
        FuzzTarget("terminal", seeds: { terminalSeeds }) { try show($0) },
        FuzzTarget("asciicast", seeds: { asciicastSeeds }) { try readCast($0) },
        FuzzTarget("recording-chunk", seeds: { chunkSeeds }) { try readChunk($0) },
        FuzzTarget("recording-events", seeds: { segmentSeeds }) { try readSegment($0) },
        FuzzTarget("recording-directory", seeds: { directorySeeds }) { try readDirectory($0) },
    ]

    // MARK: The screen

    private static let terminalSeeds: [[UInt8]] = [
        "\u{14}\u{8}plain text that is wrapped at the margin\r\n\u{1B}[31mred\u{1B}[m 漢字 e\u{301} 👩\u{200D}💻",
        "\u{28}\u{A}\u{1B}[2;5r\u{1B}[?1049h\u{1B}[?6h\u{1B}[3;1H\u{1B}[4L\u{1B}M\u{1B}7\u{1B}[?1049l\u{1B}8\u{1B}[999b",
        "\u{5}\u{3}\u{1B}]8;id=1;https://example.com\u{7}link\u{1B}]8;;\u{1B}\\\u{1B}]4;1;rgb:12/34/56\u{7}\u{1B}P$qm\u{1B}\\",
    ].map { Array($0.utf8) }

    /// The first two bytes are the size; 0xFF in the stream changes it. A snapshot rebuilds whatever came of it.
    @Sendable private static func show(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        var screen = Screen(columns: Int(input.byte()), rows: Int(input.byte()), scrollbackLimit: 50)
        for piece in input.rest.split(separator: 0xFF, maxSplits: 30, omittingEmptySubsequences: false) {
            screen.feed(piece)
            try hold(screen.scrollbackCount <= 50, "The scrollback has no limit")
            try hold(screen.text.count == screen.rows, "A row is missing")
            try hold(
                screen.cursor.row < screen.rows && screen.cursor.column < screen.columns, "The cursor left the screen")
            var copy = Screen(columns: screen.columns, rows: screen.rows, scrollbackLimit: 50)
            copy.feed(screen.snapshot(scrollback: 50))
            try hold(copy == screen, "A snapshot gives another screen: \(copy.difference(from: screen) ?? "")")
            let size = piece.prefix(2)
            screen.resize(columns: Int(size.first ?? 80), rows: Int(size.last ?? 24))
        }
    }

    // MARK: asciicast

    private static let asciicastSeeds: [[UInt8]] = [
        """
        {"version": 2, "width": 80, "height": 24, "timestamp": 1700000000, "env": {"TERM": "xterm-256color"}}
        [0.1, "o", "hello \\u001b[1mworld\\u001b[0m\\r\\n"]
        [1.25, "r", "100x30"]
        [2, "i", "\\ud83d\\ude00"]
        [2.5, "m", "a mark"]
        """,
        """
        {"version": 3, "term": {"cols": 80, "rows": 24, "type": "xterm"}, "command": "sh", "idle_time_limit": 2.5}
        # a comment
        [0.1, "o", "$ "]

        [1e-3, "x", "3"]
        """,
        #"{"version": 1, "width": 80, "height": 24, "duration": 1.5, "stdout": [[0.25, "a"], [1.25, "b\r\n"]]}"#,
    ].map { Array($0.utf8) }

    /// Times only grow, and whoever goes back to the beginning reads the same.
    @Sendable private static func readCast(_ bytes: [UInt8]) throws {
        guard var reader = try? AsciicastReader(bytes: bytes) else { return }
        let first = try events(&reader)
        guard try reader.rewind() else { throw FuzzFinding("There is no way back in memory") }
        try hold(events(&reader) == first, "The second reading gives something else")
    }

    private static func events(_ reader: inout AsciicastReader) throws -> [AsciicastEvent] {
        var events: [AsciicastEvent] = []
        while let event = try? reader.next() {
            try hold(event.time >= events.last?.time ?? 0, "Time goes back")
            events.append(event)
        }
        return events
    }

    // MARK: Recordings

    private static let chunkSeeds: [[UInt8]] = [
        ChunkHeader(
            sealedLength: 200, rawLength: 1000, flags: .keyframe, index: 7,
            previousHash: Array(repeating: 0xAB, count: 32)
        ).bytes,
        ChunkHeader(
            sealedLength: 17, rawLength: 1, flags: .all, index: .max, previousHash: Array(repeating: 0, count: 32)
        ).bytes,
    ]

    /// What is taken for a header is written as it was read; the rest is taken for compressed events.
    @Sendable private static func readChunk(_ bytes: [UInt8]) throws {
        if let header = ChunkHeader(bytes) {
            try hold(header.bytes == Array(bytes.prefix(RecordingFormat.chunkHeader)), "A header is read otherwise")
        }
        let body = Array(bytes.dropFirst(RecordingFormat.chunkHeader))
        if let plain = Inflater.inflate(body, length: 4096) {
            try hold(plain.count == 4096, "More is inflated than was asked for")
        }
    }

    private static let segmentSeeds: [[UInt8]] = {
        var segment = Segment(openedAt: 0)
        segment.append(
            RecordingKeyframe(time: 5, columns: 80, rows: 24, outputOffset: 9, snapshot: Array("\u{1B}[1mx".utf8)),
            at: 5)
        segment.append(.output(Array("hello\r\n".utf8)), at: 6)
        let file = RecordedFile(operation: "upload", path: "/tmp/a", size: 3, sha256: "00ff")
        let kinds: [RecordingEvent.Kind] = [
            .input(Array("ls\r".utf8), actor: "ada"), .redactedInput(count: 8, actor: "ada"),
            .resize(columns: 100, rows: 30), .marker("here", actor: nil),
            .marker("there", actor: "bob"),
            .chat("hello", actor: "bob"), .controlChange(holder: "bob", from: "ada"), .join(actor: "eve", mode: "view"),
            .leave(actor: "eve"), .exit(status: -1, signal: "TERM"), .gap(bytes: 77), .file(file, actor: "ada"),
            .command("uptime", status: 0, actor: "ada"),
        ]
        for kind in kinds { segment.append(kind, at: 9) }
        return [segment.bytes]
    }()

    /// Times only grow; a keyframe's screen can be shown whatever size it claims; an event that is written again is read
    /// as it was.
    @Sendable private static func readSegment(_ bytes: [UInt8]) throws {
        guard var reader = try? SegmentReader(bytes, chunk: 0) else { return }
        var last = reader.firstTime
        while let item = try? reader.next() {
            try hold(reader.lastTime >= last, "Time goes back")
            last = reader.lastTime
            switch item {
            case .keyframe(let keyframe):
                var screen = Screen(columns: keyframe.columns, rows: keyframe.rows, scrollbackLimit: 0)
                screen.feed(keyframe.snapshot.prefix(4096))
            case .event(let event): try writeAgain(event)
            case .directory, .trailer: break
            }
        }
    }

    private static func writeAgain(_ event: RecordingEvent) throws {
        var segment = Segment(openedAt: 0)
        segment.append(event.kind, at: event.time)
        var reader = try SegmentReader(segment.bytes, chunk: 0)
        guard case .event(let again)? = try reader.next() else { throw FuzzFinding("An event is lost") }
        try hold(again.time == event.time, "An event's time is another when it is written again")
        // What is too long is cut, and a number that no writer has is brought inside.
        guard bytesOf(event) < 4096, bytesOf(again) == bytesOf(event) else { return }
        var second = Segment(openedAt: 0)
        second.append(again.kind, at: again.time)
        try hold(second.bytes == segment.bytes, "An event that was read is written otherwise")
    }

    private static func bytesOf(_ event: RecordingEvent) -> Int {
        var segment = Segment(openedAt: 0)
        segment.append(event.kind, at: event.time)
        return segment.bytes.count
    }

    private static let directorySeeds: [[UInt8]] = {
        var directory = KeyframeDirectory()
        for index in 0..<40 {
            directory.note(chunk: index * 3, offset: Int64(index) * 70_000, time: Int64(index) * 999)
        }
        directory.noteMarks(chunk: 6, offset: 500, time: 1000)
        return [directory.fields, KeyframeDirectory().fields]
    }()

    /// What is taken for a directory is written and read again as the same.
    @Sendable private static func readDirectory(_ bytes: [UInt8]) throws {
        var cursor = ByteCursor(bytes)
        guard let directory = try? KeyframeDirectory(&cursor) else { return }
        try hold(directory.entries.count <= KeyframeDirectory.most, "A directory without a limit")
        var again = ByteCursor(directory.fields)
        try hold(KeyframeDirectory(&again) == directory, "A directory that was read is written otherwise")
        if let entry = directory.last(notAfter: directory.entries.last?.time ?? 0) {
            try hold(directory.entries.contains(entry), "A keyframe that is none")
        }
    }
}
