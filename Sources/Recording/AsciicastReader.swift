import Foundation

/// Reads asciicast versions 1, 2 and 3, event by event.
///
/// ```swift
/// var cast = try AsciicastReader(path: "demo.cast")
/// while let event = try cast.next() {
///     if case .output(let bytes) = event.kind { screen.feed(bytes) }
/// }
/// ```
///
/// Memory is bounded by the longest line, for version 1 by the file.
public struct AsciicastReader {
    /// The longest line that is read, in bytes.
    public static let maximumLine = 64 << 20
    /// The largest file of version 1 that is read, in bytes.
    public static let maximumVersion1 = 256 << 20

    public let header: AsciicastHeader
    public let version: AsciicastVersion
    /// Whether the file ends within a line, as after a crash of the program that wrote it. Known at the end.
    public private(set) var endsEarly = false

    private var source: CastSource
    /// Events of a version 1 file, which are there at once.
    private var ready: [AsciicastEvent]?
    private var position = 0
    private var lastTime: Int64 = 0
    private var lineNumber = 1

    /// Opens a file. Throws `not_found`, `permission_denied`, `not_a_recording`, `unsupported_version`.
    public init(path: String) throws(RecordingError) { try self.init(CastSource(path: path)) }

    /// Reads from a pipe: then there is no way back.
    public init(descriptor: FileHandle) throws(RecordingError) { try self.init(CastSource(handle: descriptor)) }

    /// Reads a file that is in memory.
    public init(bytes: [UInt8]) throws(RecordingError) { try self.init(CastSource(bytes: bytes)) }

    private init(_ source: CastSource) throws(RecordingError) {
        self.source = source
        guard let (first, _) = try self.source.line(limit: Self.maximumLine) else { throw .notACast("it is empty") }
        // A version 1 file may be one line or many: an object that is not closed in the first one goes on.
        if let (header, version) = try? AsciicastHeader.read(Array(first)), version != .v1 {
            (self.header, self.version) = (header, version)
            return
        }
        let whole = Array(first) + [0x0A] + (try self.source.rest(limit: Self.maximumVersion1))
        (header, version) = try AsciicastHeader.read(whole)
        guard version == .v1 else { throw .notACast("its header is spread over several lines") }
        ready = try Self.version1(whole)
    }

    /// The next event; nil at the end. Throws `not_a_recording` for a line that is none, with its number.
    public mutating func next() throws(RecordingError) -> AsciicastEvent? {
        if let ready {
            guard position < ready.count else { return nil }
            position += 1
            return ready[position - 1]
        }
        while let (line, isWhole) = try source.line(limit: Self.maximumLine) {
            lineNumber += 1
            // Version 3: comments and empty lines stand for nothing.
            guard let first = line.first(where: { $0 != 0x20 && $0 != 0x0D && $0 != 0x09 }), first != UInt8(ascii: "#")
            else { continue }
            guard let parsed = AsciicastLine(line) else {
                guard isWhole else {
                    endsEarly = true
                    return nil
                }
                throw .notACast("it is not [time, code, data]", line: lineNumber)
            }
            let (sum, overflows) = lastTime.addingReportingOverflow(parsed.time)
            lastTime = max(lastTime, version == .v3 ? (overflows ? .max : sum) : parsed.time)
            return AsciicastEvent(time: lastTime, kind: AsciicastEvent.Kind(code: parsed.code, data: parsed.data))
        }
        return nil
    }

    /// Goes back to the first event. False for a pipe, which has no way back.
    public mutating func rewind() throws(RecordingError) -> Bool {
        lastTime = 0
        lineNumber = 1
        endsEarly = false
        if ready != nil {
            position = 0
            return true
        }
        guard try source.rewind() else { return false }
        _ = try source.line(limit: Self.maximumLine)
        return true
    }

    private static func version1(_ json: [UInt8]) throws(RecordingError) -> [AsciicastEvent] {
        struct Frames: Decodable {
            struct Frame: Decodable {
                let delay: Double
                let data: String

                init(from decoder: any Decoder) throws {
                    var values = try decoder.unkeyedContainer()
                    delay = try values.decode(Double.self)
                    data = try values.decode(String.self)
                }
            }
            let stdout: [Frame]
        }
        let frames: Frames
        do { frames = try JSONDecoder().decode(Frames.self, from: Data(json)) } catch {
            throw .notACast("its frames are not what version 1 has")
        }
        var time = 0.0
        return frames.stdout.map { frame in
            time += min(max(frame.delay, 0), 1e9)
            return AsciicastEvent(
                time: Int64((min(time, 1e12) * 1_000_000).rounded()), kind: .output(Array(frame.data.utf8)))
        }
    }
}

/// Where the lines come from.
private struct CastSource {
    private let handle: FileHandle?
    private let isFile: Bool
    private var buffer: [UInt8]
    private var start = 0
    private var hasEnded: Bool

    init(path: String) throws(RecordingError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno, "open", path: path) }
        var status = stat()
        isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        buffer = []
        hasEnded = false
    }

    init(handle: FileHandle) {
        self.handle = handle
        isFile = false
        buffer = []
        hasEnded = false
    }

    init(bytes: [UInt8]) {
        handle = nil
        isFile = true
        buffer = bytes
        hasEnded = true
    }

    /// The next line without its line feed, and whether it had one; nil at the end.
    mutating func line(limit: Int) throws(RecordingError) -> (ArraySlice<UInt8>, isWhole: Bool)? {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: 0x0A) {
                defer { start = end + 1 }
                return (buffer[start..<end], true)
            }
            searched = buffer.count
            guard !hasEnded else {
                guard start < buffer.count else { return nil }
                defer { start = buffer.count }
                return (buffer[start...], false)
            }
            guard buffer.count - start <= limit else { throw .notACast("a line is longer than any") }
            searched -= start
            try fill()
        }
    }

    mutating func rest(limit: Int) throws(RecordingError) -> [UInt8] {
        while !hasEnded {
            guard buffer.count - start <= limit else { throw .notACast("it is larger than any of version 1") }
            try fill()
        }
        defer { start = buffer.count }
        return Array(buffer[start...])
    }

    mutating func rewind() throws(RecordingError) -> Bool {
        guard isFile else { return false }
        start = 0
        guard let handle else { return true }
        do { try handle.seek(toOffset: 0) } catch { return false }
        buffer = []
        hasEnded = false
        return true
    }

    /// Reads on; what was handed out goes.
    private mutating func fill() throws(RecordingError) {
        if start > 0 {
            buffer.removeSubrange(..<start)
            start = 0
        }
        let piece: Data?
        do { piece = try handle?.read(upToCount: 256 << 10) } catch {
            throw RecordingError(.storageFailed, "The recording cannot be read: \(error).", hint: "Check the disk.")
        }
        if let piece, !piece.isEmpty { buffer.append(contentsOf: piece) } else { hasEnded = true }
    }
}
