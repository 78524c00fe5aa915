import Foundation
import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(1)))
struct CertificateFileTests {
    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test("a certificate is made with every name and a key that only its owner reads")
    func made() async throws {
        try await withTemporaryFolder { folder in
            let file = CertificateFile(certificatePath: folder + "/tls/c.pem", keyPath: folder + "/tls/k.pem")
            try file.prepare(names: ["copilot.example:443", "192.0.2.7"])
            let shown = try await runProgram(
                "/usr/bin/openssl", ["x509", "-in", file.certificatePath, "-noout", "-text"])
            for name in [
                "DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1", "DNS:copilot.example",
                "IP Address:192.0.2.7",
            ] {
                #expect(shown.output.contains(name))
            }
            let attributes = try FileManager.default.attributesOfItem(atPath: file.keyPath)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        }
    }

    @Test("a good certificate stays, one that lacks a name or soon expires is made anew")
    func renewed() async throws {
        try await withTemporaryFolder { folder in
            let file = CertificateFile(certificatePath: folder + "/c.pem", keyPath: folder + "/k.pem")
            try file.prepare(names: [])
            let first = try text(file.certificatePath)
            try file.prepare(names: [])
            #expect(try text(file.certificatePath) == first)
            try file.prepare(names: ["new.example"])
            let second = try text(file.certificatePath)
            #expect(second != first)
            try file.prepare(names: ["new.example"], now: Date().addingTimeInterval(CertificateFile.validity - 60))
            #expect(try text(file.certificatePath) != second)
        }
    }

    @Test("a device that trusts the authority trusts the server, and for no other name")
    func authority() async throws {
        try await withTemporaryFolder { folder in
            let file = CertificateFile(certificatePath: folder + "/c.pem", keyPath: folder + "/k.pem")
            try file.prepare(names: ["copilot.example", "192.0.2.7"])
            let authority = LocalAuthority.certificatePath(beside: file.certificatePath)
            for name in [["-verify_hostname", "copilot.example"], ["-verify_ip", "192.0.2.7"]] {
                let good = try await runProgram(
                    "/usr/bin/openssl",
                    ["verify", "-x509_strict", "-CAfile", authority] + name + [file.certificatePath])
                #expect(good.status == 0, "\(good.output)")
            }
            // With the authority's key, for a name that is not this copilot's: what a thief would try.
            let stolen = try await runProgram(
                "/usr/bin/openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                    "-subj", "/CN=bank.example", "-addext", "subjectAltName=DNS:bank.example", "-CA", authority,
                    "-CAkey", folder + "/authority-key.pem", "-keyout", folder + "/s.key", "-out", folder + "/s.pem",
                ])
            #expect(stolen.status == 0)
            let verdict = try await runProgram("/usr/bin/openssl", ["verify", "-CAfile", authority, folder + "/s.pem"])
            #expect(verdict.status != 0)
        }
    }

    @Test("the authority stays when the server's certificate is renewed, and is made anew for a new name")
    func lasting() async throws {
        try await withTemporaryFolder { folder in
            let file = CertificateFile(certificatePath: folder + "/c.pem", keyPath: folder + "/k.pem")
            try file.prepare(names: ["one.example"])
            let authority = LocalAuthority.certificatePath(beside: file.certificatePath)
            let (first, served) = (try text(authority), try text(file.certificatePath))
            try file.prepare(names: ["one.example"], now: Date().addingTimeInterval(CertificateFile.validity - 60))
            #expect(try text(authority) == first)
            #expect(try text(file.certificatePath) != served)
            try file.prepare(names: ["one.example", "two.example"])
            #expect(try text(authority) != first)
        }
    }

    @Test("a certificate of somebody else is never replaced")
    func foreign() async throws {
        try await withTemporaryFolder { folder in
            let file = CertificateFile(certificatePath: folder + "/c.pem", keyPath: folder + "/k.pem")
            let made = try await runProgram(
                "/usr/bin/openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                    "-subj", "/CN=theirs", "-keyout", file.keyPath, "-out", file.certificatePath,
                ])
            #expect(made.status == 0)
            let before = try text(file.certificatePath)
            try file.prepare(names: ["new.example"])
            #expect(try text(file.certificatePath) == before)
        }
    }

    @Test("half a pair is an error that says what is missing")
    func half() async throws {
        try await withTemporaryFolder { folder in
            let file = CertificateFile(certificatePath: folder + "/c.pem", keyPath: folder + "/k.pem")
            try "x".write(toFile: file.certificatePath, atomically: true, encoding: .utf8)
            #expect { try file.prepare(names: []) } throws: { ($0 as? WebServerError)?.code == .certificateUnreadable }
        }
    }
}
