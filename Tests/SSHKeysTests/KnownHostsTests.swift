import Foundation
import SSHKeys
import Testing

/// The format of known_hosts and what a lookup says.
@Suite struct KnownHostsTests {
    let key = SSHPrivateKey.generateEd25519().publicKey
    let other = SSHPrivateKey.generateEd25519().publicKey
    let authority = SSHPrivateKey.generateEd25519()

    private func verdict(
        _ text: String, _ host: String = "web.example.org", port: Int = 22, address: String? = nil,
        offering identity: PublicIdentity? = nil, revocations: KeyRevocationList? = nil
    ) -> HostKeyVerdict {
        KnownHosts(text: text, path: "/k").lookup(
            host: host, port: port, address: address, offered: identity ?? .key(key), now: 1000,
            revocations: revocations)
    }

    private func isKnown(_ hosts: String, _ host: String, port: Int = 22) -> Bool {
        if case .known = verdict("\(hosts) \(key.authorizedKeysLine())", host, port: port) { return true }
        return false
    }

    private func certificate(
        for names: [String] = ["web.example.org"], before: UInt64 = .max, options: CertificateOptions = [],
        type: CertificateType = .host
    ) throws -> PublicIdentity {
        .certificate(
            try SSHCertificate.issue(
                CertificateContents(
                    publicKey: key, type: type, keyID: "web", principals: names, serial: 9, validBefore: before,
                    criticalOptions: options), signedBy: authority))
    }

    @Test(
        "names, patterns, negations and ports",
        arguments: [
            ("web.example.org", "web.example.org", 22, true), ("WEB.example.org", "web.Example.ORG", 22, true),
            ("a,web.example.org", "web.example.org", 22, true), ("web.example.org", "web.example.or", 22, false),
            ("*.example.org", "web.example.org", 22, true), ("*.example.org", "example.org", 22, false),
            ("w?b.*", "web.example.org", 22, true), ("*,!web.*", "web.example.org", 22, false),
            ("!db.*,*", "web.example.org", 22, true), ("!web.example.org", "db", 22, false),
            ("[web.example.org]:2222", "web.example.org", 2222, true),
            ("[web.example.org]:2222", "web.example.org", 22, false),
            ("[web.example.org]:2222", "web.example.org", 2223, false),
            ("web.example.org", "web.example.org", 2222, true), ("[*.example.org]:*", "web.example.org", 99, true),
            ("2001:db8::1", "2001:db8::1", 22, true), ("[2001:db8::1]:22", "2001:db8::1", 22, false),
        ])
    func hosts(_ hosts: String, _ host: String, _ port: Int, _ isKnown: Bool) {
        #expect(self.isKnown(hosts, host, port: port) == isKnown)
    }

    @Test("another key than the known one is a change, and the message names file, line and fingerprint")
    func changed() {
        let text = "# hosts\nweb.example.org \(other.authorizedKeysLine())"
        guard case .changed(let lines) = verdict(text) else {
            Issue.record("not changed")
            return
        }
        #expect(lines.map(\.place) == ["/k:2"])
        #expect(verdict(text).explanation?.contains("/k:2 has ED25519 \(other.fingerprint)") == true)
    }

    @Test("a key of another type than the known one is a change, not a new host")
    func otherType() throws {
        let rsa = try SSHPrivateKey.generate(.rsa(bits: 2048)).publicKey
        guard case .changed = verdict("web.example.org \(rsa.authorizedKeysLine())") else {
            Issue.record("not changed")
            return
        }
    }

    @Test("several keys for one host: any of them is known")
    func several() {
        let text = "web.example.org \(other.authorizedKeysLine())\nweb.example.org \(key.authorizedKeysLine())"
        guard case .known(let entry) = verdict(text) else {
            Issue.record("not known")
            return
        }
        #expect(entry.line == 2)
        #expect(verdict(text, "db") == .unknown)
    }

    @Test("the address may be known too")
    func address() {
        let text = "192.0.2.1 \(other.authorizedKeysLine())"
        guard case .changed = verdict(text, address: "192.0.2.1") else {
            Issue.record("not changed")
            return
        }
        #expect(verdict(text) == .unknown)
    }

    @Test("a revoked key stops the connection even where another line knows it")
    func revoked() {
        let text = "web.example.org \(key.authorizedKeysLine())\n@revoked * \(key.authorizedKeysLine())"
        guard case .revoked(let entry) = verdict(text) else {
            Issue.record("not revoked")
            return
        }
        #expect(entry.line == 2)
        var list = KeyRevocationList()
        list.revoke(key)
        guard case .revoked = verdict("web.example.org \(key.authorizedKeysLine())", revocations: list) else {
            Issue.record("not revoked")
            return
        }
    }

    @Test("a certificate of an authority that stands there is certified")
    func certified() throws {
        let text = "@cert-authority *.example.org \(authority.publicKey.authorizedKeysLine())"
        guard case .certified(let entry) = verdict(text, offering: try certificate()) else {
            Issue.record("not certified")
            return
        }
        #expect(entry.marker == .certificateAuthority)
        for port in [22, 2222] {
            guard case .certified = verdict(text, port: port, offering: try certificate(for: ["*.example.org"])) else {
                Issue.record("not certified on \(port)")
                return
            }
        }
        #expect(verdict(text, "web.example.com", offering: try certificate(for: ["*"])) == .unknown)
        #expect(verdict(text) == .unknown)
    }

