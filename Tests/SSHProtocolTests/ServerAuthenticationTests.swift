import NIOCore
import SSHKeys
import Testing

@testable import SSHProtocol

/// The server's door: RFC 4252, RFC 4256, OpenSSH's host-bound keys, certificates and security keys.
@Suite struct ServerAuthenticationTests {
    private static let key = SSHPrivateKey.generateEd25519()

    private static func certificate(
        _ key: SSHPrivateKey = key, authority: SSHPrivateKey = .generateEd25519()
    ) throws -> SSHCertificate {
        try SSHCertificate.issue(
            CertificateContents(publicKey: key.publicKey, type: .user, keyID: "ada", principals: ["ada"]),
            signedBy: authority)
    }

    private func pair(
        _ methods: [String], _ credentials: [Credential],
        _ change: (inout ClientConfiguration) -> Void = { _ in },
        authorize: @escaping (AuthorizationRequest) -> AuthorizationAnswer
    ) -> MachinePair {
        let pair = MachinePair {
            $0.authenticationMethods = methods
        } client: {
            $0.credentials = credentials
            change(&$0)
        }
        pair.authorize = authorize
        return pair
    }

    @Test("a key is bound to the host, verified, and only then shown to the owner")
    func publicKey() throws {
        let pair = pair(["publickey"], [.privateKey(Self.key)]) { request in
            guard case .publicKey(let identity, "ssh-ed25519", nil) = request.method else { return .refuse }
            return identity == .key(Self.key.publicKey) ? .accept : .refuse
        }
        pair.begin()
        #expect(pair.isAuthenticated)
        let method = AuthenticatedUser.Method(name: "publickey", identity: .key(Self.key.publicKey))
        #expect(pair.server.authenticatedUser == AuthenticatedUser(username: "ada", methods: [method]))
        #expect(pair.client.authenticatedUser == nil)
    }

    @Test("a certificate of each kind signs under its own name")
    func certificates() throws {
        let rsa = try SSHPrivateKey(file: Array(Fixtures.rsaKey.utf8), passphrase: nil)
        for key in [Self.key, rsa, try .generate(.ecdsa(.p384))] {
            let certificate = try Self.certificate(key)
            let pair = pair(["publickey"], [.certificate(certificate, key)]) { request in
                guard case .publicKey(.certificate(let shown), _, _) = request.method else { return .refuse }
                return shown == certificate ? .accept : .refuse
            }
            pair.begin()
            #expect(pair.isAuthenticated, "\(String(describing: pair.clientError))")
        }
    }

    @Test("somebody else's key is offered first, signs when it would do, and is given up when it does not sign")
    func externalSigner() throws {
        let certificate = try Self.certificate()
        for identity in [PublicIdentity.key(Self.key.publicKey), .certificate(certificate)] {
            let pair = pair(["publickey"], [.external(identity)]) { request in
                request.method.name == "publickey" ? .accept : .refuse
            }
            pair.sign = { request in
                #expect(request.algorithm == "ssh-ed25519")
                return try? Self.key.sign(request.data, algorithm: request.algorithm)
            }
            pair.begin()
            #expect(pair.isAuthenticated)
        }
        let refused = pair(["publickey"], [.external(.key(Self.key.publicKey)), .privateKey(Self.key)]) {
            $0.method.name == "publickey" ? .accept : .refuse
        }
        refused.begin()
        #expect(refused.isAuthenticated)
        let unwanted = pair(["publickey"], [.external(.key(Self.key.publicKey))]) { _ in .refuse }
        unwanted.mayOffer = { _ in false }
        unwanted.begin()
        #expect(unwanted.clientError?.code == .authenticationFailed)
        #expect(!unwanted.clientEvents.contains { if case .sign = $0 { true } else { false } })
    }

    @Test("a password that is asked for when its turn comes is asked for once a credential, and can be changed")
    func askedPasswords() {
        let pair = pair(["publickey", "password"], [.askedPassword, .askedPassword]) {
            $0.changesExpiredPasswords = true
        } authorize: { request in
            switch request.method {
            case .password(let password): password == Array("second".utf8) ? .changePassword(prompt: "") : .refuse
            case .passwordChange(let old, _): old == Array("second".utf8) ? .accept : .refuse
            default: .refuse
            }
        }
        var given = ["first", "second"]
        pair.answers = { prompt in
            #expect(prompt.questions == [.init(text: "", echoes: false)])
            return given.isEmpty ? nil : [Array(given.removeFirst().utf8)]
        }
        pair.newPassword = { _ in Array("new".utf8) }
        pair.begin()
        #expect(pair.isAuthenticated)
        #expect(given.isEmpty)

        let silent = self.pair(["password"], [.askedPassword]) { $0.method.name == "none" ? .refuse : .accept }
        silent.begin()
        #expect(silent.clientError?.code == .authenticationFailed)
    }

    @Test("a host that does not offer passwords is told none, and nobody is asked for one")
    func notAsked() {
        let pair = pair(["publickey"], [.askedPassword]) { _ in .refuse }
        var wasAsked = false
        pair.answers = { _ in
            wasAsked = true
            return nil
        }
        pair.begin()
        #expect(!wasAsked)
        #expect(pair.clientError?.code == .authenticationFailed)
    }

