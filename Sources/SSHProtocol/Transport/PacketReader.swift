// Inbound packets (RFC 4253 §6): from bytes to verified payloads.

import NIOCore
import SSHCrypto

/// Owns the inbound byte stream: opens one packet after the other, in place.
struct PacketReader {
    /// Limits of this implementation: RFC 4253 §6.1 asks for at least 35,000 bytes.
    static let maximumLength = 256 * 1024
    static let maximumLengthBeforeAuthentication = 64 * 1024

    private var buffer = ByteBuffer()
    private var cleartext = CleartextPackets()
    private var opener: PacketOpener?
    /// Number of the next packet (RFC 4253 §6.4): wraps at 2^32.
    private(set) var sequenceNumber: UInt32 = 0
    /// Packets and bytes under the present keys.
    private(set) var packets: UInt64 = 0
    private(set) var bytes: UInt64 = 0
    var maximumLength = Self.maximumLengthBeforeAuthentication
    private var sharing = Sharing.unknown
    private var compression = CompressionName.none
    private var isDelayOver = false
    private var decompressor: PacketDecompressor?

    /// Whether somebody still holds payloads of the same buffer. Packets are opened in place, so each one would then cost
    /// a copy of everything behind it: a host that sends thousands of tiny packets at once could keep us copying.
    private enum Sharing {
        /// Nothing of this buffer was opened; whoever read it from the socket may still hold it.
        case unknown
        case no
        case yes
    }

    /// Bytes received and not opened yet.
    var pendingBytes: Int { buffer.readableBytes }

    mutating func receive(_ bytes: ByteBuffer) {
        sharing = .unknown
        if buffer.readableBytes == 0 {
            // Taking the buffer over instead of copying it: the common case is that everything before was opened.
            buffer = bytes
        } else {
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
    }

    mutating func readIdentification(_ reader: inout IdentificationReader) throws(ProtocolError) -> String? {
        try reader.read(from: &buffer)
    }

    /// The next verified payload, a slice of the received bytes; nil when more bytes are needed.
    mutating func next() throws(ProtocolError) -> ByteBuffer? {
        let before = buffer.readableBytes
        let place = Self.place(of: buffer)
        let payload: ByteBuffer?
        do throws(SSHCryptoError) {
            if let opener {
                payload = try opener.open(
                    &buffer, sequenceNumber: sequenceNumber, maximumPacketLength: maximumLength)
            } else {
                payload = try cleartext.open(&buffer, maximumPacketLength: maximumLength)
            }
        } catch {
            throw Self.meaning(of: error)
        }
        guard let payload else { return nil }
        packets += 1
        bytes += UInt64(clamping: before - buffer.readableBytes)
        sequenceNumber &+= 1
        let opened = unshared(payload, openedAt: place)
        guard let decompressor else { return opened }
        do throws(SSHCryptoError) {
            return try decompressor.decompress(opened, limit: maximumLength)
        } catch {
            throw Self.meaning(of: error)
        }
    }

    /// The payload, or a copy of it once somebody is found to hold earlier ones.
    private mutating func unshared(_ payload: ByteBuffer, openedAt place: UInt) -> ByteBuffer {
        let offset = Self.place(of: payload) &- place
        let wasMoved = opener != nil && offset > UInt(maximumLength)
        switch sharing {
        case .unknown: sharing = .no
        case .no: if wasMoved { sharing = .yes }
        case .yes: break
        }
        guard sharing == .yes, buffer.readableBytes > 0 else { return payload }
        return ByteBuffer(bytes: payload.readableBytesView)
    }

    /// Where a buffer's bytes lie in memory: it changes when they are copied.
    private static func place(of buffer: ByteBuffer) -> UInt {
        buffer.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
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
        if buffer.readableBytes == 0 { buffer = ByteBuffer() }
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
