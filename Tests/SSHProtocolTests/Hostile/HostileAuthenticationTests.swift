import NIOCore
import SSHKeys
import Testing

@testable import SSHProtocol

/// What a hostile client tries at the door, and what a hostile server tries behind it. The numbers in the names of the
/// functions count the cases of the list of negative tests.
@Suite struct HostileAuthenticationTests {
    private static let key = SSHPrivateKey.generateEd25519()

    // MARK: Messages that are not for this end

    @Test(
        "case 21: a client's server that gets the answers of a server ends the connection",
        arguments: [UInt8(51), 52, 53, 60])
    func case21(number: UInt8) throws {
        let client = try ScriptedClient.atTheDoor()
        try client.say(number)
        #expect(client.error?.code == .unexpectedMessage)
        #expect(client.disconnectReason == 2)
        #expect(!client.isAuthenticated)
    }

    @Test("case 21: a client that gets the requests of a client ends the connection", arguments: [UInt8(5), 50, 61])
    func case21Client(number: UInt8) throws {
        let server = ScriptedServer()
        server.authenticate = { _ in [ByteBuffer(bytes: [number])] }
        let pair = BackToBack(server)
        try pair.begin()
        #expect(pair.error?.code == .unexpectedMessage)
    }

    @Test("case 22: nothing of the connection protocol is dealt with before authentication", arguments: UInt8(80)...255)
    func case22(number: UInt8) throws {
        for atTheDoor in [false, true] {
            let client = atTheDoor ? try ScriptedClient.atTheDoor() : try ScriptedClient.joined()
            try client.say(number, [0, 0, 0, 7, 115, 101, 115, 115, 105, 111, 110])
            #expect(client.error?.code == .unexpectedMessage)
            #expect(client.requests.isEmpty)
        }
    }

    @Test("case 23: USERAUTH before SERVICE_ACCEPT ends the connection")
    func case23Early() throws {
        let client = try ScriptedClient.joined()
        try client.say(AuthMessage().none)
        #expect(client.error?.code == .unexpectedMessage)
        #expect(client.requests.isEmpty)
    }

    @Test("case 23: another service than ours ends the connection with reason 7")
    func case23Service() throws {
        let request = try ScriptedClient.joined()
        try request.say(ServiceName("ssh-connection").request)
        #expect(request.disconnectReason == 7)
        let user = try ScriptedClient.atTheDoor()
        try user.say(AuthMessage(service: "ssh-userauth").none)
        #expect(user.disconnectReason == 7)
        #expect(user.requests.isEmpty)
    }

    @Test("case 23: what was proved for one user counts for nobody else")
    func case23User() throws {
        let client = try ScriptedClient.atTheDoor { $0.authenticationMethods = ["publickey", "password"] }
        client.authorize = { request in
            if case .publicKey = request.method { return .partial(remaining: ["password"]) }
            return request.completed == ["publickey"] ? .accept : .refuse
        }
        try client.say(try AuthMessage().signed(Self.key, session: client.server.sessionID))
        #expect(client.lastFailure?.isPartial == true)
        #expect(client.lastFailure?.methods == ["password"])
        try client.say(AuthMessage(user: "root").password("x"))
        #expect(client.requests.last?.completed == [])
        #expect(client.lastFailure?.methods == ["publickey", "password"])
        #expect(!client.isAuthenticated)
        // Nor does it come back with the first name.
        try client.say(AuthMessage().password("x"))
        #expect(!client.isAuthenticated)
    }

    // MARK: Keys

    @Test("case 24: a key that was asked about and one that signs are two, and only the second is decided on")
    func case24Probe() throws {
        let other = SSHPrivateKey.generateEd25519()
        let client = try ScriptedClient.atTheDoor()
        client.mayOffer = { $0.publicKey == other.publicKey }
        client.authorize = { request in
            guard case .publicKey(let identity, _, _) = request.method else { return .refuse }
            return identity.publicKey == other.publicKey ? .accept : .refuse
        }
        try client.say(AuthMessage().query(other.publicKey))
        #expect(client.numbers.last == 60)
        #expect(client.requests.isEmpty)
        try client.say(try AuthMessage().signed(Self.key, session: client.server.sessionID))
        #expect(client.numbers.last == 51)
        // Signed by one, claimed for the other.
        let session = client.server.sessionID
        try client.say(try AuthMessage().signed(Self.key, session: session, claims: other.publicKey.blob))
        #expect(client.numbers.last == 51)
        #expect(client.requests.count == 1)
        #expect(!client.isAuthenticated)
    }

    @Test("case 24: a signature over another session, user or service never reaches the owner")
    func case24Binding() throws {
        let client = try ScriptedClient.atTheDoor()
        let session = client.server.sessionID
        for message in [
            try AuthMessage().signed(Self.key, session: session.reversed()),
            try AuthMessage().signed(Self.key, session: []),
            try AuthMessage().signed(Self.key, session: session, over: AuthMessage(user: "root")),
            try AuthMessage().signed(Self.key, session: session, over: AuthMessage(service: "x")),
        ] {
            try client.say(message)
            #expect(client.numbers.last == 51)
        }
        #expect(client.requests.isEmpty)
    }

