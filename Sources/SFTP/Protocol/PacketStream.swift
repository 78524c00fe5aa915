// Framing: draft-ietf-secsh-filexfer-02 §3. A length of four bytes, then that many bytes of type and body.

import NIOCore

/// Cuts a stream of bytes into packets.
struct PacketStream {
    private var buffer = ByteBuffer()
    private let limit: Int

    init(limit: Int = SFTPLimits.maximumPacket) { self.limit = limit }

    /// Bytes that wait for the rest of their packet.
    var pendingBytes: Int { buffer.readableBytes }

    mutating func append(_ data: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = data
        } else {
            if buffer.readerIndex > 64 * 1024 { buffer.discardReadBytes() }
            buffer.writeImmutableBuffer(data)
        }
    }

    /// The next whole packet: its type and its body. nil when more bytes are needed.
    ///
    /// - Throws: `badMessage` for a length of zero or beyond the limit: after it nothing can be trusted.
    mutating func next() throws(SFTPStatus) -> (type: UInt8, body: ByteBuffer)? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard length >= 1, length <= UInt32(clamping: limit) else {
            throw SFTPStatus(.badMessage, "A packet of \(length) bytes is announced")
        }
        guard buffer.readableBytes >= 4 + Int(length) else {
            buffer.reserveCapacity(minimumWritableBytes: max(0, 4 + Int(length) - buffer.readableBytes))
            return nil
        }
        buffer.moveReaderIndex(forwardBy: 4)
        guard let type = buffer.readInteger(as: UInt8.self), let body = buffer.readSlice(length: Int(length) - 1) else {
            return nil
        }
        return (type, body)
    }
}
