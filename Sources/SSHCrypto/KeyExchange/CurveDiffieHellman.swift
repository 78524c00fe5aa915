import Crypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Our half of one elliptic curve Diffie-Hellman, whichever the curve.
enum CurveDiffieHellman: Sendable {
    case x25519(Curve25519.KeyAgreement.PrivateKey)
    case p256(P256.KeyAgreement.PrivateKey)
    case p384(P384.KeyAgreement.PrivateKey)
    case p521(P521.KeyAgreement.PrivateKey)

    /// The curves that a key exchange can be on.
    enum Curve: Sendable, Hashable {
        case x25519
        case p256
        case p384
        case p521
    }

    /// A fresh key on `curve`.
    init(_ curve: Curve) {
        switch curve {
        case .x25519: self = .x25519(.init())
        case .p256: self = .p256(.init(compactRepresentable: false))
        case .p384: self = .p384(.init(compactRepresentable: false))
        case .p521: self = .p521(.init(compactRepresentable: false))
        }
    }

    /// The public half: 32 bytes for X25519, an uncompressed point (SEC 1 §2.3.3) for the others.
    var share: [UInt8] {
        switch self {
        case .x25519(let key): Array(key.publicKey.rawRepresentation)
        case .p256(let key): Array(key.publicKey.x963Representation)
        case .p384(let key): Array(key.publicKey.x963Representation)
        case .p521(let key): Array(key.publicKey.x963Representation)
        }
    }

    /// The x coordinate that both sides share, big-endian and of full length.
    ///
    /// Throws `invalidPeerShare` for a wrong length, a compressed point, the point at infinity, a point off the curve
    /// (RFC 5656 §4 asks for that check) and for an X25519 result of zero (RFC 8731 §3).
    func agree(with peerShare: [UInt8]) throws(SSHCryptoError) -> [UInt8] {
        guard peerShare.count == share.count else {
            throw .invalidPeerShare("The other side's key exchange share has the wrong length.")
        }
        let secret: SharedSecret
        do {
            switch self {
            case .x25519(let key):
                secret = try key.sharedSecretFromKeyAgreement(with: .init(rawRepresentation: peerShare))
            case .p256(let key):
                try Self.requireUncompressed(peerShare)
                secret = try key.sharedSecretFromKeyAgreement(with: .init(x963Representation: peerShare))
            case .p384(let key):
                try Self.requireUncompressed(peerShare)
                secret = try key.sharedSecretFromKeyAgreement(with: .init(x963Representation: peerShare))
            case .p521(let key):
                try Self.requireUncompressed(peerShare)
                secret = try key.sharedSecretFromKeyAgreement(with: .init(x963Representation: peerShare))
            }
        } catch {
            throw .invalidPeerShare("The other side's key exchange share is not a point of the curve.")
        }
        let bytes = secret.withUnsafeBytes { Array($0) }
        guard bytes.reduce(0, |) != 0 else {
            throw .invalidPeerShare("The other side's key exchange share leads to a secret that everybody knows.")
        }
        return bytes
    }

    private static func requireUncompressed(_ point: [UInt8]) throws(SSHCryptoError) {
        guard point.first == 0x04 else {
            throw .invalidPeerShare("The other side's key exchange share is not an uncompressed point.")
        }
    }
}
