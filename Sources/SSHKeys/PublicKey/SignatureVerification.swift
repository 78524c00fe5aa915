import Crypto
import CryptoExtras

/// The check of one signature: its form first, strictly, then the arithmetic.
struct SignatureVerification {
    let key: SSHPublicKey
    let algorithm: String

    func isValid(_ signature: [UInt8], over data: [UInt8]) throws(SSHKeyError) -> Bool {
        switch key {
        case .ed25519(let bytes): try ed25519(bytes, signature, data)
        case .ecdsa(let curve, let point): try ecdsa(curve, point, signature, data)
        case .rsa(let modulus, let exponent): try rsa(modulus, exponent, signature, data)
        case .skEd25519, .skECDSA: false
        }
    }

    /// A FIDO token signs digests and what it knows itself (OpenSSH's PROTOCOL.u2f, "SSH U2F signatures"): the digest
    /// of the application, the flags, the counter, the digest of the data.
    func isValid(
        _ signature: [UInt8], over data: [UInt8], flags: UInt8, counter: UInt32
    ) throws(SSHKeyError) -> Bool {
        func signed(_ application: String) -> [UInt8] {
            var writer = WireWriter()
            writer.writeRaw(SHA256.hash(data: Array(application.utf8)))
            writer.writeUInt8(flags)
            writer.writeUInt32(counter)
            writer.writeRaw(SHA256.hash(data: data))
            return writer.bytes
        }
        switch key {
        case .skEd25519(let bytes, let application): return try ed25519(bytes, signature, signed(application))
        case .skECDSA(let point, let application): return try ecdsa(.p256, point, signature, signed(application))
        case .ed25519, .ecdsa, .rsa: return false
        }
    }

    private func ed25519(_ key: [UInt8], _ signature: [UInt8], _ data: [UInt8]) throws(SSHKeyError) -> Bool {
        guard signature.count == 64 else {
            throw .malformed("an Ed25519 signature has \(signature.count) bytes instead of 64")
        }
        guard let publicKey = try? Curve25519.Signing.PublicKey(rawRepresentation: key) else {
            throw .malformed("an Ed25519 key cannot be used")
        }
        return publicKey.isValidSignature(signature, for: data)
    }

    private func rsa(
        _ modulus: [UInt8], _ exponent: [UInt8], _ signature: [UInt8], _ data: [UInt8]
    ) throws(SSHKeyError) -> Bool {
        try SSHPublicKey.validateRSA(modulus: modulus, exponent: exponent)
        // RFC 8017 §8.2.2 step 1: exactly as long as the modulus.
        let length = (SSHPublicKey.bitLength(modulus) + 7) / 8
        guard signature.count == length else {
            throw .malformed("an RSA signature has \(signature.count) bytes instead of \(length)")
        }
        guard let publicKey = try? _RSA.Signing.PublicKey(n: modulus, e: exponent) else {
            throw .malformed("an RSA key cannot be used")
        }
        let candidate = _RSA.Signing.RSASignature(rawRepresentation: signature)
        let padding = _RSA.Signing.Padding.insecurePKCS1v1_5
        switch algorithm {
        case "rsa-sha2-512":
            return publicKey.isValidSignature(candidate, for: SHA512.hash(data: data), padding: padding)
        case "rsa-sha2-256":
            return publicKey.isValidSignature(candidate, for: SHA256.hash(data: data), padding: padding)
        case "ssh-rsa":
            return publicKey.isValidSignature(candidate, for: Insecure.SHA1.hash(data: data), padding: padding)
        default: return false
        }
    }

    private func ecdsa(
        _ curve: ECDSACurve, _ point: [UInt8], _ signature: [UInt8], _ data: [UInt8]
    ) throws(SSHKeyError) -> Bool {
        var reader = WireReader(signature)
        let r = try half(try reader.mpint(), curve)
        let s = try half(try reader.mpint(), curve)
        try reader.expectEnd(of: "an ECDSA signature")
        do {
            switch curve {
            case .p256:
                return try P256.Signing.PublicKey(x963Representation: point)
                    .isValidSignature(.init(rawRepresentation: r + s), for: data)
            case .p384:
                return try P384.Signing.PublicKey(x963Representation: point)
                    .isValidSignature(.init(rawRepresentation: r + s), for: data)
            case .p521:
                return try P521.Signing.PublicKey(x963Representation: point)
                    .isValidSignature(.init(rawRepresentation: r + s), for: data)
            }
        } catch {
            throw .malformed("an ECDSA key is not a point of \(curve.rawValue)")
        }
    }

    /// r or s at the full length of a coordinate. Zero and longer numbers are no halves of any signature.
    private func half(_ number: [UInt8], _ curve: ECDSACurve) throws(SSHKeyError) -> [UInt8] {
        guard !number.isEmpty, number.count <= curve.coordinateLength else {
            throw .malformed("half of an ECDSA signature is zero or too long")
        }
        return [UInt8](repeating: 0, count: curve.coordinateLength - number.count) + number
    }

    static func isPoint(_ point: [UInt8], of curve: ECDSACurve) -> Bool {
        switch curve {
        case .p256: (try? P256.Signing.PublicKey(x963Representation: point)) != nil
        case .p384: (try? P384.Signing.PublicKey(x963Representation: point)) != nil
        case .p521: (try? P521.Signing.PublicKey(x963Representation: point)) != nil
        }
    }
}
