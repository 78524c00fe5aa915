import Foundation
import SSH
import TestSupport
import Testing

/// Every line that `ssh -G` prints, for configurations that use every keyword.
@Suite struct ConfigurationListingTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        var host = "web"

        var testDescription: String { name }
    }

    static let examples: [Example] = [
        Example(name: "nothing", text: "\n# only a comment\n\n"),
        Example(name: "an upper case host", text: "Host web\nPort 1\nHost WEB\nPort 2\n", host: "WEB"),
        Example(
            name: "patterns and negation",
            text: """
                Host !db* *
                  Port 1001
                Host w?b other
                  User first
                Host *
                  User second
                  Port 1002
                Host web !web
                  Compression yes
                """),
        Example(name: "a host that is ruled out", text: "Host !web *\nUser x\nHost *\nUser y\n"),
        Example(
            name: "quoting",
            text: #"""
                User "a b"
                IdentityFile "/tmp/with space/id" # comment
                IdentityFile /tmp/with\ space/two
                IdentityFile 'single "quoted"'
                SetEnv A="b c" "D=e f" G=\"h\" I='j k'
                HostName=web.internal
                Port = 2200
                "Compression" yes
                """#),
        Example(
            name: "the first value wins",
            text:
                "Port 1\nPort 2\nCiphers aes128-ctr\nCiphers aes256-ctr\nUserKnownHostsFile a b\nUserKnownHostsFile c\n"
        ),
        Example(
            name: "values that gather",
            text: """
                IdentityFile ~/.ssh/one
                IdentityFile ~/.ssh/two
                IdentityFile ~/.ssh/one
                CertificateFile ~/.ssh/one-cert.pub
                CertificateFile none
                SendEnv LANG LC_*
                SendEnv TZ -LC_*
                LocalForward 8080 web:80
                LocalForward 127.0.0.1:8081 [::1]:81
                LocalForward *:8082 db:82
                LocalForward [fe80::1]:8083 db:domain
                RemoteForward 9000 localhost:90
                RemoteForward 9001
                RemoteForward 0 localhost:91
                RemoteForward /run/there /run/here
                RemoteForward [::]:9002 [::1]:92
                DynamicForward 1080
                DynamicForward localhost:1081
                """),
        Example(
            name: "matches",
            text: """
                Match host web
                  User hosted
                Match originalhost WEB,other
                  Port 77
                Match user hosted localuser *
                  Compression yes
                Match user nobody
                  BatchMode yes
                Match !host db !user nobody
                  TCPKeepAlive no
                Match host !web,*
                  ForwardX11 yes
                Match exec "test %h = web && test '%p' = 77"
                  HashKnownHosts yes
                Match !exec false
                  StdinNull yes
                Match exec=false
                  GatewayPorts yes
                Match all
                  LogLevel DEBUG2
                Match !all
                  LogLevel QUIET
                """),
        Example(
            name: "a last pass",
            text: """
                Host web
                  HostName web.internal
                Match final host web.internal
                  User final
                Match canonical all
                  Port 88
                Host web.internal
                  Compression yes
                """),
        Example(
            name: "tokens",
            text: """
                HostName %h.example.org
                User deploy
                Port 2022
                HostKeyAlias Alias-%h
                ControlPath ~/.ssh/%C-%r@%h:%p-%n-%L-%l-%i-%u-%k-%%
                UserKnownHostsFile ~/.ssh/known_%h ${HOME}/known
                IdentityAgent ${HOME}/agent-%r
                RemoteCommand echo "%h %n %d" # not a comment
                LocalCommand echo %T %h
                PermitLocalCommand yes
                ProxyCommand nc %h %p
                KnownHostsCommand /bin/echo %H %t
                IdentityFile %d/.ssh/%r
                """),
        Example(
            name: "algorithms in front, behind and away",
            text: """
                Ciphers +3des-cbc
                MACs -hmac-sha1*,umac*
                KexAlgorithms ^ecdh-sha2-nistp256,diffie-hellman-group14-sha1
                HostKeyAlgorithms ssh-ed25519*,rsa-sha2-512
                PubkeyAcceptedAlgorithms -*cert*
                HostbasedAcceptedAlgorithms +ssh-rsa
                CASignatureAlgorithms ^rsa-sha2-256
                """),
        Example(
            name: "flags turned round",
            text: """
                BatchMode yes
                CanonicalizeFallbackLocal no
                CheckHostIP yes
                ClearAllForwardings yes
                LocalForward 1 a:1
                Compression yes
                EnableEscapeCommandline yes
                EnableSSHKeysign yes
                ExitOnForwardFailure yes
                ForkAfterAuthentication no
                ForwardX11 yes
                ForwardX11Trusted no
                GatewayPorts yes
                GSSAPIAuthentication yes
                GSSAPIDelegateCredentials yes
                HashKnownHosts yes
                HostbasedAuthentication yes
                IdentitiesOnly yes
                KbdInteractiveAuthentication no
                NoHostAuthenticationForLocalhost yes
                PasswordAuthentication no
                PermitLocalCommand yes
                ProxyUseFdpass yes
                StdinNull yes
                StreamLocalBindUnlink yes
                TCPKeepAlive no
                VisualHostKey yes
                ServerAliveInterval 5
                """),
        Example(
            name: "choices",
            text: """
                AddressFamily INET6
                CanonicalizeHostname always
                CanonicalDomains invalid
                ControlMaster autoask
                FingerprintHash md5
                LogLevel debug1
                PubkeyAuthentication unbound
                RequestTTY yes
                SessionType subsystem
                StrictHostKeyChecking off
                SyslogFacility local7
                Tunnel yes
                UpdateHostKeys ask
                VerifyHostKeyDNS ask
                """, host: "127.0.0.1"),
        Example(
            name: "numbers and times",
            text: """
                CanonicalizeMaxDots 4
                ConnectionAttempts 3
                NumberOfPasswordPrompts 1
                RequiredRSASize 3072
                ServerAliveCountMax 9
                ServerAliveInterval 1m30
                ConnectTimeout 1h1m1s
                ForwardX11Timeout 2w
                ControlPersist 10m
                RekeyLimit 1.5G 1h
                AddKeysToAgent confirm 5m
                StreamLocalBindMask 0027
                EscapeChar ^B
                IPQoS af21 0x10
                TunnelDevice 3
                """),
        Example(
            name: "other spellings",
            text: """
                RekeyLimit default 10
                ControlPersist yes
                AddKeysToAgent 1h
                EscapeChar none
                IPQoS none
                TunnelDevice any:7
                ConnectTimeout none
                ConnectTimeout 7
                ChallengeResponseAuthentication no
                KeepAlive no
                IdentityFile2 /old
                PubkeyAcceptedKeyTypes ssh-ed25519
                SmartcardDevice /lib/token.so
                UpdateHostKeys yes
                """),
        Example(
            name: "words",
            text: """
                BindAddress 127.0.0.1
                BindInterface lo
                CanonicalDomains a.example b.example
                CanonicalizePermittedCNAMEs *.a.example:*.b.example x:y,z
                GlobalKnownHostsFile /a "/b c"
                KbdInteractiveDevices pam
                LogVerbose kex.c:*:1000
                PermitRemoteOpen a:1 [::1]:* *:80
                PKCS11Provider /lib/token.so
                PreferredAuthentications publickey,password
                RevokedHostKeys /etc/revoked
                SecurityKeyProvider /lib/sk.so
                XAuthLocation /opt/xauth
                IgnoreUnknown foo*,bar
                FooBar what
                Bar x
                """, host: "127.0.0.1"),
        Example(
            name: "nothing wanted",
            text: """
                ProxyCommand none
                ControlPath none
                IdentityFile none
                UserKnownHostsFile none
                GlobalKnownHostsFile none
                IdentityAgent none
                PKCS11Provider none
                SecurityKeyProvider none
                RevokedHostKeys none
                LocalCommand none
                RemoteCommand none
                PermitRemoteOpen none
                ProxyJump none
                """),
        Example(name: "jumps", text: "ProxyJump bob@one:2222,ssh://two,[::1]:22\nProxyCommand nc %h %p\n"),
        Example(name: "a command before a jump", text: "ProxyCommand nc %h %p\nProxyJump one\n"),
        Example(name: "an agent by name", text: "IdentityAgent $OTHER_AGENT\n"),
        Example(name: "the agent of the environment", text: "IdentityAgent SSH_AUTH_SOCK\nForwardAgent yes\n"),
        Example(name: "old keywords", text: "Protocol 2\nUseRoaming no\nCipher blowfish\nPort 5\n"),
        Example(name: "carriage returns", text: "Host web\r\n  Port 99\r\n  User \"x\"\r\n"),
    ]

    @Test("the listing is ssh -G's", arguments: examples)
    func listing(_ example: Example) async throws {
        let folder = try TemporaryFolder()
        try folder.write(example.text, to: "config")
        let real = try await ToolOutcome("/usr/bin/ssh", ["-G", "-F", folder.file("config"), example.host])
        try #require(real.status == 0, "\(real.output)")
        let ours = try SSHConfiguration.resolve(host: example.host, files: .only(folder.file("config")))
        let wanted = Self.normal(real.output.split(whereSeparator: \.isNewline).map(String.init), example)
        #expect(Self.normal(ours.lines, example).difference(from: wanted).map(\.line) == [])
    }

    @Test("what the command line says comes before the files")
    func commandLine() async throws {
        let folder = try TemporaryFolder()
        try folder.write("User file\nPort 1\nCompression no\nIdentityFile b\n", to: "config")
        let real = try await ToolOutcome(
            "/usr/bin/ssh",
            [
                "-G", "-F", folder.file("config"), "-o", "Compression=yes", "-o", "IdentityFile a", "-p", "2", "-l",
                "me",
                "web",
            ])
        let ours = try SSHConfiguration.resolve(
            host: "web", user: "me", port: 2, options: ["Compression=yes", "IdentityFile a"],
            files: .only(folder.file("config")))
        let example = Example(name: "", text: "")
        let wanted = Self.normal(real.output.split(whereSeparator: \.isNewline).map(String.init), example)
        #expect(Self.normal(ours.lines, example).difference(from: wanted).map(\.line) == [])
    }

    @Test("every keyword of the manual is known, and every line that ssh -G prints belongs to one")
    func completeness() async throws {
        let folder = try TemporaryFolder()
        try folder.write("", to: "config")
        let real = try await ToolOutcome("/usr/bin/ssh", ["-G", "-F", folder.file("config"), "web"])
        for line in real.output.split(whereSeparator: \.isNewline)
        where !line.hasPrefix("gssapi") && !line.hasPrefix("Pseudo") {
            let name = String(line.prefix { $0 != " " })
            #expect(name == "host" || ConfigurationKeyword(named: name) != nil, "\(name)")
        }
        for keyword in ConfigurationKeyword.allCases {
            #expect(ConfigurationKeyword(named: keyword.rawValue.uppercased()) == keyword)
        }
    }

    /// Lines with keywords in lower case, in the order of keywords, each keyword's lines in their own order; without what
    /// Debian's package changes: its GSSAPI keywords, and defaults of its own.
    private static func normal(_ lines: [String], _ example: Example) -> [String] {
        let text = example.text.lowercased()
        let changed = ["forwardx11trusted", "ipqos"].filter { !text.contains($0) }
        let pairs = lines.compactMap { line -> (String, String)? in
            let keyword = line.prefix { $0 != " " }.lowercased()
            guard !line.hasPrefix("Pseudo-terminal"), !changed.contains(keyword) else { return nil }
            guard keyword == "host" || ConfigurationKeyword(named: keyword) != nil else { return nil }
            return (keyword, keyword + line.dropFirst(keyword.count))
        }
        return pairs.enumerated().sorted { ($0.element.0, $0.offset) < ($1.element.0, $1.offset) }.map(\.element.1)
    }
}

extension CollectionDifference<String>.Change {
    /// What is ours alone, and what is ssh's alone.
    fileprivate var line: String {
        switch self {
        case .insert(_, let line, _): "ours: " + line
        case .remove(_, let line, _): "ssh's: " + line
        }
    }
}
