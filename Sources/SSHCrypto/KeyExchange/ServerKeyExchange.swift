/// The server's side of one key exchange: a single step, as the client's share is there already.
public enum ServerKeyExchange {
    /// Our share for SSH_MSG_KEX_ECDH_REPLY or SSH_MSG_KEXDH_REPLY, without a length prefix, and the shared secret.
    ///
    /// Throws `invalidPeerShare` for a share that the method does not allow, `unsupported` for group exchange, which
    /// needs a group.
    public static func respond(
        _ method: KeyExchangeMethod, peerShare: [UInt8]
    ) throws(SSHCryptoError) -> (share: [UInt8], secret: EncodedSharedSecret) {
        try respond(method, chosenGroup: nil, peerShare: peerShare)
    }

    /// Our share for SSH_MSG_KEX_DH_GEX_REPLY, the content of an mpint, and the shared secret.
    ///
    /// Throws `invalidPeerShare` for a share outside of [2, p-2], `unsupported` for a method that is not group exchange.
    public static func respond(
        _ method: KeyExchangeMethod, group: DHGroup, peerShare: [UInt8]
    ) throws(SSHCryptoError) -> (share: [UInt8], secret: EncodedSharedSecret) {
        guard method.isGroupExchange else { throw .wrongGroup(method) }
        return try respond(method, chosenGroup: group, peerShare: peerShare)
    }

    private static func respond(
        _ method: KeyExchangeMethod, chosenGroup: DHGroup?, peerShare: [UInt8]
    ) throws(SSHCryptoError) -> (share: [UInt8], secret: EncodedSharedSecret) {
        if let length = method.clientShareLength, peerShare.count != length { throw .shareLength }
        switch method.arithmetic {
        case .curve(let name):
            let curve = CurveDiffieHellman(name)
            return (curve.share, EncodedSharedSecret(unsignedInteger: try curve.agree(with: peerShare)))
        case .prime(let group):
            guard let group = group ?? chosenGroup else { throw .wrongGroup(method) }
            let prime = try PrimeDiffieHellman(group: group)
            return (prime.share, EncodedSharedSecret(unsignedInteger: try prime.agree(with: peerShare)))
        case .hybrid(let algorithm):
            let curve = CurveDiffieHellman(.x25519)
            let classical = try curve.agree(with: Array(peerShare.dropFirst(algorithm.publicKeyLength)))
            let (ciphertext, quantumSafe) = try algorithm.encapsulate(
                to: Array(peerShare.prefix(algorithm.publicKeyLength)))
            return (
                ciphertext + curve.share, EncodedSharedSecret(string: method.hash.digest(quantumSafe + classical))
            )
        }
    }
}
