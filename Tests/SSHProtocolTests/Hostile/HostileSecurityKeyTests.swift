import NIOCore
import SSHCrypto
import SSHKeys
import Testing

@testable import SSHProtocol

/// Cases 30 and 31: security keys and certificates at the door.
@Suite struct HostileSecurityKeyTests {
    private static let inner = SSHPrivateKey.generateEd25519()
    private static let application = "ssh:"

    private static var token: SSHPublicKey {
        guard case .ed25519(let key) = inner.publicKey else { return inner.publicKey }
        return .skEd25519(key: key, application: application)
    }

    /// What a token signs (OpenSSH's PROTOCOL.u2f): the application, flags and counter stand before the message's digest.
    private static func request(
        session: [UInt8], flags: UInt8, counter: UInt32, claims: (flags: UInt8, counter: UInt32)? = nil
    ) throws -> ByteBuffer {
        var message = AuthMessage().begin("publickey")
        message.writeSSHBoolean(true)
        message.writeSSHString("sk-ssh-ed25519@openssh.com")
        message.writeSSHString(token.blob)
        var data = ByteBuffer()
        data.writeSSHString(session)
        data.writeImmutableBuffer(message)
        var signed = ByteBuffer(bytes: ExchangeHash.sha256.digest(Array(application.utf8)))
        signed.writeInteger(flags)
        signed.writeInteger(counter)
        signed.writeBytes(ExchangeHash.sha256.digest(Array(data.readableBytesView)))
        let raw = try inner.sign(Array(signed.readableBytesView), algorithm: "ssh-ed25519").suffix(64)
        var signature = ByteBuffer()
        signature.writeSSHString("sk-ssh-ed25519@openssh.com")
        signature.writeSSHString(Array(raw))
        signature.writeInteger(claims?.flags ?? flags)
        signature.writeInteger(claims?.counter ?? counter)
        message.writeSSHString(Array(signature.readableBytesView))
        return message
    }

    private func door(_ change: (inout ServerConfiguration) -> Void = { _ in }) throws -> ScriptedClient {
        let client = try ScriptedClient.atTheDoor(change)
        client.authorize = { $0.method.name == "publickey" ? .accept : .refuse }
        return client
    }

    @Test("a touched token is let in, with what it said")
    func touched() throws {
        let client = try door()
        try client.say(try Self.request(session: client.server.sessionID, flags: 5, counter: 77))
        #expect(client.isAuthenticated)
        guard case .publicKey(_, _, let details)? = client.requests.last?.method else {
            Issue.record("no key")
            return
        }
        #expect(details == SignatureDetails(userPresent: true, userVerified: true, counter: 77))
    }

    @Test("case 30: a token that nobody touched is refused, unless the owner decides key by key")
    func case30Untouched() throws {
        let client = try door()
        try client.say(try Self.request(session: client.server.sessionID, flags: 0, counter: 1))
        #expect(client.requests.isEmpty)
        #expect(client.numbers.last == 51)
        let lenient = try door { $0.requiresUserPresence = false }
        try lenient.say(try Self.request(session: lenient.server.sessionID, flags: 0, counter: 1))
        #expect(lenient.isAuthenticated)
    }

    @Test("case 30: flags and counter are part of what is signed")
    func case30Bound() throws {
        let client = try door()
        let session = client.server.sessionID
        try client.say(try Self.request(session: session, flags: 0, counter: 1, claims: (flags: 1, counter: 1)))
        try client.say(try Self.request(session: session, flags: 1, counter: 1, claims: (flags: 1, counter: 2)))
        #expect(client.requests.isEmpty)
        #expect(!client.isAuthenticated)
    }

    private func certificate(
        _ type: CertificateType, principals: [String] = ["ada"], validBefore: UInt64 = .max,
        options: CertificateOptions = [], authority: SSHPrivateKey
    ) throws -> SSHCertificate {
        try SSHCertificate.issue(
            CertificateContents(
                publicKey: Self.inner.publicKey, type: type, keyID: "x", principals: principals,
                validBefore: validBefore, criticalOptions: options),
            signedBy: authority)
    }

    @Test(
        "case 31: a certificate that breaks any rule is refused by the check that the owner makes, and its key is proved first"
    )
    func case31() throws {
        let authority = SSHPrivateKey.generateEd25519()
        let stranger = SSHPrivateKey.generateEd25519()
        let good = try certificate(.user, authority: authority)
        let bad = [
            try certificate(.host, authority: authority),
            try certificate(.user, principals: ["root"], authority: authority),
            try certificate(.user, validBefore: 1000, authority: authority),
            try certificate(.user, authority: stranger),
        ]
        for certificate in [good] + bad {
            let client = try ScriptedClient.atTheDoor()
            client.authorize = { request in
                guard case .publicKey(.certificate(let shown), _, _) = request.method else { return .refuse }
                do throws(SSHKeyError) {
                    try shown.check(
                        as: .user, principal: request.username, now: 2000, isTrusted: { $0 == authority.publicKey })
                    return .accept
                } catch {
                    return .refuse
                }
            }
            try client.say(
                try AuthMessage().signed(
                    Self.inner, session: client.server.sessionID, claims: certificate.blob,
                    algorithm: "ssh-ed25519-cert-v01@openssh.com"))
            #expect(client.requests.count == 1)
            #expect(client.isAuthenticated == (certificate == good))
        }
    }

    @Test("case 31: a certificate whose authority did not sign it, or cut short, never reaches the owner")
    func case31Forged() throws {
        let certificate = try certificate(.user, authority: .generateEd25519())
        var forged = certificate.blob
        forged[forged.count - 1] ^= 1
        for blob in [forged, Array(certificate.blob.dropLast(3)), certificate.blob + [0]] {
            let client = try door()
            try client.say(
                try AuthMessage().signed(
                    Self.inner, session: client.server.sessionID, claims: blob,
                    algorithm: "ssh-ed25519-cert-v01@openssh.com"))
            #expect(client.requests.isEmpty)
            #expect(client.numbers.last == 51)
        }
    }

    @Test("case 31: a certificate is nothing without its key")
    func case31WithoutKey() throws {
        let certificate = try certificate(.user, authority: .generateEd25519())
        let client = try door()
        try client.say(
            try AuthMessage().signed(
                .generateEd25519(), session: client.server.sessionID, claims: certificate.blob,
                algorithm: "ssh-ed25519-cert-v01@openssh.com"))
        #expect(client.requests.isEmpty)
    }
}
