/// Writes what was on the screen as plain text: one line for each line of output, without escape sequences, with the
/// corrections that a backspace or a carriage return made. What full-screen programs draw comes in pieces, not laid out:
/// for that there is `Transcript`. This one is several times as fast, and says a line as soon as it is over.
public struct PlainText: Sendable {
    private var parser = EscapeParser()
    private var line: CursorLine
    private var isOnOtherScreen = false

    public init(columns: Int) { line = CursorLine(columns: CursorLine.longest) }

    /// Writes a whole recording in pieces of about 64 KiB; `write` may throw to stop.
    public static func write(_ reader: RecordingReader, to write: ([UInt8]) throws -> Void) throws {
        var text = PlainText(columns: reader.header.columns)
        try Self.write(
            reader,
            render: { event, bytes in
                if case .output(let output) = event.kind { text.append(output, to: &bytes) }
            }, finish: { text.finish(to: &$0) }, to: write)
    }

    /// Writes a recording through a renderer of the caller's, such as a whole screen model: `render` gets each event
    /// and appends the bytes that are finished, `finish` appends the rest.
    public static func write(
        _ reader: RecordingReader, render: (RecordingEvent, inout [UInt8]) throws -> Void,
        finish: (inout [UInt8]) throws -> Void, to write: ([UInt8]) throws -> Void
    ) throws {
        var bytes: [UInt8] = []
        var events = reader.events()
        while let event = try events.next() {
            try render(event, &bytes)
            guard bytes.count >= 64 << 10 else { continue }
            try write(bytes)
            bytes.removeAll(keepingCapacity: true)
        }
        try finish(&bytes)
        try write(bytes)
    }

    /// Appends the lines that `output` finished.
    public mutating func append(_ output: [UInt8], to bytes: inout [UInt8]) {
        eachLine(output) { text in
            bytes.append(contentsOf: text.utf8)
            bytes.append(0x0A)
        }
    }

    /// Tells the lines that `output` finished.
    mutating func eachLine(_ output: [UInt8], _ tell: (String) -> Void) {
        for byte in output {
            parser.feed(byte) { token in
                switch token {
                case .print(let scalar):
                    line.print(scalar)
                    if line.place.column >= CursorLine.longest { Self.end(&line, tell) }
                case .control(0x0A), .control(0x0B), .control(0x0C): Self.end(&line, tell)
                case .control(let control): _ = line.control(control)
                case .csi(let parameters, let isPrivate, let final):
                    // Moves between lines have no meaning here: the text goes on where it is.
                    if isPrivate || "CDGKPX@`a".utf8.contains(final) {
                        line.csi(parameters, isPrivate: false, final: isPrivate ? 0 : final)
                    } else if "ABEFHdf".utf8.contains(final), !line.cells.isEmpty {
                        Self.end(&line, tell)
                    }
                case .escape: break
                }
            }
        }
    }

    /// Appends the line that has no end yet.
    public mutating func finish(to bytes: inout [UInt8]) {
        rest { text in
            bytes.append(contentsOf: text.utf8)
            bytes.append(0x0A)
        }
    }

    /// Tells the line that has no end yet.
    mutating func rest(_ tell: (String) -> Void) {
        if !line.cells.isEmpty { Self.end(&line, tell) }
    }

    private static func end(_ line: inout CursorLine, _ tell: (String) -> Void) {
        tell(line.text)
        let column = line.place.column
        line.reset()
        // A line feed keeps the column; the carriage return that nearly always stands before it was already obeyed.
        if column > 0, column < CursorLine.longest { line.csi([column], isPrivate: false, final: UInt8(ascii: "C")) }
    }
}
