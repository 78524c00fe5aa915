import NIOCore
import SSHKeys
import Testing

@testable import SSHProtocol

/// RFC 4252, RFC 4256, RFC 8308, RFC 8332.
@Suite struct AuthenticationTests {
    /// A server that lists methods until `accepts` says yes, and remembers what was tried.
    private final class Door {
        var tried: [String] = []
        let server = ScriptedServer()

        init(_ methods: String, accepts: @escaping (ScriptedServer.AuthRequest) -> Bool = { _ in false }) {
            server.authenticate = { [unowned self] request in
                tried.append(request.method + (request.algorithm.isEmpty ? "" : " \(request.algorithm)"))
                return [accepts(request) ? ByteBuffer(message: .userAuthSuccess) : .userAuthFailure(methods)]
            }
        }
    }

    private static let password = Credential.password(Array("secret".utf8))
    // ssh-keygen -t rsa -b 2048 -N '' -m PEM would do as well; made here so that the test needs no program.
    private static let ed25519 = SSHPrivateKey.generateEd25519()

    @Test("the first request is none, and a server that needs no proof lets in by it")
    func none() throws {
        let door = Door("publickey") { $0.method == "none" }
        let pair = try BackToBack.connected(door.server) { $0.credentials = [Self.password] }
        #expect(door.tried == ["none"])
        #expect(pair.summaries.last == "authenticated")
    }

    @Test("a key signs at once, without a query")
    func publicKey() throws {
        let door = Door("publickey") { $0.method == "publickey" && $0.isSigned }
        _ = try BackToBack.connected(door.server) { $0.credentials = [.privateKey(Self.ed25519)] }
        #expect(door.tried == ["none", "publickey ssh-ed25519"])
    }

    @Test("a key that goes first is the only request where it does")
    func signsFirst() throws {
        let door = Door("publickey") { $0.isSigned }
        let pair = try BackToBack.connected(door.server) {
            $0.credentials = [.privateKey(Self.ed25519), Self.password]
            $0.signsFirst = true
        }
        #expect(door.tried == ["publickey ssh-ed25519"])
        #expect(pair.summaries.last == "authenticated")
    }

    @Test("after a key that went first and was refused comes none, and then what the host offers")
    func refusedFirst() throws {
        let other = SSHPrivateKey.generateEd25519()
        for accepted in ["none", "password"] {
            let door = Door("password") { $0.method == accepted }
            let pair = try BackToBack.connected(door.server) {
                $0.credentials = [.privateKey(Self.ed25519), .privateKey(other), Self.password]
                $0.signsFirst = true
            }
            #expect(door.tried == ["publickey ssh-ed25519", "none"] + (accepted == "none" ? [] : ["password"]))
            #expect(pair.summaries.last == "authenticated")
        }
    }

    @Test("whose first credential is no key of their own begins with none")
    func nothingToSignFirst() throws {
        let door = Door("password") { $0.method == "password" }
        _ = try BackToBack.connected(door.server) {
            $0.credentials = [Self.password]
            $0.signsFirst = true
        }
        #expect(door.tried == ["none", "password"])
    }

    @Test("the signature covers the session, the user and the algorithm")
    func signature() throws {
        let server = ScriptedServer()
        var blob: [UInt8] = []
        var signature: [UInt8] = []
        server.answers[50] = { server, body in
            var fields = MessageReader(body, of: "USERAUTH_REQUEST")
            _ = try (fields.text(), fields.text())
            guard try fields.text() == "publickey" else { return try server.send(.userAuthFailure("publickey")) }
            _ = try (fields.boolean(), fields.text())
            blob = try fields.bytes()
            signature = try fields.bytes()
            try fields.end()
            try server.send(ByteBuffer(message: .userAuthSuccess))
        }
        let pair = try BackToBack.connected(server) { $0.credentials = [.privateKey(Self.ed25519)] }
        var signed = ByteBuffer()
        signed.writeSSHString(try #require(server.sessionID))
        signed.writeInteger(UInt8(50))
        for text in ["user", "ssh-connection", "publickey"] { signed.writeSSHString(text) }
        signed.writeSSHBoolean(true)
        signed.writeSSHString("ssh-ed25519")
        signed.writeSSHString(blob)
        #expect(blob == Self.ed25519.publicKey.blob)
        #expect(
            try Self.ed25519.publicKey.verify(
                signature: signature, over: Array(signed.readableBytesView), algorithm: "ssh-ed25519"))
        #expect(pair.error == nil)
    }

    @Test("an RSA key signs with what the server announces, and with nothing else")
    func announced() throws {
        let rsa = try SSHPrivateKey(file: Array(Fixtures.rsaKey.utf8), passphrase: nil)
        for (announced, expected) in [
            (["rsa-sha2-256"], ["publickey rsa-sha2-256"]),
            (["ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512"], ["publickey rsa-sha2-512"]),
            (["ssh-ed25519"], ["publickey rsa-sha2-512"]),
        ] {
            let door = Door("publickey")
            door.server.announcedAlgorithms = announced
            let pair = BackToBack(door.server) { $0.credentials = [.privateKey(rsa)] }
            try pair.begin()
            #expect(door.tried == ["none"] + expected)
            #expect(pair.error?.code == .authenticationFailed)
        }
    }

