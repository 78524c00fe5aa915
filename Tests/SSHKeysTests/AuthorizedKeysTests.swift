import Foundation
import SSHKeys
import Testing

/// The file's format: options, quotes, errors with their lines.
@Suite struct AuthorizedKeysTests {
    static let key = SSHPrivateKey.generateEd25519()
    static let line = key.publicKey.authorizedKeysLine(comment: "ada@laptop")

    private func options(_ field: String) -> KeyOptions? {
        let file = AuthorizedKeys(text: field + " " + Self.line)
        return file.entries.first?.options
    }

    @Test("keys, comments, blank lines, Windows line ends and leading blanks")
    func plain() throws {
        let rsa = try SSHPrivateKey.generate(.rsa(bits: 2048)).publicKey
        let file = AuthorizedKeys(
            text: "# mine\r\n\r\n  \t\(Self.line)\r\n\(rsa.authorizedKeysLine())\n   # another comment")
        #expect(file.problems.isEmpty)
        #expect(file.entries.map(\.line) == [3, 4])
        #expect(file.entries.map(\.key) == [Self.key.publicKey, rsa])
        #expect(file.entries.map(\.comment) == ["ada@laptop", ""])
        #expect(file.entries.allSatisfy { $0.options == KeyOptions() })
    }

    @Test("every flag of sshd(8), whatever its case, with its opposite")
    func flags() {
        #expect(options("no-pty")?.permissions.mayUsePTY == false)
        #expect(options("No-Port-Forwarding")?.permissions.mayForwardPorts == false)
        #expect(options("no-agent-forwarding")?.permissions.mayForwardAgent == false)
        #expect(options("no-X11-forwarding")?.permissions.mayForwardX11 == false)
        #expect(options("no-user-rc")?.permissions.mayRunUserRC == false)
        #expect(options("no-touch-required")?.permissions.needsTouch == false)
        #expect(options("verify-required")?.permissions.needsVerification == true)
        #expect(options("cert-authority")?.isCertificateAuthority == true)
        #expect(options("no-pty,pty")?.permissions.mayUsePTY == true)
    }

    @Test("restrict takes everything, options after it give single things back, options before it do not")
    func restrict() {
        let restricted = options("restrict")?.permissions
        #expect(restricted == LoginPermissions.none)
        let withPTY = options("restrict,pty")?.permissions
        #expect(withPTY?.mayUsePTY == true && withPTY?.mayForwardPorts == false)
        #expect(options("pty,restrict")?.permissions.mayUsePTY == false)
        let all = options("restrict,pty,port-forwarding,agent-forwarding,X11-forwarding,user-rc")?.permissions
        #expect(all == LoginPermissions.all)
    }

    @Test("commands keep their blanks, commas, hashes and quotes")
    func commands() {
        #expect(options(#"command="ls -l, # \"x\" 'y'""#)?.permissions.forcedCommand == #"ls -l, # "x" 'y'"#)
        #expect(options(#"command="a\\b\c""#)?.permissions.forcedCommand == #"a\\b\c"#)
        #expect(options(#"command="""#)?.permissions.forcedCommand == "")
        #expect(options(#"no-pty,command="a",no-user-rc"#)?.permissions.mayRunUserRC == false)
    }

    @Test("variables, of one name the first counts")
    func environment() {
        let variables = options(#"environment="A=1",environment="B_2=x=y z",environment="A=2""#)?.permissions
            .environment
        #expect(variables == [.init(name: "A", value: "1"), .init(name: "B_2", value: "x=y z")])
    }

    @Test("targets of forwards")
    func targets() throws {
        let permissions = try #require(
            options(#"permitopen="web:80",permitopen="[2001:db8::1]:*",permitlisten="8080",permitlisten="*.test:90""#)?
                .permissions)
        let opens = try #require(permissions.openTargets)
        #expect(opens == [ForwardTarget(host: "web", port: 80), ForwardTarget(host: "2001:db8::1", port: nil)])
        #expect(opens[0].permitsOpening(host: "web", port: 80))
        #expect(!opens[0].permitsOpening(host: "web", port: 81) && !opens[0].permitsOpening(host: "WEB", port: 80))
        #expect(opens[1].permitsOpening(host: "2001:db8::1", port: 9))
        let listens = try #require(permissions.listenTargets)
        #expect(listens[0].permitsListening(host: "anything", port: 8080))
        #expect(
            listens[1].permitsListening(host: "a.test", port: 90) && !listens[1].permitsListening(host: "b", port: 90))
        #expect(options(#"permitopen="*:22""#)?.permissions.openTargets == [ForwardTarget(host: nil, port: 22)])
    }

