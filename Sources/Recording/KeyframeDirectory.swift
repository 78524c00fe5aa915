/// Where the keyframes of a finished recording stand, so that a moment is found without walking over the file.
///
/// A writer puts it into the file's last chunks, sealed like everything else. Recordings of few chunks, and those whose
/// writer was killed, have none: their chunk headers are walked over instead.
struct KeyframeDirectory: Sendable, Hashable {
    struct Entry: Sendable, Hashable {
        /// Number of the chunk, from 0.
        let chunk: Int
        /// Where the chunk begins, in bytes from the start of the file.
        let offset: Int64
        /// Microseconds since the start of the recording.
        let time: Int64
    }

    /// More keyframes than this are thinned out: then a seek plays from a little further back.
    static let most = 65_536

    private(set) var entries: [Entry] = []
    /// The chunks in which something else happened than output, input and changes of size; nil when there are too many.
    private(set) var marked: [Entry]? = []
    /// Every keyframe is noted, then every second, fourth, …
    private var step = 1
    private var seen = 0

    mutating func note(chunk: Int, offset: Int64, time: Int64) {
        defer { seen += 1 }
        guard seen % step == 0 else { return }
        entries.append(Entry(chunk: chunk, offset: offset, time: time))
        guard entries.count >= Self.most else { return }
        step *= 2
        entries = entries.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
    }

    mutating func noteMarks(chunk: Int, offset: Int64, time: Int64) {
        guard let count = marked?.count else { return }
        if count < Self.most { marked?.append(Entry(chunk: chunk, offset: offset, time: time)) } else { marked = nil }
    }

    /// The last keyframe that is not after `time`.
    func last(notAfter time: Int64) -> Entry? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].time <= time { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? entries[low - 1] : nil
    }

    // MARK: In the file

    /// Numbers that only grow, as the differences between them.
    var fields: [UInt8] {
        var bytes: [UInt8] = []
        Self.append(entries, to: &bytes)
        bytes.append(marked == nil ? 0 : 1)
        if let marked { Self.append(marked, to: &bytes) }
        return bytes
    }

    private static func append(_ entries: [Entry], to bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(entries.count))
        var last = Entry(chunk: 0, offset: 0, time: 0)
        for entry in entries {
            bytes.append(varint: UInt64(max(0, entry.chunk - last.chunk)))
            bytes.append(varint: UInt64(max(0, entry.offset - last.offset)))
            bytes.append(varint: UInt64(max(0, entry.time - last.time)))
            last = entry
        }
    }

    init() {}

    init(_ fields: inout ByteCursor) throws(ByteCursor.Exhausted) {
        entries = try Self.read(&fields)
        marked = try fields.byte() == 0 ? nil : try Self.read(&fields)
    }

    private static func read(_ fields: inout ByteCursor) throws(ByteCursor.Exhausted) -> [Entry] {
        var entries: [Entry] = []
        let count = try fields.integer()
        guard count <= most else { throw ByteCursor.Exhausted() }
        var chunk: Int64 = 0
        var offset: Int64 = 0
        var time: Int64 = 0
        for _ in 0..<count {
            chunk = try sum(chunk, try fields.varint())
            offset = try sum(offset, try fields.varint())
            time = try sum(time, try fields.varint())
            guard chunk <= Int64(RecordingFormat.maximumChunks) else { throw ByteCursor.Exhausted() }
            entries.append(Entry(chunk: Int(chunk), offset: offset, time: time))
        }
        return entries
    }

    private static func sum(_ value: Int64, _ more: UInt64) throws(ByteCursor.Exhausted) -> Int64 {
        let (sum, overflow) = value.addingReportingOverflow(Int64(clamping: more))
        guard !overflow else { throw ByteCursor.Exhausted() }
        return sum
    }
}

/// The last chunk of a recording that has a directory. Its size never changes, so that it is found from the file's end.
struct RecordingTrailer: Sendable, Hashable {
    static let contentLength = 48
    /// A stored block of deflate (RFC 1951 §3.2.4): five bytes, then the content as it is.
    static let sealedLength = 5 + contentLength + RecordingFormat.tag
    static let chunkLength = RecordingFormat.chunkHeader + sealedLength

    /// Where the chunk with the directory stands. It is the one before this.
    let directoryOffset: Int64
    /// Microseconds from the start to the last event.
    let endTime: Int64

    var content: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(varint: UInt64(max(0, endTime)))
        bytes.append(0)
        bytes.append(EventCode.trailer.rawValue)
        bytes.append(UInt8(Self.contentLength - bytes.count - 1))
        bytes.append(bigEndian: UInt64(max(0, directoryOffset)))
        bytes.append(contentsOf: repeatElement(0, count: Self.contentLength - bytes.count))
        return bytes
    }

    static func stored(_ content: [UInt8]) -> [UInt8] {
        let length = UInt16(truncatingIfNeeded: content.count)
        var bytes: [UInt8] = [1]
        for value in [length, ~length] {
            bytes.append(UInt8(truncatingIfNeeded: value))
            bytes.append(UInt8(truncatingIfNeeded: value >> 8))
        }
        return bytes + content
    }
}