    @Test("without an announcement an RSA key tries both of its algorithms, never SHA-1")
    func unannounced() throws {
        let rsa = try SSHPrivateKey(file: Array(Fixtures.rsaKey.utf8), passphrase: nil)
        let door = Door("publickey")
        let pair = BackToBack(door.server) { $0.credentials = [.privateKey(rsa)] }
        try pair.begin()
        #expect(door.tried == ["none", "publickey rsa-sha2-512", "publickey rsa-sha2-256"])
    }

    @Test("only methods that are offered are tried, each credential once")
    func offered() throws {
        let door = Door("password,hostbased")
        let pair = BackToBack(door.server) {
            $0.credentials = [.privateKey(Self.ed25519), Self.password, .keyboardInteractive]
        }
        try pair.begin()
        #expect(door.tried == ["none", "password"])
        #expect(pair.error?.code == .authenticationFailed)
        #expect(pair.error?.offeredMethods == ["password", "hostbased"])
        #expect(pair.disconnectReason == 14)
    }

    @Test("a partial success goes on with the credentials that are left")
    func partialSuccess() throws {
        let server = ScriptedServer()
        var tried: [String] = []
        server.authenticate = { request in
            tried.append(request.method)
            switch request.method {
            case "publickey": return [.userAuthFailure("password", partial: true)]
            case "password": return [.userAuthFailure("keyboard-interactive", partial: true)]
            case "keyboard-interactive": return [.infoRequest([("Code:", false)])]
            default: return [.userAuthFailure("publickey")]
            }
        }
        server.answers[61] = { server, _ in try server.send(ByteBuffer(message: .userAuthSuccess)) }
        let pair = BackToBack(server) {
            $0.credentials = [Self.password, .keyboardInteractive, .privateKey(Self.ed25519)]
        }
        try pair.begin()
        #expect(pair.summaries.last == "prompt [\"Code:\"]")
        pair.client.answerPrompt([Array("1".utf8)], now: pair.now)
        try pair.pump()
        #expect(tried == ["none", "publickey", "password", "keyboard-interactive"])
        #expect(pair.summaries.last == "authenticated")
    }

    @Test("a stored password answers one question without echo, and an empty round")
    func storedPassword() throws {
        let server = ScriptedServer()
        server.authenticate = { request in
            request.method == "none"
                ? [.userAuthFailure("keyboard-interactive")] : [.infoRequest([("Password:", false)])]
        }
        var answers: [[UInt8]] = []
        server.answers[61] = { server, body in
            answers.append(Array(body.readableBytesView))
            try server.send(answers.count == 1 ? .infoRequest([]) : ByteBuffer(message: .userAuthSuccess))
        }
        _ = try BackToBack.connected(server) { $0.credentials = [Self.password] }
        #expect(answers == [[0, 0, 0, 1, 0, 0, 0, 6] + Array("secret".utf8), [0, 0, 0, 0]])
    }

    @Test("a stored password is never the answer to a question that echoes, or to two")
    func unfitQuestions() throws {
        for questions in [[("User:", true)], [("Old:", false), ("New:", false)]] {
            let server = ScriptedServer()
            server.authenticate = { request in
                request.method == "none" ? [.userAuthFailure("keyboard-interactive")] : [.infoRequest(questions)]
            }
            let pair = BackToBack(server) { $0.credentials = [Self.password] }
            try pair.begin()
            #expect(!server.numbers.contains(61))
            pair.client.answerPrompt(nil, now: pair.now)
            try pair.pump()
            #expect(pair.error?.code == .authenticationFailed)
        }
    }

    @Test("a wrong number of answers gives the attempt up")
    func wrongCount() throws {
        let server = ScriptedServer()
        server.authenticate = { request in
            request.method == "none" ? [.userAuthFailure("keyboard-interactive")] : [.infoRequest([("a", true)])]
        }
        let pair = BackToBack(server) { $0.credentials = [.keyboardInteractive] }
        try pair.begin()
        pair.client.answerPrompt([[1], [2]], now: pair.now)
        try pair.pump()
        #expect(pair.error?.code == .authenticationFailed)
    }

    @Test("questions without end, too many in a round, or a count beyond the message end the connection")
    func tooManyQuestions() throws {
        let many = (0..<33).map { ("q\($0)", true) }
        for request in [ByteBuffer.infoRequest(many), .infoRequest([])] {
            let server = ScriptedServer()
            server.authenticate = { $0.method == "none" ? [.userAuthFailure("keyboard-interactive")] : [request] }
            server.answers[61] = { server, _ in try server.send(request) }
            let pair = BackToBack(server) { $0.credentials = [.keyboardInteractive] }
            try? pair.begin()
            #expect(pair.error?.code == .malformed || pair.error?.code == .limitExceeded)
        }
    }

