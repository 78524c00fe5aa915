import CSSHKeyExchange

/// A group of integers modulo a prime for Diffie-Hellman: one of RFC 3526, or one that a server chose (RFC 4419).
public struct DHGroup: Sendable, Hashable {
    /// The modulus p, big-endian, without leading zeros.
    public let prime: [UInt8]
    /// The generator g, big-endian, without leading zeros.
    public let generator: [UInt8]

    /// Sizes that a group of a peer's choice may have (RFC 8270 §3 for the lower bound, RFC 4419 §3 for the upper one).
    public static let allowedBits = 2048...8192

    /// A group from SSH_MSG_KEX_DH_GEX_GROUP.
    ///
    /// - Parameters:
    ///   - prime: p, big-endian; leading zeros are dropped.
    ///   - generator: g, big-endian; leading zeros are dropped.
    ///
    /// Throws `invalidPeerShare` for a p of fewer than 2048 or more than 8192 bits, an even one, and for a g outside of
    /// [2, p-2]. Whether p is prime is not tested: the server signs for it, and a server that wants to give the secret
    /// away needs no weak prime to do so.
    public init(prime: [UInt8], generator: [UInt8]) throws(SSHCryptoError) {
        try self.init(prime: prime, generator: generator, bits: Self.allowedBits)
    }

    private init(prime: [UInt8], generator: [UInt8], bits: ClosedRange<Int>) throws(SSHCryptoError) {
        self.prime = Array(prime.drop { $0 == 0 })
        self.generator = Array(generator.drop { $0 == 0 })
        guard let first = self.prime.first, let last = self.prime.last,
            bits.contains(self.prime.count * 8 - first.leadingZeroBitCount), last & 1 == 1
        else {
            throw .invalidPeerShare(
                "The other side's group is not an odd modulus of \(bits.lowerBound) to \(bits.upperBound) bits.")
        }
        guard contains(self.generator) else {
            throw .invalidPeerShare("The other side's group has a generator out of range.")
        }
    }

    /// Bits of the prime.
    public var bits: Int { prime.count * 8 - (prime.first?.leadingZeroBitCount ?? 0) }

    /// RFC 3526 §3, 2048 bits.
    public static let group14 = DHGroup(standardBits: 2048)
    /// RFC 3526 §4, 3072 bits.
    public static let group15 = DHGroup(standardBits: 3072)
    /// RFC 3526 §5, 4096 bits.
    public static let group16 = DHGroup(standardBits: 4096)
    /// RFC 3526 §6, 6144 bits.
    public static let group17 = DHGroup(standardBits: 6144)
    /// RFC 3526 §7, 8192 bits.
    public static let group18 = DHGroup(standardBits: 8192)
    /// RFC 2409 §6.2, 1024 bits: within reach of those who can afford to break one group for all; legacy.
    static let group1 = DHGroup(standardBits: 1024)

    /// The group that a server answers SSH_MSG_KEX_DH_GEX_REQUEST with: the smallest standard one of at least
    /// `preferred` bits, else the largest, always within `minimum` and `maximum`.
    ///
    /// - Parameters:
    ///   - minimum: bits, as the client says; below 2048 counts as 2048.
    ///   - preferred: bits.
    ///   - maximum: bits; above 8192 counts as 8192.
    /// - Returns: nil when no group is between the two, also when they are upside down.
    public static func groupExchangeChoice(minimum: Int, preferred: Int, maximum: Int) -> DHGroup? {
        let suitable = [group14, group15, group16, group17, group18].filter { $0.bits >= minimum && $0.bits <= maximum }
        return suitable.first { $0.bits >= preferred } ?? suitable.last
    }

    /// Whether `number` is in [2, p-2], where every public share has to be (RFC 4253 §8, and RFC 8268 §4 for the ends
    /// of the range, which lead to a secret of 1 or p-1).
    func contains(_ number: [UInt8]) -> Bool {
        ssh_modular_share_check(number, number.count, prime, prime.count) == 0
    }

    /// base^exponent mod p, as long as p; nil when libcrypto refuses.
    func power(_ base: [UInt8], _ exponent: [UInt8]) -> [UInt8]? {
        var isDone = false
        let result = [UInt8](unsafeUninitializedCapacity: prime.count) { buffer, count in
            guard let target = buffer.baseAddress else { return }
            isDone =
                ssh_modular_power(base, base.count, exponent, exponent.count, prime, prime.count, target) == 0
            count = isDone ? prime.count : 0
        }
        return isDone ? result : nil
    }

    private init(standardBits bits: Int) {
        let length = bits / 8
        prime = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            guard let target = buffer.baseAddress else { return }
            count = ssh_modp_prime(Int32(bits), target, length) == 0 ? length : 0
        }
        generator = [2]
    }
}
