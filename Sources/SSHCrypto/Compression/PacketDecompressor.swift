import CLibZ
import NIOCore

/// Decompresses the payloads of one direction; the reverse of ``PacketCompressor``.
///
/// Not Sendable: it belongs to one connection. After it threw once it throws the same for ever: the stream has lost its
/// place.
public final class PacketDecompressor {
    private let stream: UnsafeMutablePointer<z_stream>
    private var output = ByteBuffer()
    private var failure: SSHCryptoError?
    private static let chunk = 4096

    /// Bytes that the last result takes up in memory.
    var heldBytes: Int { output.capacity }

    /// Throws `internalFailure` when zlib refuses to start.
    public init() throws(SSHCryptoError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard inflateInit_(stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .internalFailure("Decompression could not be started.")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// The payload whose compressed form is the readable bytes of `payload`, at least one byte long.
    ///
    /// - Parameters:
    ///   - payload: what a packet carried; it is not consumed.
    ///   - limit: bytes that the result may have. Not a byte more is ever held, whatever the content says.
    /// - Returns: a buffer that shares its memory with the next result: while somebody keeps it, the next call
    ///   allocates anew.
    ///
    /// Throws `invalidCompression` for damaged content, a stream that ends, an empty result and one beyond `limit`.
    public func decompress(_ payload: ByteBuffer, limit: Int) throws(SSHCryptoError) -> ByteBuffer {
        if let failure { throw failure }
        do throws(SSHCryptoError) {
            output.clear()
            try inflateAll(payload, limit: limit)
            guard output.readableBytes > 0 else { throw .invalidCompression("A compressed payload is empty.") }
            return output
        } catch {
            failure = error
            throw error
        }
    }

    private func inflateAll(_ payload: ByteBuffer, limit: Int) throws(SSHCryptoError) {
        var exceeds = false
        let code = payload.withUnsafeReadableBytes { source -> Int32 in
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: source.bindMemory(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = UInt32(clamping: source.count)
            defer { stream.pointee.next_in = nil }
            var code = Z_OK
            repeat {
                // One byte above the limit, to tell a payload that fits exactly from one that goes on.
                let allowed = max(0, limit) - output.readableBytes + 1
                _ = output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.chunk) { target in
                    let room = min(target.count, allowed)
                    stream.pointee.next_out = target.bindMemory(to: UInt8.self).baseAddress
                    stream.pointee.avail_out = UInt32(clamping: room)
                    code = inflate(stream, Z_SYNC_FLUSH)
                    return room - Int(stream.pointee.avail_out)
                }
                exceeds = output.readableBytes > limit
            } while code == Z_OK && !exceeds && stream.pointee.avail_out == 0
            return code
        }
        guard !exceeds else {
            throw .invalidCompression("A compressed payload is longer than the limit of \(limit) bytes.")
        }
        // Z_BUF_ERROR: nothing was left to do, which is fine once all input is used up. Z_STREAM_END: the peer closed
        // a stream that lives as long as its keys.
        guard code == Z_OK || code == Z_BUF_ERROR, stream.pointee.avail_in == 0 else {
            throw .invalidCompression("A compressed payload is damaged.")
        }
    }
}
