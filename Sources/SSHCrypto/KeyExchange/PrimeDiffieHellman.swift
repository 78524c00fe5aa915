/// Our half of one Diffie-Hellman modulo a prime (RFC 4253 §8).
struct PrimeDiffieHellman: Sendable {
    let group: DHGroup
    /// g^x mod p as the content of an mpint (RFC 4251 §5).
    let share: [UInt8]
    private let exponent: [UInt8]

    /// A fresh exponent for `group`.
    ///
    /// It has 512 bits, or 640 above 4096 bits of modulus: twice the strength that RFC 3526 §8 estimates for the
    /// group and never below what a 256 bit cipher key and a 512 bit MAC key deserve. A longer one costs time alone. The
    /// first bit is set: libcrypto skips leading zeros of a number before it gets to the part that takes constant time.
    init(group: DHGroup) throws(SSHCryptoError) {
        let exponent = randomBytes(group.bits > 4096 ? 80 : 64)
        try self.init(group: group, exponent: exponent.prefix(1).map { $0 | 0x80 } + exponent.dropFirst())
    }

    /// `exponent` is big-endian.
    init(group: DHGroup, exponent: [UInt8]) throws(SSHCryptoError) {
        guard let share = group.power(group.generator, exponent), group.contains(share) else {
            throw .internalFailure("No Diffie-Hellman key could be made.")
        }
        self.group = group
        self.exponent = exponent
        self.share = EncodedSharedSecret.magnitude(share)
    }

    /// The number that both sides share, big-endian and as long as the prime.
    ///
    /// Throws `invalidPeerShare` for an mpint that is negative or longer than it has to be, or a number outside of
    /// [2, p-2].
    func agree(with peerShare: [UInt8]) throws(SSHCryptoError) -> [UInt8] {
        guard let first = peerShare.first, first < 0x80, EncodedSharedSecret.magnitude(peerShare) == peerShare else {
            throw .invalidPeerShare("The other side's key exchange share is not a positive number.")
        }
        guard group.contains(peerShare) else {
            throw .invalidPeerShare("The other side's key exchange share leads to a secret that everybody knows.")
        }
        guard let secret = group.power(peerShare, exponent) else {
            throw .internalFailure("The Diffie-Hellman secret could not be computed.")
        }
        return secret
    }
}
