// Framing of a stream that is passed on: contents go through as they come, everything else packet by packet.

import NIOCore

/// One direction of an inspected connection.
struct PassingPackets {
    /// What came and is not decided about.
    private var buffer = ByteBuffer()
    /// Bytes of the packet in passing that are still to come.
    private var left = 0
    /// Those bytes are for nobody.
    private(set) var isDropping = false

    /// The beginning of a packet: its whole length on the wire, and its type.
    struct Head {
        let whole: Int
        let type: UInt8
    }

    struct ContentsHeader {
        let id: UInt32
        let handle: SFTPHandle
        let offset: UInt64
        /// Bytes before the contents.
        let length: Int
    }

    /// Whether a packet has begun to pass and has not ended.
    var isWithinPacket: Bool { left > 0 }

    mutating func append(_ data: ByteBuffer) {
        if buffer.readableBytes == 0 { buffer = data } else { buffer.writeImmutableBuffer(data) }
    }

    /// The next contents of the packet in passing; nil at its end, and when nothing is there.
    mutating func passing() -> ByteBuffer? {
        guard left > 0, buffer.readableBytes > 0 else { return nil }
        let contents = buffer.readSlice(length: min(left, buffer.readableBytes))
        left -= contents?.readableBytes ?? 0
        return contents
    }

    /// The packet that begins here; nil when its beginning, or the rest of the one in passing, is not there yet.
    mutating func head() throws(SFTPStatus) -> Head? {
        guard left == 0 else { return nil }
        guard buffer.readableBytes > 0 else {
            buffer = ByteBuffer()
            return nil
        }
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard length >= 1, length <= UInt32(clamping: SFTPLimits.maximumPacket) else {
            throw SFTPStatus(.badMessage, "A packet of \(length) bytes is announced")
        }
        guard let type = buffer.getInteger(at: buffer.readerIndex + 4, as: UInt8.self) else { return nil }
        return Head(whole: 4 + Int(length), type: type)
    }

    /// A whole packet with its head; nil when some of it is missing.
    mutating func packet(_ head: Head) -> ByteBuffer? { buffer.readSlice(length: head.whole) }

    /// What stands before the contents of a WRITE: id, handle, offset and their length.
    func writeHeader(_ head: Head) throws(SFTPStatus) -> ContentsHeader? {
        let start = buffer.readerIndex
        guard let id = buffer.getInteger(at: start + 5, as: UInt32.self),
            let handleLength = buffer.getInteger(at: start + 9, as: UInt32.self)
        else { return nil }
        guard handleLength <= UInt32(SFTPHandle.maximumLength) else {
            throw SFTPStatus(.badMessage, "A handle is too long")
        }
        let after = start + 13 + Int(handleLength)
        guard let handle = buffer.getBytes(at: start + 13, length: Int(handleLength)),
            let offset = buffer.getInteger(at: after, as: UInt64.self),
            let count = buffer.getInteger(at: after + 8, as: UInt32.self)
        else { return nil }
        let length = after + 12 - start
        // Bytes behind the contents would pass uncounted.
        guard length + Int(count) == head.whole else { throw SFTPStatus(.badMessage, "A WRITE has a wrong length") }
        return ContentsHeader(id: id, handle: SFTPHandle(bytes: handle), offset: offset, length: length)
    }

    /// The same of a DATA: id and length.
    func dataHeader(_ head: Head) throws(SFTPStatus) -> (id: UInt32, length: Int)? {
        guard let id = buffer.getInteger(at: buffer.readerIndex + 5, as: UInt32.self),
            let count = buffer.getInteger(at: buffer.readerIndex + 9, as: UInt32.self)
        else { return nil }
        guard 13 + Int(count) <= head.whole else { throw SFTPStatus(.badMessage, "A DATA has a wrong length") }
        return (id, 13)
    }

    /// Takes what stands before the contents; the contents follow by ``passing()``.
    @discardableResult
    mutating func pass(_ header: Int, of head: Head, isDropped: Bool) -> ByteBuffer {
        isDropping = isDropped
        left = head.whole - header
        return buffer.readSlice(length: header) ?? ByteBuffer()
    }
}
