/// Public keys in ASN.1: SubjectPublicKeyInfo (RFC 5280 §4.1; RFC 8410, 5480, 3279 for the algorithms) and PKCS#1.
enum ASN1PublicKey {
    static func subjectPublicKeyInfo(_ der: [UInt8]) throws(SSHKeyError) -> SSHPublicKey {
        var file = DERReader(der)
        var info = try file.enter(.sequence)
        try file.expectEnd()
        var algorithm = try info.enter(.sequence)
        let bits = try info.read(.bitString)
        try info.expectEnd()
        guard bits.first == 0 else { throw .malformed("a public key is no whole number of bytes") }
        let content = Array(bits.dropFirst())
        switch try algorithm.read(.objectIdentifier) {
        case ObjectIdentifier.ed25519: return try checked(.ed25519(content))
        case ObjectIdentifier.rsaEncryption: return try pkcs1(content)
        case ObjectIdentifier.ecPublicKey:
            let curve = try ObjectIdentifier.curve(try algorithm.read(.objectIdentifier))
            return try checked(.ecdsa(curve: curve, point: content))
        default: throw .unsupported("The type of this public key")
        }
    }

    static func pkcs1(_ der: [UInt8]) throws(SSHKeyError) -> SSHPublicKey {
        var file = DERReader(der)
        var numbers = try file.enter(.sequence)
        try file.expectEnd()
        let modulus = try numbers.unsignedInteger()
        let exponent = try numbers.unsignedInteger()
        try numbers.expectEnd()
        return try checked(.rsa(modulus: modulus, exponent: exponent))
    }

    private static func checked(_ key: SSHPublicKey) throws(SSHKeyError) -> SSHPublicKey {
        try key.validate()
        return key
    }
}

extension SSHPublicKey {
    /// The key as "-----BEGIN PUBLIC KEY-----" (PKCS#8), which OpenSSL and `ssh-keygen -i -m PKCS8` read.
    ///
    /// Throws `unsupported` for FIDO keys, which have no such form.
    public func pkcs8File() throws(SSHKeyError) -> String {
        let algorithm: [UInt8]
        let bits: [UInt8]
        func identifier(_ bytes: [UInt8]) -> [UInt8] { DERWriter.element(.objectIdentifier, bytes) }
        switch self {
        case .ed25519(let key):
            algorithm = DERWriter.sequence(identifier(ObjectIdentifier.ed25519))
            bits = key
        case .ecdsa(let curve, let point):
            algorithm = DERWriter.sequence(
                identifier(ObjectIdentifier.ecPublicKey), identifier(ObjectIdentifier.identifier(of: curve)))
            bits = point
        case .rsa(let modulus, let exponent):
            algorithm = DERWriter.sequence(identifier(ObjectIdentifier.rsaEncryption), DERWriter.element(.null, []))
            bits = DERWriter.sequence(DERWriter.integer(modulus), DERWriter.integer(exponent))
        case .skEd25519, .skECDSA:
            throw .unsupported("A hardware key as a PKCS#8 file", hint: "Use the .pub file of the key.")
        }
        let info = DERWriter.sequence(algorithm, DERWriter.bitString(bits))
        return PEMBlock.text(label: "PUBLIC KEY", content: info, width: 64)
    }

    /// The key as "-----BEGIN RSA PUBLIC KEY-----" (PKCS#1, RFC 8017 §A.1.1); an ECDSA key as PKCS#8, as
    /// `ssh-keygen -e -m PEM` does.
    ///
    /// Throws `unsupported` for Ed25519 and FIDO keys, which have no such form.
    public func legacyPEMFile() throws(SSHKeyError) -> String {
        switch self {
        case .rsa(let modulus, let exponent):
            return PEMBlock.text(
                label: "RSA PUBLIC KEY",
                content: DERWriter.sequence(DERWriter.integer(modulus), DERWriter.integer(exponent)), width: 64)
        case .ecdsa: return try pkcs8File()
        case .ed25519, .skEd25519, .skECDSA:
            throw .unsupported("This type of key as an old PEM file", hint: "Choose the format PKCS8 or RFC4716.")
        }
    }
}
