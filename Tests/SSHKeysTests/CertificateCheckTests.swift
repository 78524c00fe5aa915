import Foundation
import SSHKeys
import Testing

/// Each rule of the check, broken once.
@Suite struct CertificateCheckTests {
    let authority = SSHPrivateKey.generateEd25519()
    let user = SSHPrivateKey.generateEd25519()

    private func issue(_ change: (inout CertificateContents) -> Void = { _ in }) throws -> SSHCertificate {
        var contents = CertificateContents(
            publicKey: user.publicKey, type: .user, keyID: "id", principals: ["ada"], serial: 5, validAfter: 100,
            validBefore: 200)
        change(&contents)
        return try SSHCertificate.issue(contents, signedBy: authority)
    }

    private func check(
        _ certificate: SSHCertificate, as type: CertificateType = .user, for name: String = "ada", now: UInt64 = 150,
        revoked: KeyRevocationList? = nil, from address: String? = "192.0.2.1"
    ) -> SSHKeyError.Code? {
        refusal {
            try certificate.check(
                as: type, principal: name, now: now, isTrusted: { $0 == authority.publicKey }, revoked: revoked,
                sourceAddress: address)
        }?.code
    }

    @Test("a good certificate passes from its first second to the last before its end")
    func validity() throws {
        let certificate = try issue()
        #expect(check(certificate) == nil)
        #expect(check(certificate, now: 100) == nil)
        #expect(check(certificate, now: 199) == nil)
        #expect(check(certificate, now: 99) == .certificateNotYetValid)
        #expect(check(certificate, now: 200) == .certificateExpired)
        #expect(check(certificate, now: .max) == .certificateExpired)
    }

    @Test("a user certificate is no host certificate, and the other way round")
    func type() throws {
        #expect(check(try issue(), as: .host) == .certificateWrongType)
        #expect(check(try issue { $0.type = .host }) == .certificateWrongType)
    }

    @Test("an authority that is not trusted counts for nothing")
    func trust() throws {
        let error = refusal {
            try issue().check(as: .user, principal: "ada", now: 150, isTrusted: { _ in false })
        }
        #expect(error?.code == .certificateUntrusted)
    }

    @Test("an authority's algorithm must be on the list by its whole name: one curve stands for no other")
    func algorithms() throws {
        let signer = try SSHPrivateKey.generate(.ecdsa(.p384))
        let certificate = try SSHCertificate.issue(try issue().contents, signedBy: signer)
        func code(_ algorithms: [String]) -> SSHKeyError.Code? {
            refusal {
                try certificate.check(
                    as: .user, principal: "ada", now: 150, isTrusted: { _ in true }, authorityAlgorithms: algorithms)
            }?.code
        }
        #expect(code(["ecdsa-sha2-nistp384"]) == nil)
        #expect(code(["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp521"]) == .certificateUntrusted)
    }

    @Test("a name must stand in the certificate byte by byte")
    func principals() throws {
        let certificate = try issue { $0.principals = ["ada", "zo\u{e9}"] }
        for name in ["bob", "", "Ada", "ada ", "ad", "*", "a*", "zoe\u{301}"] {
            #expect(check(certificate, for: name) == .certificatePrincipal)
        }
        #expect(check(certificate, for: "zo\u{e9}") == nil)
    }

    @Test("ssh-keygen's certificate without names is good for nobody, user or host")
    func noPrincipals() async throws {
        let authority = try await Authority()
        for (type, arguments) in [(CertificateType.user, [String]()), (.host, ["-h"])] {
            let certificate = try await authority.sign(arguments)
            #expect(certificate.principals.isEmpty)
            for name in ["ada", "", "*"] {
                let error = refusal {
                    try certificate.check(as: type, principal: name, now: now, isTrusted: { _ in true })
                }
                #expect(error?.code == .certificatePrincipal)
            }
        }
    }

