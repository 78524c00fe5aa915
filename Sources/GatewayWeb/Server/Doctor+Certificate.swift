import Foundation
import Gateway
import SwiftASN1
import X509

extension Doctor {
    /// The certificate of the web face can be read, is valid now and for a while, and has a key that is closed to others.
    public func certificate(now: Date = Date()) -> Finding {
        let check = "certificate"
        if configuration.http { return Finding(check, .good, "There is no TLS, on loopback alone.") }
        let path = configuration.tls?.certificate ?? configuration.tlsFolder + "/certificate.pem"
        let key = configuration.tls?.key ?? configuration.tlsFolder + "/key.pem"
        guard FileManager.default.fileExists(atPath: path) else {
            guard configuration.tls == nil else {
                return Finding(
                    check, .fault, "The certificate \(path) does not exist.", remedy: "Correct tls_certificate.")
            }
            return Finding(check, .good, "A certificate is made at the first start.")
        }
        guard let pem = try? String(contentsOfFile: path, encoding: .utf8),
            let certificate = try? Certificate(pemEncoded: pem)
        else {
            return Finding(
                check, .fault, "\(path) cannot be read as a certificate.", remedy: "It has to be PEM, the leaf first.")
        }
        if let finding = keyFinding(key, check) { return finding }
        return validity(of: certificate, at: path, check, now: now)
    }

    private func keyFinding(_ path: String, _ check: String) -> Finding? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let mode = (attributes?[.posixPermissions] as? NSNumber)?.intValue else {
            return Finding(
                check, .fault, "The certificate's key \(path) cannot be read.",
                remedy: "Correct tls_key, or remove the certificate to have a new one made.")
        }
        guard mode & 0o077 == 0 else {
            return Finding(
                check, .fault, "The certificate's key \(path) can be read by other accounts.",
                remedy: "chmod 600 \(path)")
        }
        return nil
    }

    private func validity(of certificate: Certificate, at path: String, _ check: String, now: Date) -> Finding {
        let days = Int(certificate.notValidAfter.timeIntervalSince(now) / 86_400)
        let renewal = "Put a renewed one there; the copilot takes it without a restart."
        if certificate.notValidBefore > now {
            return Finding(
                check, .fault, "The certificate \(path) is not valid yet.",
                remedy: "Check the clock of this machine, then the certificate.")
        }
        if certificate.notValidAfter < now {
            return Finding(check, .fault, "The certificate \(path) has expired.", remedy: renewal)
        }
        if configuration.tls != nil, days < 14 {
            return Finding(check, .warning, "The certificate \(path) expires in \(days) days.", remedy: renewal)
        }
        return Finding(check, .good, "The certificate \(path) is valid for \(days) days.")
    }
}
