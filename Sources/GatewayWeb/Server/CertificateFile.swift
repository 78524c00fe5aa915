import Crypto
import Foundation
import SwiftASN1
import X509

/// The pair of PEM files that TLS uses, and the self-signed certificate that stands in until there is a real one.
struct CertificateFile: Sendable {
    /// Written as the issuer, so that a certificate of ours is told from one that a person put there.
    static let commonName = "SSH Copilot (self-signed)"
    /// Browsers refuse a server certificate that is valid for longer.
    static let validity: TimeInterval = 397 * 24 * 3600
    /// A certificate of ours is replaced this long before its end.
    static let renewalTime: TimeInterval = 30 * 24 * 3600

    let certificatePath: String
    let keyPath: String

    /// Makes a self-signed certificate when there is none, when ours is about to expire, or when ours does not name a
    /// host that it should. A certificate of somebody else is never touched.
    ///
    /// - Throws: `WebServerError` when a file cannot be written, or when one of the two is missing.
    func prepare(names: [String], now: Date = Date()) throws {
        let files = FileManager.default
        let hasCertificate = files.fileExists(atPath: certificatePath)
        guard hasCertificate == files.fileExists(atPath: keyPath) else {
            throw WebServerError(
                .certificateUnreadable,
                "Of the certificate \(certificatePath) and its key \(keyPath), one is missing.",
                hint: "Put the missing file there, or remove the other one to have a self-signed certificate made.")
        }
        if hasCertificate, !isReplaceable(names: names, now: now) { return }
        do {
            try write(names: names, now: now)
        } catch {
            throw WebServerError(
                .certificateUnreadable, "A TLS certificate could not be written to \(certificatePath): \(error).",
                hint: "Check that the folder exists and that this account may write there.")
        }
    }

    private func isReplaceable(names: [String], now: Date) -> Bool {
        guard
            let pem = try? String(contentsOfFile: certificatePath, encoding: .utf8),
            let certificate = try? Certificate(pemEncoded: pem),
            let ours = try? Self.subject, certificate.issuer == ours
        else { return false }
        if certificate.notValidAfter.timeIntervalSince(now) < Self.renewalTime { return true }
        let named = (try? certificate.extensions.subjectAlternativeNames) ?? nil
        return !Set(Self.alternativeNames(names)).isSubset(of: Set(named ?? SubjectAlternativeNames([])))
    }

    private func write(names: [String], now: Date) throws {
        let key = P256.Signing.PrivateKey()
        let certificate = try Self.selfSigned(key: Certificate.PrivateKey(key), names: names, now: now)
        let certificatePEM = try certificate.serializeAsPEM().pemString + "\n"
        try Self.replace(keyPath, with: key.pemRepresentation + "\n", mode: 0o600)
        try Self.replace(certificatePath, with: certificatePEM, mode: 0o644)
    }

    private static var subject: DistinguishedName {
        get throws { try DistinguishedName { CommonName(commonName) } }
    }

    private static func selfSigned(key: Certificate.PrivateKey, names: [String], now: Date) throws -> Certificate {
        let subject = try subject
        return try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: key.publicKey,
            // A client whose clock is a little late accepts it too.
            notValidBefore: now.addingTimeInterval(-3600),
            notValidAfter: now.addingTimeInterval(validity),
            issuer: subject,
            subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(alternativeNames(names))
            },
            issuerPrivateKey: key)
    }

    /// Host names as DNS names and addresses as addresses, without their ports (RFC 5280 §4.2.1.6).
    static func alternativeNames(_ names: [String]) -> [GeneralName] {
        var result: [GeneralName] = []
        for name in ["localhost", "127.0.0.1", "[::1]"] + names {
            guard let authority = Authority(name) else { continue }
            let general: GeneralName
            if let bytes = authority.addressBytes {
                general = .ipAddress(ASN1OctetString(contentBytes: bytes[...]))
            } else {
                general = .dnsName(authority.host)
            }
            if !result.contains(general) { result.append(general) }
        }
        return result
    }

    /// Writes beside the file and then puts it in its place: a reader finds the old or the new content, never half,
    /// and a key is never readable by others, not even for a moment.
    private static func replace(_ path: String, with text: String, mode: Int) throws {
        let folder = (path as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let temporary = path + ".new"
        try? FileManager.default.removeItem(atPath: temporary)
        guard
            FileManager.default.createFile(
                atPath: temporary, contents: Data(text.utf8), attributes: [.posixPermissions: mode])
        else { throw CocoaError(.fileWriteUnknown) }
        guard rename(temporary, path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
}
