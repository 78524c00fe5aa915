/// The client's side of one key exchange.
///
/// ``share`` goes into SSH_MSG_KEX_ECDH_INIT (RFC 5656 §4), SSH_MSG_KEXDH_INIT (RFC 4253 §8) or
/// SSH_MSG_KEX_DH_GEX_INIT (RFC 4419 §3), the peer's share comes out of the reply:
///
///     var exchange = try ClientKeyExchange(.curve25519)
///     send(exchange.share)
///     let secret = try exchange.finish(peerShare: reply.share)
public struct ClientKeyExchange: Sendable {
    public let method: KeyExchangeMethod
    /// Our share, without a length prefix: an ephemeral public key, for a hybrid method the lattice's public key and
    /// then the X25519 one, for Diffie-Hellman modulo a prime the content of an mpint.
    public let share: [UInt8]

    private enum Secrets: Sendable {
        case curve(CurveDiffieHellman)
        case hybrid(LatticeAlgorithm, LatticeKey, CurveDiffieHellman)
        case prime(PrimeDiffieHellman)
    }

    /// nil once the exchange is finished: ephemeral keys serve once.
    private var secrets: Secrets?

    /// Makes fresh ephemeral keys.
    ///
    /// Throws `unsupported` for group exchange, which needs a group.
    public init(_ method: KeyExchangeMethod) throws(SSHCryptoError) {
        try self.init(method, chosenGroup: nil)
    }

    /// Makes fresh ephemeral keys for group exchange, on the group that the server chose.
    ///
    /// Throws `unsupported` for another method.
    public init(_ method: KeyExchangeMethod, group: DHGroup) throws(SSHCryptoError) {
        guard method.isGroupExchange else { throw .wrongGroup(method) }
        try self.init(method, chosenGroup: group)
    }

    private init(_ method: KeyExchangeMethod, chosenGroup: DHGroup?) throws(SSHCryptoError) {
        self.method = method
        switch method.arithmetic {
        case .curve(let name):
            let curve = CurveDiffieHellman(name)
            share = curve.share
            secrets = .curve(curve)
        case .hybrid(let algorithm):
            let lattice = try LatticeKey(algorithm)
            let curve = CurveDiffieHellman(.x25519)
            share = lattice.publicKey + curve.share
            secrets = .hybrid(algorithm, lattice, curve)
        case .prime(let group):
            guard let group = group ?? chosenGroup else { throw .wrongGroup(method) }
            let prime = try PrimeDiffieHellman(group: group)
            share = prime.share
            secrets = .prime(prime)
        }
    }

    /// The shared secret from the server's share. Works once; the ephemeral keys are dropped whatever the outcome.
    ///
    /// Throws `invalidPeerShare` for a share that the method does not allow.
    public mutating func finish(peerShare: [UInt8]) throws(SSHCryptoError) -> EncodedSharedSecret {
        guard let secrets else { throw .internalFailure("This key exchange was finished before.") }
        self.secrets = nil
        if let length = method.serverShareLength, peerShare.count != length { throw .shareLength }
        switch secrets {
        case .curve(let curve):
            return EncodedSharedSecret(unsignedInteger: try curve.agree(with: peerShare))
        case .prime(let prime):
            return EncodedSharedSecret(unsignedInteger: try prime.agree(with: peerShare))
        case .hybrid(let algorithm, let lattice, let curve):
            let classical = try curve.agree(with: Array(peerShare.dropFirst(algorithm.ciphertextLength)))
            let quantumSafe = try lattice.decapsulate(Array(peerShare.prefix(algorithm.ciphertextLength)))
            return EncodedSharedSecret(string: method.hash.digest(quantumSafe + classical))
        }
    }
}
