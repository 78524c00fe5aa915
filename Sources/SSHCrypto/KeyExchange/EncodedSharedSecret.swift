/// The shared secret K of a key exchange in the very bytes that the exchange hash and the key derivation take: an SSH
/// mpint for the Diffie-Hellman methods (RFC 4253 §8, RFC 5656 §4, RFC 8731 §3.1), an SSH string for the hybrid ones. The
/// length prefix is part of it.
public struct EncodedSharedSecret: Sendable {
    public let bytes: [UInt8]

    /// An mpint of an unsigned big-endian number (RFC 4251 §5).
    init(unsignedInteger number: [UInt8]) {
        self.init(string: Self.magnitude(number))
    }

    /// A string of `content`.
    init(string content: [UInt8]) {
        let count = UInt32(truncatingIfNeeded: content.count)
        bytes =
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> UInt32($0)) } + content
    }

    /// The content of an mpint: leading zeros go, a zero comes where the first bit is set.
    ///
    /// The number of leading zeros of a secret shows in the time of the hash that follows; the format asks for it, and
    /// the keys behind it serve once.
    static func magnitude(_ number: [UInt8]) -> [UInt8] {
        let significant = number.drop { $0 == 0 }
        guard let first = significant.first, first >= 0x80 else { return Array(significant) }
        return [0] + significant
    }
}
