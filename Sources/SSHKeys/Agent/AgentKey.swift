/// A key as an agent holds it: the private key, with or without a certificate.
///
/// A key that has a certificate is added twice, as `ssh-add` does: once bare and once with it.
public struct AgentKey: Sendable {
    public let privateKey: SSHPrivateKey
    public let certificate: SSHCertificate?

    public init(_ privateKey: SSHPrivateKey) {
        self.privateKey = privateKey
        certificate = nil
    }

    /// Throws `malformed` if the certificate is for another key.
    public init(_ privateKey: SSHPrivateKey, certificate: SSHCertificate) throws(SSHKeyError) {
        guard certificate.publicKey == privateKey.publicKey else {
            throw .malformed("the certificate is for another key")
        }
        self.privateKey = privateKey
        self.certificate = certificate
    }

    /// What it proves to be.
    public var identity: PublicIdentity {
        certificate.map { .certificate($0) } ?? .key(privateKey.publicKey)
    }
}

// MARK: Wire format (draft-ietf-sshm-ssh-agent §5.1, OpenSSH's PROTOCOL.certkeys for certificates)

extension AgentKey {
    /// Reads the type and the fields of an add request.
    init(fields reader: inout WireReader) throws(SSHKeyError) {
        var copy = reader
        let type = try copy.utf8String()
        guard SSHCertificate.isCertificateAlgorithm(type) else {
            let material = try SSHPrivateKey.Material(fields: &reader)
            self.init(try SSHPrivateKey(material, comment: ""))
            return
        }
        reader = copy
        let certificate = try SSHCertificate(wire: try reader.string())
        guard certificate.algorithm == type else {
            throw .malformed("a certificate is of another type than it is announced with")
        }
        let material = try Self.material(certifiedAs: certificate.publicKey, &reader)
        try self.init(try SSHPrivateKey(material, comment: ""), certificate: certificate)
    }

    /// The private part alone: the public part is in the certificate.
    private static func material(
        certifiedAs key: SSHPublicKey, _ reader: inout WireReader
    ) throws(SSHKeyError) -> SSHPrivateKey.Material {
        switch key {
        case .ed25519(let publicKey):
            let again = try reader.string()
            let both = try reader.string()
            guard again == publicKey, both.count == 64, Array(both.suffix(32)) == publicKey else {
                throw .malformed("the parts of an Ed25519 key do not belong together")
            }
            return try .ed25519(seed: Array(both.prefix(32)), publicKey: publicKey)
        case .ecdsa(let curve, let point):
            return try .ecdsa(curve, scalar: try reader.mpint(), point: point)
        case .rsa(let modulus, let exponent):
            let privateExponent = try reader.mpint()
            _ = try reader.mpint()  // iqmp: the library works it out again
            let p = try reader.mpint()
            let q = try reader.mpint()
            return try .rsa(modulus: modulus, exponent: exponent, privateExponent: privateExponent, p: p, q: q)
        default:
            throw .unsupported("A key on a hardware token in this agent")
        }
    }

    func writeFields(into writer: inout WireWriter) throws(SSHKeyError) {
        guard let certificate else { return try privateKey.writePrivateFields(into: &writer) }
        var plain = WireWriter()
        try privateKey.writePrivateFields(into: &plain)
        var reader = WireReader(plain.bytes)
        _ = try reader.string()
        // The bare form begins with the public part, which Ed25519 alone repeats.
        switch privateKey.publicKey {
        case .rsa:
            _ = try reader.mpint()
            _ = try reader.mpint()
        case .ecdsa:
            _ = try reader.string()
            _ = try reader.string()
        default: break
        }
        writer.writeString(certificate.algorithm)
        writer.writeString(certificate.blob)
        writer.writeRaw(reader.rest())
    }
}
