/// Writes asciicast version 2, the format that `asciinema play` reads: a header object in the first line, then one
/// array `[seconds, code, data]` in each line with the codes `o`, `i`, `r` and `m`.
public struct Asciicast2: Sendable {
    /// What goes into the file besides output and resizes.
    public struct Options: Sendable, Hashable {
        /// Typed input as `i` events, as far as it was recorded.
        public var includesInput: Bool
        /// A marker where typed characters were not recorded; otherwise nothing stands there.
        public var marksRedactedInput: Bool
        /// Chat, people who come and go, keyboard changes, gaps and the exit status as markers.
        public var marksPeople: Bool

        public init(includesInput: Bool = true, marksRedactedInput: Bool = true, marksPeople: Bool = true) {
            self.includesInput = includesInput
            self.marksRedactedInput = marksRedactedInput
            self.marksPeople = marksPeople
        }
    }

    private let options: Options
    private var output = UTF8Stream()
    private var input = UTF8Stream()
    private var lastTime: Int64 = 0

    public init(options: Options = Options()) { self.options = options }

    /// Writes a whole recording. `write` gets the file in pieces of about 64 KiB, and may throw to stop.
    ///
    /// A recording that ends early is written up to there, with a marker that says so. A damaged one throws at the
    /// damage, after everything before it was written.
    public static func write(
        _ reader: RecordingReader, options: Options = Options(), to write: ([UInt8]) throws -> Void
    ) throws {
        var cast = Asciicast2(options: options)
        var bytes = Self.headerLine(reader.header)
        var events = reader.events()
        do {
            while let event = try events.next() {
                cast.append(event, to: &bytes)
                guard bytes.count >= 64 << 10 else { continue }
                try write(bytes)
                bytes.removeAll(keepingCapacity: true)
            }
        } catch {
            cast.finish(to: &bytes)
            try write(bytes)
            throw error
        }
        if case .truncated = reader.ending {
            cast.append(RecordingEvent(time: cast.lastTime, kind: .marker("recording ends early")), to: &bytes)
        }
        cast.finish(to: &bytes)
        try write(bytes)
    }

    /// The first line. `width` and `height` are at least 1, since players divide by them.
    public static func headerLine(_ header: RecordingHeader) -> [UInt8] {
        var bytes = Array(
            """
            {"version": 2, "width": \(max(1, header.columns)), "height": \(max(1, header.rows)), \
            "timestamp": \(header.startedAt / 1_000_000), "title": 
            """.utf8)
        JSONText.append(header.title, to: &bytes)
        bytes.append(contentsOf: Array(", \"env\": {\"TERM\": ".utf8))
        JSONText.append(header.attributes["TERM"] ?? "xterm-256color", to: &bytes)
        bytes.append(contentsOf: Array("}}\n".utf8))
        return bytes
    }

    /// Appends the lines of one event, none if it has no place in the format. Characters that are cut between two
    /// events are written with the second.
    public mutating func append(_ event: RecordingEvent, to bytes: inout [UInt8]) {
        lastTime = max(lastTime, event.time)
        switch event.kind {
        case .output(let data):
            line("o", output.decode(data), &bytes)
        case .input(let data, _):
            if options.includesInput { line("i", input.decode(data), &bytes) }
        case .redactedInput(let count, _):
            if options.marksRedactedInput { line("m", "hidden input (\(count) characters)", &bytes) }
        case .resize(let columns, let rows):
            line("r", "\(max(1, columns))x\(max(1, rows))", &bytes)
        case .marker(let label):
            line("m", label, &bytes)
        default:
            if options.marksPeople, let label = Self.label(event.kind) { line("m", label, &bytes) }
        }
    }

    /// Writes characters that never got their end, as U+FFFD.
    public mutating func finish(to bytes: inout [UInt8]) {
        line("o", output.finish(), &bytes)
        if options.includesInput { line("i", input.finish(), &bytes) }
    }

    private func line(_ code: String, _ data: String, _ bytes: inout [UInt8]) {
        guard !data.isEmpty else { return }
        bytes.append(UInt8(ascii: "["))
        JSONText.append(seconds: lastTime, to: &bytes)
        bytes.append(contentsOf: Array(", \"\(code)\", ".utf8))
        JSONText.append(data, to: &bytes)
        bytes.append(contentsOf: Array("]\n".utf8))
    }

    /// A marker's words for what the format has no code for.
    public static func label(_ kind: RecordingEvent.Kind) -> String? {
        switch kind {
        case .chat(let text, let actor): "\(actor): \(text)"
        case .controlChange(let holder): holder.map { "\($0) has the keyboard" } ?? "the keyboard is free"
        case .join(let actor, let mode): "\(actor) joined (\(mode))"
        case .leave(let actor): "\(actor) left"
        case .exit(let status, let signal): signal.map { "ended by SIG\($0)" } ?? "exit status \(status ?? 0)"
        case .gap(let bytes): "\(bytes) bytes are missing here"
        case .output, .input, .redactedInput, .resize, .marker: nil
        }
    }
}
