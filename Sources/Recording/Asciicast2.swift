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

    private var writer: AsciicastWriter

    public init(options: Options = Options()) { writer = AsciicastWriter(.v2, options: options) }

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
            cast.append(RecordingEvent(time: cast.writer.lastTime, kind: .marker("recording ends early")), to: &bytes)
        }
        cast.finish(to: &bytes)
        try write(bytes)
    }

    /// The first line. `width` and `height` are at least 1, since players divide by them.
    public static func headerLine(_ header: RecordingHeader, version: AsciicastVersion = .v2) -> [UInt8] {
        AsciicastHeader(header).line(version)
    }

    /// Appends the lines of one event, none if it has no place in the format. Characters that are cut between two
    /// events are written with the second.
    public mutating func append(_ event: RecordingEvent, to bytes: inout [UInt8]) {
        writer.append(event, to: &bytes)
    }

    /// Writes characters that never got their end, as U+FFFD.
    public mutating func finish(to bytes: inout [UInt8]) { writer.finish(to: &bytes) }

    /// A marker's words for what the format has no code for.
    public static func label(_ kind: RecordingEvent.Kind) -> String? {
        switch kind {
        case .chat(let text, let actor): "\(actor): \(text)"
        case .controlChange(let holder, let from): keyboard(holder, from)
        case .join(let actor, let mode): "\(actor) joined (\(mode))"
        case .leave(let actor): "\(actor) left"
        case .exit(let status, let signal): signal.map { "ended by SIG\($0)" } ?? "exit status \(status ?? 0)"
        case .gap(let bytes): "\(bytes) bytes are missing here"
        case .marker(let label, let actor?): "\(actor): \(label)"
        case .file(let file, let actor): "\(actor): \(file.operation) \(file.path)" + bytes(file.size)
        case .command(let command, let status, let actor):
            "\(actor) ran: \(command)" + (status.map { " (exit status \($0))" } ?? "")
        case .output, .input, .redactedInput, .resize, .marker: nil
        }
    }

    private static func keyboard(_ holder: String?, _ from: String?) -> String {
        switch (holder, from) {
        case (let holder?, let from?): "\(holder) has the keyboard, from \(from)"
        case (let holder?, nil): "\(holder) has the keyboard"
        case (nil, let from?): "\(from) let go of the keyboard"
        case (nil, nil): "the keyboard is free"
        }
    }

    private static func bytes(_ size: Int64?) -> String { size.map { " (\($0) bytes)" } ?? "" }
}
