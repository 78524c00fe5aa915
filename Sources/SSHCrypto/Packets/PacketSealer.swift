import CSSHCipher
import NIOCore

/// Protects the packets of one direction from one SSH_MSG_NEWKEYS to the next.
///
/// Works in place and allocates nothing for a packet, as long as the target buffer has room. Not Sendable: it belongs
/// to one connection.
public final class PacketSealer {
    private let protection: PacketProtection
    private let blockSize: Int
    private let tagLength: Int
    private var padding = PaddingPool()

    /// - Parameters:
    ///   - cipher: the negotiated cipher.
    ///   - mac: the negotiated MAC; an AEAD cipher needs none and ignores it.
    ///   - key: `cipher.keyLength` bytes.
    ///   - iv: `cipher.ivLength` bytes.
    ///   - macKey: `mac.keyLength` bytes, empty for an AEAD cipher.
    ///
    /// Throws `unsupported` for AES-CTR or CBC without MAC, `invalidLength` for keys of the wrong length.
    public init(
        cipher: CipherName, mac: MACName?, key: [UInt8], iv: [UInt8], macKey: [UInt8]
    ) throws(SSHCryptoError) {
        protection = try PacketProtection(cipher: cipher, mac: mac, key: key, iv: iv, macKey: macKey, encrypts: true)
        blockSize = cipher.blockSize
        tagLength = cipher.isAEAD ? cipher.tagLength : mac?.tagLength ?? 0
    }

    /// Appends one whole binary packet (RFC 4253 §6: length, padding length, payload, random padding, tag) to `out`.
    ///
    /// - Parameters:
    ///   - payload: its readable bytes, 1 byte to 256 KiB; it is not consumed.
    ///   - sequenceNumber: of this packet (RFC 4253 §6.4); the caller counts.
    ///   - out: the connection's outbound buffer; unchanged if this throws.
    public func seal(
        _ payload: ByteBuffer, sequenceNumber: UInt32, into out: inout ByteBuffer
    ) throws(SSHCryptoError) {
        let layout = try PacketLayout(sealing: payload.readableBytes, blockSize: blockSize, alignsLength: alignsLength)
        try out.appendPacket(payload, layout: layout, tagLength: tagLength, padding: &padding) {
            protect($0, length: PacketLayout.lengthField + layout.packetLength, sequenceNumber)
        }
    }

    /// Appends one whole binary packet whose payload `write` puts where it will be encrypted: nothing is copied twice.
    ///
    /// - Parameters:
    ///   - capacity: bytes that the payload may take; more than are written costs nothing.
    ///   - sequenceNumber: of this packet (RFC 4253 §6.4); the caller counts.
    ///   - out: the connection's outbound buffer; unchanged if this throws.
    ///   - write: appends the payload, 1 byte to 256 KiB, and changes nothing that stands there already.
    public func seal(
        capacity: Int, sequenceNumber: UInt32, into out: inout ByteBuffer, _ write: (inout ByteBuffer) -> Void
    ) throws(SSHCryptoError) {
        let start = out.writerIndex
        let head = PacketLayout.lengthField + 1
        out.reserveCapacity(
            minimumWritableBytes: head + max(0, capacity) + PacketLayout.maximumPadding + tagLength)
        out.moveWriterIndex(forwardBy: head)
        write(&out)
        do throws(SSHCryptoError) {
            guard out.writerIndex > start + head else {
                throw .invalidLength("A packet needs a payload of at least one byte.")
            }
            let layout = try PacketLayout(
                sealing: out.writerIndex - start - head, blockSize: blockSize, alignsLength: alignsLength)
            try out.finishPacket(at: start, layout: layout, tagLength: tagLength, padding: &padding) {
                protect($0, length: PacketLayout.lengthField + layout.packetLength, sequenceNumber)
            }
        } catch {
            out.moveWriterIndex(to: start)
            throw error
        }
    }

    private var alignsLength: Bool {
        if case .encryptAndMAC = protection { true } else { false }
    }

