/// The numbers of an RSA private key (RFC 8017 §A.1.2).
struct RSAPrivateNumbers {
    let modulus: [UInt8]
    let exponent: [UInt8]
    let privateExponent: [UInt8]
    let p: [UInt8]
    let q: [UInt8]
    /// The inverse of q modulo p.
    let coefficient: [UInt8]

    init(pkcs1 der: [UInt8]) throws(SSHKeyError) {
        var file = DERReader(der)
        var sequence = try file.enter(.sequence)
        try file.expectEnd()
        guard try sequence.smallInteger() == 0 else {
            throw .unsupported("An RSA key of more than two primes")
        }
        modulus = try sequence.unsignedInteger()
        exponent = try sequence.unsignedInteger()
        privateExponent = try sequence.unsignedInteger()
        p = try sequence.unsignedInteger()
        q = try sequence.unsignedInteger()
        _ = try sequence.unsignedInteger()
        _ = try sequence.unsignedInteger()
        coefficient = try sequence.unsignedInteger()
        try sequence.expectEnd()
    }
}

/// Private keys in the ASN.1 formats that OpenSSL and older ssh-keygen write.
///
/// Where the bytes came out of a decryption whose padding fits by chance, they are noise: `wasEncrypted` turns a
/// structure that does not even begin as one into `wrongPassphrase`.
enum ASN1PrivateKey {
    /// PKCS#1, RFC 8017 §A.1.2.
    static func pkcs1(_ der: [UInt8], wasEncrypted: Bool) throws(SSHKeyError) -> SSHPrivateKey {
        try checkStart(der, wasEncrypted: wasEncrypted)
        let numbers = try RSAPrivateNumbers(pkcs1: der)
        let material = try SSHPrivateKey.Material.rsa(
            modulus: numbers.modulus, exponent: numbers.exponent, privateExponent: numbers.privateExponent,
            p: numbers.p, q: numbers.q)
        return try SSHPrivateKey(material, comment: "")
    }

    /// SEC 1 (RFC 5915 §3).
    ///
    /// - Parameter curve: from the PKCS#8 around it, where the key itself may leave it out.
    static func sec1(_ der: [UInt8], curve: ECDSACurve?, wasEncrypted: Bool) throws(SSHKeyError) -> SSHPrivateKey {
        try checkStart(der, wasEncrypted: wasEncrypted)
        var file = DERReader(der)
        var sequence = try file.enter(.sequence)
        try file.expectEnd()
        guard try sequence.smallInteger() == 1 else { throw .malformed("an EC key is not of version 1") }
        let scalar = try sequence.read(.octetString)
        var named: ECDSACurve?
        if let parameters = try sequence.readIfPresent(.context0) {
            var reader = DERReader(parameters)
            named = try ObjectIdentifier.curve(try reader.read(.objectIdentifier))
        }
        var point: [UInt8]?
        if let wrapped = try sequence.readIfPresent(.context1) {
            var reader = DERReader(wrapped)
            let bits = try reader.read(.bitString)
            guard bits.first == 0 else { throw .malformed("the public part of an EC key is no whole number of bytes") }
            point = Array(bits.dropFirst())
        }
        try sequence.expectEnd()
        guard let curve = named ?? curve, named == nil || named == curve else {
            throw .malformed("an EC key does not name its curve, or names two")
        }
        // A compressed point is another spelling of the same key; the scalar decides.
        if point?.first != 0x04 { point = nil }
        return try SSHPrivateKey(try .ecdsa(curve, scalar: scalar, point: point), comment: "")
    }

    /// PKCS#8 (RFC 5958 §2).
    static func pkcs8(_ der: [UInt8], wasEncrypted: Bool) throws(SSHKeyError) -> SSHPrivateKey {
        try checkStart(der, wasEncrypted: wasEncrypted)
        var file = DERReader(der)
        var sequence = try file.enter(.sequence)
        try file.expectEnd()
        guard try sequence.smallInteger() <= 1 else { throw .malformed("a PKCS#8 key is of an unknown version") }
        var algorithm = try sequence.enter(.sequence)
        let identifier = try algorithm.read(.objectIdentifier)
        let key = try sequence.read(.octetString)
        switch identifier {
        case ObjectIdentifier.ed25519:
            var inner = DERReader(key)
            let seed = try inner.read(.octetString)
            try inner.expectEnd()
            return try SSHPrivateKey(try .ed25519(seed: seed, publicKey: nil), comment: "")
        case ObjectIdentifier.rsaEncryption:
            return try pkcs1(key, wasEncrypted: false)
        case ObjectIdentifier.ecPublicKey:
            let curve = try ObjectIdentifier.curve(try algorithm.read(.objectIdentifier))
            return try sec1(key, curve: curve, wasEncrypted: false)
        default:
            throw .unsupported("The type of this PKCS#8 key")
        }
    }

    private static func checkStart(_ der: [UInt8], wasEncrypted: Bool) throws(SSHKeyError) {
        guard wasEncrypted else { return }
        var reader = DERReader(der)
        guard var sequence = try? reader.enter(.sequence), reader.isAtEnd, (try? sequence.smallInteger()) != nil else {
            throw .wrongPassphrase
        }
    }
}
