/// What somebody proves to be: a bare key, or a key with a certificate.
public enum PublicIdentity: Sendable, Hashable {
    case key(SSHPublicKey)
    case certificate(SSHCertificate)

    /// Reads a key blob or a certificate.
    ///
    /// Throws what ``SSHPublicKey/init(wire:)`` and ``SSHCertificate/init(wire:)`` throw.
    public init(wire blob: [UInt8]) throws(SSHKeyError) {
        var reader = WireReader(blob)
        if SSHCertificate.isCertificateAlgorithm(try reader.utf8String()) {
            self = .certificate(try SSHCertificate(wire: blob))
        } else {
            self = .key(try SSHPublicKey(wire: blob))
        }
    }

    public var blob: [UInt8] {
        switch self {
        case .key(let key): key.blob
        case .certificate(let certificate): certificate.blob
        }
    }

    /// The type as the blob names it: "ssh-rsa", "ssh-rsa-cert-v01@openssh.com".
    public var algorithm: String {
        switch self {
        case .key(let key): key.algorithm
        case .certificate(let certificate): certificate.algorithm
        }
    }

    /// The key, of a certificate the certified one.
    public var publicKey: SSHPublicKey {
        switch self {
        case .key(let key): key
        case .certificate(let certificate): certificate.publicKey
        }
    }

    public var certificate: SSHCertificate? {
        if case .certificate(let certificate) = self { return certificate }
        return nil
    }

    /// The public key algorithm names that this identity may be offered with, best first: for an RSA certificate
    /// "rsa-sha2-512-cert-v01@openssh.com" and so on.
    public var signatureAlgorithms: [String] {
        switch self {
        case .key(let key): key.signatureAlgorithms
        case .certificate(let certificate):
            certificate.publicKey.signatureAlgorithms.map(SSHCertificate.certificateAlgorithm(for:))
        }
    }

    /// The name that stands inside a signature made under `algorithm`: certificates sign under the plain one.
    ///
    /// - Returns: nil if `algorithm` is not one of ``signatureAlgorithms``.
    public func signatureFormat(for algorithm: String) -> String? {
        guard let index = signatureAlgorithms.firstIndex(of: algorithm),
            publicKey.signatureAlgorithms.indices.contains(index)
        else { return nil }
        return publicKey.signatureAlgorithms[index]
    }

    /// Whether the signature is this identity's; see
    /// ``SSHPublicKey/verify(signature:over:algorithm:allowingLegacy:)``.
    ///
    /// - Parameters:
    ///   - signature: a whole signature blob.
    ///   - data: what was signed.
    ///   - algorithm: one of ``signatureAlgorithms``.
    ///   - allowingLegacy: whether SHA-1 counts, where a configuration names it.
    public func verify(
        signature: [UInt8], over data: [UInt8], algorithm: String, allowingLegacy: Bool = false
    ) throws(SSHKeyError) -> Bool {
        try publicKey.verify(
            signature: signature, over: data, algorithm: try plain(algorithm, allowingLegacy),
            allowingLegacy: allowingLegacy)
    }

    /// See ``SSHPublicKey/verifyDetailed(signature:over:algorithm:allowingLegacy:)``.
    public func verifyDetailed(
        signature: [UInt8], over data: [UInt8], algorithm: String, allowingLegacy: Bool = false
    ) throws(SSHKeyError) -> SignatureDetails? {
        try publicKey.verifyDetailed(
            signature: signature, over: data, algorithm: try plain(algorithm, allowingLegacy),
            allowingLegacy: allowingLegacy)
    }

    /// A certificate is never used with SHA-1: programs that know certificates know SHA-2.
    private func plain(_ algorithm: String, _ allowingLegacy: Bool) throws(SSHKeyError) -> String {
        if let format = signatureFormat(for: algorithm) { return format }
        if allowingLegacy, certificate == nil, publicKey.legacySignatureAlgorithms.contains(algorithm) {
            return algorithm
        }
        throw .algorithmMismatch("\(self.algorithm) cannot be used with \(Printable.text(algorithm)).")
    }
}
