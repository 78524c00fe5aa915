import Crypto
import Foundation

/// How a recording ends.
public enum RecordingEnding: Sendable, Hashable {
    /// The writer sealed the end: nothing is missing.
    case complete
    /// A writer still holds the file; more will come.
    case recording
    /// The file ends early, at this byte: the copilot was killed, or the tail was cut off. Everything before plays.
    case truncated(at: Int64)
    /// From this place on the file is not what was written. Everything before plays.
    case damaged(RecordingError)
}

/// Reads a recording in bounded memory: one chunk at a time, whatever the size of the file.
///
/// Opening walks the chunk headers, which stand in clear, and decrypts nothing. Whatever is then handed out was
/// authenticated before.
public struct RecordingReader: Sendable {
    public let header: RecordingHeader
    /// The data key as the vault wrapped it.
    public let wrappedKey: [UInt8]
    public let ending: RecordingEnding
    /// Size of the file in bytes.
    public let bytes: Int64
    let source: RecordingSource
    let seal: ChunkSeal
    let chunks: [ChunkLocation]
    let headerHash: [UInt8]
    /// The byte after the last whole chunk.
    let end: Int64

    public var isComplete: Bool { ending == .complete }
    public var chunkCount: Int { chunks.count }

    /// What stands in clear at the start of a file, for a list or to unwrap the key. Not authenticated.
    public static func header(
        path: String
    ) throws(RecordingError) -> (header: RecordingHeader, wrappedKey: [UInt8]) {
        let preamble = try preamble(of: try RecordingSource(path: path))
        return (preamble.header, preamble.wrappedKey)
    }

    /// Opens a recording with its data key.
    public init(path: String, key: SymmetricKey) throws(RecordingError) {
        let source = try RecordingSource(path: path)
        // Asked before the walk: a writer that closes meanwhile has then already written its end.
        let isBeingWritten = source.isBeingWritten()
        let preamble = try Self.preamble(of: source)
        let keys = RecordingKeys(key, recordingID: preamble.header.id)
        try preamble.verify(keys)
        self.source = source
        header = preamble.header
        wrappedKey = preamble.wrappedKey
        seal = ChunkSeal(recordingID: preamble.header.id, key: keys.chunks)
        headerHash = Array(SHA256.hash(data: preamble.bytes))
        bytes = try source.size()
        let mark = try RepairMark.find(in: source, size: bytes, headerHash: headerHash, key: keys.repair)
        let walk = try ChunkWalk(
            source: source, from: Int64(preamble.bytes.count), to: mark?.validLength ?? bytes)
        chunks = walk.chunks
        end = walk.end
        ending = Self.ending(walk, mark, isBeingWritten: isBeingWritten, size: bytes)
    }

    private static func preamble(of source: RecordingSource) throws(RecordingError) -> RecordingPreamble {
        let most =
            RecordingFormat.maximumMetadata + RecordingFormat.maximumWrappedKey + RecordingFormat.headerTag + 64
        return try RecordingPreamble(parsing: try source.read(most, at: 0))
    }

    private static func ending(
        _ walk: ChunkWalk, _ mark: RepairMark?, isBeingWritten: Bool, size: Int64
    ) -> RecordingEnding {
        if case .damaged = walk.ending { return walk.ending }
        if let mark {
            if walk.chunks.count == mark.chunkCount, walk.end == mark.validLength { return .truncated(at: walk.end) }
            return .damaged(
                RecordingError(
                    .tailCut,
                    "The file was repaired with \(mark.chunkCount) chunks, and \(walk.chunks.count) are left.",
                    hint: "Restore the file from a backup.", chunk: walk.chunks.count, offset: walk.end))
        }
        if case .truncated = walk.ending, isBeingWritten { return .recording }
        return walk.ending
    }

    /// Microseconds from the start to the last event that plays.
    public func duration() throws(RecordingError) -> Int64 {
        for index in chunks.indices.reversed() {
            do throws(RecordingError) {
                var reader = try SegmentReader(try open(index), chunk: index)
                while try reader.next() != nil {}
                return reader.lastTime
            } catch {
                guard index > 0, error.code == .altered || error.code == .chainBroken else { throw error }
            }
        }
        return 0
    }

    /// Every event from the start, in order.
    public func events() -> RecordingEvents { RecordingEvents(reader: self, chunk: 0) }

