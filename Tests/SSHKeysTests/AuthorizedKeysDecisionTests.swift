import Foundation
import SSHKeys
import Testing

/// Who is let in, and with what.
@Suite struct AuthorizedKeysDecisionTests {
    let key = SSHPrivateKey.generateEd25519().publicKey
    let authority = SSHPrivateKey.generateEd25519()

    private func login(
        _ identity: PublicIdentity, as user: String = "ada", from address: String? = "192.0.2.1",
        name: String? = "pc.example.org", signature: SignatureDetails? = nil, revoked: KeyRevocationList? = nil
    ) -> KeyLogin {
        KeyLogin(
            identity: identity, username: user, address: address, hostname: name, now: 1000, signature: signature,
            revoked: revoked)
    }

    private func code(_ decision: KeyDecision) -> SSHKeyError.Code? {
        if case .refused(let error, _) = decision { return error.code }
        return nil
    }

    private func certificate(
        for names: [String] = ["ada"], _ change: (inout CertificateContents) -> Void = { _ in }
    ) throws -> PublicIdentity {
        var contents = CertificateContents(
            publicKey: key, type: .user, keyID: "x", principals: names, serial: 3, extensions: .allPermissions)
        change(&contents)
        return .certificate(try SSHCertificate.issue(contents, signedBy: authority))
    }

    private func trusting(_ options: String = "") -> AuthorizedKeys {
        AuthorizedKeys(text: "cert-authority\(options) \(authority.publicKey.authorizedKeysLine())")
    }

    @Test("a key that stands there is let in with its line's options; another is unknown")
    func keys() {
        let file = AuthorizedKeys(text: "\nno-pty \(key.authorizedKeysLine())")
        guard case .allowed(let permissions, let line) = file.decide(login(.key(key))) else {
            Issue.record("refused")
            return
        }
        #expect(line == 2 && !permissions.mayUsePTY && permissions.mayForwardPorts)
        #expect(file.decide(login(.key(authority.publicKey))) == .unknown)
    }

    @Test(
        "from= lets in by address, network, pattern and name, and a negation keeps out",
        arguments: [
            ("192.0.2.1", true), ("192.0.2.0/24", true), ("192.0.2.*", true), ("*.example.org", true),
            ("PC.example.ORG", true), ("192.0.2.2", false), ("10.0.0.0/8", false), ("*.example.com", false),
            ("*,!192.0.2.1", false), ("!192.0.2.0/24,*", false), ("!*.example.org,192.0.2.1", false),
            ("!10.0.0.0/8", false),
            ("?.example.org,pc.*", true), ("::/0", false),
        ])
    func sources(_ patterns: String, _ isAllowed: Bool) {
        let file = AuthorizedKeys(text: "from=\"\(patterns)\" \(key.authorizedKeysLine())")
        #expect(code(file.decide(login(.key(key)))) == (isAllowed ? nil : .addressNotAllowed))
    }

    @Test("an IPv4 address inside of IPv6 is the IPv4 address; a client without address fits no network")
    func addresses() {
        let file = AuthorizedKeys(text: "from=\"192.0.2.0/24\" \(key.authorizedKeysLine())")
        #expect(code(file.decide(login(.key(key), from: "::ffff:192.0.2.9"))) == nil)
        #expect(code(file.decide(login(.key(key), from: nil, name: nil))) == .addressNotAllowed)
    }

