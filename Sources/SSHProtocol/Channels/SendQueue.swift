import NIOCore

/// Data that waits for the peer's window, the socket, or the end of a key exchange. Bounded.
struct SendQueue {
    /// Above the upper mark writers are asked to stop, below the lower one to go on.
    static let upperMark = 256 * 1024
    static let lowerMark = 64 * 1024
    /// Beyond it a write is refused as a whole.
    static let limit = 8 << 20

    private var pieces = CircularBuffer<ByteBuffer>()
    private(set) var bytes = 0

    mutating func append(_ data: ByteBuffer) -> Bool {
        guard data.readableBytes > 0 else { return true }
        guard bytes + data.readableBytes <= Self.limit else { return false }
        bytes += data.readableBytes
        pieces.append(data)
        return true
    }

    /// Moves up to `count` bytes into `buffer`; small pieces share a packet.
    mutating func move(_ count: Int, into buffer: inout ByteBuffer) {
        var left = min(count, bytes)
        bytes -= left
        while left > 0, var piece = pieces.popFirst() {
            if piece.readableBytes <= left {
                left -= piece.readableBytes
                buffer.writeImmutableBuffer(piece)
            } else if let part = piece.readSlice(length: left) {
                left = 0
                buffer.writeImmutableBuffer(part)
                pieces.prepend(piece)
            }
        }
    }

    mutating func removeAll() {
        pieces.removeAll()
        bytes = 0
    }
}
