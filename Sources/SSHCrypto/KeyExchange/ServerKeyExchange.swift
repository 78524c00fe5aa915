import Crypto

/// The server's side of one key exchange: a single step, as the client's share is there already.
public enum ServerKeyExchange {
    /// Our share for SSH_MSG_KEX_ECDH_REPLY and the shared secret.
    ///
    /// Throws `invalidPeerShare` for a share that the method does not allow.
    public static func respond(
        _ method: KeyExchangeMethod, peerShare: [UInt8]
    ) throws(SSHCryptoError) -> (share: [UInt8], secret: EncodedSharedSecret) {
        guard peerShare.count == method.clientShareLength else {
            throw .invalidPeerShare("The other side's key exchange share has the wrong length.")
        }
        let curve = DiffieHellman(method)
        guard method == .mlkem768x25519 else {
            return (curve.share, EncodedSharedSecret(unsignedInteger: try curve.agree(with: peerShare)))
        }
        let classical = try curve.agree(with: Array(peerShare.suffix(HybridShare.curveLength)))
        let result: KEM.EncapsulationResult
        do {
            let publicKey = try MLKEM768.PublicKey(rawRepresentation: peerShare.prefix(HybridShare.publicKeyLength))
            result = try publicKey.encapsulate()
        } catch {
            throw .invalidPeerShare("The other side's ML-KEM public key is invalid.")
        }
        let quantumSafe = result.sharedSecret.withUnsafeBytes { Array($0) }
        return (
            Array(result.encapsulated) + curve.share,
            EncodedSharedSecret(string: method.hash.digest(quantumSafe + classical))
        )
    }
}
