import CLibZ
import NIOCore

/// Compresses the payloads of one direction: one zlib stream for the whole connection, flushed after each payload
/// (RFC 4253 §6.2). A rekey starts a new one.
///
/// Not Sendable: it belongs to one connection. Allocates nothing for a payload, as long as the target has room.
public final class PacketCompressor {
    // Allocated, since zlib keeps the address of the stream and compares it.
    private let stream: UnsafeMutablePointer<z_stream>
    private static let chunk = 4096

    /// - Parameter level: 1 is fast, 9 small; 6 is what OpenSSH uses.
    ///
    /// Throws `internalFailure` when zlib refuses to start.
    public init(level: Int = 6) throws(SSHCryptoError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let code = deflateInit_(
            stream, Int32(clamping: level), ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw .internalFailure("Compression could not be started.") }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Appends the compressed form of the readable bytes of `payload` to `out`; `payload` is not consumed.
    ///
    /// After it threw once, the stream has lost its place and the connection must end.
    public func compress(_ payload: ByteBuffer, into out: inout ByteBuffer) throws(SSHCryptoError) {
        let code = payload.withUnsafeReadableBytes { source -> Int32 in
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: source.bindMemory(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = UInt32(clamping: source.count)
            defer { stream.pointee.next_in = nil }
            var code = Z_OK
            repeat {
                _ = out.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.chunk) { target in
                    let room = min(target.count, Int(UInt32.max))
                    stream.pointee.next_out = target.bindMemory(to: UInt8.self).baseAddress
                    stream.pointee.avail_out = UInt32(room)
                    code = deflate(stream, Z_PARTIAL_FLUSH)
                    return room - Int(stream.pointee.avail_out)
                }
                // Room left over means that everything is out; none means that zlib may hold more.
            } while code == Z_OK && stream.pointee.avail_out == 0
            return code
        }
        // A flush with nothing more to write, after the output filled its room to the last byte, is no error.
        guard code == Z_OK || code == Z_BUF_ERROR, stream.pointee.avail_in == 0 else {
            throw .internalFailure("A payload could not be compressed.")
        }
    }
}