    @Test("an expired line refuses; a second line of the same key may still let in")
    func expiry() {
        let line = key.authorizedKeysLine()
        let expired = "expiry-time=\"19700101Z\" \(line)"
        #expect(code(AuthorizedKeys(text: expired).decide(login(.key(key)))) == .certificateExpired)
        #expect(
            AuthorizedKeys(text: "\(expired)\nno-pty \(line)").decide(login(.key(key)))
                == .allowed(KeyOptions.noPTY, line: 2))
    }

    @Test("an authority's own key is not let in, and a certificate not by a line without cert-authority")
    func authorities() throws {
        #expect(trusting().decide(login(.key(authority.publicKey))) == .unknown)
        let plain = AuthorizedKeys(text: authority.publicKey.authorizedKeysLine() + "\n" + key.authorizedKeysLine())
        #expect(plain.decide(login(try certificate())) == .unknown)
    }

    @Test("a certificate is let in under its names alone: the user's, or those of principals=")
    func principals() async throws {
        let ada = try certificate()
        #expect(code(trusting().decide(login(ada))) == nil)
        #expect(code(trusting().decide(login(ada, as: "bob"))) == .certificatePrincipal)
        #expect(code(trusting(#",principals="ops,ada""#).decide(login(ada, as: "bob"))) == nil)
        #expect(code(trusting(#",principals="ops""#).decide(login(ada))) == .certificatePrincipal)
        // A comma inside of a certificate's name makes no second name of it.
        let comma = try await Authority().foreignComma()
        let file = AuthorizedKeys(
            text: #"cert-authority,principals="root,ada" "# + comma.signatureKey.authorizedKeysLine())
        #expect(code(file.decide(login(.certificate(comma)))) == .certificatePrincipal)
    }

    @Test("line and certificate together: what both permit, and source-address on this path too")
    func together() throws {
        let limited = try certificate {
            $0.extensions = [.permitPTY]
            $0.criticalOptions = [.sourceAddresses(["192.0.2.0/24"]), .forceCommand("id")]
        }
        guard case .allowed(let permissions, _) = trusting(",no-user-rc").decide(login(limited)) else {
            Issue.record("refused")
            return
        }
        #expect(permissions.mayUsePTY && !permissions.mayForwardPorts && !permissions.mayRunUserRC)
        #expect(permissions.forcedCommand == "id")
        #expect(code(trusting().decide(login(limited, from: "198.51.100.1"))) == .addressNotAllowed)
        #expect(code(trusting(#",command="id""#).decide(login(limited))) == nil)
        #expect(code(trusting(#",command="ls""#).decide(login(limited))) == .certificateCriticalOption)
        guard case .allowed(let restricted, _) = trusting(",restrict").decide(login(limited)) else {
            Issue.record("refused")
            return
        }
        #expect(!restricted.mayUsePTY)
    }

    @Test("a revoked key and a revoked certificate are refused")
    func revoked() throws {
        var list = KeyRevocationList()
        list.revoke(serials: 3...3, authority: authority.publicKey)
        #expect(code(trusting().decide(login(try certificate(), revoked: list))) == .revoked)
        let plain = AuthorizedKeys(text: key.authorizedKeysLine())
        #expect(code(plain.decide(login(.key(key), revoked: list))) == nil)
        list.revoke(key)
        #expect(code(plain.decide(login(.key(key), revoked: list))) == .revoked)
    }

    @Test("touch and PIN of a token are asked for unless the line and the certificate waive the touch")
    func presence() throws {
        let token = try HardwareToken.ed25519()
        let identity = PublicIdentity.key(token.publicKey)
        let line = token.publicKey.authorizedKeysLine()
        let touched = SignatureDetails(userPresent: true, userVerified: false, counter: 1)
        let untouched = SignatureDetails(userPresent: false, userVerified: false, counter: 1)
        let verified = SignatureDetails(userPresent: true, userVerified: true, counter: 1)
        func decide(_ options: String, _ details: SignatureDetails) -> SSHKeyError.Code? {
            code(AuthorizedKeys(text: options + line).decide(login(identity, signature: details)))
        }
        #expect(decide("", touched) == nil)
        #expect(decide("", untouched) == .presenceRequired)
        #expect(decide("no-touch-required ", untouched) == nil)
        #expect(decide("verify-required ", touched) == .presenceRequired)
        #expect(decide("verify-required ", verified) == nil)
        let contents = CertificateContents(
            publicKey: token.publicKey, type: .user, keyID: "x", principals: ["ada"])
        let strict = PublicIdentity.certificate(try SSHCertificate.issue(contents, signedBy: authority))
        #expect(
            code(trusting(",no-touch-required").decide(login(strict, signature: untouched))) == .presenceRequired)
    }

    @Test("AuthorizedPrincipalsFile: names with options, for certificates of trusted authorities alone")
    func principalsFile() throws {
        let file = AuthorizedPrincipals(
            file: Array("# names\nbob\nno-pty,command=\"a b\" ada\ncert-authority x\na b c\n".utf8))
        #expect(file.entries.map(\.name) == ["bob", "ada"])
        #expect(file.problems.map(\.line) == [4, 5])
        let identity = try certificate()
        guard
            case .allowed(let permissions, let line) = file.decide(
                login(identity, as: "root"), isTrusted: { $0 == authority.publicKey })
        else {
            Issue.record("refused")
            return
        }
        #expect(line == 3 && permissions.forcedCommand == "a b" && !permissions.mayUsePTY)
        #expect(code(file.decide(login(identity), isTrusted: { _ in false })) == .certificateUntrusted)
        #expect(file.decide(login(try certificate(for: ["eve"])), isTrusted: { _ in true }) == .unknown)
        #expect(file.decide(login(.key(key)), isTrusted: { _ in true }) == .unknown)
    }
}

extension KeyOptions {
    fileprivate static var noPTY: LoginPermissions {
        var permissions = LoginPermissions.all
        permissions.mayUsePTY = false
        return permissions
    }
}

extension Authority {
    /// A certificate with one name that holds a comma. ssh-keygen takes the comma for a separator and can't make one.
    fileprivate func foreignComma() throws -> SSHCertificate {
        let signer = try privateKey()
        var writer = WireWriter()
        writer.writeString("ssh-ed25519-cert-v01@openssh.com")
        writer.writeString([UInt8](repeating: 0, count: 32))
        guard case .ed25519(let bytes) = try privateKey("key").publicKey else { throw CancellationError() }
        writer.writeString(bytes)
        writer.writeUInt64(1)
        writer.writeUInt32(1)
        writer.writeString("id")
        var names = WireWriter()
        names.writeString("ops,root")
        writer.writeString(names.bytes)
        writer.writeUInt64(0)
        writer.writeUInt64(.max)
        for _ in 0..<3 { writer.writeString([]) }
        writer.writeString(signer.publicKey.blob)
        writer.writeString(try signer.sign(writer.bytes, algorithm: "ssh-ed25519"))
        return try SSHCertificate(wire: writer.bytes)
    }
}
