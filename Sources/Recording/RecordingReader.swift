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
/// Opening takes the directory of the keyframes at the end of the file, or walks the chunk headers, which stand in clear.
/// Whatever is handed out was authenticated before.
public struct RecordingReader: Sendable {
    public let header: RecordingHeader
    /// The data key as the vault wrapped it.
    public let wrappedKey: [UInt8]
    public let ending: RecordingEnding
    /// Size of the file in bytes.
    public let bytes: Int64
    let source: RecordingSource
    let seal: ChunkSeal
    /// Every chunk, where the headers were walked over; else none.
    let chunks: [ChunkLocation]
    /// Where the keyframes stand, if the file says it.
    let directory: (keyframes: KeyframeDirectory, trailer: RecordingTrailer, chunkCount: Int)?
    let headerHash: [UInt8]
    /// Where the first chunk begins.
    let start: Int64
    /// The byte after the last whole chunk.
    let end: Int64

    public var isComplete: Bool { ending == .complete }
    public var chunkCount: Int { directory?.chunkCount ?? chunks.count }

    /// What stands in clear at the start of a file, for a list or to unwrap the key. Not authenticated.
    public static func header(
        path: String
    ) throws(RecordingError) -> (header: RecordingHeader, wrappedKey: [UInt8]) {
        let preamble = try preamble(of: try RecordingSource(path: path))
        return (preamble.header, preamble.wrappedKey)
    }

