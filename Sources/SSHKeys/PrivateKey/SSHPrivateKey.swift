import Crypto
import CryptoExtras

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A private key: made here, or read from a file.
///
///     let key = try SSHPrivateKey(file: bytes, passphrase: Array("secret".utf8))
///     let signature = try key.sign(data, algorithm: key.publicKey.signatureAlgorithms[0])
///
/// Its description and its errors never show the secret part.
public struct SSHPrivateKey: Sendable {
    public let publicKey: SSHPublicKey
    /// The comment that the file carries, often "user@machine"; empty where the format has none.
    public var comment: String

    let material: Material

    /// The secret part, in the types of the library that computes with it.
    enum Material: Sendable {
        case ed25519(Curve25519.Signing.PrivateKey)
        case p256(P256.Signing.PrivateKey)
        case p384(P384.Signing.PrivateKey)
        case p521(P521.Signing.PrivateKey)
        case rsa(_RSA.Signing.PrivateKey)
    }

    /// Puts a key together and works out its public part.
    init(_ material: Material, comment: String) throws(SSHKeyError) {
        let publicKey: SSHPublicKey =
            switch material {
            case .ed25519(let key): .ed25519(Array(key.publicKey.rawRepresentation))
            case .p256(let key): .ecdsa(curve: .p256, point: Array(key.publicKey.x963Representation))
            case .p384(let key): .ecdsa(curve: .p384, point: Array(key.publicKey.x963Representation))
            case .p521(let key): .ecdsa(curve: .p521, point: Array(key.publicKey.x963Representation))
            case .rsa(let key): try Self.rsaPublicKey(key)
            }
        self.publicKey = publicKey
        self.comment = comment
        self.material = material
    }

    /// A fresh Ed25519 key.
    public static func generateEd25519(comment: String = "") -> SSHPrivateKey {
        SSHPrivateKey(ed25519: Curve25519.Signing.PrivateKey(), comment: comment)
    }

    private init(ed25519 key: Curve25519.Signing.PrivateKey, comment: String) {
        publicKey = .ed25519(Array(key.publicKey.rawRepresentation))
        self.comment = comment
        material = .ed25519(key)
    }

    /// Signs `data` and gives a whole signature blob: a string with the algorithm, a string with the signature.
    ///
    /// - Parameters:
    ///   - data: what is signed.
    ///   - algorithm: one of the public key's ``SSHPublicKey/signatureAlgorithms``.
    ///   - allowingLegacy: also sign with ``SSHPublicKey/legacySignatureAlgorithms``, where a configuration names one.
    ///
    /// Throws `algorithmMismatch` for another one. An RSA signature takes milliseconds: keep it off an event loop that
    /// serves many.
    public func sign(
        _ data: [UInt8], algorithm: String, allowingLegacy: Bool = false
    ) throws(SSHKeyError) -> [UInt8] {
        guard
            publicKey.signatureAlgorithms.contains(algorithm)
                || (allowingLegacy && publicKey.legacySignatureAlgorithms.contains(algorithm))
        else {
            throw .algorithmMismatch(
                "A key of type \(publicKey.algorithm) cannot sign with \(Printable.text(algorithm)).")
        }
        var writer = WireWriter()
        writer.writeString(algorithm)
        writer.writeString(try signature(data, algorithm: algorithm))
        return writer.bytes
    }

    private func signature(_ data: [UInt8], algorithm: String) throws(SSHKeyError) -> [UInt8] {
        do {
            switch material {
            case .ed25519(let key): return Array(try key.signature(for: data))
            case .p256(let key): return Self.ecdsaSignature(try key.signature(for: data).rawRepresentation)
            case .p384(let key): return Self.ecdsaSignature(try key.signature(for: data).rawRepresentation)
            case .p521(let key): return Self.ecdsaSignature(try key.signature(for: data).rawRepresentation)
            case .rsa(let key):
                return Array(try Self.rsaSignature(key, data, algorithm).rawRepresentation)
            }
        } catch {
            throw .internalFailure("A signature could not be made.")
        }
    }

    private static func rsaSignature(
        _ key: _RSA.Signing.PrivateKey, _ data: [UInt8], _ algorithm: String
    ) throws -> _RSA.Signing.RSASignature {
        switch algorithm {
        case "rsa-sha2-512": try key.signature(for: SHA512.hash(data: data), padding: .insecurePKCS1v1_5)
        case "rsa-sha2-256": try key.signature(for: SHA256.hash(data: data), padding: .insecurePKCS1v1_5)
        default: try key.signature(for: Insecure.SHA1.hash(data: data), padding: .insecurePKCS1v1_5)
        }
    }

    /// r and s as mpints (RFC 5656 §3.1.2) from their plain concatenation.
    private static func ecdsaSignature(_ raw: Data) -> [UInt8] {
        var writer = WireWriter()
        writer.writeMPInt(raw.prefix(raw.count / 2))
        writer.writeMPInt(raw.suffix(raw.count / 2))
        return writer.bytes
    }

    private static func rsaPublicKey(_ key: _RSA.Signing.PrivateKey) throws(SSHKeyError) -> SSHPublicKey {
        guard let numbers = try? key.publicKey.getKeyPrimitives() else {
            throw .internalFailure("An RSA key did not give its public part.")
        }
        let modulus = Array(numbers.modulus.drop { $0 == 0 })
        let exponent = Array(numbers.publicExponent.drop { $0 == 0 })
        try SSHPublicKey.validateRSA(modulus: modulus, exponent: exponent)
        return .rsa(modulus: modulus, exponent: exponent)
    }
}

extension SSHPrivateKey: CustomStringConvertible, CustomReflectable {
    public var description: String { "SSHPrivateKey(\(publicKey.algorithm), \(publicKey.fingerprint))" }

    /// Keeps `dump` and interpolation of an enclosing value away from the secret part.
    public var customMirror: Mirror {
        Mirror(self, children: ["publicKey": publicKey.fingerprint, "comment": comment])
    }
}
