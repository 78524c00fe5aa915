import SSHCrypto

/// An OpenSSH certificate (PROTOCOL.certkeys): a key, names and limits, with the signature of an authority.
///
/// A value of this type always bears a valid signature of ``signatureKey``: reading checks it. Whether that authority
/// is trusted, and the certificate good for a purpose, is what
/// ``check(as:principal:now:isTrusted:revoked:sourceAddress:authorityAlgorithms:)`` tells.
public struct SSHCertificate: Sendable, Hashable {
    /// The longest certificate that is read, in bytes. One with 256 names and an RSA authority needs a quarter.
    public static let maximumLength = 64 * 1024
    static let suffix = "-cert-v01@openssh.com"

    /// The certificate as it goes over the wire.
    public let blob: [UInt8]
    public let contents: CertificateContents
    /// The authority's key; never a certificate itself.
    public let signatureKey: SSHPublicKey
    /// The algorithm of the authority's signature: "ssh-ed25519", "rsa-sha2-512".
    public let signatureAlgorithm: String

    /// The certificate's type as the blob names it: "ssh-ed25519-cert-v01@openssh.com".
    public var algorithm: String { Self.certificateAlgorithm(for: contents.publicKey.algorithm) }
    public var publicKey: SSHPublicKey { contents.publicKey }
    public var serial: UInt64 { contents.serial }
    public var type: CertificateType { contents.type }
    public var keyID: String { contents.keyID }
    public var principals: [String] { contents.principals }
    /// Seconds since 1970; valid from `validAfter` on and before `validBefore`.
    public var validAfter: UInt64 { contents.validAfter }
    public var validBefore: UInt64 { contents.validBefore }
    public var criticalOptions: CertificateOptions { contents.criticalOptions }
    public var extensions: CertificateOptions { contents.extensions }

    /// Reads a certificate and checks the authority's signature.
    ///
    /// Throws `malformed` if it breaks its format or the signature is not the authority's; `unsupported` for unknown
    /// key types and for an authority that is a certificate; `certificateUntrusted` for a signature with SHA-1.
    public init(wire blob: [UInt8]) throws(SSHKeyError) {
        guard blob.count <= Self.maximumLength else {
            throw .malformed("a certificate of \(blob.count) bytes is longer than any")
        }
        var reader = WireReader(blob)
        let type = try reader.utf8String()
        guard let keyType = Self.keyType(of: type) else {
            throw .unsupported("The certificate type “\(Printable.text(type))”")
        }
        _ = try reader.string()  // the nonce, which makes the signed bytes unforeseeable
        contents = try CertificateContents(keyType: keyType, fields: &reader)
        _ = try reader.string()  // reserved
        signatureKey = try Self.authority(try reader.string())
        let signed = Array(blob.prefix(blob.count - reader.remaining))
        let signature = try reader.string()
        try reader.expectEnd(of: "a certificate")
        signatureAlgorithm = try Self.verify(signature, of: signatureKey, over: signed)
        self.blob = blob
    }

    /// Two certificates are the same if their bytes are.
    public static func == (a: SSHCertificate, b: SSHCertificate) -> Bool { a.blob == b.blob }
    public func hash(into hasher: inout Hasher) { hasher.combine(blob) }

    /// "ssh-ed25519" → "ssh-ed25519-cert-v01@openssh.com"; the "@openssh.com" of FIDO types goes to the end.
    static func certificateAlgorithm(for algorithm: String) -> String {
        let vendor = "@openssh.com"
        return (algorithm.hasSuffix(vendor) ? String(algorithm.dropLast(vendor.count)) : algorithm) + suffix
    }

    /// The reverse, for the types that are known.
    static func keyType(of algorithm: String) -> String? {
        SSHPublicKey.knownTypes.first { certificateAlgorithm(for: $0) == algorithm }
    }

    /// Whether a blob or a name belongs to a certificate.
    static func isCertificateAlgorithm(_ algorithm: String) -> Bool { algorithm.hasSuffix(suffix) }

    /// An authority that is a certificate itself would make chains of any depth; there are none in SSH.
    private static func authority(_ blob: [UInt8]) throws(SSHKeyError) -> SSHPublicKey {
        var reader = WireReader(blob)
        guard !isCertificateAlgorithm(try reader.utf8String()) else {
            throw .unsupported(
                "A certificate whose authority is a certificate",
                hint: "Sign it with a plain key: ssh-keygen -s CA -I ID -n NAME KEY.pub")
        }
        return try SSHPublicKey(wire: blob)
    }

    private static func verify(
        _ signature: [UInt8], of key: SSHPublicKey, over signed: [UInt8]
    ) throws(SSHKeyError) -> String {
        var reader = WireReader(signature)
        let algorithm = try reader.utf8String()
        guard !key.legacySignatureAlgorithms.contains(algorithm) else {
            throw .refused(.certificateUntrusted, "The certificate's authority signed it with SHA-1.")
        }
        // A touch is between the authority and its token; only the signature counts here, as in OpenSSH.
        guard try key.verifyDetailed(signature: signature, over: signed, algorithm: algorithm) != nil else {
            throw .malformed("the signature of a certificate is not its authority's")
        }
        return algorithm
    }
}

extension SSHCertificate: CustomStringConvertible {
    public var description: String {
        "SSHCertificate(\(algorithm), \(type), “\(Printable.text(keyID))”, serial \(serial), "
            + "authority \(signatureKey.fingerprint))"
    }
}
