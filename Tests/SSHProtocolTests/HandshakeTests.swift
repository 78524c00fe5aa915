import NIOCore
import SSHCrypto
import SSHKeys
import Testing

@testable import SSHProtocol

/// From the first byte to the user, and what a hostile server may try on the way.
@Suite struct HandshakeTests {
    private func failure(_ server: ScriptedServer) throws -> ProtocolError {
        let pair = BackToBack(server)
        // A server that sabotages itself may stumble over the answer.
        try? pair.begin()
        return try #require(pair.error)
    }

    @Test("a handshake goes through in order")
    func order() throws {
        let pair = try BackToBack.connected()
        #expect(pair.summaries == ["verify ssh-ed25519", "keys", "authenticated"])
        #expect(pair.server.numbers == [20, 30, 21, 5, 50])
        #expect(pair.client.serverIdentification == "SSH-2.0-Scripted_1.0")
    }

    @Test("every method, cipher and MAC goes through", arguments: KeyExchangeMethod.standard)
    func algorithms(method: KeyExchangeMethod) throws {
        for cipher in CipherName.standard {
            for mac in MACName.standard {
                let server = ScriptedServer()
                server.offer = KeyExchangeInit(
                    keyExchange: [method.rawValue], hostKeys: ["ssh-ed25519"], ciphers: [cipher.rawValue],
                    macs: [mac.rawValue])
                let pair = try BackToBack.connected(server)
                guard case .keysChanged(let algorithms) = pair.events[1] else {
                    Issue.record("no keys")
                    continue
                }
                #expect(algorithms.cipherClientToServer == cipher)
                #expect(algorithms.macServerToClient == (cipher.isAEAD ? nil : mac))
                #expect(!algorithms.isStrict)
            }
        }
    }

    @Test("no cipher in common is named with both lists")
    func noCommonCipher() throws {
        let server = ScriptedServer()
        server.offer.ciphersClientToServer = ["3des-cbc", "blowfish-cbc"]
        let error = try failure(server)
        #expect(error.code == .noCommonAlgorithm)
        #expect(error.reason == .keyExchangeFailed)
        #expect(error.description.contains("the host offers 3des-cbc, blowfish-cbc"))
        #expect(error.description.contains("we offer aes128-gcm@openssh.com"))
    }

    @Test("a MAC that nobody has in common does not matter to a cipher that authenticates by itself")
    func unneededMAC() throws {
        let server = ScriptedServer()
        server.offer.macsClientToServer = ["hmac-md5"]
        server.offer.macsServerToClient = []
        _ = try BackToBack.connected(server)
    }

    @Test("markers in the list of methods are never chosen as one")
    func markers() throws {
        let server = ScriptedServer()
        server.offer.keyExchange = ["ext-info-c", "kex-strict-c-v00@openssh.com"]
        #expect(try failure(server).code == .noCommonAlgorithm)
    }

    // MARK: Strict order

    @Test("IGNORE before KEXINIT ends a connection under strict order, and no other", arguments: [UInt8(2), 4])
    func injectedBeforeInit(number: UInt8) throws {
        let server = ScriptedServer()
        server.beforeInit = [ByteBuffer(bytes: [number, 0, 0, 0, 0, 0, 0, 0, 0, 0])]
        #expect(try failure(server).code == .unexpectedMessage)

        let lenient = ScriptedServer()
        lenient.offer.keyExchange = ["curve25519-sha256"]
        lenient.beforeInit = server.beforeInit
        _ = try BackToBack.connected(lenient)
    }

    @Test(
        "anything within the first exchange ends a connection under strict order", arguments: [UInt8(2), 3, 4, 7, 192])
    func injectedWithinExchange(number: UInt8) throws {
        let server = ScriptedServer()
        server.answers[30] = { server, body in
            try server.send(number, [0, 0, 0, 0])
            server.answers[30] = nil
        }
        let error = try failure(server)
        #expect(error.code == .unexpectedMessage)
        #expect(error.reason == .protocolError)
    }

    @Test("a packet dropped after the keys (prefix truncation) is noticed under strict order")
    func truncatedPrefix() throws {
        // The attacker injects IGNORE before NEWKEYS to shift the count; without a reset the next packet would still fit.
        let server = ScriptedServer()
        let pair = BackToBack(server)
        server.answers[21] = { server, _ in
            // As if EXT_INFO, the first packet under the new keys, had been taken away.
            try server.send(2, [0, 0, 0, 0])
            _ = server.take()
            server.answers[21] = nil
        }
        try? pair.begin()
        #expect(pair.error?.code == .integrity || !pair.summaries.contains("authenticated"))
    }

