import Crypto
import CryptoExtras

extension SSHPrivateKey.Material {
    /// Reads the fields of a private key as OpenSSH's key files and agent protocol have them
    /// (draft-ietf-sshm-ssh-agent §3.2): the type, then numbers that depend on it.
    init(fields reader: inout WireReader) throws(SSHKeyError) {
        let type = try reader.utf8String()
        switch type {
        case "ssh-ed25519":
            self = try Self.ed25519(&reader)
        case "ssh-rsa":
            let modulus = try reader.mpint()
            let exponent = try reader.mpint()
            let privateExponent = try reader.mpint()
            _ = try reader.mpint()  // iqmp: the library works it out again
            let p = try reader.mpint()
            let q = try reader.mpint()
            self = try .rsa(modulus: modulus, exponent: exponent, privateExponent: privateExponent, p: p, q: q)
        default:
            guard let curve = ECDSACurve(algorithm: type) else {
                throw .unsupported("A private key of type “\(Printable.text(type))”")
            }
            guard try reader.string() == Array(curve.rawValue.utf8) else {
                throw .malformed("the curve inside an ECDSA key is not the one of its type")
            }
            let point = try reader.string()
            self = try .ecdsa(curve, scalar: try reader.mpint(), point: point)
        }
    }

    private static func ed25519(_ reader: inout WireReader) throws(SSHKeyError) -> Self {
        let publicKey = try reader.string()
        let both = try reader.string()
        guard publicKey.count == 32, both.count == 64, Array(both.suffix(32)) == publicKey else {
            throw .malformed("an Ed25519 key has parts of a wrong length or that contradict each other")
        }
        return try ed25519(seed: Array(both.prefix(32)), publicKey: publicKey)
    }

    /// - Parameter publicKey: what the seed must lead to, if the file says.
    static func ed25519(seed: [UInt8], publicKey: [UInt8]?) throws(SSHKeyError) -> Self {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
            throw .malformed("an Ed25519 key has \(seed.count) bytes instead of 32")
        }
        if let publicKey, Array(key.publicKey.rawRepresentation) != publicKey {
            throw .malformed("the halves of an Ed25519 key do not belong together")
        }
        return .ed25519(key)
    }

    /// - Parameters:
    ///   - scalar: big-endian, without leading zeros or at full length.
    ///   - point: the public key that it must lead to, if the file says.
    static func ecdsa(_ curve: ECDSACurve, scalar: [UInt8], point: [UInt8]?) throws(SSHKeyError) -> Self {
        let number = Array(scalar.drop { $0 == 0 })
        guard number.count <= curve.coordinateLength else { throw .malformed("an ECDSA private key is too long") }
        let padded = [UInt8](repeating: 0, count: curve.coordinateLength - number.count) + number
        let material: Self
        let derived: [UInt8]
        do {
            switch curve {
            case .p256:
                let key = try P256.Signing.PrivateKey(rawRepresentation: padded)
                (material, derived) = (.p256(key), Array(key.publicKey.x963Representation))
            case .p384:
                let key = try P384.Signing.PrivateKey(rawRepresentation: padded)
                (material, derived) = (.p384(key), Array(key.publicKey.x963Representation))
            case .p521:
                let key = try P521.Signing.PrivateKey(rawRepresentation: padded)
                (material, derived) = (.p521(key), Array(key.publicKey.x963Representation))
            }
        } catch {
            throw .malformed("an ECDSA private key is not in the range of its curve")
        }
        if let point, point != derived {
            throw .malformed("the halves of an ECDSA key do not belong together")
        }
        return material
    }

    static func rsa(
        modulus: [UInt8], exponent: [UInt8], privateExponent: [UInt8], p: [UInt8], q: [UInt8]
    ) throws(SSHKeyError) -> Self {
        try SSHPublicKey.validateRSA(modulus: modulus, exponent: exponent)
        let longest = modulus.count
        guard [privateExponent, p, q].allSatisfy({ !$0.isEmpty && $0.count <= longest }),
            let key = try? _RSA.Signing.PrivateKey(n: modulus, e: exponent, d: privateExponent, p: p, q: q)
        else { throw .malformed("the numbers of an RSA key do not belong together") }
        return .rsa(key)
    }
}

extension SSHPrivateKey {
    /// Writes type and fields, the reverse of ``Material/init(fields:)``.
    func writePrivateFields(into writer: inout WireWriter) throws(SSHKeyError) {
        writer.writeString(publicKey.algorithm)
        switch material {
        case .ed25519(let key):
            let publicBytes = Array(key.publicKey.rawRepresentation)
            writer.writeString(publicBytes)
            writer.writeString(Array(key.rawRepresentation) + publicBytes)
        case .p256(let key):
            writeECDSA(
                .p256, point: Array(key.publicKey.x963Representation), scalar: Array(key.rawRepresentation), &writer)
        case .p384(let key):
            writeECDSA(
                .p384, point: Array(key.publicKey.x963Representation), scalar: Array(key.rawRepresentation), &writer)
        case .p521(let key):
            writeECDSA(
                .p521, point: Array(key.publicKey.x963Representation), scalar: Array(key.rawRepresentation), &writer)
        case .rsa(let key):
            let numbers = try RSAPrivateNumbers(pkcs1: Array(key.derRepresentation))
            for number in [
                numbers.modulus, numbers.exponent, numbers.privateExponent, numbers.coefficient, numbers.p, numbers.q,
            ] {
                writer.writeMPInt(number)
            }
        }
    }

    private func writeECDSA(_ curve: ECDSACurve, point: [UInt8], scalar: [UInt8], _ writer: inout WireWriter) {
        writer.writeString(curve.rawValue)
        writer.writeString(point)
        writer.writeMPInt(scalar)
    }

    /// The key as a file in OpenSSH's format, as ssh-keygen writes it: unencrypted, or with AES-256-CTR and bcrypt.
    ///
    /// - Parameters:
    ///   - passphrase: nil or empty for an unencrypted file.
    ///   - rounds: of bcrypt, 1 to 2048; each costs some milliseconds at every reading.
    ///
    /// Throws `unsupported` for other rounds.
    public func openSSHFile(passphrase: [UInt8]? = nil, rounds: Int = 16) throws(SSHKeyError) -> String {
        try OpenSSHPrivateKey.write(self, passphrase: passphrase, rounds: rounds)
    }
}
