import Crypto
import Foundation
import SwiftASN1
import X509

/// An authority of this machine's own, which a phone or a browser can be told to trust instead of being told to look away.
///
/// It may sign for the names of this copilot and for nothing else (name constraints, RFC 5280 §4.2.1.10): whoever steals
/// its key can pretend to be this copilot, and no other site. When the copilot gets another name, another authority is
/// made, and devices have to trust that one.
struct LocalAuthority {
    static let commonName = "SSH Copilot local authority"
    static let validity: TimeInterval = 10 * 365 * 24 * 3600
    /// Made anew so long before its end that no certificate outlives it.
    private static let renewalTime: TimeInterval = 400 * 24 * 3600

    let certificate: Certificate
    private let key: Certificate.PrivateKey

    /// The certificate that devices trust, beside the server's own.
    static func certificatePath(beside path: String) -> String { folder(path) + "/authority.pem" }
    private static func keyPath(beside path: String) -> String { folder(path) + "/authority-key.pem" }
    private static func folder(_ path: String) -> String { (path as NSString).deletingLastPathComponent }

    static var subject: DistinguishedName {
        get throws { try DistinguishedName { CommonName(commonName) } }
    }

    /// Reads the authority beside the server's certificate, or makes one for these names.
    static func prepare(beside path: String, names: [GeneralName], now: Date) throws -> LocalAuthority {
        if let known = try? load(beside: path), known.serves(names, now: now) { return known }
        let key = P256.Signing.PrivateKey()
        let made = try LocalAuthority(key: Certificate.PrivateKey(key), names: names, now: now)
        try CertificateFile.replace(keyPath(beside: path), with: key.pemRepresentation + "\n", mode: 0o600)
        try CertificateFile.replace(
            certificatePath(beside: path), with: try made.certificate.serializeAsPEM().pemString + "\n", mode: 0o644)
        return made
    }

    private static func load(beside path: String) throws -> LocalAuthority {
        let certificate = try String(contentsOfFile: certificatePath(beside: path), encoding: .utf8)
        let key = try String(contentsOfFile: keyPath(beside: path), encoding: .utf8)
        return LocalAuthority(
            certificate: try Certificate(pemEncoded: certificate), key: try Certificate.PrivateKey(pemEncoded: key))
    }

    private init(certificate: Certificate, key: Certificate.PrivateKey) {
        self.certificate = certificate
        self.key = key
    }

    private init(key: Certificate.PrivateKey, names: [GeneralName], now: Date) throws {
        let subject = try Self.subject
        let made = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: now.addingTimeInterval(-3600), notValidAfter: now.addingTimeInterval(Self.validity),
            issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true))
                Critical(NameConstraints(permittedSubtrees: names.compactMap(Self.subtree)))
                SubjectKeyIdentifier(hash: key.publicKey)
            },
            issuerPrivateKey: key)
        self.init(certificate: made, key: key)
    }

    /// An address is written with its mask (RFC 5280 §4.2.1.10): one address and no more.
    private static func subtree(_ name: GeneralName) -> GeneralName? {
        switch name {
        case .dnsName: return name
        case .ipAddress(let address):
            let mask = [UInt8](repeating: 0xFF, count: address.bytes.count)
            return .ipAddress(ASN1OctetString(contentBytes: (Array(address.bytes) + mask)[...]))
        default: return nil
        }
    }

    private func serves(_ names: [GeneralName], now: Date) -> Bool {
        guard certificate.notValidAfter.timeIntervalSince(now) > Self.renewalTime,
            let limits = try? certificate.extensions.nameConstraints
        else { return false }
        return Set(names.compactMap(Self.subtree)).isSubset(of: Set(limits.permittedSubtrees))
    }

    /// Whether it signed this certificate.
    func issued(_ other: Certificate) -> Bool {
        certificate.publicKey.isValidSignature(other.signature, for: other)
    }

    /// A server's certificate for these names.
    func issue(for key: Certificate.PublicKey, names: [GeneralName], validity: TimeInterval, now: Date) throws
        -> Certificate
    {
        try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key,
            // A client whose clock is a little late accepts it too.
            notValidBefore: now.addingTimeInterval(-3600), notValidAfter: now.addingTimeInterval(validity),
            issuer: certificate.subject, subject: try DistinguishedName { CommonName("SSH Copilot") },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(names)
                AuthorityKeyIdentifier(
                    keyIdentifier: SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier)
            },
            issuerPrivateKey: self.key)
    }
}
