import Foundation
import SSHKeys
import Testing

/// OpenSSH's own sshd and ssh decide over what we made. sshd serves one connection on the client's pipe: no port.
@Suite struct LoginTests {
    let authority = SSHPrivateKey.generateEd25519(comment: "ca")
    let user = SSHPrivateKey.generateEd25519(comment: "user")
    let host = SSHPrivateKey.generateEd25519(comment: "host")
    let bench: Workbench
    static let account = NSUserName()

    init() throws {
        bench = try Workbench()
        if getuid() == 0 {
            // sshd refuses to start as root without its empty folder, which the system's service makes.
            try? FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        }
        try bench.write("id", Array(try user.openSSHFile().utf8))
        try bench.write("host", Array(try host.openSSHFile().utf8))
        try bench.write("ca.pub", Array(authority.publicKey.authorizedKeysLine().utf8))
        try bench.write("authorized_keys", [])
        try bench.write("known_hosts", Array((try line("server", host.publicKey)).utf8))
        try configure([])
    }

    private func line(_ name: String, _ key: SSHPublicKey, _ marker: KnownHosts.Marker = .none) throws -> String {
        try KnownHosts.line(host: name, port: 22, key: key, marker: marker) + "\n"
    }

    private func path(_ name: String) -> String { bench.directory.appending(path: name).path }

    private func configure(_ lines: [String]) throws {
        let text =
            lines + [
                "HostKey \(path("host"))", "AuthorizedKeysFile \(path("authorized_keys"))", "PidFile none", "UsePAM no",
                "StrictModes no", "PermitRootLogin yes", "LogLevel FATAL",
                "PasswordAuthentication no", "KbdInteractiveAuthentication no",
            ]
        try bench.write("sshd_config", Array((text.joined(separator: "\n") + "\n").utf8))
    }

    /// Runs `command` with ssh; gives its status and output.
    private func login(_ command: String = "true", _ options: [String] = []) async throws -> Workbench.Outcome {
        try await bench.run(
            "ssh",
            [
                "-F", "none", "-T", "-i", "id", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o",
                "BatchMode=yes",
                "-o", "ProxyCommand=/usr/sbin/sshd -i -e -f \(path("sshd_config"))", "-o", "StrictHostKeyChecking=yes",
                "-o", "UserKnownHostsFile=\(path("known_hosts"))", "-o", "GlobalKnownHostsFile=/dev/null",
                "-o", "LogLevel=ERROR",
            ] + options + ["\(Self.account)@server", command])
    }

    private func certificate(_ change: (inout CertificateContents) -> Void = { _ in }) throws -> SSHCertificate {
        var contents = CertificateContents(
            publicKey: user.publicKey, type: .user, keyID: "login", principals: [Self.account], serial: 11,
            validBefore: now + 300, extensions: .allPermissions)
        change(&contents)
        return try SSHCertificate.issue(contents, signedBy: authority)
    }

    private func use(_ certificate: SSHCertificate) throws {
        try bench.write("id-cert.pub", Array((certificate.line() + "\n").utf8))
    }

    @Test("sshd lets a certificate of ours in, and forces the command that it names")
    func accepted() async throws {
        try configure(["TrustedUserCAKeys \(path("ca.pub"))"])
        try use(try certificate())
        #expect(try await login("echo in").output == "in\n")
        try use(try certificate { $0.criticalOptions = [.forceCommand("echo forced")] })
        #expect(try await login("echo in").output == "forced\n")
    }

