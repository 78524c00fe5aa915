/// Where a chunk stands in the file.
struct ChunkLocation: Sendable, Hashable {
    let offset: Int64
    let sealedLength: Int
    let flags: ChunkFlags

    /// The byte after it.
    var end: Int64 { offset + Int64(RecordingFormat.chunkHeader + sealedLength) }

    /// The link to the chunk before, as this chunk's header says it.
    func previousHash(in raw: [UInt8]) -> [UInt8] { Array(raw.prefix(RecordingFormat.chunkHeader).suffix(32)) }
}

/// Finds the chunks of a file by their headers, without a key. What it finds is only trusted once it is opened.
struct ChunkWalk {
    private(set) var chunks: [ChunkLocation] = []
    private(set) var ending: RecordingEnding
    /// The byte after the last whole chunk.
    private(set) var end: Int64

    /// Headers are read through a window, since a quiet session has hundreds of small chunks in 64 KiB.
    private struct Window {
        static let size = 64 << 10
        let source: RecordingSource
        let limit: Int64
        var start: Int64 = 0
        var bytes: [UInt8] = []
        var last: Int64 = 0

        mutating func read(_ count: Int, at offset: Int64) throws(RecordingError) -> [UInt8] {
            if offset < start || offset + Int64(count) > start + Int64(bytes.count) {
                // Over large chunks, reading more than the header would be reading the file.
                let size = offset - last > 4096 ? count : Self.size
                start = offset
                bytes = try source.read(Int(min(Int64(size), max(0, limit - offset))), at: offset)
            }
            last = offset
            let low = Int(offset - start)
            return Array(bytes.dropFirst(low).prefix(count))
        }
    }

    init(source: RecordingSource, from start: Int64, to limit: Int64) throws(RecordingError) {
        end = start
        ending = .truncated(at: start)
        var window = Window(source: source, limit: limit)
        while true {
            let bytes = try window.read(RecordingFormat.chunkHeader, at: end)
            guard bytes.count == RecordingFormat.chunkHeader else {
                ending = .truncated(at: end)
                return
            }
            let index = chunks.count
            guard let header = ChunkHeader(bytes) else {
                // After a power cut a file system may leave zeros where the tail was not yet written.
                let isBlank = try Self.isBlank(source, from: end, to: limit)
                ending = isBlank ? .truncated(at: end) : .damaged(.altered(chunk: index, offset: end))
                return
            }
            guard header.index == UInt64(index) else {
                ending = .damaged(try Self.misplaced(header, index, end, &window))
                return
            }
            let next = end + Int64(RecordingFormat.chunkHeader + header.sealedLength)
            guard next <= limit else {
                ending = .truncated(at: end)
                return
            }
            guard index < RecordingFormat.maximumChunks else {
                throw .limit("The file has more chunks than a recording can have", chunk: index, offset: end)
            }
            chunks.append(ChunkLocation(offset: end, sealedLength: header.sealedLength, flags: header.flags))
            end = next
            guard !header.flags.contains(.final) else {
                ending = end == limit ? .complete : .damaged(Self.trailing(end, index))
                return
            }
        }
    }

    private static func trailing(_ end: Int64, _ index: Int) -> RecordingError {
        RecordingError(
            .trailingData, "Bytes follow the end of the recording at byte \(end).",
            hint: "The recording itself is whole; something was appended to the file later.", chunk: index, offset: end)
    }

    /// Tells a chunk that is missing from chunks that changed places: in the second case it comes later.
    private static func misplaced(
        _ found: ChunkHeader, _ index: Int, _ offset: Int64, _ window: inout Window
    ) throws(RecordingError) -> RecordingError {
        var place = offset
        var header: ChunkHeader? = found
        var seen = 0
        while let current = header, seen < RecordingFormat.maximumChunks {
            if current.index == UInt64(index) || current.index < UInt64(index) {
                return .outOfOrder(chunk: index, found: found.index, offset: offset)
            }
            place += Int64(RecordingFormat.chunkHeader + current.sealedLength)
            header = ChunkHeader(try window.read(RecordingFormat.chunkHeader, at: place))
            seen += 1
        }
        return .missing(chunk: index, found: found.index, offset: offset)
    }

    private static func isBlank(
        _ source: RecordingSource, from start: Int64, to end: Int64
    ) throws(RecordingError) -> Bool {
        var offset = start
        while offset < end {
            let bytes = try source.read(Int(min(65536, end - offset)), at: offset)
            guard !bytes.isEmpty else { return true }
            guard bytes.allSatisfy({ $0 == 0 }) else { return false }
            offset += Int64(bytes.count)
        }
        return true
    }
}