    /// The screen from which to play a moment, and the events that follow it. `time`: microseconds since the start.
    ///
    /// Feed the keyframe to a fresh terminal of its size, then the events up to `time`, and the terminal shows that
    /// moment. Decrypts about log₂ of the number of keyframes.
    public func seek(
        to time: Int64
    ) throws(RecordingError) -> (keyframe: RecordingKeyframe, following: RecordingEvents) {
        let keyframes = chunks.indices.filter { chunks[$0].flags.contains(.keyframe) }
        var low = 0
        var high = keyframes.count
        while low < high {
            let middle = (low + high) / 2
            let first = try SegmentReader(try open(keyframes[middle]), chunk: keyframes[middle]).firstTime
            if first <= time { low = middle + 1 } else { high = middle }
        }
        let chunk = low > 0 ? keyframes[low - 1] : 0
        var events = RecordingEvents(reader: self, chunk: chunk)
        let empty = RecordingKeyframe(
            time: 0, columns: header.columns, rows: header.rows, outputOffset: 0, snapshot: [])
        guard low > 0 else { return (empty, events) }
        return (try events.takeKeyframe() ?? empty, events)
    }

    /// Checks every byte: each seal, each link of the chain, and that the end is there.
    /// - Returns: the ending, and the hash of the last good chunk, which the writer's summary names too.
    public func verify() -> (ending: RecordingEnding, chunks: Int, head: [UInt8]) {
        var events = RecordingEvents(reader: self, chunk: 0)
        do throws(RecordingError) {
            while try events.next() != nil {}
            return (ending, chunks.count, events.previousHash)
        } catch {
            return (.damaged(error), error.chunk ?? 0, events.previousHash)
        }
    }

    /// The plain content of one chunk, authenticated.
    func open(_ index: Int) throws(RecordingError) -> [UInt8] {
        try content(of: index, raw: try rawChunk(index))
    }

    /// Header and sealed content as they stand in the file.
    func rawChunk(_ index: Int) throws(RecordingError) -> [UInt8] {
        guard chunks.indices.contains(index) else { throw .malformed("there is no chunk \(index)") }
        let place = chunks[index]
        let length = RecordingFormat.chunkHeader + place.sealedLength
        let raw = try source.read(length, at: place.offset)
        guard raw.count == length else { throw .altered(chunk: index, offset: place.offset) }
        return raw
    }

    func content(of index: Int, raw: [UInt8]) throws(RecordingError) -> [UInt8] {
        let place = chunks[index]
        guard let header = ChunkHeader(Array(raw.prefix(RecordingFormat.chunkHeader))), header.index == UInt64(index),
            let compressed = seal.open(raw.dropFirst(RecordingFormat.chunkHeader), header: header)
        else { throw .altered(chunk: index, offset: place.offset) }
        guard let content = Inflater.inflate(compressed, length: header.rawLength) else {
            throw .limit(
                "Chunk \(index) does not inflate to the \(header.rawLength) bytes it declares", chunk: index,
                offset: place.offset)
        }
        return content
    }
}

/// The events of a recording from some chunk on, one at a time. Holds one chunk in memory.
public struct RecordingEvents: Sendable {
    private let reader: RecordingReader
    private var nextChunk: Int
    private var current: SegmentReader?
    private var isFirst = true
    /// Hash of the last chunk that was read; the chain is checked from chunk to chunk.
    private(set) var previousHash: [UInt8]

    init(reader: RecordingReader, chunk: Int) {
        self.reader = reader
        nextChunk = chunk
        previousHash = reader.headerHash
    }

    /// The next event, or `nil` after the last one that plays. A recording that is damaged throws where the damage is.
    public mutating func next() throws(RecordingError) -> RecordingEvent? {
        while let item = try nextItem() {
            if case .event(let event) = item { return event }
        }
        return nil
    }

    /// The keyframe with which the current chunk begins.
    mutating func takeKeyframe() throws(RecordingError) -> RecordingKeyframe? {
        guard case .keyframe(let keyframe)? = try nextItem() else { return nil }
        return keyframe
    }

    private mutating func nextItem() throws(RecordingError) -> SegmentReader.Item? {
        while true {
            if let item = try current?.next() { return item }
            guard nextChunk < reader.chunks.count else {
                if case .damaged(let error) = reader.ending { throw error }
                return nil
            }
            current = try SegmentReader(try readChunk(nextChunk), chunk: nextChunk)
            nextChunk += 1
        }
    }

    private mutating func readChunk(_ index: Int) throws(RecordingError) -> [UInt8] {
        let raw = try reader.rawChunk(index)
        // After a seek the chunk before was not read: the seal alone vouches for this one.
        let isChained = !isFirst || index == 0
        if isChained, reader.chunks[index].previousHash(in: raw) != previousHash {
            throw .chainBroken(chunk: index, offset: reader.chunks[index].offset)
        }
        let content = try reader.content(of: index, raw: raw)
        isFirst = false
        previousHash = Array(SHA256.hash(data: raw))
        return content
    }
}
