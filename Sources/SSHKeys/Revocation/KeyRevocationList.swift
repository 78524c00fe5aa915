import Crypto

/// A list of revoked keys and certificates (OpenSSH's PROTOCOL.krl), as `ssh-keygen -k` writes it and sshd's
/// RevokedKeys reads it.
///
///     var list = try KeyRevocationList(file: bytes)
///     list.revoke(serials: 17...17, authority: authority)
///     list.version += 1
///     guard !list.contains(.certificate(certificate)) else { … }
public struct KeyRevocationList: Sendable, Hashable {
    /// The largest file that is read, in bytes.
    public static let maximumFileLength = 64 << 20

    /// Grows with each change of the list.
    public var version: UInt64
    /// When it was made, in seconds since 1970.
    public var generated: UInt64
    public var comment: String

    /// What one authority took back; the key is the authority's blob, empty for any authority.
    var certificates: [[UInt8]: RevokedCertificates] = [:]
    var keys: Set<[UInt8]> = []
    var sha1Digests: Set<[UInt8]> = []
    var sha256Digests: Set<[UInt8]> = []

    struct RevokedCertificates: Sendable, Hashable {
        var serials = SerialNumbers()
        var keyIDs: Set<[UInt8]> = []
    }

    /// An empty list.
    public init(version: UInt64 = 0, generated: UInt64 = 0, comment: String = "") {
        self.version = version
        self.generated = generated
        self.comment = comment
    }

    /// Revokes a key, and every certificate of it or signed by it.
    public mutating func revoke(_ key: SSHPublicKey) { keys.insert(key.blob) }

    /// Revokes the key with this fingerprint: "SHA256:" and 43 characters, as `ssh-keygen -l` prints it.
    ///
    /// Throws `malformed` for anything else.
    public mutating func revoke(fingerprint: String) throws(SSHKeyError) {
        let name = "SHA256:"
        guard fingerprint.hasPrefix(name), let digest = Base64.decode(fingerprint.dropFirst(name.count) + "="),
            digest.count == SHA256.byteCount
        else { throw .malformed("\(Printable.text(fingerprint)) is no SHA-256 fingerprint") }
        sha256Digests.insert(digest)
    }

    /// Revokes a certificate: by its serial number, or by its key id if the authority gave it no number.
    public mutating func revoke(_ certificate: SSHCertificate) {
        if certificate.serial != 0 {
            revoke(serials: certificate.serial...certificate.serial, authority: certificate.signatureKey)
        } else {
            revoke(keyID: certificate.keyID, authority: certificate.signatureKey)
        }
    }

    /// Revokes the certificates with these serial numbers. Zero stands for "no number" and cannot be revoked.
    ///
    /// - Parameters:
    ///   - serials: the first to the last.
    ///   - authority: nil for every authority.
    public mutating func revoke(serials: ClosedRange<UInt64>, authority: SSHPublicKey?) {
        certificates[authority?.blob ?? [], default: RevokedCertificates()].serials.insert(serials)
    }

    /// Revokes the certificates with this key id.
    ///
    /// - Parameters:
    ///   - keyID: byte by byte as the certificate has it.
    ///   - authority: nil for every authority.
    public mutating func revoke(keyID: String, authority: SSHPublicKey?) {
        certificates[authority?.blob ?? [], default: RevokedCertificates()].keyIDs.insert(Array(keyID.utf8))
    }

    /// Whether the key, or the certificate, its key or its authority, is on the list.
    public func contains(_ identity: PublicIdentity) -> Bool { reason(identity) != nil }

    /// Why an identity is on the list: completes "revoked: ".
    func reason(_ identity: PublicIdentity) -> String? {
        if isRevoked(identity.publicKey) { return "its key is on the list" }
        guard let certificate = identity.certificate else { return nil }
        if isRevoked(certificate.signatureKey) { return "its authority's key is on the list" }
        for authority in [certificate.signatureKey.blob, []] {
            guard let revoked = certificates[authority] else { continue }
            if revoked.keyIDs.contains(Array(certificate.keyID.utf8)) { return "its key id is on the list" }
            if certificate.serial != 0, revoked.serials.contains(certificate.serial) {
                return "its serial number is on the list"
            }
        }
        return nil
    }

    private func isRevoked(_ key: SSHPublicKey) -> Bool {
        let blob = key.blob
        return keys.contains(blob)
            || (!sha256Digests.isEmpty && sha256Digests.contains(Array(SHA256.hash(data: blob))))
            || (!sha1Digests.isEmpty && sha1Digests.contains(Array(Insecure.SHA1.hash(data: blob))))
    }
}
