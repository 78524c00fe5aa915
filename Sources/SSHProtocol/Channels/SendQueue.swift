import NIOCore

/// Data that waits for the peer's window, the socket, or the end of a key exchange. Bounded. Standard output and standard
/// error keep their order.
struct SendQueue {
    /// Above the upper mark writers are asked to stop, below the lower one to go on.
    static let upperMark = 256 * 1024
    static let lowerMark = 64 * 1024
    /// Beyond it a write is refused as a whole.
    static let limit = 8 << 20

    private struct Piece {
        var data: ByteBuffer
        var stream: SSHDataStream
    }

    private var pieces = CircularBuffer<Piece>()
    private(set) var bytes = 0

    /// The stream whose turn it is.
    var stream: SSHDataStream { pieces.first?.stream ?? .standardOutput }

    mutating func append(_ data: ByteBuffer, _ stream: SSHDataStream) -> Bool {
        guard data.readableBytes > 0 else { return true }
        guard bytes + data.readableBytes <= Self.limit else { return false }
        bytes += data.readableBytes
        pieces.append(Piece(data: data, stream: stream))
        return true
    }

    /// Moves up to `count` bytes of one stream into `buffer`; small pieces share a packet.
    ///
    /// - Returns: The bytes moved.
    mutating func move(_ count: Int, into buffer: inout ByteBuffer) -> Int {
        let stream = stream
        var left = min(count, bytes)
        let wanted = left
        while left > 0, let first = pieces.first, first.stream == stream, var piece = pieces.popFirst() {
            if piece.data.readableBytes <= left {
                left -= piece.data.readableBytes
                buffer.writeImmutableBuffer(piece.data)
            } else if let part = piece.data.readSlice(length: left) {
                left = 0
                buffer.writeImmutableBuffer(part)
                pieces.prepend(piece)
            }
        }
        bytes -= wanted - left
        return wanted - left
    }

    mutating func removeAll() {
        pieces.removeAll()
        bytes = 0
    }
}
