import Crypto
import Foundation
import SwiftASN1
import X509

/// The pair of PEM files that TLS uses, and the certificate of the local authority that stands in until there is one of
/// somebody whom browsers know.
struct CertificateFile: Sendable {
    /// The issuer of certificates that versions before the local authority made; they are replaced.
    static let formerName = "SSH Copilot (self-signed)"
    /// Browsers refuse a server certificate that is valid for longer.
    static let validity: TimeInterval = 397 * 24 * 3600
    /// A certificate of ours is replaced this long before its end.
    static let renewalTime: TimeInterval = 30 * 24 * 3600

    let certificatePath: String
    let keyPath: String

    /// Makes a certificate when there is none, when ours is about to expire, or when ours does not name a host that it
    /// should. A certificate of somebody else is never touched.
    ///
    /// - Throws: `WebServerError` when a file cannot be written, or when one of the two is missing.
    func prepare(names: [String], now: Date = Date()) throws {
        let files = FileManager.default
        let hasCertificate = files.fileExists(atPath: certificatePath)
        guard hasCertificate == files.fileExists(atPath: keyPath) else {
            throw WebServerError(
                .certificateUnreadable,
                "Of the certificate \(certificatePath) and its key \(keyPath), one is missing.",
                hint: "Put the missing file there, or remove the other one to have a certificate made.")
        }
        let present = try? Certificate(pemEncoded: String(contentsOfFile: certificatePath, encoding: .utf8))
        if hasCertificate, !Self.isOurs(present) { return }
        do {
            let alternatives = Self.alternativeNames(names)
            let authority = try LocalAuthority.prepare(beside: certificatePath, names: alternatives, now: now)
            if let present, isGood(present, of: authority, alternatives, now) { return }
            try write(authority, alternatives, now)
        } catch {
            throw WebServerError(
                .certificateUnreadable, "A TLS certificate could not be written to \(certificatePath): \(error).",
                hint: "Check that the folder exists and that this account may write there.")
        }
    }

    /// What can't be read is somebody else's.
    private static func isOurs(_ certificate: Certificate?) -> Bool {
        guard let certificate else { return false }
        let former = try? DistinguishedName { CommonName(formerName) }
        let ours = try? LocalAuthority.subject
        return certificate.issuer == former || certificate.issuer == ours
    }

    private func isGood(
        _ certificate: Certificate, of authority: LocalAuthority, _ names: [GeneralName], _ now: Date
    ) -> Bool {
        guard certificate.notValidAfter.timeIntervalSince(now) >= Self.renewalTime, authority.issued(certificate) else {
            return false
        }
        let named = (try? certificate.extensions.subjectAlternativeNames) ?? nil
        return Set(names).isSubset(of: Set(named ?? SubjectAlternativeNames([])))
    }

    private func write(_ authority: LocalAuthority, _ names: [GeneralName], _ now: Date) throws {
        let key = P256.Signing.PrivateKey()
        let certificate = try authority.issue(
            for: Certificate.PrivateKey(key).publicKey, names: names, validity: Self.validity, now: now)
        try Self.replace(keyPath, with: key.pemRepresentation + "\n", mode: 0o600)
        try Self.replace(certificatePath, with: try certificate.serializeAsPEM().pemString + "\n", mode: 0o644)
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
    static func replace(_ path: String, with text: String, mode: Int) throws {
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
