/// Writes asciicast version 2 or 3, event by event.
///
/// ```swift
/// var cast = AsciicastWriter(.v3)
/// var bytes = header.line(.v3)
/// cast.append(RecordingEvent(time: 0, kind: .output(Array("hello\r\n".utf8))), to: &bytes)
/// cast.finish(to: &bytes)
/// ```
public struct AsciicastWriter: Sendable {
    private let version: AsciicastVersion
    private let options: Asciicast2.Options
    private var output = UTF8Stream()
    private var input = UTF8Stream()
    /// Microseconds from the start to the last event that was written.
    public private(set) var lastTime: Int64 = 0
    /// The same to the last line, from which version 3 counts.
    private var lineTime: Int64 = 0

    /// - Parameters:
    ///   - version: `v1` is only read, and written as `v2`.
    ///   - options: what goes into the file besides output and resizes.
    public init(_ version: AsciicastVersion, options: Asciicast2.Options = .init()) {
        self.version = version
        self.options = options
    }

    /// Appends output of the terminal.
    public mutating func append(output bytes: UnsafeRawBufferPointer, at time: Int64, to file: inout [UInt8]) {
        lastTime = max(lastTime, time)
        // Most output is ASCII, or at least whole characters: it goes from one buffer to the other.
        guard output.isEmpty, UTF8Stream.isWhole(bytes) else {
            return line("o", output.decode(Array(bytes)), &file)
        }
        guard !bytes.isEmpty else { return }
        begin("o", &file)
        JSONText.append(wellFormed: bytes, to: &file)
        end(&file)
    }

    /// Appends the lines of one event, none if it has no place in the format. Characters that are cut between two
    /// events are written with the second.
    public mutating func append(_ event: RecordingEvent, to bytes: inout [UInt8]) {
        lastTime = max(lastTime, event.time)
        switch event.kind {
        case .output(let data):
            data.withUnsafeBytes { append(output: $0, at: event.time, to: &bytes) }
        case .input(let data, _):
            if options.includesInput { line("i", input.decode(data), &bytes) }
        case .redactedInput(let count, _):
            if options.marksRedactedInput { line("m", "hidden input (\(count) characters)", &bytes) }
        case .resize(let columns, let rows):
            line("r", "\(max(1, columns))x\(max(1, rows))", &bytes)
        case .marker(let label, let actor):
            line("m", actor.map { "\($0): \(label)" } ?? label, &bytes)
        case .exit(let status, let signal) where version == .v3:
            // Version 3 has a code for it; a signal is told as a shell tells it.
            line("x", "\(status ?? (signal == nil ? 0 : 128))", &bytes)
        default:
            if options.marksPeople, let label = Asciicast2.label(event.kind) { line("m", label, &bytes) }
        }
    }

    /// Writes characters that never got their end, as U+FFFD.
    public mutating func finish(to bytes: inout [UInt8]) {
        line("o", output.finish(), &bytes)
        if options.includesInput { line("i", input.finish(), &bytes) }
    }

    private mutating func line(_ code: String, _ data: String, _ bytes: inout [UInt8]) {
        guard !data.isEmpty else { return }
        begin(code, &bytes)
        JSONText.append(data, to: &bytes)
        end(&bytes)
    }

    private mutating func begin(_ code: String, _ bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        JSONText.append(seconds: version == .v3 ? lastTime - lineTime : lastTime, to: &bytes)
        bytes.append(contentsOf: ", \"".utf8)
        bytes.append(contentsOf: code.utf8)
        bytes.append(contentsOf: "\", ".utf8)
        lineTime = lastTime
    }

    private func end(_ bytes: inout [UInt8]) { bytes.append(contentsOf: "]\n".utf8) }
}
