import Crypto

/// The disk side of one recording: seals segments into chunks and puts them into the file, one after the other.
///
/// Chunks stay in memory until the disk has confirmed them (`fdatasync`), because a failed flush may lose what was
/// written before it: then they are written again, byte for byte.
struct ChunkLog: Sendable {
    private struct Chunk: Sendable {
        let offset: Int64
        let bytes: [UInt8]
    }

    let disk: any RecordingDisk
    private let seal: ChunkSeal
    private(set) var previousHash: [UInt8]
    private(set) var index: UInt64 = 0
    private(set) var end: Int64
    private var chunks: [Chunk] = []
    private var written = 0
    private var mustTruncate = false
    private var keyframes = KeyframeDirectory()

    init(disk: any RecordingDisk, preamble: RecordingPreamble, keys: RecordingKeys) {
        self.disk = disk
        seal = ChunkSeal(recordingID: preamble.header.id, key: keys.chunks)
        let start = preamble.bytes
        previousHash = Array(SHA256.hash(data: start))
        end = Int64(start.count)
    }

    var hasUnwritten: Bool { written < chunks.count }
    var hasUnconfirmed: Bool { !chunks.isEmpty }
    /// Bytes that are held until the disk confirms them.
    private(set) var heldBytes = 0

    mutating func add(_ segment: Segment, deflater: Deflater) throws(RecordingError) {
        var flags: ChunkFlags = segment.isKeyframe ? .keyframe : []
        guard segment.isFinal, index >= UInt64(RecordingFormat.directoryFrom) else {
            if segment.isFinal { flags.insert(.final) }
            return try put(segment, flags, deflater)
        }
        // All or nothing: whoever tries again after a failure would otherwise have the events twice.
        var whole = self
        if segment.hasEvents { try whole.put(segment, flags, deflater) }
        let trailer = RecordingTrailer(directoryOffset: whole.end, endTime: segment.lastTime)
        var directory = Segment(openedAt: segment.openedAt)
        directory.append(whole.keyframes, at: segment.lastTime)
        try whole.put(directory, [], deflater)
        try whole.put(RecordingTrailer.stored(trailer.content), of: RecordingTrailer.contentLength, .final)
        self = whole
    }

    private mutating func put(
        _ segment: Segment, _ flags: ChunkFlags, _ deflater: Deflater
    ) throws(RecordingError) {
        let place = (chunk: Int(clamping: index), offset: end)
        try put(try deflater.deflate(segment.bytes), of: segment.bytes.count, flags)
        if segment.isKeyframe { keyframes.note(chunk: place.chunk, offset: place.offset, time: segment.firstTime) }
        if segment.hasMarks { keyframes.noteMarks(chunk: place.chunk, offset: place.offset, time: segment.firstTime) }
    }

    private mutating func put(
        _ compressed: [UInt8], of rawLength: Int, _ flags: ChunkFlags
    ) throws(RecordingError) {
        let header = ChunkHeader(
            sealedLength: compressed.count + RecordingFormat.tag, rawLength: rawLength, flags: flags,
            index: index, previousHash: previousHash)
        let bytes = try seal.seal(compressed, header: header)
        chunks.append(Chunk(offset: end, bytes: bytes))
        heldBytes += bytes.count
        previousHash = Array(SHA256.hash(data: bytes))
        index += 1
        end += Int64(bytes.count)
    }

    /// Writes what is not written. After a failure the partial chunk is cut off again, so that the file always ends
    /// with a whole chunk if the process dies while it waits.
    mutating func write() throws(RecordingError) {
        while written < chunks.count {
            let chunk = chunks[written]
            if mustTruncate {
                try disk.truncate(to: chunk.offset)
                mustTruncate = false
            }
            do throws(RecordingError) {
                try disk.writeAll(chunk.bytes, at: chunk.offset)
            } catch {
                mustTruncate = true
                if (try? disk.truncate(to: chunk.offset)) != nil { mustTruncate = false }
                throw error
            }
            written += 1
        }
    }

    /// Makes durable what is written. When the disk cannot say so, everything unconfirmed counts as not written.
    mutating func synchronize() throws(RecordingError) {
        guard written > 0 else { return }
        do throws(RecordingError) {
            try disk.synchronize()
        } catch {
            written = 0
            throw error
        }
        chunks.removeFirst(written)
        written = 0
        heldBytes = chunks.reduce(0) { $0 + $1.bytes.count }
    }
}