    @Test("case 24: a signature bound to another host's key never reaches the owner")
    func case24HostBound() throws {
        let client = try ScriptedClient.atTheDoor()
        client.authorize = { _ in .accept }
        let session = client.server.sessionID
        let foreign = SSHPrivateKey.generateEd25519().publicKey.blob
        try client.say(try AuthMessage().signed(Self.key, session: session, hostKey: foreign))
        #expect(client.requests.isEmpty)
        try client.say(
            try AuthMessage().signed(Self.key, session: session, hostKey: MachinePair.hostKey.publicKey.blob))
        #expect(client.isAuthenticated)
    }

    @Test("case 25: an algorithm that is not accepted fails before the key is parsed, and so does one of another key")
    func case25() throws {
        let client = try ScriptedClient.atTheDoor { $0.acceptedUserKeyAlgorithms = ["ssh-ed25519", "rsa-sha2-512"] }
        let rsa = try SSHPrivateKey(file: Array(Fixtures.rsaKey.utf8), passphrase: nil)
        for algorithm in ["ssh-rsa", "rsa-sha2-256", "ssh-dss", "", "none", "rsa-sha2-512-cert-v01@openssh.com"] {
            try client.say(AuthMessage().query(rsa.publicKey, algorithm: algorithm))
        }
        #expect(client.events.map(\.summary) == ["keys", "closed authenticationFailed"])
        let mixed = try ScriptedClient.atTheDoor { $0.acceptedUserKeyAlgorithms = ["ssh-ed25519", "rsa-sha2-512"] }
        try mixed.say(AuthMessage().query(rsa.publicKey, algorithm: "ssh-ed25519"))
        try mixed.say(AuthMessage().query(Self.key.publicKey, algorithm: "rsa-sha2-512"))
        #expect(mixed.numbers.suffix(2) == [51, 51])
        try mixed.say(AuthMessage().query(rsa.publicKey, algorithm: "rsa-sha2-512"))
        #expect(mixed.numbers.last == 60)
    }

    @Test("case 26: a key that does not parse is one failed attempt, and the connection lives")
    func case26() throws {
        let client = try ScriptedClient.atTheDoor()
        client.authorize = { $0.method.name == "publickey" ? .accept : .refuse }
        for blob in [[], [0, 0, 0, 11], [0xFF, 0xFF, 0xFF, 0xFF], Array(Self.key.publicKey.blob.dropLast())]
            as [[UInt8]]
        {
            var message = AuthMessage().begin("publickey")
            message.writeSSHBoolean(false)
            message.writeSSHString("ssh-ed25519")
            message.writeSSHString(blob)
            try client.say(message)
            #expect(client.numbers.last == 51)
        }
        try client.say(try AuthMessage().signed(Self.key, session: client.server.sessionID))
        #expect(client.isAuthenticated)
    }

    @Test("a key counts once in a chain, with a certificate or without")
    func sameKeyTwice() throws {
        let client = try ScriptedClient.atTheDoor()
        client.authorize = { request in request.completed.isEmpty ? .partial(remaining: ["publickey"]) : .accept }
        let session = client.server.sessionID
        try client.say(try AuthMessage().signed(Self.key, session: session))
        #expect(client.lastFailure?.isPartial == true)
        try client.say(try AuthMessage().signed(Self.key, session: session))
        #expect(!client.isAuthenticated)
        #expect(client.requests.count == 1)
        try client.say(try AuthMessage().signed(.generateEd25519(), session: session))
        #expect(client.isAuthenticated)
    }

    // MARK: Limits

    @Test("case 27: the sixth failure ends the connection, refused offers counted, the first none not")
    func case27Failures() throws {
        let client = try ScriptedClient.atTheDoor { $0.authenticationMethods = ["publickey", "password"] }
        client.mayOffer = { _ in false }
        try client.say(AuthMessage().none)
        for _ in 0..<3 { try client.say(AuthMessage().password("x")) }
        for _ in 0..<2 { try client.say(AuthMessage().query(Self.key.publicKey)) }
        #expect(client.error == nil)
        try client.say(AuthMessage().password("x"))
        #expect(client.error?.code == .authenticationFailed)
        #expect(client.disconnectReason == 14)
        #expect(client.numbers.count { $0 == 51 } == 6)
    }

    @Test("case 27: 128 requests of any kind are enough")
    func case27Requests() throws {
        let client = try ScriptedClient.atTheDoor()
        for _ in 0..<128 { try client.say(AuthMessage().query(Self.key.publicKey)) }
        #expect(client.error == nil)
        try client.say(AuthMessage().query(Self.key.publicKey))
        #expect(client.error?.code == .limitExceeded)
    }