    @Test("sshd refuses what we refuse: expired, not yet valid, a host's, another's, with an unknown option")
    func refused() async throws {
        try configure(["TrustedUserCAKeys \(path("ca.pub"))"])
        let changes: [(inout CertificateContents) -> Void] = [
            { $0.validBefore = now - 10 }, { $0.validAfter = now + 100 }, { $0.type = .host },
            { $0.principals = ["somebody"] }, { $0.criticalOptions = [.init(name: "future@example.org")] },
        ]
        for change in changes {
            let certificate = try certificate(change)
            try use(certificate)
            #expect(try await login().status == 255)
            #expect(
                refusal {
                    try certificate.check(as: .user, principal: Self.account, now: now, isTrusted: { _ in true })
                } != nil)
        }
    }

    @Test("sshd obeys our revocation list")
    func revoked() async throws {
        var list = KeyRevocationList()
        list.revoke(serials: 12...12, authority: authority.publicKey)
        try bench.write("krl", list.file)
        try configure(["TrustedUserCAKeys \(path("ca.pub"))", "RevokedKeys \(path("krl"))"])
        try use(try certificate())
        #expect(try await login().status == 0)
        list.revoke(serials: 11...11, authority: authority.publicKey)
        try bench.write("krl", list.file)
        #expect(try await login().status == 255)
    }

    @Test("ssh accepts a host certificate of ours by the @cert-authority line that we write")
    func hostCertificate() async throws {
        let contents = CertificateContents(
            publicKey: host.publicKey, type: .host, keyID: "host", principals: ["server"])
        let certificate = try SSHCertificate.issue(contents, signedBy: authority)
        try bench.write("host-cert.pub", Array((certificate.line() + "\n").utf8))
        try bench.write("authorized_keys", Array(user.publicKey.authorizedKeysLine().utf8))
        try bench.write("known_hosts", Array((try line("*", authority.publicKey, .certificateAuthority)).utf8))
        try configure(["HostCertificate \(path("host-cert.pub"))"])
        #expect(try await login().status == 0)
        try configure([])
        #expect(try await login().status == 255)
    }

    @Test(
        "ssh and we decide alike over known_hosts",
        arguments: [
            ("server KEY", true), ("server OTHER", false), ("server OTHER\nserver KEY", true), ("other KEY", false),
            ("SERVER KEY", true), ("serv?r KEY", true), ("s*,!server KEY", false), ("!other,* KEY", true),
            ("!server KEY", false),
            ("[server]:22 KEY", false), ("[server]:2222 KEY", false), ("@revoked * KEY\nserver KEY", false),
            ("server KEY\n@revoked other KEY", true), ("@cert-authority * KEY", false), ("server TYPELESS", false),
            ("server\u{a0} KEY", false), ("@unknown server KEY\nserver KEY", true), ("# server KEY", false),
            ("  server\tKEY", true), ("|1|AAAA|AAAA KEY", false),
        ])
    func knownHosts(_ template: String, _ isKnown: Bool) async throws {
        let line = host.publicKey.authorizedKeysLine()
        let text = template.replacing("KEY", with: line)
            .replacing("OTHER", with: SSHPrivateKey.generateEd25519().publicKey.authorizedKeysLine())
            .replacing("TYPELESS", with: String(line.split(separator: " ")[1]))
        try bench.write("known_hosts", Array((text + "\n").utf8))
        try bench.write("authorized_keys", Array(user.publicKey.authorizedKeysLine().utf8))
        let verdict = KnownHosts(text: text).lookup(host: "server", port: 22, offered: .key(host.publicKey), now: now)
        if case .known = verdict { #expect(isKnown) } else { #expect(!isKnown) }
        #expect(try await login().status == (isKnown ? 0 : 255))
    }

    @Test(
        "sshd and we decide alike over a line of authorized_keys",
        arguments: [
            ("", true), ("restrict ", true), ("no-pty,command=\"true\" ", true), ("unknown ", false),
            ("restrict, ", true),
            ("command=true ", false), ("command=\"a\",command=\"b\" ", false), ("expiry-time=\"20200101\" ", false),
            ("expiry-time=\"29990101\" ", true), ("expiry-time=\"2020\" ", false), ("environment=\"A\" ", false),
            ("environment=\"A=1\" ", true), ("permitopen=\"web\" ", false), ("permitopen=\"web:80\" ", true),
            ("permitlisten=\"80\" ", true), ("tunnel=\"1\" ", true), ("tunnel=\"x\" ", false),
            ("from=\"192.0.2.1\" ", false),
            ("cert-authority ", false), ("no-touch-required,verify-required ", true), ("RESTRICT,Pty ", true),
        ])
    func lines(_ options: String, _ isAllowed: Bool) async throws {
        let text = options + user.publicKey.authorizedKeysLine() + "\n"
        try bench.write("authorized_keys", Array(text.utf8))
        try configure(["PermitUserEnvironment yes"])
        let login = KeyLogin(
            identity: .key(user.publicKey), username: Self.account, address: nil, now: now, signature: nil)
        if case .allowed = AuthorizedKeys(text: text).decide(login) {
            #expect(isAllowed)
        } else {
            #expect(!isAllowed)
        }
        // verify-required asks for a token's PIN, which a plain key can't give: sshd ignores it for plain keys.
        #expect(try await self.login().status == (isAllowed ? 0 : 255))
    }
}
