// Framing: draft-ietf-secsh-filexfer-02 §3. A length of four bytes, then that many bytes of type and body.

import NIOCore

/// Cuts a stream of bytes into packets.
///
/// A packet that came in one piece is handed on where it lies. One that came in several is put together in memory of its
/// own, which whoever is done with it may give back for the next one: large packets are the rule in a transfer, and fresh
/// memory for each costs more than the copy.
struct PacketStream {
    /// What came and is not looked at yet.
    private var buffer = ByteBuffer()
    /// The beginning of a packet whose end is to come; its length is known.
    private var partial = ByteBuffer()
    /// Bytes of the packet in `partial`, its length field included; 0 while there is none.
    private var wanted = 0
    private var spares: [ByteBuffer] = []
    /// Whether the latest packet lies in memory of its own, to be given back by `reuse`.
    private(set) var isJoined = false
    private let limit: Int

    /// Memory that is kept for packets to come: as much as a transfer has under way as a rule.
    private static let maximumSpares = 16
    private static let smallestSpare = 16 * 1024

    init(limit: Int = SFTPLimits.maximumPacket) { self.limit = limit }

    /// Bytes that wait for the rest of their packet.
    var pendingBytes: Int { buffer.readableBytes + partial.readableBytes }

    mutating func append(_ data: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = data
        } else {
            buffer.writeImmutableBuffer(data)
        }
    }

    /// The next whole packet: its type and its body. nil when more bytes are needed.
    ///
    /// - Throws: `badMessage` for a length of zero or beyond the limit: after it nothing can be trusted.
    mutating func next() throws(SFTPStatus) -> (type: UInt8, body: ByteBuffer)? {
        if wanted == 0 {
            guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
            guard length >= 1, length <= UInt32(clamping: limit) else {
                throw SFTPStatus(.badMessage, "A packet of \(length) bytes is announced")
            }
            let whole = 4 + Int(length)
            if buffer.readableBytes >= whole {
                isJoined = false
                return Self.packet(in: &buffer, whole)
            }
            wanted = whole
            partial = spares.popLast() ?? ByteBuffer()
            partial.clear(minimumCapacity: whole)
        }
        // No more of what came than the packet takes: the rest may be a whole packet again.
        if var part = buffer.readSlice(length: min(buffer.readableBytes, wanted - partial.readableBytes)) {
            partial.writeBuffer(&part)
        }
        if buffer.readableBytes == 0 { buffer = ByteBuffer() }
        guard partial.readableBytes == wanted else { return nil }
        var packet = ByteBuffer()
        swap(&packet, &partial)
        defer { wanted = 0 }
        isJoined = true
        return Self.packet(in: &packet, wanted)
    }

    private static func packet(in buffer: inout ByteBuffer, _ length: Int) -> (type: UInt8, body: ByteBuffer)? {
        buffer.moveReaderIndex(forwardBy: 4)
        guard let type = buffer.readInteger(as: UInt8.self), let body = buffer.readSlice(length: length - 5) else {
            return nil
        }
        return (type, body)
    }

    /// Takes back the memory of a packet that was joined. While others hold it too, it is theirs.
    mutating func reuse(_ memory: ByteBuffer) {
        guard memory.storageCapacity >= Self.smallestSpare, spares.count < Self.maximumSpares else { return }
        spares.append(memory)
    }

    /// Nothing is under way: nothing is kept either.
    mutating func shrink() { spares = [] }
}