    @Test("an expired password is named as that, and is not changed")
    func expiredPassword() throws {
        let server = ScriptedServer()
        server.authenticate = { request in
            guard request.method == "password" else { return [.userAuthFailure("password")] }
            var change = ByteBuffer(message: .userAuthMethod60)
            change.writeSSHString("Expired")
            change.writeSSHString("")
            return [change]
        }
        let pair = BackToBack(server) { $0.credentials = [Self.password] }
        try pair.begin()
        #expect(pair.error?.code == .authenticationFailed)
        #expect(pair.error?.description.contains("expired") == true)
    }

    @Test("message 60 that belongs to no attempt is refused")
    func unsolicited60() throws {
        let server = ScriptedServer()
        server.authenticate = { _ in [.infoRequest([("Password:", false)])] }
        let pair = BackToBack(server) { $0.credentials = [Self.password] }
        try? pair.begin()
        #expect(pair.error?.code == .unexpectedMessage)
    }

    @Test("SUCCESS before the service is granted lets nobody in")
    func earlySuccess() throws {
        let server = ScriptedServer()
        server.answers[5] = { server, _ in try server.send(52) }
        let pair = BackToBack(server)
        try? pair.begin()
        #expect(pair.error?.code == .unexpectedMessage)
        #expect(!pair.summaries.contains("authenticated"))
    }

    @Test("a message of a server's client ends the connection", arguments: [50, 61, 5, 80, 90, 94, 100] as [UInt8])
    func serverSideMessages(number: UInt8) throws {
        let server = ScriptedServer()
        server.authenticate = { _ in [ByteBuffer(bytes: [number])] }
        let pair = BackToBack(server)
        try? pair.begin()
        #expect(pair.error?.code == .unexpectedMessage)
    }

    @Test(
        "SUCCESS, FAILURE, a banner and EXT_INFO after authentication end the connection",
        arguments: [51, 52, 53, 60, 6, 7] as [UInt8])
    func lateMessages(number: UInt8) throws {
        let pair = try BackToBack.connected()
        try? pair.serve(ByteBuffer(bytes: [number]))
        #expect(pair.error?.code == .unexpectedMessage)
    }

    @Test("another service than asked for is refused")
    func otherService() throws {
        let server = ScriptedServer()
        server.answers[5] = { server, _ in
            var accept = ByteBuffer(message: .serviceAccept)
            accept.writeSSHString("ssh-connection")
            try server.send(accept)
        }
        let pair = BackToBack(server)
        try? pair.begin()
        #expect(pair.error?.code == .unexpectedMessage)
    }

    @Test("banners are passed on as they are, and a flood of them is read past")
    func banners() throws {
        let server = ScriptedServer()
        server.authenticate = { _ in
            let banners = (0..<200).map { index in
                var banner = ByteBuffer(message: .userAuthBanner)
                banner.writeSSHString("line \(index)\u{1B}[1m")
                banner.writeSSHString("")
                return banner
            }
            return banners + [ByteBuffer(message: .userAuthSuccess)]
        }
        let pair = try BackToBack.connected(server)
        #expect(pair.summaries.contains("banner line 0\u{1B}[1m"))
        #expect(pair.summaries.filter { $0.hasPrefix("banner") }.count == ConnectionMachine.maximumBanners)
    }

    @Test("a packet beyond 64 KiB before authentication ends the connection; after it, it does not")
    func packetLimit() throws {
        let large = ByteBuffer(bytes: [2] + [UInt8](repeating: 0, count: 100_000))
        let server = ScriptedServer()
        server.authenticate = { _ in [large] }
        let pair = BackToBack(server)
        try? pair.begin()
        #expect(pair.error?.code == .malformed)

        let later = try BackToBack.connected()
        try later.serve(large)
        #expect(later.error == nil)
    }

    @Test("new keys in the middle of authentication hold the requests back, and lose none")
    func rekeyWhileAuthenticating() throws {
        let server = ScriptedServer()
        server.authenticate = { request in
            guard request.method == "none" else { return [ByteBuffer(message: .userAuthSuccess)] }
            try? server.sendInit()
            return [.userAuthFailure("password")]
        }
        // The FAILURE stands after the server's KEXINIT here, which no server may do: it is refused.
        let pair = BackToBack(server) { $0.credentials = [Self.password] }
        try? pair.begin()
        #expect(pair.error?.code == .unexpectedMessage)

        let polite = ScriptedServer()
        polite.authenticate = { request in
            guard request.method == "none" else { return [] }
            try? polite.send(.userAuthFailure("password"))
            try? polite.sendInit()
            return []
        }
        let second = BackToBack(polite) { $0.credentials = [Self.password] }
        try second.begin()
        #expect(polite.exchanges == 2)
        try second.serve(ByteBuffer(message: .userAuthSuccess))
        #expect(second.error == nil)
        #expect(second.summaries.last == "authenticated")
    }
}
