import Crypto
import CryptoExtras
import SSHCrypto

extension SSHPrivateKey {
    /// The key as "-----BEGIN PRIVATE KEY-----" (PKCS#8, RFC 5958), or encrypted as "-----BEGIN ENCRYPTED PRIVATE
    /// KEY-----" (PBES2, RFC 8018 §6.2, with PBKDF2-HMAC-SHA-256 and AES-256-CBC). The comment has no place in it.
    ///
    /// - Parameters:
    ///   - passphrase: nil or empty for an unencrypted file.
    ///   - iterations: of PBKDF2.
    ///
    /// Throws `unsupported` for iterations that nobody would read again.
    public func pkcs8File(passphrase: [UInt8]? = nil, iterations: Int = 600_000) throws(SSHKeyError) -> String {
        var info = try ASN1PrivateKey.privateKeyInfo(self)
        defer { wipe(&info) }
        guard let passphrase, !passphrase.isEmpty else {
            return PEMBlock.text(label: "PRIVATE KEY", content: info, width: 64)
        }
        return PEMBlock.text(
            label: "ENCRYPTED PRIVATE KEY",
            content: try PBES2.seal(info, passphrase: passphrase, iterations: iterations), width: 64)
    }

    /// The key in the format of before PKCS#8: "-----BEGIN RSA PRIVATE KEY-----" (PKCS#1), "-----BEGIN EC PRIVATE
    /// KEY-----" (SEC 1). Never encrypted: the passphrase function of that format is one round of MD5.
    ///
    /// Throws `unsupported` for Ed25519, which has no such form.
    public func legacyPEMFile() throws(SSHKeyError) -> String {
        switch material {
        case .rsa(let key):
            return PEMBlock.text(label: "RSA PRIVATE KEY", content: Array(key.derRepresentation), width: 64)
        case .p256, .p384, .p521:
            return PEMBlock.text(
                label: "EC PRIVATE KEY", content: try ASN1PrivateKey.ecPrivateKey(self, namesCurve: true), width: 64)
        case .ed25519:
            throw .unsupported("An Ed25519 key as an old PEM file", hint: "Choose the format PKCS8 or OpenSSH.")
        }
    }
}

extension ASN1PrivateKey {
    /// PrivateKeyInfo (RFC 5958 §2) with the key in the form of its kind: RFC 8410 §7, RFC 5915 §3, RFC 8017 §A.1.2.
    static func privateKeyInfo(_ key: SSHPrivateKey) throws(SSHKeyError) -> [UInt8] {
        func identifier(_ bytes: [UInt8]) -> [UInt8] { DERWriter.element(.objectIdentifier, bytes) }
        let algorithm: [UInt8]
        let content: [UInt8]
        switch key.material {
        case .ed25519(let key):
            algorithm = DERWriter.sequence(identifier(ObjectIdentifier.ed25519))
            content = DERWriter.element(.octetString, Array(key.rawRepresentation))
        case .p256, .p384, .p521:
            algorithm = DERWriter.sequence(
                identifier(ObjectIdentifier.ecPublicKey),
                identifier(ObjectIdentifier.identifier(of: try curveAndScalar(key).curve)))
            content = try ecPrivateKey(key, namesCurve: false)
        case .rsa(let key):
            algorithm = DERWriter.sequence(
                identifier(ObjectIdentifier.rsaEncryption), DERWriter.element(.null, []))
            content = Array(key.derRepresentation)
        }
        return DERWriter.sequence(DERWriter.integer([]), algorithm, DERWriter.element(.octetString, content))
    }

    /// ECPrivateKey (RFC 5915 §3), with its public point.
    ///
    /// - Parameter namesCurve: where no PKCS#8 around it does.
    static func ecPrivateKey(_ key: SSHPrivateKey, namesCurve: Bool) throws(SSHKeyError) -> [UInt8] {
        let (curve, scalar) = try curveAndScalar(key)
        guard case .ecdsa(_, let point) = key.publicKey else { throw .internalFailure("An EC key has no point.") }
        let name = DERWriter.element(.objectIdentifier, ObjectIdentifier.identifier(of: curve))
        return DERWriter.sequence(
            DERWriter.integer([1]), DERWriter.element(.octetString, scalar),
            namesCurve ? DERWriter.element(.context0, name) : [],
            DERWriter.element(.context1, DERWriter.bitString(point)))
    }

    private static func curveAndScalar(
        _ key: SSHPrivateKey
    ) throws(SSHKeyError) -> (curve: ECDSACurve, scalar: [UInt8]) {
        switch key.material {
        case .p256(let key): (.p256, Array(key.rawRepresentation))
        case .p384(let key): (.p384, Array(key.rawRepresentation))
        case .p521(let key): (.p521, Array(key.rawRepresentation))
        case .ed25519, .rsa: throw .internalFailure("A key is not on one of the curves of NIST.")
        }
    }
}

extension PBES2 {
    /// EncryptedPrivateKeyInfo (RFC 5958 §3) around a PrivateKeyInfo.
    static func seal(_ info: [UInt8], passphrase: [UInt8], iterations: Int) throws(SSHKeyError) -> [UInt8] {
        guard allowedIterations.contains(iterations) else {
            throw .unsupported("A key file with \(iterations) PBKDF2 iterations", hint: "Choose 1 to 10,000,000.")
        }
        func identifier(_ bytes: [UInt8]) -> [UInt8] { DERWriter.element(.objectIdentifier, bytes) }
        let salt = randomBytes(16)
        let vector = randomBytes(16)
        let encrypted: [UInt8]
        do {
            let key = try KDF.Insecure.PBKDF2.deriveKey(
                from: passphrase, salt: salt, using: .sha256, outputByteCount: 32, unsafeUncheckedRounds: iterations)
            encrypted = Array(try AES._CBC.encrypt(info, using: key, iv: AES._CBC.IV(ivBytes: vector)))
        } catch { throw .internalFailure("A private key could not be encrypted.") }
        let count = withUnsafeBytes(of: UInt32(iterations).bigEndian) { Array($0) }
        let derivation = DERWriter.sequence(
            identifier(ObjectIdentifier.pbkdf2),
            DERWriter.sequence(
                DERWriter.element(.octetString, salt), DERWriter.integer(count),
                DERWriter.sequence(identifier(ObjectIdentifier.hmacSHA256), DERWriter.element(.null, []))))
        let cipher = DERWriter.sequence(
            identifier(ObjectIdentifier.aes256CBC), DERWriter.element(.octetString, vector))
        return DERWriter.sequence(
            DERWriter.sequence(identifier(ObjectIdentifier.pbes2), DERWriter.sequence(derivation, cipher)),
            DERWriter.element(.octetString, encrypted))
    }
}
