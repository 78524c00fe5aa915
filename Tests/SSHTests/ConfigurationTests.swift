import Foundation
import NIOConcurrencyHelpers
import SSH
import SSHTestSupport
import TestSupport
import Testing

@Suite struct ConfigurationTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for name in [".ssh", "etc"] {
            try FileManager.default.createDirectory(
                atPath: folder.file(name), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
    }

    private func context(
        _ environment: [String: String] = [:], aliases: [String: String] = [:],
        runs: @escaping @Sendable (String) -> Bool = { _ in false }
    ) -> ConfigurationContext {
        var context = ConfigurationContext(
            localUser: "me", userID: getuid(), homeFolder: folder.path, localHostName: "here.example.org",
            environment: { environment[$0] }, runs: runs, alias: { aliases[$0] })
        context.systemFolder = folder.file("etc")
        return context
    }

    private func resolve(
        _ text: String, host: String = "web", tag: String? = nil, context: ConfigurationContext? = nil
    ) throws -> SSHConfiguration {
        try folder.write(text, to: ".ssh/config")
        return try SSHConfiguration.resolve(host: host, tag: tag, context: context ?? self.context())
    }

    private func error(_ text: String, host: String = "web") -> SSHConfigurationError? {
        do {
            _ = try resolve(text, host: host)
            return nil
        } catch { return error as? SSHConfigurationError }
    }