    @Test("tunnel, principals and expiry-time")
    func others() {
        #expect(options(#"tunnel="3""#)?.permissions.tunnelDevice == 3)
        #expect(options(#"cert-authority,principals="ada,bob""#)?.principals == ["ada", "bob"])
        #expect(options(#"expiry-time="20260102Z""#)?.expires == 1_767_312_000)
        #expect(options(#"expiry-time="202601020304Z""#)?.expires == 1_767_323_040)
        #expect(options(#"expiry-time="20240229030405Z""#)?.expires == 1_709_175_845)
        #expect(options(#"expiry-time="20260102Z",expiry-time="20250102Z""#)?.expires == 1_735_776_000)
        #expect(options(#"expiry-time="20260102""#)?.expires != nil)
    }

    @Test(
        "an option that can't be understood makes the line useless, and the error tells the line",
        arguments: [
            "unknown", "no-restrict", "no-cert-authority", "command", "command=ls", #"command="ls"#, #"command="a"b"#,
            #"command="a",command="a""#, #"from="a",from="b""#, #"from="""#, #"from="10.0.0.0/33""#,
            #"from="10.0.0.1/8""#,
            #"from="a,,b""#, ",restrict", "restrict,,pty", #"pty="yes""#, #"restrict="x""#, "\"restrict\"",
            #"environment="A""#, #"environment="=1""#, #"environment="A B=1""#, #"expiry-time="2026""#,
            #"expiry-time="20261301""#, #"expiry-time="20260230""#, #"expiry-time="20260101246000""#,
            #"expiry-time="2026010é""#, #"permitopen="80""#, #"permitopen="web:0""#, #"permitopen="web:65536""#,
            #"permitopen="2001:db8::1:80""#, #"permitopen="web:+80""#, #"permitlisten=":80""#, #"tunnel="-1""#,
            #"tunnel="x""#, #"principals="a,,b""#, #"principals="""#, "pty no-pty",
        ])
    func wrong(_ field: String) {
        let file = AuthorizedKeys(text: "\n\(field) \(Self.line)\n\(Self.line)")
        #expect(file.entries.map(\.line) == [3])
        #expect(file.problems.map(\.line) == [2])
        #expect(file.problems.first?.description.hasPrefix("line 2: ") == true)
    }

    @Test("restrict before a key whose type is missing never becomes a key without restrictions")
    func missingType() throws {
        let base64 = Self.line.split(separator: " ")[1]
        for text in [
            "restrict \(base64)", "restrict \(base64) ssh-ed25519", "\(base64)", "restrict", "restrict ssh-ed25519",
        ] {
            let file = AuthorizedKeys(text: text)
            #expect(file.entries.isEmpty, "\(text)")
            #expect(file.problems.count == 1)
        }
        #expect(AuthorizedKeys(text: "restrict \(base64)").problems[0].error.description.contains("type"))
    }

    @Test("a type that is not the blob's, a certificate and an unknown type are errors")
    func types() throws {
        let base64 = Self.line.split(separator: " ")[1]
        for type in ["ssh-rsa", "ecdsa-sha2-nistp256", "ssh-dss", "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25518"] {
            let file = AuthorizedKeys(text: "\(type) \(base64)")
            #expect(file.entries.isEmpty && file.problems.count == 1, "\(type)")
        }
    }

    @Test("no character but a line feed ends a line: a comment can't smuggle a key in")
    func smuggling() {
        for separator in ["\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"] {
            let file = AuthorizedKeys(text: "restrict \(Self.line)\(separator)\(Self.line)")
            #expect(file.entries.count == 1)
            #expect(file.entries.first?.options.permissions == LoginPermissions.none)
        }
    }

    @Test("a comment in another encoding does not spoil its key; options in another encoding do")
    func encoding() {
        #expect(AuthorizedKeys(file: Array(Self.line.utf8) + [0x20, 0xfc]).entries.count == 1)
        let bad = Array("command=\"".utf8) + [0xfc] + Array("\" \(Self.line)".utf8)
        #expect(AuthorizedKeys(file: bad).entries.isEmpty)
    }

    @Test("a file cut anywhere or with any byte changed never traps, and no line loses its restriction")
    func damage() {
        let text = #"restrict,command="a \"b\"",from="10.0.0.0/8,!web" "# + Self.line
        for damaged in Damage.all(Array(text.utf8)) {
            let file = AuthorizedKeys(file: damaged)
            #expect(file.entries.count + file.problems.count <= 2)
            for entry in file.entries where entry.key == Self.key.publicKey {
                #expect(!entry.options.permissions.mayForwardPorts)
            }
        }
    }
}