    @Test("a password is asked about, an expired one is changed, and a wrong one is refused")
    func passwords() {
        let pair = pair(["password"], [.password(Array("old".utf8))]) {
            $0.changesExpiredPasswords = true
        } authorize: { request in
            switch request.method {
            case .password: .changePassword(prompt: "Choose a new one")
            case .passwordChange(let old, let new):
                old == Array("old".utf8) && new == Array("new".utf8) ? .accept : .refuse
            default: .refuse
            }
        }
        pair.newPassword = { prompt in
            #expect(prompt.text == "Choose a new one")
            return Array("new".utf8)
        }
        pair.begin()
        #expect(pair.isAuthenticated)

        let wrong = self.pair(["password"], [.password(Array("x".utf8))]) { _ in .refuse }
        wrong.begin()
        #expect(wrong.clientError?.code == .authenticationFailed)
        #expect(wrong.clientError?.offeredMethods == ["password"])
        let unattended = self.pair(["password"], [.password([])]) { request in
            request.method.name == "password" ? .changePassword(prompt: "") : .refuse
        }
        unattended.begin()
        #expect(unattended.clientError?.description.contains("expired") == true)
    }

    @Test("keyboard-interactive asks as often as the owner wishes, also without questions")
    func interactive() {
        var rounds = 0
        let pair = pair(["keyboard-interactive"], [.keyboardInteractive]) { request in
            switch request.method {
            case .keyboardInteractive:
                return .ask(KeyboardQuestions(name: "Door", prompts: [.init(text: "A", echoes: true)]))
            case .keyboardResponses(let answers):
                rounds += 1
                if rounds == 1 {
                    #expect(answers == ["ja"])
                    return .ask(KeyboardQuestions(prompts: []))
                }
                if rounds == 2 {
                    let prompts = ["B", "C"].map { KeyboardQuestions.Prompt(text: $0, echoes: false) }
                    return .ask(KeyboardQuestions(prompts: prompts))
                }
                return answers == ["ja", "ja"] ? .accept : .refuse
            default: return .refuse
            }
        }
        pair.answers = { $0.questions.map { _ in Array("ja".utf8) } }
        pair.begin()
        #expect(pair.isAuthenticated)
        #expect(rounds == 3)
    }

    @Test("a chain of methods names what is done and what remains")
    func chain() {
        var seen: [[String]] = []
        let pair = pair(["publickey"], [.password(Array("x".utf8)), .privateKey(Self.key)]) { request in
            seen.append(request.completed)
            switch request.method {
            case .publicKey: return .partial(remaining: ["password"])
            case .password: return request.completed == ["publickey"] ? .accept : .refuse
            default: return .refuse
            }
        }
        pair.begin()
        #expect(pair.isAuthenticated)
        #expect(seen == [[], [], ["publickey"]])
        #expect(pair.server.authenticatedUser?.methods.map(\.name) == ["publickey", "password"])
    }

    @Test("everybody may come in where the owner accepts none")
    func none() {
        let pair = pair([], []) { request in
            if case .none = request.method { .accept } else { .refuse }
        }
        pair.begin()
        #expect(pair.isAuthenticated)
        #expect(pair.server.authenticatedUser?.methods.map(\.name) == ["none"])
    }

    @Test("the banner comes once, before the first answer")
    func banner() {
        let pair = MachinePair { $0.banner = "Authorised use only" }
        pair.begin()
        #expect(
            pair.clientEvents.map(\.summary).prefix(4) == [
                "verify ssh-ed25519", "keys", "banner Authorised use only", "authenticated",
            ])
    }

    @Test("a question of the server leaves the clock of the grace time running")
    func grace() throws {
        let client = try ScriptedClient.atTheDoor { $0.loginGraceTime = .seconds(20) }
        client.authorize = { _ in nil }
        try client.say(AuthMessage().none)
        client.now = client.now + .seconds(21)
        client.server.tick(now: client.now)
        try client.pump()
        #expect(client.error?.code == .handshakeTimeout)
        client.server.answerAuthorization(.accept, now: client.now)
        client.takeEvents()
        #expect(!client.isAuthenticated)
    }

    @Test("answers that do not fit the question are refusals")
    func misfits() throws {
        for answer in [
            AuthorizationAnswer.ask(KeyboardQuestions(prompts: [])), .changePassword(prompt: ""),
            .partial(remaining: []),
        ] {
            let client = try ScriptedClient.atTheDoor()
            client.authorize = { _ in answer }
            try client.say(try AuthMessage().signed(Self.key, session: client.server.sessionID))
            #expect(client.numbers.last == 51)
            #expect(client.lastFailure?.isPartial == false)
        }
    }

    @Test("a client that asks for the service again before each attempt is served, up to the limit")
    func repeatedService() throws {
        let client = try ScriptedClient.atTheDoor()
        try client.say(ServiceName(ServiceName.userAuth).request, AuthMessage().none)
        #expect(client.numbers.suffix(2) == [6, 51])
        for _ in 0..<200 where client.error == nil { try client.say(ServiceName(ServiceName.userAuth).request) }
        #expect(client.error?.code == .limitExceeded)
    }

    @Test("server-sig-algs, hostbound and ping are announced right after the keys")
    func extensionInfo() throws {
        let client = try ScriptedClient.joined()
        #expect(client.numbers == [7])
        var body = try #require(client.received.first)
        body.moveReaderIndex(forwardBy: 1)
        let info = try ExtensionInfo(body)
        #expect(info.serverSignatureAlgorithms == UserKeyAlgorithm.standard)
        #expect(info.supportsHostbound && info.supportsPing)
    }
}