    @Test(
        "an error names the file and the line",
        arguments: [
            ("Port http-nothing", SSHConfigurationError.Code.badValue), ("Port 0", .badValue),
            ("Port 70000", .badValue),
            ("Port", .badValue), ("User a b", .badValue), ("User \"a", .badValue), ("Foo bar", .unknownKeyword),
            ("Compression maybe", .badValue), ("ConnectTimeout 1y", .badValue), ("Match foo x", .badMatch),
            ("Match", .badValue), ("Match user", .badMatch), ("Match user a all", .badValue),
            ("Match user a host b all", .badMatch),
            ("Match all host x", .badMatch), ("Ciphers foo", .badValue), ("Ciphers +foo", .badValue),
            ("Ciphers aes*", .badValue),
            ("HostKeyAlgorithms foo*", .badValue), ("LocalForward 1", .badValue), ("LocalForward 0 a:1", .badValue),
            ("LocalForward 1 a:b:c", .badValue), ("SetEnv A", .badValue), ("SendEnv A=b", .badValue),
            ("RekeyLimit 15", .badValue), ("RekeyLimit x", .badValue), ("StreamLocalBindMask 999", .badValue),
            ("EscapeChar ab", .badValue), ("IPQoS zz", .badValue), ("CanonicalDomains a none", .badValue),
            ("ProxyJump a,,b", .badValue), ("ProxyJump -oProxyCommand=x", .badValue), ("IdentityAgent $-", .badValue),
            ("AddKeysToAgent yes 1h", .badValue), ("TunnelDevice x", .badValue), ("PermitRemoteOpen a", .badValue),
            ("Include ~x/../..", .none), ("PasswordAuthentication yes no", .badValue),
            ("ServerAliveCountMax -1", .badValue),
        ] as [(String, SSHConfigurationError.Code?)])
    func errors(_ line: String, _ code: SSHConfigurationError.Code?) throws {
        let error = error("# first\nHost *\n  \(line)\n")
        // “all” behind one criterion is allowed: “Match final all” is what OpenSSH's manual says.
        guard line != "Match user a all" else { return #expect(error == nil) }
        #expect(error?.code == code)
        guard code != nil else { return }
        #expect(error?.place == ConfigurationPlace(file: folder.file(".ssh/config"), line: 3))
        #expect(error?.description.hasPrefix(folder.file(".ssh/config") + " line 3: ") == true)
    }

    @Test("no value of any keyword traps")
    func hostileValues() throws {
        let values = [
            "", "\"", "ß", "1ß", "9999999999999999999999G", "1.9E", "9E", ".", "1..2", "-1", "0x", "0xFFFFF", "%", "${",
            "${}",
            "^", "^ß", "\\", "'", "=", "a:b:c:d:e", "[", "[]:", "[::]", ":", ":80", ",", ",,", "!", "+", "-", "@", "a@",
            "ssh://",
            "none none", "any:any:any", "$", "~", "~/", "*", String(repeating: "*a", count: 500), "\u{0}", "\u{202e}x",
            "1w1w1ww",
            "99999999999w", "\u{e9}\u{301}", "yes yes", "a b c d e f",
        ]
        for name in ConfigurationKeyword.allCases.map(\.rawValue) + ["Host", "Match host", "Match", "Include"] {
            for value in values {
                _ = try? SSHConfiguration.resolve(
                    host: "web", options: ["\(name) \(value)"], files: .none, context: context()
                ).lines
            }
        }
        for value in values { _ = try? SSHConfiguration.resolve(host: value, files: .none, context: context()).lines }
    }

    @Test("lines that do not count are checked all the same")
    func inactiveLines() {
        #expect(error("Host other\n  Port x\n")?.place?.line == 2)
        #expect(error("Match user nobody\n  Include\n")?.place?.line == 2)
    }

    @Test("the user's file comes before the system's, and included files where they stand")
    func includes() throws {
        try folder.write("Port 1\nHost web\nUser one\n", to: ".ssh/a.conf")
        try folder.write("User two\nCompression yes\n", to: ".ssh/b.conf")
        try folder.write("User three\nTCPKeepAlive no\nInclude more\n", to: "etc/ssh_config")
        try folder.write("LogLevel DEBUG\n", to: "etc/more")
        let result = try resolve("Include *.conf nothing-here\nPort 2\nHost other\nInclude b.conf\n")
        #expect(result.user == "one")
        #expect(result.port == 1)
        #expect(result.isCompressed)
        #expect(!result.usesTCPKeepalive)
        #expect(result.logLevel == "DEBUG")
        #expect(result.place(of: .user) == ConfigurationPlace(file: folder.file(".ssh/a.conf"), line: 3))
        // Within a block that does not count nothing of an included file counts.
        #expect(try !resolve("Host other\nInclude b.conf\n").isCompressed)
    }

    @Test("a file that includes itself ends at the sixteenth level")
    func includeLoop() {
        #expect(error("Include config\n")?.code == .limitExceeded)
    }

    @Test("a file that others may change is refused, included ones too")
    func permissions() throws {
        try folder.write("Port 1\n", to: ".ssh/config", mode: 0o666)
        #expect(throws: SSHConfigurationError.self) {
            try SSHConfiguration.resolve(host: "web", context: context())
        }
        try folder.write("Port 1\n", to: ".ssh/open", mode: 0o620)
        #expect(error("Include open\n")?.code == .unsafePermissions)
        // A file that is named on the command line is the caller's affair, as with ssh -F.
        #expect(
            try SSHConfiguration.resolve(host: "web", files: .only(folder.file(".ssh/open")), context: context()).port
                == 1)
        #expect(throws: SSHConfigurationError.self) {
            try SSHConfiguration.resolve(host: "web", files: .only("/nowhere"), context: context())
        }
    }

    @Test("a command of Match exec runs with its tokens replaced, and only where the rest fits")
    func matchExec() throws {
        let commands = NIOLockedValueBox<[String]>([])
        let context = context { command in
            commands.withLockedValue { $0.append(command) }
            return command.hasSuffix("me")
        }
        let text = """
            Match user nobody exec "echo %u"
              Port 1
            Match exec "echo %h %p %n %u"
              Port 2
            """
        #expect(try resolve(text, context: context).port == 2)
        #expect(commands.withLockedValue { $0 } == ["echo web 22 web me"])
    }

    @Test("a tag chooses blocks")
    func tags() throws {
        let text = "Match tagged work\nUser a\nMatch tagged play\nUser b\n"
        #expect(try resolve(text, tag: "work").user == "a")
        #expect(try resolve("Tag play\n" + text).user == "b")
        #expect(try resolve(text).user == "me")
    }

    @Test("a short name becomes the full one, by alias where a rule allows it, and blocks are read again")
    func canonicalNames() throws {
        let text = """
            CanonicalizeHostname yes
            CanonicalDomains a.example b.example
            CanonicalizePermittedCNAMEs *.b.example:*.cdn.example
            Host web.b.example
              User full
            Host *.cdn.example
              User alias
            """
        #expect(try resolve(text, context: context(aliases: ["web.b.example.": ""])).user == "full")
        let alias = try resolve(text, context: context(aliases: ["web.b.example.": "x.cdn.example"]))
        #expect(alias.hostName == "x.cdn.example")
        #expect(alias.user == "alias")
        #expect(try resolve(text, context: context(aliases: ["web.b.example.": "x.evil.example"])).user == "full")
        #expect(try resolve(text).hostName == "web")
        #expect(try resolve(text, host: "a.b.c").hostName == "a.b.c")
        #expect(error(text + "\nHost *\nCanonicalizeFallbackLocal no\n")?.code == .hostNotFound)
        // Behind a proxy the name is the proxy's to resolve.
        let proxied = try resolve("ProxyJump j\n" + text, context: context(aliases: ["web.b.example.": ""]))
        #expect(proxied.hostName == "web")
    }

    @Test("environment variables and tokens that are not there are errors")
    func badTokens() {
        for line in [
            "ControlPath ${NOTHING}/x", "ControlPath %z", "ControlPath x%", "UserKnownHostsFile ${", "HostName %p",
            "RemoteCommand %T",
        ] {
            #expect(error(line)?.code == .badToken, "\(line)")
        }
    }

    @Test("typed values say what the lines say")
    func typedValues() throws {
        let context = context(["SSH_AUTH_SOCK": "/run/agent", "OTHER": "/run/other", "LANG": "C"])
        let result = try resolve(
            """
            HostName %h.example.org
            User deploy
            Port 2222
            ConnectTimeout 5
            IdentityFile ~/.ssh/id_%r
            IdentityAgent $OTHER
            ForwardAgent $SSH_AUTH_SOCK
            AddKeysToAgent confirm 90
            ProxyJump a@one:22,[::1]
            StrictHostKeyChecking accept-new
            LocalForward 80 db:5432
            RemoteForward 9000
            DynamicForward /run/socks
            SendEnv LANG
            SetEnv X=1
            EscapeChar ^B
            RekeyLimit 1M 60
            HostKeyAlias Alias
            PermitLocalCommand yes
            LocalCommand echo %h %T
            ControlMaster auto
            Tunnel no
            """, context: context)
        #expect(result.endpoint == SSHEndpoint(host: "web.example.org", port: 2222))
        #expect(result.user == "deploy")
        #expect(result.connectTimeout == .seconds(5))
        #expect(try result.identityFiles() == [folder.file(".ssh/id_deploy")])
        #expect(result.agentSocket == "/run/other")
        #expect(result.agentForwarding == .socket("/run/agent"))
        #expect(result.addsKeysToAgent == .yes(lifetime: .seconds(90), confirms: true))
        #expect(result.jumps == [JumpHost(user: "a", host: "one", port: 22), JumpHost(host: "::1")])
        #expect(result.hostKeyChecking == .acceptNew)
        #expect(
            result.localForwards == [
                ConfigurationForward(listener: .port(host: nil, 80), target: .port(host: "db", 5432))
            ])
        #expect(result.remoteForwards == [ConfigurationForward(listener: .port(host: nil, 9000), target: .socks)])
        #expect(result.dynamicForwards == [ConfigurationForward(listener: .socket("/run/socks"), target: .socks)])
        #expect(result.environment(from: ["LANG": "C", "HOME": "/"]).map { $0.name } == ["LANG", "X"])
        #expect(result.escapeCharacter == 2)
        #expect(result.rekeyLimit.bytes == 1 << 20)
        #expect(result.hostKeyName == "alias")
        #expect(try result.localCommand(tunnelDevice: "tun0") == "echo web.example.org tun0")
        #expect(result.unsupported == [.controlMaster])
    }

    @Test("a client's configuration takes user, times and algorithms, and leaves out what it cannot do")
    func clientConfiguration() throws {
        let result = try resolve(
            """
            User deploy
            Ciphers chacha20-poly1305@openssh.com,3des-cbc,aes256-ctr
            MACs -hmac-sha2-512*
            ServerAliveInterval 7
            ServerAliveCountMax 2
            ConnectTimeout 3
            """)
        let client = try SSHClientConfiguration(result, credentials: []) { _ in .refuse(reason: "") }
        #expect(client.username == "deploy")
        #expect(client.algorithms.ciphers.first == .chacha20Poly1305)
        #expect(client.algorithms.ciphers.contains(.aes256CTR))
        #expect(!client.algorithms.ciphers.contains(.aes128GCM))
        #expect(client.algorithms.macs.allSatisfy { !$0.rawValue.hasPrefix("hmac-sha2-512") })
        #expect(client.algorithms.keyExchange == AlgorithmPreferences.standard.keyExchange)
        #expect(client.keepaliveInterval == .seconds(7))
        #expect(client.connectTimeout == .seconds(3))
        #expect(throws: SSHConfigurationError.self) {
            try resolve("MACs umac-64@openssh.com\n").algorithmPreferences()
        }
    }

    @Test("a new host key is recorded, a known one accepted, a changed or revoked one refused")
    func hostKeys() async throws {
        let (key, other) = (try await TestKeys.host("ed25519"), try await TestKeys.host("rsa"))
        let question = { (key: SSHPublicKey) in
            HostKeyQuestion(
                publicKey: key, algorithm: "", endpoint: SSHEndpoint(host: "web", port: 2222),
                remoteAddress: "192.0.2.1")
        }
        func answer(_ text: String, _ key: SSHPublicKey, yes: Bool = false) async throws -> HostKeyAnswer {
            try await resolve(text).hostKeyVerification { _ in yes }(question(key))
        }
        let isRefused = { (answer: HostKeyAnswer) in answer != .accept }
        #expect(try await isRefused(answer("Port 2222\nStrictHostKeyChecking yes\n", key)))
        #expect(try await isRefused(answer("Port 2222\n", key)))
        #expect(try await !isRefused(answer("Port 2222\nHashKnownHosts yes\n", key, yes: true)))
        #expect(String(decoding: try folder.read(".ssh/known_hosts"), as: UTF8.self).hasPrefix("|1|"))
        #expect(try await !isRefused(answer("Port 2222\nStrictHostKeyChecking yes\n", key)))
        #expect(try await isRefused(answer("Port 2222\nStrictHostKeyChecking no\n", other, yes: true)))
        try folder.write(key.authorizedKeysLine() + "\n", to: ".ssh/revoked")
        #expect(try await isRefused(answer("Port 2222\nRevokedHostKeys ~/.ssh/revoked\n", key)))
        await #expect(throws: (any Error).self) { try await answer("RevokedHostKeys ~/.ssh/none-such\n", key) }
    }

    @Test("a host that a configuration describes is connected to")
    func connection() async throws {
        let server = try await OpenSSHServer()
        let keys = try await TestKeys.folder()
        let result = try resolve(
            """
            Host web
              HostName 127.0.0.1
              Port \(server.port)
              User \(currentUser)
              IdentityFile \(keys.file("locked_ed25519"))
            """)
        let identities = try result.identities { _ in Array("correct horse".utf8) }
        let credentials = identities.compactMap { identity in
            (try? identity.key.get()).map { SSHCredential.privateKey($0) }
        }
        let client = try SSHClientConfiguration(result, credentials: credentials) { _ in .accept }
        let connection = try await SSHClient.connect(to: result.endpoint, configuration: client, on: anyLoop())
        #expect(try await connection.run("exit 3").exit == .status(3))
        await connection.close()
    }
}