    @Test("a certificate that is expired, another's, a user's or with an option is not good, and the error says why")
    func badCertificates() throws {
        let text = "@cert-authority * \(authority.publicKey.authorizedKeysLine())"
        for (identity, code) in [
            (try certificate(before: 1000), .certificateExpired), (try certificate(for: ["db"]), .certificatePrincipal),
            (try certificate(type: .user), .certificateWrongType),
            (try certificate(options: [.forceCommand("id")]), .certificateCriticalOption),
        ] as [(PublicIdentity, SSHKeyError.Code)] {
            guard case .badCertificate(let error, _) = verdict(text, offering: identity) else {
                Issue.record("accepted")
                return
            }
            #expect(error.code == code)
        }
    }

    @Test("a certificate without authority here counts as its key; a bad one too, where the key itself is known")
    func plainKeyOfCertificate() throws {
        let line = "web.example.org \(key.authorizedKeysLine())"
        guard case .known = verdict(line, offering: try certificate()) else {
            Issue.record("not known")
            return
        }
        let text = line + "\n@cert-authority * \(authority.publicKey.authorizedKeysLine())"
        guard case .known = verdict(text, offering: try certificate(before: 1)) else {
            Issue.record("not known")
            return
        }
    }

    @Test("a revoked authority takes its certificates with it")
    func revokedAuthority() throws {
        let line = "* \(authority.publicKey.authorizedKeysLine())"
        guard
            case .revoked(let entry) = verdict("@cert-authority \(line)\n@revoked \(line)", offering: try certificate())
        else {
            Issue.record("not revoked")
            return
        }
        #expect(entry.line == 2)
        var list = KeyRevocationList()
        list.revoke(serials: 9...9, authority: authority.publicKey)
        guard case .revoked = verdict("@cert-authority \(line)", offering: try certificate(), revocations: list) else {
            Issue.record("not revoked")
            return
        }
    }

    @Test("known types are asked for first, certificates only where an authority stands there")
    func preferring() throws {
        let all = [
            "ssh-ed25519-cert-v01@openssh.com", "rsa-sha2-512-cert-v01@openssh.com", "ssh-ed25519",
            "ecdsa-sha2-nistp256",
            "rsa-sha2-512", "rsa-sha2-256",
        ]
        let rsa = try SSHPrivateKey.generate(.rsa(bits: 2048)).publicKey
        let known = KnownHosts(text: "web \(rsa.authorizedKeysLine())")
        #expect(known.preferring(all, host: "web", port: 22).prefix(2) == ["rsa-sha2-512", "rsa-sha2-256"])
        #expect(known.preferring(all, host: "web", port: 2222).prefix(2) == ["rsa-sha2-512", "rsa-sha2-256"])
        #expect(known.preferring(all, host: "db", port: 22) == all)
        #expect(known.keyTypes(host: "web", port: 22) == ["ssh-rsa"])
        let certified = KnownHosts(text: "@cert-authority web \(authority.publicKey.authorizedKeysLine())")
        #expect(certified.preferring(Array(all.reversed()), host: "web", port: 22).prefix(2) == [all[1], all[0]])
    }

    @Test(
        "lines that make no sense are errors with their numbers, and the others are good",
        arguments: [
            "web", "web ssh-ed25519", "web ssh-ed25519 AAAA", "@unknown web KEY", "@revoked KEY", "web,,db KEY",
            "! KEY",
            "|1|AAAA|AAAA KEY", "|2|x|y KEY", "|1| KEY", "web TYPELESS", "@cert-authority web", "w\u{e9}b KEY",
            "web\u{a0}KEY", "web\u{2003}db KEY", "\u{3000}web KEY", "web\u{1}db KEY",
        ])
    func problems(_ line: String) {
        let text = key.authorizedKeysLine()
        let filled = line.replacing("KEY", with: text).replacing(
            "TYPELESS", with: String(text.split(separator: " ")[1]))
        let hosts = KnownHosts(text: "\(filled)\ndb \(text)")
        #expect(hosts.entries.map(\.line) == [2], "\(filled)")
        #expect(hosts.problems.map(\.line) == [1])
    }

    @Test("a blank of Unicode is named in the error")
    func unicode() {
        let hosts = KnownHosts(text: "web\u{a0} \(key.authorizedKeysLine())")
        #expect(hosts.problems.first?.error.description.contains("blank of Unicode") == true)
    }

    @Test("a file cut anywhere or with any byte changed never traps and never makes another key known")
    func damage() throws {
        let hashed = try KnownHosts.line(host: "web.example.org", port: 22, key: key, isHashed: true)
        let text = "@cert-authority *.org,!x \(authority.publicKey.authorizedKeysLine())\n\(hashed)"
        for damaged in Damage.all(Array(text.utf8)) {
            let hosts = KnownHosts(file: damaged)
            #expect(hosts.entries.count + hosts.problems.count <= 3)
            let verdict = hosts.lookup(host: "web.example.org", port: 22, offered: .key(other), now: 0)
            if case .known = verdict { Issue.record("another key became known") }
        }
    }
}