    @Test("the markers are in our first KEXINIT alone")
    func markersOnce() throws {
        let pair = try BackToBack.connected()
        pair.client.beginRekey(now: pair.now)
        try pair.pump()
        let offers = try pair.server.received.filter { $0.getInteger(at: $0.readerIndex, as: UInt8.self) == 20 }.map {
            try KeyExchangeInit($0.getSlice(at: $0.readerIndex + 1, length: $0.readableBytes - 1) ?? ByteBuffer())
        }
        #expect(offers.count == 2)
        #expect(offers[0].keyExchange.suffix(2) == ["ext-info-c", "kex-strict-c-v00@openssh.com"])
        #expect(offers[1].keyExchange == AlgorithmPreferences.standard.keyExchange.map(\.rawValue))
    }

    @Test("a server that leaves its marker out of a later KEXINIT stays strict, one that adds it stays lenient")
    func markerInRekey() throws {
        for (first, later) in [(true, false), (false, true)] {
            let server = ScriptedServer()
            let marker = [Negotiation.Marker.strictServer]
            server.offer.keyExchange = ["curve25519-sha256"] + (first ? marker : [])
            let pair = try BackToBack.connected(server)
            server.offer.keyExchange = ["curve25519-sha256"] + (later ? marker : [])
            try server.sendInit()
            try pair.pump()
            #expect(pair.error == nil)
            #expect(server.exchanges == 2)
            _ = try pair.openChannel()
            #expect(pair.summaries.last == "0 opened")
        }
    }

    // MARK: Guesses

    @Test("a wrong guess of the server is read past")
    func wrongGuess() throws {
        let server = ScriptedServer()
        server.offer.firstPacketFollows = true
        server.offer.keyExchange = ["no-such-method", "curve25519-sha256"]
        let pair = BackToBack(server)
        pair.client.start(now: pair.now)
        try server.start()
        try server.send(31, [1, 2, 3])
        try pair.pump()
        #expect(pair.error == nil)
        #expect(pair.summaries.last == "authenticated")
    }

    @Test("a reply that was not asked for is refused when the guess was right")
    func rightGuess() throws {
        let server = ScriptedServer()
        server.offer.firstPacketFollows = true
        server.offer.keyExchange = ["mlkem768x25519-sha256"]
        let pair = BackToBack(server)
        pair.client.start(now: pair.now)
        try server.start()
        try server.send(31, [1, 2, 3])
        try? pair.pump()
        #expect(pair.error?.code == .malformed)
    }

    // MARK: Order of key exchange

    @Test(
        "a second KEXINIT, NEWKEYS too early and a client's message are refused", arguments: [UInt8(20), 21, 30, 5, 50])
    func outOfOrder(number: UInt8) throws {
        let server = ScriptedServer()
        server.answers[30] = { server, _ in
            if number == 20 { try server.sendInit() } else { try server.send(number) }
        }
        #expect(try failure(server).code == .unexpectedMessage)
    }

    @Test(
        "a message of authentication or connection before the keys is refused",
        arguments: [UInt8(6), 51, 52, 60, 80, 90, 94])
    func tooEarly(number: UInt8) throws {
        let server = ScriptedServer()
        server.beforeInit = [ByteBuffer(bytes: [number])]
        #expect(try failure(server).code == .unexpectedMessage)
    }

    // MARK: Shares and proofs

    @Test(
        "an all-zero or misshapen share fails the exchange",
        arguments: KeyExchangeMethod.standard.filter { $0.clientShareLength != nil })
    func badShares(method: KeyExchangeMethod) throws {
        let good = try ServerKeyExchange.respond(method, peerShare: ClientKeyExchange(method).share).share
        var infinity = good
        infinity = [0]
        var offCurve = good
        offCurve[offCurve.count - 1] ^= 1
        var bad: [[UInt8]] = [
            [], infinity, [UInt8](repeating: 0, count: good.count), good + [0], Array(good.dropLast()),
        ]
        if method.rawValue.hasPrefix("ecdh") { bad.append(offCurve) }
        for share in bad {
            let server = ScriptedServer()
            server.offer.keyExchange = [method.rawValue]
            server.changeReply = { $0.share = share }
            let error = try failure(server)
            #expect(error.code == .keyExchangeFailed)
            #expect(error.reason == .keyExchangeFailed)
        }
    }

