import Crypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The client's side of one key exchange (RFC 5656 §4, RFC 8731, mlkem768x25519-sha256).
///
/// ``share`` goes into SSH_MSG_KEX_ECDH_INIT, the peer's share comes out of SSH_MSG_KEX_ECDH_REPLY:
///
///     var exchange = try ClientKeyExchange(.curve25519)
///     send(exchange.share)
///     let secret = try exchange.finish(peerShare: reply.share)
public struct ClientKeyExchange: Sendable {
    public let method: KeyExchangeMethod
    /// Our share: an ephemeral public key, for the hybrid method the ML-KEM public key and then the X25519 one.
    public let share: [UInt8]

    private struct Secrets: Sendable {
        let curve: DiffieHellman
        let lattice: MLKEM768.PrivateKey?
    }

    /// nil once the exchange is finished: ephemeral keys serve once.
    private var secrets: Secrets?

    /// Makes fresh ephemeral keys.
    public init(_ method: KeyExchangeMethod) throws(SSHCryptoError) {
        self.method = method
        let curve = DiffieHellman(method)
        guard method == .mlkem768x25519 else {
            share = curve.share
            secrets = Secrets(curve: curve, lattice: nil)
            return
        }
        let lattice: MLKEM768.PrivateKey
        do { lattice = try MLKEM768.PrivateKey.generate() } catch {
            throw .internalFailure("No ML-KEM key could be made.")
        }
        share = Array(lattice.publicKey.rawRepresentation) + curve.share
        secrets = Secrets(curve: curve, lattice: lattice)
    }

    /// The shared secret from the server's share. Works once; the ephemeral keys are dropped whatever the outcome.
    ///
    /// Throws `invalidPeerShare` for a share that the method does not allow.
    public mutating func finish(peerShare: [UInt8]) throws(SSHCryptoError) -> EncodedSharedSecret {
        guard let secrets else { throw .internalFailure("This key exchange was finished before.") }
        self.secrets = nil
        guard peerShare.count == method.serverShareLength else {
            throw .invalidPeerShare("The other side's key exchange share has the wrong length.")
        }
        guard let lattice = secrets.lattice else {
            return EncodedSharedSecret(unsignedInteger: try secrets.curve.agree(with: peerShare))
        }
        let classical = try secrets.curve.agree(with: Array(peerShare.suffix(HybridShare.curveLength)))
        let quantumSafe: [UInt8]
        do {
            let key = try lattice.decapsulate(Data(peerShare.prefix(HybridShare.ciphertextLength)))
            quantumSafe = key.withUnsafeBytes { Array($0) }
        } catch {
            throw .invalidPeerShare("The other side's ML-KEM ciphertext is invalid.")
        }
        return EncodedSharedSecret(string: method.hash.digest(quantumSafe + classical))
    }
}
