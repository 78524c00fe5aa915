import NIOCore

/// Packets before the first SSH_MSG_NEWKEYS: no cipher, no MAC, padded to 8 bytes (RFC 4253 §6).
public struct CleartextPackets {
    private static let blockSize = 8
    private var padding = PaddingPool()

    public init() {}

    /// Appends one packet for the readable bytes of `payload` (1 byte to 256 KiB) to `out`.
    public mutating func seal(_ payload: ByteBuffer, into out: inout ByteBuffer) throws(SSHCryptoError) {
        let layout = try PacketLayout(sealing: payload.readableBytes, blockSize: Self.blockSize, alignsLength: true)
        try out.appendPacket(payload, layout: layout, tagLength: 0, padding: &padding) { _ in 0 }
    }

    /// Takes one packet off the head of `buffer`: its payload as a slice, at least one byte long, or nil while bytes
    /// are missing.
    ///
    /// Throws `invalidLength` as soon as the length is known to break the packet format or `maximumPacketLength`.
    public mutating func open(
        _ buffer: inout ByteBuffer, maximumPacketLength: Int
    ) throws(SSHCryptoError) -> ByteBuffer? {
        guard let value = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        let packetLength = try PacketLayout.check(
            packetLength: value, blockSize: Self.blockSize, alignsLength: true, maximum: maximumPacketLength)
        guard buffer.readableBytes >= PacketLayout.lengthField + packetLength else { return nil }
        return try buffer.readPayload(packetLength: packetLength, tagLength: 0)
    }
}
