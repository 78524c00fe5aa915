// Inbound packets (RFC 4253 §6): from bytes to verified payloads.

import NIOCore
import SSHCrypto

/// Owns the inbound byte stream: opens one packet after the other, in place.
struct PacketReader {
    /// Limits of this implementation: RFC 4253 §6.1 asks for at least 35,000 bytes.
    static let maximumLength = 256 * 1024
    static let maximumLengthBeforeAuthentication = 64 * 1024

    /// What is being opened, and what came behind it. Reads are taken over as they are; of a packet that two reads share,
    /// the first part is joined with the rest in memory of its own, so that no more than that is copied.
    private var buffer = ByteBuffer()
    private var behind = ByteBuffer()
    /// Memory for the next packet that has to be joined.
    private var spare = ByteBuffer()
    private var isJoined = false
    /// Nobody else reads what is not opened yet. Packets are then opened where they lie whoever keeps earlier ones: else a
    /// peer that sends thousands of tiny packets at once could keep us copying everything behind each.
    private var isOwned = false
    private var isBehindOwned = false
    private var cleartext = CleartextPackets()
    private var opener: PacketOpener?
    /// Number of the next packet (RFC 4253 §6.4): wraps at 2^32.
    private(set) var sequenceNumber: UInt32 = 0
    /// Packets and bytes under the present keys.
    private(set) var packets: UInt64 = 0
    private(set) var bytes: UInt64 = 0
    var maximumLength = Self.maximumLengthBeforeAuthentication
    private var compression = CompressionName.none
    private var isDelayOver = false
    private var decompressor: PacketDecompressor?

    /// Bytes received and not opened yet.
    var pendingBytes: Int { buffer.readableBytes + behind.readableBytes }

    /// - Parameter isOwned: Nobody else reads these bytes any more; see `PacketOpener.open`.
    mutating func receive(_ bytes: ByteBuffer, isOwned: Bool = false) {
        if pendingBytes == 0 {
            begin(bytes, isOwned)
        } else if behind.readableBytes == 0 {
            behind = bytes
            isBehindOwned = isOwned
        } else {
            // Writing copies memory that others keep.
            behind.writeImmutableBuffer(bytes)
            isBehindOwned = true
        }
    }

    private mutating func begin(_ bytes: ByteBuffer, _ isOwned: Bool) {
        if isJoined { swap(&buffer, &spare) }
        isJoined = false
        buffer = bytes
        self.isOwned = isOwned
    }

    mutating func readIdentification(_ reader: inout IdentificationReader) throws(ProtocolError) -> String? {
        join(with: behind.readableBytes)
        return try reader.read(from: &buffer)
    }

    /// The next verified payload, a slice of the received bytes; nil when more bytes are needed.
    mutating func next() throws(ProtocolError) -> ByteBuffer? {
        let before = pendingBytes
        let payload: ByteBuffer?
        do throws(SSHCryptoError) {
            payload = try open()
        } catch {
            throw Self.meaning(of: error)
        }
        guard let payload else { return nil }
        packets += 1
        bytes += UInt64(clamping: before - pendingBytes)
        sequenceNumber &+= 1
        guard let decompressor else { return payload }
        do throws(SSHCryptoError) {
            return try decompressor.decompress(payload, limit: maximumLength)
        } catch {
            throw Self.meaning(of: error)
        }
    }

    private mutating func open() throws(SSHCryptoError) -> ByteBuffer? {
        guard let opener else {
            join(with: behind.readableBytes)
            return try cleartext.open(&buffer, maximumPacketLength: maximumLength)
        }
        while true {
            if buffer.readableBytes == 0, behind.readableBytes > 0 {
                var next = ByteBuffer()
                swap(&next, &behind)
                begin(next, isBehindOwned)
            }
            let payload = try opener.open(
                &buffer, sequenceNumber: sequenceNumber, maximumPacketLength: maximumLength, isOwned: isOwned)
            if let payload {
                // If it was not ours before, opening it has made a copy.
                isOwned = true
                // The pool that the memory came from has it back as soon as the payload is dealt with.
                if buffer.readableBytes == 0 { begin(ByteBuffer(), true) }
                return payload
            }
            guard behind.readableBytes > 0 else { return nil }
            join(with: opener.bytesNeeded - buffer.readableBytes)
        }
    }

    /// Moves bytes from what came behind to what is being opened.
    private mutating func join(with count: Int) {
        guard count > 0, let part = behind.readSlice(length: min(count, behind.readableBytes)) else { return }
        if !isJoined {
            var joined = ByteBuffer()
            swap(&joined, &spare)
            joined.clear()
            joined.writeImmutableBuffer(buffer)
            buffer = joined
            isJoined = true
            isOwned = true
        }
        buffer.writeImmutableBuffer(part)
    }

    /// From the peer's SSH_MSG_NEWKEYS on.
    ///
    /// - Parameter resetsSequence: Strict key exchange starts the count at zero again, so that nothing injected before
    ///   the keys can shift it.
    mutating func install(
        _ opener: PacketOpener, _ compression: CompressionName, resetsSequence: Bool
    ) throws(ProtocolError) {
        self.opener = opener
        packets = 0
        bytes = 0
        if resetsSequence { sequenceNumber = 0 }
        self.compression = compression
        decompressor = nil
        if isDelayOver { try beginCompression() }
    }

    mutating func beginCompression() throws(ProtocolError) {
        isDelayOver = true
        guard compression == .zlib else { return }
        do throws(SSHCryptoError) {
            decompressor = try PacketDecompressor()
        } catch {
            throw ProtocolError(.internalFailure, "Compression could not be started.", reason: .byApplication)
        }
    }

    /// Gives memory back when nothing is half received.
    mutating func shrink() {
        spare = ByteBuffer()
        guard pendingBytes == 0 else { return }
        begin(ByteBuffer(), true)
        spare = ByteBuffer()
        behind = ByteBuffer()
    }

    private static func meaning(of error: SSHCryptoError) -> ProtocolError {
        switch error.code {
        case .macMismatch:
            ProtocolError(.integrity, "A packet from the host failed its integrity check.", reason: .macError)
        case .invalidLength:
            ProtocolError(
                .malformed, "The host sent a packet of an impossible length.", reason: .protocolError)
        case .invalidCompression:
            ProtocolError(
                .malformed, "The host sent a packet that does not decompress, or to more than a packet may hold.",
                reason: .protocolError)
        default:
            ProtocolError(
                .internalFailure, "A packet from the host could not be decrypted.", reason: .protocolError)
        }
    }
}