    /// Opens a recording with its data key.
    ///
    /// - Parameter walksAll: look at the header of every chunk at once, so that `ending` tells of what is missing in the
    ///   middle. Without it a finished recording opens in a few reads, however large it is, and damage is met on the way.
    public init(path: String, key: SymmetricKey, walksAll: Bool = true) throws(RecordingError) {
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
        start = Int64(preamble.bytes.count)
        directory = walksAll ? nil : Self.directory(of: source, size: bytes, seal: seal)
        guard directory == nil else {
            chunks = []
            end = bytes
            ending = .complete
            return
        }
        let mark = try RepairMark.find(in: source, size: bytes, headerHash: headerHash, key: keys.repair)
        let walk = try ChunkWalk(
            source: source, from: start, to: mark?.validLength ?? bytes)
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

    /// What stands at the end of a recording that has a directory; anything else there has none.
    private static func directory(
        of source: RecordingSource, size: Int64, seal: ChunkSeal
    ) -> (keyframes: KeyframeDirectory, trailer: RecordingTrailer, chunkCount: Int)? {
        do {
            let place = size - Int64(RecordingTrailer.chunkLength)
            let raw = try source.read(RecordingTrailer.chunkLength, at: place)
            guard let header = ChunkHeader(Array(raw.prefix(RecordingFormat.chunkHeader))),
                header.flags == .final, header.sealedLength == RecordingTrailer.sealedLength, header.index > 0,
                let index = Int(exactly: header.index),
                case .trailer(let trailer)? = try item(in: raw, header, seal)
            else { return nil }
            let length = place - trailer.directoryOffset
            guard trailer.directoryOffset > 0, length > 0, length < Int64(RecordingFormat.maximumSealed) else {
                return nil
            }
            let before = try source.read(Int(length), at: trailer.directoryOffset)
            guard let own = ChunkHeader(Array(before.prefix(RecordingFormat.chunkHeader))),
                own.index == UInt64(index - 1), before.count == RecordingFormat.chunkHeader + own.sealedLength,
                case .directory(let keyframes)? = try item(in: before, own, seal)
            else { return nil }
            return (keyframes, trailer, index + 1)
        } catch {
            // Whatever is wrong there, the walk over the headers finds it and names it.
            return nil
        }
    }

    private static func item(
        in raw: [UInt8], _ header: ChunkHeader, _ seal: ChunkSeal
    ) throws(RecordingError) -> SegmentReader.Item? {
        guard let compressed = seal.open(raw.dropFirst(RecordingFormat.chunkHeader), header: header),
            let content = Inflater.inflate(compressed, length: header.rawLength)
        else { return nil }
        var reader = try SegmentReader(content, chunk: Int(clamping: header.index))
        return try reader.next()
    }

    /// Microseconds from the start to the last event that plays.
    public func duration() throws(RecordingError) -> Int64 {
        if let directory { return directory.trailer.endTime }
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
    public func events() -> RecordingEvents { RecordingEvents(reader: self, chunk: 0, offset: start) }

    /// Every event that is no output, input or change of size, in order, until `take` says that it has enough. Where the
    /// file says which chunks have such events, no other is read.
    public func eachMark(_ take: (RecordingEvent) throws -> Bool) throws {
        guard let places = directory?.keyframes.marked else {
            var events = events()
            while let event = try events.next() {
                if !event.kind.isStream, try !take(event) { return }
            }
            return
        }
        for place in places {
            guard let location = try location(of: place.chunk, at: place.offset) else { return }
            let raw = try rawChunk(place.chunk, at: location)
            let content = try content(of: place.chunk, raw: raw, at: place.offset)
            var reader = try SegmentReader(content, chunk: place.chunk)
            while let item = try reader.next() {
                if case .event(let event) = item, !event.kind.isStream, try !take(event) { return }
            }
        }
    }

    /// The screen from which to play a moment, and the events that follow it. `time`: microseconds since the start.
    ///
    /// Feed the keyframe to a fresh terminal of its size, then the events up to `time`, and the terminal shows that
    /// moment. Without a directory it decrypts about log₂ of the number of keyframes.
    public func seek(
        to time: Int64
    ) throws(RecordingError) -> (keyframe: RecordingKeyframe, following: RecordingEvents) {
        let place = try keyframe(notAfter: time)
        var events = RecordingEvents(reader: self, chunk: place?.chunk ?? 0, offset: place?.offset ?? start)
        let empty = RecordingKeyframe(
            time: 0, columns: header.columns, rows: header.rows, outputOffset: 0, snapshot: [])
        guard place != nil else { return (empty, events) }
        return (try events.takeKeyframe() ?? empty, events)
    }

    private func keyframe(notAfter time: Int64) throws(RecordingError) -> (chunk: Int, offset: Int64)? {
        if let directory { return directory.keyframes.last(notAfter: time).map { ($0.chunk, $0.offset) } }
        let keyframes = chunks.indices.filter { chunks[$0].flags.contains(.keyframe) }
        var low = 0
        var high = keyframes.count
        while low < high {
            let middle = (low + high) / 2
            let first = try SegmentReader(try open(keyframes[middle]), chunk: keyframes[middle]).firstTime
            if first <= time { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        return (keyframes[low - 1], chunks[keyframes[low - 1]].offset)
    }

    /// Checks every byte: each seal, each link of the chain, and that the end is there.
    /// - Returns: the ending, and the hash of the last good chunk, which the writer's summary names too.
    public func verify() -> (ending: RecordingEnding, chunks: Int, head: [UInt8]) {
        var events = events()
        do throws(RecordingError) {
            while try events.next() != nil {}
            return (ending, chunkCount, events.previousHash)
        } catch {
            return (.damaged(error), error.chunk ?? 0, events.previousHash)
        }
    }

    /// The plain content of one chunk, authenticated.
    func open(_ index: Int) throws(RecordingError) -> [UInt8] {
        let raw = try rawChunk(index)
        return try content(of: index, raw: raw, at: chunks[index].offset)
    }

    /// Header and sealed content as they stand in the file.
    func rawChunk(_ index: Int) throws(RecordingError) -> [UInt8] {
        guard chunks.indices.contains(index) else { throw .malformed("there is no chunk \(index)") }
        return try rawChunk(index, at: chunks[index])
    }

    /// Where a chunk is that begins at `offset`; `nil` after the last one. A recording that was walked over knows it,
    /// another one reads the header there.
    func location(of index: Int, at offset: Int64) throws(RecordingError) -> ChunkLocation? {
        guard directory != nil else {
            if chunks.indices.contains(index) { return chunks[index] }
            if case .damaged(let error) = ending { throw error }
            return nil
        }
        guard offset < end else { return nil }
        let bytes = try source.read(RecordingFormat.chunkHeader, at: offset)
        guard let header = ChunkHeader(bytes) else { throw .altered(chunk: index, offset: offset) }
        guard header.index == UInt64(index) else {
            throw .missing(chunk: index, found: header.index, offset: offset)
        }
        return ChunkLocation(offset: offset, sealedLength: header.sealedLength, flags: header.flags)
    }

    func rawChunk(_ index: Int, at place: ChunkLocation) throws(RecordingError) -> [UInt8] {
        let length = RecordingFormat.chunkHeader + place.sealedLength
        let raw = try source.read(length, at: place.offset)
        guard raw.count == length else { throw .altered(chunk: index, offset: place.offset) }
        return raw
    }

    func content(of index: Int, raw: [UInt8], at offset: Int64) throws(RecordingError) -> [UInt8] {
        guard let header = ChunkHeader(Array(raw.prefix(RecordingFormat.chunkHeader))), header.index == UInt64(index),
            let compressed = seal.open(raw.dropFirst(RecordingFormat.chunkHeader), header: header)
        else { throw .altered(chunk: index, offset: offset) }
        guard let content = Inflater.inflate(compressed, length: header.rawLength) else {
            throw .limit(
                "Chunk \(index) does not inflate to the \(header.rawLength) bytes it declares", chunk: index,
                offset: offset)
        }
        return content
    }
}

/// The events of a recording from some chunk on, one at a time. Holds one chunk in memory.
public struct RecordingEvents: Sendable {
    private let reader: RecordingReader
    private var nextChunk: Int
    /// Where that chunk begins.
    private var offset: Int64
    private var current: SegmentReader?
    private var isFirst = true
    /// Hash of the last chunk that was read; the chain is checked from chunk to chunk.
    private(set) var previousHash: [UInt8]

    init(reader: RecordingReader, chunk: Int, offset: Int64) {
        self.reader = reader
        nextChunk = chunk
        self.offset = offset
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
            guard let place = try reader.location(of: nextChunk, at: offset) else { return nil }
            current = try SegmentReader(try readChunk(nextChunk, place), chunk: nextChunk)
            nextChunk += 1
            offset = place.end
        }
    }

    private mutating func readChunk(_ index: Int, _ place: ChunkLocation) throws(RecordingError) -> [UInt8] {
        let raw = try reader.rawChunk(index, at: place)
        // After a seek the chunk before was not read: the seal alone vouches for this one.
        let isChained = !isFirst || index == 0
        if isChained, place.previousHash(in: raw) != previousHash {
            throw .chainBroken(chunk: index, offset: place.offset)
        }
        let content = try reader.content(of: index, raw: raw, at: place.offset)
        isFirst = false
        previousHash = Array(SHA256.hash(data: raw))
        return content
    }
}
