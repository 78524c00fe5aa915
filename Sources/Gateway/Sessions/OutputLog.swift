import NIOCore

/// The output of a session as one append-only byte stream with absolute offsets, of which the tail is kept in memory.
///
/// Late join, resume after a lost link and catching up of a slow viewer are all "read from an offset". Changes of the
/// terminal's size stand at their offset in the same order, so that every reader sees the same sequence.
public struct OutputLog: Sendable {
    /// A change of the terminal's size, in columns × rows, that holds from `offset` on.
    public struct Resize: Sendable, Equatable {
        public let offset: UInt64
        public let columns: Int
        public let rows: Int
    }

    /// Where a reader stands: the next byte, and the next change of size.
    public struct Cursor: Sendable, Equatable {
        public var offset: UInt64
        var resize: Int
    }

    /// What a reader gets next, in order.
    public enum Piece: Sendable, Equatable {
        case output(offset: UInt64, ByteBuffer)
        case resize(Resize)
    }

    private struct Segment: Sendable {
        let offset: UInt64
        var bytes: ByteBuffer
        var end: UInt64 { offset + UInt64(bytes.readableBytes) }
    }

    /// Bytes kept in memory at most, beside the segment that is being filled.
    public let capacity: Int
    /// The offset of the first byte still kept.
    public private(set) var start: UInt64 = 0
    /// The offset that the next byte will get.
    public private(set) var end: UInt64 = 0

    private var segments: [Segment] = []
    private var first = 0
    private var resizes: [Resize] = []
    private var droppedResizes = 0

    /// Small appends share a segment up to this many bytes, so that single key strokes cost no allocation each.
    private static let segmentSize = 16 * 1024
    private static let resizesKept = 4096

    public init(capacity: Int = 2 * 1024 * 1024) {
        self.capacity = capacity
    }

    /// Appends what the host sent.
    public mutating func append(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        guard count > 0 else { return }
        if let last = segments.indices.last, last >= first,
            segments[last].bytes.readableBytes + count <= Self.segmentSize
        {
            segments[last].bytes.writeImmutableBuffer(bytes)
        } else {
            // Copied, never kept: a slice of the connection's buffer would make its next read copy the whole buffer.
            var fresh = ByteBuffer()
            fresh.reserveCapacity(max(count, Self.segmentSize))
            fresh.writeImmutableBuffer(bytes)
            segments.append(Segment(offset: end, bytes: fresh))
        }
        end += UInt64(count)
        dropOldest()
    }

    /// Notes that the terminal has another size from here on.
    public mutating func resize(columns: Int, rows: Int) {
        resizes.append(Resize(offset: end, columns: columns, rows: rows))
        if resizes.count > Self.resizesKept {
            resizes.removeFirst(Self.resizesKept / 2)
            droppedResizes += Self.resizesKept / 2
        }
    }

    private mutating func dropOldest() {
        while first < segments.count - 1, end - start > UInt64(capacity) {
            start = segments[first].end
            segments[first].bytes = ByteBuffer()
            first += 1
        }
        // The array gives its dead head back in one move now and then, which keeps an append at constant cost.
        if first > 256, first * 2 > segments.count {
            segments.removeFirst(first)
            first = 0
        }
    }

    /// The position of a reader that has every byte before `offset`; nil when that byte is no longer kept, or not yet there.
    public func cursor(at offset: UInt64) -> Cursor? {
        guard offset >= start, offset <= end else { return nil }
        let index = resizes.firstIndex { $0.offset >= offset } ?? resizes.count
        return Cursor(offset: offset, resize: droppedResizes + index)
    }

    /// The position behind everything.
    public var endCursor: Cursor { Cursor(offset: end, resize: droppedResizes + resizes.count) }

    /// Whether nothing new waits for this reader.
    public func isAtEnd(_ cursor: Cursor) -> Bool { cursor == endCursor }

    /// The next pieces for a reader, at most `limit` bytes of output, and moves the reader on.
    ///
    /// - Returns: nil when the reader's position is no longer kept: it needs a snapshot.
    public func read(_ cursor: inout Cursor, limit: Int) -> [Piece]? {
        guard cursor.offset >= start, cursor.resize >= droppedResizes else { return nil }
        var pieces: [Piece] = []
        var budget = limit
        while true {
            let resize = nextResize(cursor)
            if let resize, resize.offset <= cursor.offset {
                pieces.append(.resize(resize))
                cursor.resize += 1
                continue
            }
            guard budget > 0, cursor.offset < end, let bytes = output(at: cursor.offset, limit: budget, before: resize)
            else { return pieces }
            pieces.append(.output(offset: cursor.offset, bytes))
            cursor.offset += UInt64(bytes.readableBytes)
            budget -= bytes.readableBytes
        }
    }

    private func nextResize(_ cursor: Cursor) -> Resize? {
        let index = cursor.resize - droppedResizes
        return resizes.indices.contains(index) ? resizes[index] : nil
    }

    private func output(at offset: UInt64, limit: Int, before resize: Resize?) -> ByteBuffer? {
        var low = first
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].end <= offset { low = middle + 1 } else { high = middle }
        }
        guard segments.indices.contains(low) else { return nil }
        let segment = segments[low]
        let skip = Int(offset - segment.offset)
        var count = min(segment.bytes.readableBytes - skip, limit)
        if let resize { count = min(count, Int(resize.offset - offset)) }
        return segment.bytes.getSlice(at: segment.bytes.readerIndex + skip, length: count)
    }
}