    /// Encrypts the `length` bytes at `packet` and writes the tag behind them. Gives the C code.
    private func protect(_ packet: UnsafeMutablePointer<UInt8>, length: Int, _ sequence: UInt32) -> Int32 {
        let field = PacketLayout.lengthField
        let tag = packet + length
        switch protection {
        case .gcm(let gcm):
            return ssh_gcm_seal(gcm.pointer, packet, field, packet + field, length - field, tag)
        case .chacha(let chacha):
            return ssh_chacha_seal(chacha.pointer, sequence, packet, length, tag)
        case .encryptThenMAC(let stream, let hmac):
            let code = ssh_stream_apply(stream.pointer, packet + field, length - field)
            return code == 0 ? ssh_hmac_packet(hmac.pointer, sequence, packet, length, tag) : code
        case .encryptAndMAC(let stream, let hmac):
            let code = ssh_hmac_packet(hmac.pointer, sequence, packet, length, tag)
            return code == 0 ? ssh_stream_apply(stream.pointer, packet, length) : code
        }
    }
}

extension PacketLayout {
    /// The layout for sealing `payload`, whose size is checked here.
    init(sealing payloadLength: Int, blockSize: Int, alignsLength: Bool) throws(SSHCryptoError) {
        guard payloadLength > 0, payloadLength <= Self.maximumPayload else {
            throw SSHCryptoError(
                .invalidLength, "A payload of \(payloadLength) bytes does not fit into a packet.",
                hint: "Send between 1 byte and 256 KiB at a time.")
        }
        self.init(payloadLength: payloadLength, blockSize: blockSize, alignsLength: alignsLength)
    }
}

extension ByteBuffer {
    /// Puts length and padding length before the payload that stands behind `start`, padding and room for the tag behind
    /// it, and lets `protect` work on the packet. If anything fails, the bytes from `start` on mean nothing.
    fileprivate mutating func finishPacket(
        at start: Int, layout: PacketLayout, tagLength: Int, padding: inout PaddingPool,
        protect: (UnsafeMutablePointer<UInt8>) -> Int32
    ) throws(SSHCryptoError) {
        setInteger(UInt32(layout.packetLength), at: start)
        setInteger(UInt8(layout.paddingLength), at: start + PacketLayout.lengthField)
        var failure: SSHCryptoError?
        writeWithUnsafeMutableBytes(minimumWritableBytes: layout.paddingLength + tagLength) { target in
            do throws(SSHCryptoError) {
                try padding.fill(.init(rebasing: target[..<layout.paddingLength]))
            } catch { failure = error }
            return layout.paddingLength + tagLength
        }
        if let failure { throw failure }
        let offset = start - readerIndex
        let code = withUnsafeMutableReadableBytes { bytes -> Int32 in
            guard let base = bytes.bindMemory(to: UInt8.self).baseAddress else { return -1 }
            return protect(base + offset)
        }
        guard code == 0 else { throw .internalFailure("A packet could not be encrypted.") }
    }

    /// Writes length, padding length, payload and padding behind what there is, leaves room for the tag and lets
    /// `protect` work on the packet. If anything fails, nothing counts as written.
    mutating func appendPacket(
        _ payload: ByteBuffer, layout: PacketLayout, tagLength: Int, padding: inout PaddingPool,
        protect: (UnsafeMutablePointer<UInt8>) -> Int32
    ) throws(SSHCryptoError) {
        let payloadLength = payload.readableBytes
        let total = PacketLayout.lengthField + layout.packetLength + tagLength
        var failure: SSHCryptoError?
        payload.withUnsafeReadableBytes { source in
            _ = writeWithUnsafeMutableBytes(minimumWritableBytes: total) { target in
                let packet = UnsafeMutableRawBufferPointer(rebasing: target[..<total])
                packet.storeBytes(of: UInt32(layout.packetLength).bigEndian, as: UInt32.self)
                packet[4] = UInt8(layout.paddingLength)
                let body = PacketLayout.lengthField + 1
                UnsafeMutableRawBufferPointer(rebasing: packet[body..<body + payloadLength]).copyMemory(from: source)
                let tail = body + payloadLength
                do throws(SSHCryptoError) {
                    try padding.fill(.init(rebasing: packet[tail..<tail + layout.paddingLength]))
                } catch {
                    failure = error
                    return 0
                }
                guard let base = packet.bindMemory(to: UInt8.self).baseAddress, protect(base) == 0 else {
                    failure = .internalFailure("A packet could not be encrypted.")
                    return 0
                }
                return total
            }
        }
        if let failure { throw failure }
    }
}
