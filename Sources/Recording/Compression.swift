import CLibZ

/// Raw deflate, one chunk at a time, with the state of zlib kept between chunks. Not Sendable: owned by one thread.
final class Deflater {
    // Allocated, since zlib keeps the address of the stream and compares it.
    private let stream: UnsafeMutablePointer<z_stream>
    private var output: [UInt8] = []

    /// Level 1: on terminal output it is several times as fast as the default for about a fifth more bytes, and the
    /// writer must keep up with a host that floods.
    init(level: Int32 = 1) throws(RecordingError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let result = deflateInit2_(
            stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { throw .internalFailure("zlib could not be started") }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    func deflate(_ bytes: [UInt8]) throws(RecordingError) -> [UInt8] {
        if Self.looksRandom(bytes) { return Self.stored(bytes) }
        deflateReset(stream)
        let bound = Int(deflateBound(stream, UInt(bytes.count)))
        if output.count < bound { output = [UInt8](repeating: 0, count: bound) }
        let result = bytes.withUnsafeBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                stream.pointee.avail_in = UInt32(source.count)
                stream.pointee.next_out = target.baseAddress
                stream.pointee.avail_out = UInt32(target.count)
                return CLibZ.deflate(stream, Z_FINISH)
            }
        }
        guard result == Z_STREAM_END else { throw .internalFailure("zlib could not compress a chunk") }
        return Array(output.prefix(Int(stream.pointee.total_out)))
    }
}

extension Deflater {
    /// Whether the bytes are those of compressed or encrypted data: an attempt would cost twenty times what a copy costs, and
    /// gain nothing. Told from how often each value comes in four samples.
    static func looksRandom(_ bytes: [UInt8]) -> Bool {
        let (samples, each) = (4, 1024)
        guard bytes.count >= 4 * samples * each else { return false }
        var counts = [Int](repeating: 0, count: 256)
        for sample in 0..<samples {
            let start = sample * (bytes.count / samples)
            for byte in bytes[start..<start + each] { counts[Int(byte)] += 1 }
        }
        let total = samples * each
        let squares = counts.reduce(0) { $0 + $1 * $1 }
        // All values alike give total + total² / 256 on average; text gives several times that.
        return squares < (total + total * total / 256) * 9 / 8
    }

    /// Deflate's blocks without compression (RFC 1951 §3.2.4).
    static func stored(_ bytes: [UInt8]) -> [UInt8] {
        let most = 65_535
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + 5 * (bytes.count / most + 1))
        var start = 0
        repeat {
            let count = min(most, bytes.count - start)
            output.append(start + count == bytes.count ? 1 : 0)
            for value in [UInt16(count), ~UInt16(count)] {
                output.append(UInt8(truncatingIfNeeded: value))
                output.append(UInt8(truncatingIfNeeded: value >> 8))
            }
            output.append(contentsOf: bytes[start..<start + count])
            start += count
        } while start < bytes.count
        return output
    }
}

enum Inflater {
    /// Inflates exactly `length` bytes; `nil` when the content is anything else. Never produces more than that,
    /// whatever the content says, so a crafted chunk cannot fill the memory.
    static func inflate(_ bytes: [UInt8], length: Int) -> [UInt8]? {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        defer { stream.deallocate() }
        stream.initialize(to: z_stream())
        guard inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
        defer { inflateEnd(stream) }
        var isWhole = false
        let output = [UInt8](unsafeUninitializedCapacity: length) { target, count in
            bytes.withUnsafeBufferPointer { source in
                stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                stream.pointee.avail_in = UInt32(source.count)
                stream.pointee.next_out = target.baseAddress
                stream.pointee.avail_out = UInt32(length)
                let result = CLibZ.inflate(stream, Z_FINISH)
                isWhole =
                    result == Z_STREAM_END && stream.pointee.avail_in == 0 && Int(stream.pointee.total_out) == length
                count = Int(stream.pointee.total_out)
            }
        }
        return isWhole ? output : nil
    }
}
