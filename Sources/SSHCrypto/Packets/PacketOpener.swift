import CSSHCipher
import NIOCore

/// Verifies and decrypts the packets of one direction from one SSH_MSG_NEWKEYS to the next.
///
/// Decrypts in place in the caller's receive buffer. Not Sendable: it belongs to one connection. After it threw once it
/// throws the same for ever: nothing behind a damaged packet can be trusted (RFC 4253 §11.1, reason 5).
public final class PacketOpener {
    private let protection: PacketProtection
    private let blockSize: Int
    private let tagLength: Int
    private let isChained: Bool
    /// Bytes to wait for before a damaged length is answered, once there was one; see ``readLength(_:_:_:_:)``.
    private var discardLength: Int?
    /// The length of the packet at the head of the buffer, once it is known and within its limits.
    private var packetLength: Int?
    private var failure: SSHCryptoError?

    /// Readable bytes that a buffer needs before the next ``open(_:sequenceNumber:maximumPacketLength:)`` can give a
    /// packet, counted from its reader index. A hint for the size of the next read, at least 1.
    public private(set) var bytesNeeded: Int

    /// The parameters are those of ``PacketSealer/init(cipher:mac:key:iv:macKey:)``.
    public init(
        cipher: CipherName, mac: MACName?, key: [UInt8], iv: [UInt8], macKey: [UInt8]
    ) throws(SSHCryptoError) {
        protection = try PacketProtection(cipher: cipher, mac: mac, key: key, iv: iv, macKey: macKey, encrypts: false)
        blockSize = cipher.blockSize
        tagLength = cipher.isAEAD ? cipher.tagLength : mac?.tagLength ?? 0
        isChained = cipher.isLegacy
        bytesNeeded = PacketLayout.lengthField
        bytesNeeded = headLength
    }

    /// Takes one packet off the head of `buffer` and gives its payload, at least one byte long.
    ///
    /// - Parameters:
    ///   - buffer: the connection's receive buffer. It may be changed beyond what is consumed (decryption in place), so
    ///     hand over the same buffer until the packet is complete. The returned slice shares its memory: while somebody
    ///     keeps the slice, the next call copies the buffer first.
    ///   - sequenceNumber: of this packet; the caller counts.
    ///   - maximumPacketLength: bytes that the packet_length field may say. Checked as soon as it is known, so that a
    ///     hostile length is never waited for.
    ///   - isOwned: nobody else reads bytes of `buffer` that are not opened yet, though others may keep its memory, such
    ///     as slices of earlier packets: it is decrypted where it lies, and nothing is ever copied.
    /// - Returns: nil while bytes are missing (see ``bytesNeeded``).
    ///
    /// Throws `invalidLength` or `macMismatch`; for GCM, ChaCha20 and EtM nothing but the length is looked at before
    /// the tag is verified.
    public func open(
        _ buffer: inout ByteBuffer, sequenceNumber: UInt32, maximumPacketLength: Int, isOwned: Bool = false
    ) throws(SSHCryptoError) -> ByteBuffer? {
        if let failure { throw failure }
        do throws(SSHCryptoError) {
            return try openNext(&buffer, sequenceNumber, maximumPacketLength, isOwned)
        } catch {
            failure = error
            throw error
        }
    }

    private func openNext(
        _ buffer: inout ByteBuffer, _ sequence: UInt32, _ maximum: Int, _ isOwned: Bool
    ) throws(SSHCryptoError) -> ByteBuffer? {
        if packetLength == nil, discardLength == nil {
            packetLength = try readLength(&buffer, sequence, maximum, isOwned)
        }
        if let discardLength, buffer.readableBytes >= discardLength { throw .macMismatch }
        guard let packetLength else { return nil }
        let length = PacketLayout.lengthField + packetLength
        bytesNeeded = length + tagLength
        guard buffer.readableBytes >= bytesNeeded else { return nil }

        let code = buffer.withPacketBytes(isOwned) { unprotect($0, length: length, sequence) }
        guard code != Int32(SSH_CIPHER_MISMATCH) else { throw .macMismatch }
        guard code == 0 else { throw .internalFailure("A packet could not be decrypted.") }

        self.packetLength = nil
        bytesNeeded = headLength
        return try buffer.readPayload(packetLength: packetLength, tagLength: tagLength)
    }

    /// Bytes from which the length can be told: the field itself, or the first cipher block that hides it.
    private var headLength: Int {
        if case .encryptAndMAC = protection { blockSize } else { PacketLayout.lengthField }
    }