    @Test("case 27: who does not get in within the grace time is disconnected, whatever was sent meanwhile")
    func case27Grace() throws {
        let client = try ScriptedClient.atTheDoor()
        for _ in 0..<11 {
            client.now = client.now + .seconds(10)
            client.server.tick(now: client.now)
            try client.say(AuthMessage().query(Self.key.publicKey))
        }
        #expect(client.error == nil)
        client.now = client.now + .seconds(11)
        client.server.tick(now: client.now)
        try client.pump()
        #expect(client.error?.code == .handshakeTimeout)
    }

    @Test("case 27: unknown users and wrong passwords get the same bytes")
    func case27Same() throws {
        let client = try ScriptedClient.atTheDoor { $0.authenticationMethods = ["publickey", "password"] }
        try client.say(AuthMessage(user: "ada").password("x"), AuthMessage(user: "nobody").password("x"))
        #expect(client.received.suffix(2).first == client.received.last)
    }

    @Test("case 28: an impossible number of answers is a failure and allocates nothing")
    func case28() throws {
        for count in [0, 2, 0xFFFF_FFFF] as [UInt32] {
            let client = try ScriptedClient.atTheDoor { $0.authenticationMethods = ["keyboard-interactive"] }
            client.authorize = { request in
                guard case .keyboardInteractive = request.method else { return .accept }
                return .ask(KeyboardQuestions(prompts: [.init(text: "?", echoes: false)]))
            }
            try client.say(AuthMessage().interactive)
            #expect(client.numbers.last == 60)
            var answer = ByteBuffer(message: .userAuthInfoResponse)
            answer.writeInteger(count)
            try client.say(answer)
            #expect(client.numbers.last == 51)
            #expect(!client.isAuthenticated)
            // Nothing is asked any more.
            try client.say(answer)
            #expect(client.error?.code == .unexpectedMessage)
        }
    }

    @Test("case 28: a request abandons the questions in progress, and answers to them come too late")
    func case28Abandoned() throws {
        let client = try ScriptedClient.atTheDoor { $0.authenticationMethods = ["keyboard-interactive", "password"] }
        client.authorize = { request in
            switch request.method {
            case .keyboardInteractive: .ask(KeyboardQuestions(prompts: [.init(text: "?", echoes: false)]))
            case .keyboardResponses: .accept
            default: .refuse
            }
        }
        try client.say(AuthMessage().interactive, AuthMessage().password("x"))
        try client.say(UserAuthInfoResponse(answers: [[1]]).encoded)
        #expect(client.error?.code == .unexpectedMessage)
        #expect(!client.isAuthenticated)
    }

    @Test("case 29: requests after success are read past")
    func case29() throws {
        let client = try ScriptedClient.atTheDoor { $0.announcesHostKeys = false }
        client.authorize = { _ in .accept }
        try client.say(AuthMessage().none)
        #expect(client.isAuthenticated)
        let before = client.received.count
        try client.say(AuthMessage(user: "root").none, AuthMessage().password("x"))
        #expect(client.received.count == before)
        #expect(client.error == nil)
        #expect(client.server.authenticatedUser?.username == "ada")
        #expect(client.requests.count == 1)
    }

    @Test("names and requests that do not parse end the connection", arguments: 0..<6)
    func malformed(variant: Int) throws {
        let client = try ScriptedClient.atTheDoor()
        var message = ByteBuffer(message: .userAuthRequest)
        switch variant {
        case 0: message.writeSSHString([0xC3, 0x28])
        case 1: message.writeSSHString([UInt8](repeating: 97, count: 1025))
        case 2: message.writeInteger(UInt32.max)
        case 3:
            message = AuthMessage().none
            message.writeInteger(UInt8(0))
        case 4:
            message = AuthMessage().begin("password")
            message.writeSSHBoolean(true)
            message.writeSSHString("old")
        default:
            message = AuthMessage().query(Self.key.publicKey)
            message.writeInteger(UInt8(0))
        }
        if variant < 2 { for text in ["ssh-connection", "none"] { message.writeSSHString(text) } }
        try client.say(message)
        #expect(client.error?.code == .malformed)
        #expect(client.requests.isEmpty)
    }

    // MARK: A hostile server

    @Test("a server that accepts a key it was not asked about gets no signature")
    func foreignKeyOK() throws {
        let server = ScriptedServer()
        let other = SSHPrivateKey.generateEd25519().publicKey.blob
        server.authenticate = { request in
            request.method == "none"
                ? [.userAuthFailure("publickey")] : [UserAuthPublicKeyOK(algorithm: "ssh-ed25519", blob: other).encoded]
        }
        let pair = BackToBack(server) { $0.credentials = [.external(.key(Self.key.publicKey))] }
        try pair.begin()
        #expect(pair.error?.code == .unexpectedMessage)
        #expect(!pair.summaries.contains { $0.hasPrefix("sign") })
    }
}