    @Test("a pattern in ssh-keygen's user certificate is a name like others; in a host certificate it is a pattern")
    func wildcards() async throws {
        let authority = try await Authority()
        let user = try await authority.sign(["-n", "*"])
        #expect(
            refusal { try user.check(as: .user, principal: "ada", now: now, isTrusted: { _ in true }) }?.code
                == .certificatePrincipal)
        let host = try await authority.sign(["-h", "-n", "*.example.org"])
        #expect(
            refusal { try host.check(as: .host, principal: "Web.Example.org", now: now, isTrusted: { _ in true }) }
                == nil)
        #expect(
            refusal { try host.check(as: .host, principal: "example.org", now: now, isTrusted: { _ in true }) }?.code
                == .certificatePrincipal)
    }

    @Test("an unknown critical option refuses, an unknown extension does not")
    func options() throws {
        #expect(
            check(try issue { $0.criticalOptions = [.init(name: "future@example.org")] }) == .certificateCriticalOption)
        #expect(check(try issue { $0.extensions = [.init(name: "future@example.org")] }) == nil)
        #expect(
            check(
                try issue {
                    $0.type = .host
                    $0.criticalOptions = [.forceCommand("id")]
                }, as: .host) == .certificateCriticalOption)
    }

    @Test("ssh-keygen's own unknown critical option refuses")
    func foreignOption() async throws {
        let certificate = try await Authority().sign(["-n", "ada", "-O", "critical:future@example.org=1"])
        #expect(
            refusal { try certificate.check(as: .user, principal: "ada", now: now, isTrusted: { _ in true }) }?.code
                == .certificateCriticalOption)
    }

    @Test(
        "a certificate that is bound to addresses is refused from others, and where the address is not known",
        arguments: [
            ("192.0.2.0/24", "192.0.2.1", true), ("192.0.2.0/24", "192.0.3.1", false),
            ("192.0.2.1", "192.0.2.1", true), ("10.0.0.0/8,192.0.2.0/25", "192.0.2.127", true),
            ("192.0.2.0/25", "192.0.2.128", false), ("192.0.2.0/24", "::ffff:192.0.2.1", true),
            ("::ffff:192.0.2.0/120", "192.0.2.1", true), ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false), ("::/0", "192.0.2.1", false), ("0.0.0.0/0", "::1", false),
            ("0.0.0.0/0", "192.0.2.1", true), ("192.0.2.0/24", "", false), ("192.0.2.0/24", "web", false),
        ])
    func addresses(_ networks: String, _ address: String, _ isAllowed: Bool) throws {
        let certificate = try issue { $0.criticalOptions = [.sourceAddresses([networks])] }
        #expect(check(certificate, from: address) == (isAllowed ? nil : .addressNotAllowed))
        #expect(check(certificate, from: nil) == .addressNotAllowed)
    }

    @Test(
        "a list of addresses that makes no sense refuses everybody",
        arguments: [
            "", "192.0.2.0/33", "192.0.2.1/24", "10.0.0.0/8,,::1", "*", "!10.0.0.0/8", "web", "1.2.3.4/-1", "::/+1",
        ])
    func nonsense(_ networks: String) throws {
        let certificate = try issue { $0.criticalOptions = [.sourceAddresses([networks])] }
        #expect(check(certificate) == .certificateCriticalOption)
    }

    @Test("an option whose data is no string in a string refuses")
    func optionData() throws {
        for data in [[], [1], [0, 0, 0, 9, 1], [0, 0, 0, 1, 0xff]] as [[UInt8]] {
            let source = try issue { $0.criticalOptions = [.init(name: "source-address", data: data)] }
            #expect(check(source) == .certificateCriticalOption)
            let command = try issue { $0.criticalOptions = [.init(name: "force-command", data: data)] }
            #expect(refusal { _ = try command.permissions }?.code == .certificateCriticalOption)
        }
    }

    @Test("a revocation list refuses by serial, key id, key and authority")
    func revoked() throws {
        let certificate = try issue()
        var serial = KeyRevocationList()
        serial.revoke(serials: 5...5, authority: authority.publicKey)
        var keyID = KeyRevocationList()
        keyID.revoke(keyID: "id", authority: nil)
        var key = KeyRevocationList()
        key.revoke(user.publicKey)
        var signer = KeyRevocationList()
        signer.revoke(authority.publicKey)
        for list in [serial, keyID, key, signer] { #expect(check(certificate, revoked: list) == .revoked) }
        var other = KeyRevocationList()
        other.revoke(serials: 6...9, authority: authority.publicKey)
        other.revoke(serials: 5...5, authority: user.publicKey)
        #expect(check(certificate, revoked: other) == nil)
    }

    @Test("a certificate whose authority is a certificate is refused at once, however deep it is nested")
    func nested() throws {
        var blob = try issue().blob
        while blob.count + 300 < SSHCertificate.maximumLength {
            blob = Self.certificate(signedBy: blob)
            #expect(refusal { _ = try PublicIdentity(wire: blob) }?.code == .unsupported)
        }
        for _ in 0..<10 { blob = Self.certificate(signedBy: blob) }
        #expect(refusal { _ = try SSHCertificate(wire: blob) }?.code == .malformed)
    }

    /// A certificate without a signature, of an authority whose blob is `authority`.
    private static func certificate(signedBy authority: [UInt8]) -> [UInt8] {
        var writer = WireWriter()
        writer.writeString("ssh-ed25519-cert-v01@openssh.com")
        writer.writeString([UInt8](repeating: 0, count: 32))
        writer.writeString([UInt8](repeating: 1, count: 32))
        writer.writeUInt64(0)
        writer.writeUInt32(1)
        for _ in 0..<2 { writer.writeString([]) }
        writer.writeUInt64(0)
        writer.writeUInt64(.max)
        for _ in 0..<3 { writer.writeString([]) }
        writer.writeString(authority)
        writer.writeString([])
        return writer.bytes
    }

    @Test("a certificate cut anywhere or with any byte changed is refused")
    func damage() throws {
        let whole = try issue {
            $0.criticalOptions = [.forceCommand("id")]
            $0.extensions = .allPermissions
        }
        for damaged in Damage.all(whole.blob) + [whole.blob + [0]] {
            #expect((try? SSHCertificate(wire: damaged)) == nil)
        }
    }

    @Test("an option that stands there twice is malformed")
    func twice() throws {
        let certificate = try issue { $0.extensions = [.init(name: "aaaa"), .init(name: "bbbb")] }
        // The two names have the same length: the second becomes the first.
        let index = try #require(certificate.blob.indices.first { certificate.blob[$0...].starts(with: "bbbb".utf8) })
        var blob = certificate.blob
        blob.replaceSubrange(index..<index + 4, with: "aaaa".utf8)
        #expect(refusal { _ = try SSHCertificate(wire: blob) }?.description.contains("twice") == true)
    }
}