    /// The length at the head of the buffer, decrypted and checked; nil while bytes are missing.
    ///
    /// With CBC and encrypt-and-MAC a wrong length is not answered at once: the attacker chose the ciphertext block and
    /// would learn plaintext of another packet from when and how the connection ends (CVE-2008-5161). As many bytes as
    /// the longest packet has are waited for, and then it is a damaged packet like every other.
    private func readLength(
        _ buffer: inout ByteBuffer, _ sequence: UInt32, _ maximum: Int, _ isOwned: Bool
    ) throws(SSHCryptoError) -> Int? {
        guard buffer.readableBytes >= headLength else { return nil }
        var value: UInt32 = 0
        var alignsLength = false
        var code: Int32 = 0
        switch protection {
        case .gcm, .encryptThenMAC: break
        case .chacha(let chacha):
            code = buffer.withUnsafeReadableBytes { raw -> Int32 in
                guard let header = raw.bindMemory(to: UInt8.self).baseAddress else { return -1 }
                return ssh_chacha_length(chacha.pointer, sequence, header, &value)
            }
        case .encryptAndMAC(let stream, _):
            alignsLength = true
            code = buffer.withPacketBytes(isOwned) { ssh_stream_apply(stream.pointer, $0, blockSize) }
        }
        guard code == 0 else { throw .internalFailure("A packet's length could not be decrypted.") }
        if case .chacha = protection {
        } else {
            value = buffer.getInteger(at: buffer.readerIndex) ?? 0
        }
        do throws(SSHCryptoError) {
            return try PacketLayout.check(
                packetLength: value, blockSize: blockSize, alignsLength: alignsLength, maximum: maximum)
        } catch {
            guard alignsLength, isChained else { throw error }
            discardLength = PacketLayout.lengthField + max(maximum, blockSize) + tagLength
            bytesNeeded = discardLength ?? bytesNeeded
            return nil
        }
    }

    /// Verifies the tag behind the `length` bytes at `packet` and decrypts them. Gives the C code.
    private func unprotect(_ packet: UnsafeMutablePointer<UInt8>, length: Int, _ sequence: UInt32) -> Int32 {
        let field = PacketLayout.lengthField
        let tag = packet + length
        switch protection {
        case .gcm(let gcm):
            return ssh_gcm_open(gcm.pointer, packet, field, packet + field, length - field, tag)
        case .chacha(let chacha):
            return ssh_chacha_open(chacha.pointer, sequence, packet, length, tag)
        case .encryptThenMAC(let stream, let hmac):
            let code = ssh_hmac_verify(hmac.pointer, sequence, packet, length, tag)
            return code == 0 ? ssh_stream_apply(stream.pointer, packet + field, length - field) : code
        case .encryptAndMAC(let stream, let hmac):
            // The first block was decrypted for its length.
            let code = ssh_stream_apply(stream.pointer, packet + blockSize, length - blockSize)
            return code == 0 ? ssh_hmac_verify(hmac.pointer, sequence, packet, length, tag) : code
        }
    }
}

extension ByteBuffer {
    /// The readable bytes, to be changed. Memory that others keep too is copied before, unless the bytes are ours.
    fileprivate mutating func withPacketBytes(
        _ isOwned: Bool, _ body: (UnsafeMutablePointer<UInt8>) -> Int32
    ) -> Int32 {
        guard isOwned else {
            return withUnsafeMutableReadableBytes { raw -> Int32 in
                guard let bytes = raw.bindMemory(to: UInt8.self).baseAddress else { return -1 }
                return body(bytes)
            }
        }
        let offset = readerIndex
        return withVeryUnsafeBytes { raw -> Int32 in
            guard let base = raw.baseAddress else { return -1 }
            return body(UnsafeMutableRawPointer(mutating: base + offset).assumingMemoryBound(to: UInt8.self))
        }
    }

    /// Consumes a decrypted packet and its tag; gives the payload. The caller has made sure that they are there.
    mutating func readPayload(packetLength: Int, tagLength: Int) throws(SSHCryptoError) -> ByteBuffer {
        let truncated = SSHCryptoError.invalidLength("A packet ended before its length.")
        guard readInteger(as: UInt32.self) != nil, let paddingLength = readInteger(as: UInt8.self) else {
            throw truncated
        }
        let payloadLength = try PacketLayout.payloadLength(
            packetLength: packetLength, paddingLength: Int(paddingLength))
        guard let payload = readSlice(length: payloadLength),
            readableBytes >= Int(paddingLength) + tagLength
        else { throw truncated }
        moveReaderIndex(forwardBy: Int(paddingLength) + tagLength)
        return payload
    }
}
