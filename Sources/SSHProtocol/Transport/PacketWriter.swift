// Outbound packets (RFC 4253 §6): many packets, sealed back to back into one buffer that leaves with one write.

import NIOCore
import SSHCrypto

struct PacketWriter {
    private var output = ByteBuffer()
    private var isHandedOver = false
    private var cleartext = CleartextPackets()
    private var sealer: PacketSealer?
    /// Number of the next packet (RFC 4253 §6.4): wraps at 2^32.
    private(set) var sequenceNumber: UInt32 = 0
    /// Packets and bytes under the present keys.
    private(set) var packets: UInt64 = 0
    private(set) var bytes: UInt64 = 0

    private var compression = CompressionName.none
    private var isDelayOver = false
    private var compressor: PacketCompressor?
    /// One compressed payload; its memory is used again for the next one.
    private var compressed = ByteBuffer()

    /// Bytes sealed and not taken yet.
    var pendingBytes: Int { isHandedOver ? 0 : output.readableBytes }

    mutating func writeIdentification(_ line: String) {
        prepare()
        output.writeString(line)
        output.writeString("\r\n")
    }

    mutating func send(_ payload: ByteBuffer) throws(ProtocolError) {
        prepare()
        let before = output.readableBytes
        do throws(SSHCryptoError) {
            if let sealer, let compressor {
                compressed.clear()
                try compressor.compress(payload, into: &compressed)
                try sealer.seal(compressed, sequenceNumber: sequenceNumber, into: &output)
            } else if let sealer {
                try sealer.seal(payload, sequenceNumber: sequenceNumber, into: &output)
            } else {
                try cleartext.seal(payload, into: &output)
            }
        } catch {
            throw .notSealed
        }
        count(output.readableBytes - before)
    }

    /// Sends what `write` appends, in the place where it is encrypted; what must be compressed first takes the longer way.
    ///
    /// - Parameter capacity: Bytes that it may append.
    mutating func send(capacity: Int, _ write: (inout ByteBuffer) -> Void) throws(ProtocolError) {
        guard let sealer, compressor == nil else {
            var payload = ByteBuffer()
            payload.reserveCapacity(capacity)
            write(&payload)
            return try send(payload)
        }
        prepare()
        let before = output.readableBytes
        do throws(SSHCryptoError) {
            try sealer.seal(capacity: capacity, sequenceNumber: sequenceNumber, into: &output, write)
        } catch {
            throw .notSealed
        }
        count(output.readableBytes - before)
    }

    private mutating func count(_ length: Int) {
        packets += 1
        bytes += UInt64(clamping: length)
        sequenceNumber &+= 1
    }

    /// Everything sealed so far, for one write.
    mutating func take() -> ByteBuffer? {
        guard pendingBytes > 0 else { return nil }
        isHandedOver = true
        return output
    }

    /// From our own SSH_MSG_NEWKEYS on. See `PacketReader.install`.
    mutating func install(
        _ sealer: PacketSealer, _ compression: CompressionName, resetsSequence: Bool
    ) throws(ProtocolError) {
        self.sealer = sealer
        packets = 0
        bytes = 0
        if resetsSequence { sequenceNumber = 0 }
        self.compression = compression
        // RFC 4253 §6.2: a new context after each key exchange.
        compressor = nil
        if isDelayOver { try beginCompression() }
    }

    mutating func beginCompression() throws(ProtocolError) {
        isDelayOver = true
        guard compression == .zlib else { return }
        do throws(SSHCryptoError) {
            compressor = try PacketCompressor()
        } catch {
            throw ProtocolError(.internalFailure, "Compression could not be started.", reason: .byApplication)
        }
    }

    /// Gives memory back when nothing waits.
    mutating func shrink() {
        if pendingBytes == 0 {
            output = ByteBuffer()
            compressed = ByteBuffer()
            isHandedOver = false
        }
    }

    /// The storage that was handed over is used again as soon as the socket has let go of it.
    private mutating func prepare() {
        guard isHandedOver else { return }
        output.clear()
        isHandedOver = false
    }
}

extension ProtocolError {
    fileprivate static let notSealed = ProtocolError(
        .internalFailure, "A packet could not be encrypted.", reason: .byApplication)
}