    @Test("a signature that is not the host key's fails the exchange")
    func badSignatures() throws {
        let other = SSHPrivateKey.generateEd25519()
        let forged = try other.sign([1, 2, 3], algorithm: "ssh-ed25519")
        var flipped = forged
        flipped[flipped.count - 1] ^= 1
        for signature in [
            forged, flipped, [], Array(forged.dropLast()), forged + [0], [UInt8](repeating: 0xFF, count: 83),
        ] {
            let server = ScriptedServer()
            server.changeReply = { $0.signature = signature }
            let error = try failure(server)
            #expect(error.code == .keyExchangeFailed)
            #expect(error.description.contains("could not prove"))
        }
    }

    @Test("a host key of another kind than agreed on, or none at all, fails the exchange")
    func badHostKeys() throws {
        let ed25519 = SSHPrivateKey.generateEd25519().publicKey.blob
        for blob in [[], [0, 0, 0, 200], Array(ed25519.dropLast()), ed25519 + [0]] {
            let server = ScriptedServer()
            server.changeReply = { $0.hostKey = blob }
            #expect(try failure(server).code == .keyExchangeFailed)
        }
        let server = ScriptedServer()
        server.offer.hostKeys = ["ecdsa-sha2-nistp256"]
        let error = try failure(server)
        #expect(error.code == .keyExchangeFailed)
        #expect(error.description.contains("ssh-ed25519"))
    }

    // MARK: The question

    @Test("until the host key is accepted nothing is sent and nothing more is read")
    func questionStops() throws {
        let pair = BackToBack()
        pair.acceptsHostKey = false
        try pair.begin()
        #expect(pair.summaries == ["verify ssh-ed25519"])
        #expect(pair.server.numbers == [20, 30])
        pair.client.receive(ByteBuffer(repeating: 0, count: 70_000), now: pair.now)
        pair.takeEvents()
        #expect(pair.error == nil)
        #expect(!pair.client.wantsInput)
        #expect(pair.drain() == nil)
    }

    @Test("a refused host key ends the connection, with nothing secret sent and the reason kept here")
    func refusal() throws {
        let pair = BackToBack()
        pair.acceptsHostKey = false
        try pair.begin()
        pair.client.refuseHostKey(reason: "The recorded key is SHA256:secret.")
        try pair.pump()
        #expect(pair.error?.code == .hostKeyRefused)
        #expect(pair.error?.description == "The recorded key is SHA256:secret.")
        #expect(pair.server.numbers == [20, 30, 1])
        #expect(pair.disconnectReason == 9)
        let words = pair.server.received.last.map { String(buffer: $0) } ?? ""
        #expect(!words.contains("recorded"))
    }

    @Test("a connection lost while the question waits is refused, whatever the answer")
    func lostDuringQuestion() throws {
        let pair = BackToBack()
        pair.acceptsHostKey = false
        try pair.begin()
        pair.client.connectionLost()
        pair.takeEvents()
        #expect(pair.error?.code == .connectionLost)
        pair.client.acceptHostKey(now: pair.now)
        #expect(pair.drain() == nil)
    }

    @Test("answers that nobody asked for change nothing")
    func uninvitedAnswers() throws {
        let pair = BackToBack()
        pair.client.acceptHostKey(now: pair.now)
        pair.client.refuseHostKey(reason: "no")
        pair.client.answerPrompt([], now: pair.now)
        try pair.begin()
        #expect(pair.summaries.last == "authenticated")
    }

    @Test("a key that changes in a later exchange ends the connection without a question")
    func changedKey() throws {
        let pair = try BackToBack.connected()
        pair.server.hostKey = .generateEd25519()
        try pair.server.sendInit()
        try? pair.pump()
        #expect(pair.error?.code == .hostKeyChangedOnRekey)
        #expect(pair.summaries.filter { $0.hasPrefix("verify") }.count == 1)
    }

    @Test("random chunking gives the same events")
    func chunking() throws {
        func events(_ chunk: (() -> Int)?) throws -> [String] {
            let pair = BackToBack()
            pair.chunk = chunk
            try pair.begin()
            let id = try pair.openChannel()
            for length in [1, 100, 5000, 32768] {
                try pair.serve(.data(id.number, [UInt8](repeating: 1, count: length)))
            }
            try pair.serve(.notice(.channelEOF, id.number), .notice(.channelClose, id.number))
            return pair.summaries
        }
        let whole = try events(nil)
        #expect(whole.last == "0 closed")
        #expect(try events({ 1 }) == whole)
        for _ in 0..<20 { #expect(try events({ Int.random(in: 1...700) }) == whole) }
    }
}
