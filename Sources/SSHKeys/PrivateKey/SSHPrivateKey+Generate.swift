import Crypto
import CryptoExtras

/// The kinds of keys that can be made here.
public enum SSHKeyKind: Sendable, Hashable {
    case ed25519
    case ecdsa(ECDSACurve)
    /// 2048 to 8192 bits, a multiple of 8; 3072 is what ssh-keygen takes.
    case rsa(bits: Int)
}

extension SSHPrivateKey {
    /// A fresh key.
    ///
    /// Throws `unsupported` for RSA sizes outside of ``SSHPublicKey/allowedRSABits``. RSA takes from a tenth of a second
    /// to a minute: keep it off event loops.
    public static func generate(_ kind: SSHKeyKind, comment: String = "") throws(SSHKeyError) -> SSHPrivateKey {
        switch kind {
        case .ed25519: return generateEd25519(comment: comment)
        case .ecdsa(.p256): return try SSHPrivateKey(.p256(P256.Signing.PrivateKey()), comment: comment)
        case .ecdsa(.p384): return try SSHPrivateKey(.p384(P384.Signing.PrivateKey()), comment: comment)
        case .ecdsa(.p521): return try SSHPrivateKey(.p521(P521.Signing.PrivateKey()), comment: comment)
        case .rsa(let bits):
            guard SSHPublicKey.allowedRSABits.contains(bits), bits % 8 == 0 else {
                throw .unsupported(
                    "An RSA key of \(bits) bits", hint: "Choose 3072 or 4096 bits or, better, make an Ed25519 key.")
            }
            guard let key = try? _RSA.Signing.PrivateKey(keySize: _RSA.Signing.KeySize(bitCount: bits)) else {
                throw .internalFailure("An RSA key could not be made.")
            }
            return try SSHPrivateKey(.rsa(key), comment: comment)
        }
    }
}
