import Foundation
import SSHKeys
import Testing

/// Certificates in both directions between us and ssh-keygen.
@Suite struct CertificateTests {
    @Test("certificates that ssh-keygen signs are read, for all key types and authorities", arguments: KeyKind.all)
    func read(_ kind: KeyKind) async throws {
        let authority = try await Authority(kind, key: kind)
        let certificate = try await authority.sign([
            "-n", "ada,bob", "-z", "42", "-V", "20260101000000Z:20300101000000Z", "-O", "force-command=ls -l",
            "-O", "source-address=10.0.0.0/8,::1", "-O", "no-pty",
        ])
        #expect(certificate.publicKey == (try authority.privateKey("key").publicKey))
        #expect(certificate.signatureKey == (try authority.privateKey().publicKey))
        #expect(certificate.algorithm == certificate.publicKey.algorithm + "-cert-v01@openssh.com")
        #expect(certificate.serial == 42)
        #expect(certificate.type == .user)
        #expect(certificate.keyID == "id")
        #expect(certificate.principals == ["ada", "bob"])
        #expect(certificate.validAfter == 1_767_225_600)
        #expect(certificate.validBefore == 1_893_456_000)
        #expect(certificate.criticalOptions.entries.map(\.name) == ["force-command", "source-address"])
        let permissions = try certificate.permissions
        #expect(permissions.forcedCommand == "ls -l")
        #expect(!permissions.mayUsePTY)
        #expect(permissions.mayForwardPorts && permissions.mayForwardAgent && permissions.mayRunUserRC)
    }

    @Test("an RSA authority signs with SHA-2; its SHA-1 signature is refused")
    func sha1() async throws {
        let authority = try await Authority(.rsa)
        for algorithm in ["rsa-sha2-256", "rsa-sha2-512"] {
            #expect(try await authority.sign(["-n", "ada", "-t", algorithm]).signatureAlgorithm == algorithm)
        }
        let refused = await refusal { _ = try await authority.sign(["-n", "ada", "-t", "ssh-rsa"]) }
        #expect(refused?.code == .certificateUntrusted)
    }

    @Test("FIDO keys are certified too: ssh-keygen signs their public keys without the token")
    func hardware() async throws {
        let authority = try await Authority()
        for key in [try HardwareToken.ed25519().publicKey, try HardwareToken.ecdsa().publicKey] {
            try authority.bench.write("sk.pub", Array(key.authorizedKeysLine(comment: "token").utf8))
            let certificate = try await authority.sign(["-n", "ada", "-O", "verify-required"], key: "sk")
            #expect(certificate.publicKey == key)
            #expect(certificate.algorithm.hasPrefix("sk-") && certificate.algorithm.hasSuffix("-cert-v01@openssh.com"))
            #expect(try certificate.permissions.needsVerification)
        }
    }

    @Test("ssh-keygen -L reads what we issue, for all key types", arguments: KeyKind.all)
    func issued(_ kind: KeyKind) async throws {
        let authority = try await Authority(kind, key: kind)
        let key = try authority.privateKey("key").publicKey
        let certificate = try SSHCertificate.issue(
            CertificateContents(
                publicKey: key, type: .user, keyID: "ada@laptop", principals: ["ada", "root"], serial: 7,
                validAfter: 1_767_225_600, validBefore: 1_893_456_000,
                criticalOptions: [.sourceAddresses(["127.0.0.0/8"]), .forceCommand("id")],
                extensions: .allPermissions),
            signedBy: try authority.privateKey())
        try authority.bench.write("ours-cert.pub", Array((certificate.line(comment: "ours") + "\n").utf8))
        let listing = try await authority.bench.require("ssh-keygen", ["-L", "-f", "ours-cert.pub"])
        for expected in [
            "Type: \(certificate.algorithm) user certificate", "Key ID: \"ada@laptop\"", "Serial: 7",
            "using \(certificate.signatureAlgorithm)", "ada\n", "root\n", "force-command id",
            "source-address 127.0.0.0/8", "permit-pty", "permit-X11-forwarding", key.fingerprint,
            certificate.signatureKey.fingerprint,
        ] {
            #expect(listing.contains(expected), "\(expected) in \(listing)")
        }
    }

    @Test("a host certificate without end is listed as valid forever")
    func host() async throws {
        let authority = try await Authority()
        let certificate = try SSHCertificate.issue(
            CertificateContents(
                publicKey: try authority.privateKey("key").publicKey, type: .host, keyID: "web",
                principals: ["*.example.org"]),
            signedBy: try authority.privateKey())
        try authority.bench.write("host-cert.pub", Array(certificate.line().utf8))
        let listing = try await authority.bench.require("ssh-keygen", ["-L", "-f", "host-cert.pub"])
        #expect(listing.contains("host certificate"))
        #expect(listing.contains("Valid: forever"))
        #expect(listing.contains("*.example.org"))
    }

    @Test("an authority that signs elsewhere is asked once, and its bad signature makes no certificate")
    func external() throws {
        let authority = SSHPrivateKey.generateEd25519()
        let contents = CertificateContents(
            publicKey: SSHPrivateKey.generateEd25519().publicKey, type: .user, keyID: "x", principals: ["ada"])
        let certificate = try SSHCertificate.issue(contents, signatureKey: authority.publicKey) {
            data throws(SSHKeyError) in
            try authority.sign(data, algorithm: "ssh-ed25519")
        }
        #expect(certificate.contents == contents)
        #expect(
            refusal {
                _ = try SSHCertificate.issue(contents, signatureKey: authority.publicKey) { data throws(SSHKeyError) in
                    try authority.sign(data + [0], algorithm: "ssh-ed25519")
                }
            }?.code == .malformed)
    }

    @Test("certificates that would be good for nobody are not issued")
    func unissuable() throws {
        let authority = SSHPrivateKey.generateEd25519()
        var contents = CertificateContents(
            publicKey: authority.publicKey, type: .user, keyID: "x", principals: ["ada"])
        for names in [[], [""], ["a,b"], ["*"], ["ad?"], (0...256).map { "u\($0)" }] {
            contents.principals = names
            #expect(
                refusal { _ = try SSHCertificate.issue(contents, signedBy: authority) }?.code == .certificatePrincipal)
        }
        contents.principals = ["ada"]
        contents.validAfter = 10
        contents.validBefore = 10
        #expect(refusal { _ = try SSHCertificate.issue(contents, signedBy: authority) }?.code == .malformed)
    }

    @Test("a certificate proves itself with its key's signature under the certificate's algorithm names")
    func identity() async throws {
        let authority = try await Authority(.ed25519, key: .rsa)
        let identity = PublicIdentity.certificate(try await authority.sign(["-n", "ada"]))
        let key = try authority.privateKey("key")
        #expect(
            identity.signatureAlgorithms == [
                "rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com",
            ])
        let signature = try key.sign([1], algorithm: "rsa-sha2-256")
        #expect(try identity.verify(signature: signature, over: [1], algorithm: "rsa-sha2-256-cert-v01@openssh.com"))
        #expect(!(try identity.verify(signature: signature, over: [2], algorithm: "rsa-sha2-256-cert-v01@openssh.com")))
        for wrong in ["rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256", "ssh-rsa-cert-v01@openssh.com", "ssh-rsa"] {
            #expect(
                refusal {
                    _ = try identity.verify(signature: signature, over: [1], algorithm: wrong, allowingLegacy: true)
                }?.code == .algorithmMismatch)
        }
        #expect(try PublicIdentity(wire: identity.blob) == identity)
        #expect(try PublicIdentity(wire: key.publicKey.blob) == .key(key.publicKey))
    }
}
