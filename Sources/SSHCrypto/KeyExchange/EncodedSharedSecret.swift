/// The shared secret K of a key exchange in the very bytes that the exchange hash and the key derivation take: an SSH
/// mpint for the ECDH methods (RFC 5656 §4, RFC 8731 §3.1), an SSH string for the hybrid ones. The length prefix is
/// part of it.
public struct EncodedSharedSecret: Sendable {
    public let bytes: [UInt8]

    /// An mpint of an unsigned big-endian number (RFC 4251 §5): leading zeros go, a zero comes where the first bit is
    /// set.
    init(unsignedInteger number: some Sequence<UInt8>) {
        var magnitude = Array(number.drop { $0 == 0 })
        if let first = magnitude.first, first >= 0x80 { magnitude.insert(0, at: 0) }
        self.init(string: magnitude)
    }

    /// A string of `content`.
    init(string content: [UInt8]) {
        let count = UInt32(truncatingIfNeeded: content.count)
        bytes =
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> UInt32($0)) } + content
    }
}
