import NIOConcurrencyHelpers
import NIOCore

/// Memory for the pieces of files that are read to be sent. A piece's serves again when the piece was answered: fresh
/// memory costs the system a fault for each of its pages, a fifth of what an upload took.
final class PieceMemory: Sendable {
    private static let maximumSpares = 16
    private static let smallestSpare = 32 * 1024

    private let spares = NIOLockedValueBox<[ByteBuffer]>([])

    /// An empty buffer with room for so many bytes.
    func take(_ capacity: Int) -> ByteBuffer {
        var buffer = spares.withLockedValue { $0.popLast() } ?? ByteBuffer()
        buffer.clear(minimumCapacity: capacity)
        return buffer
    }

    /// If others still hold the buffer, its memory is theirs.
    func give(_ buffer: ByteBuffer) {
        guard buffer.storageCapacity >= Self.smallestSpare else { return }
        spares.withLockedValue { if $0.count < Self.maximumSpares { $0.append(buffer) } }
    }
}
