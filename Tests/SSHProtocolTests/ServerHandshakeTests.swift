import NIOCore
import SSHCrypto
import SSHKeys
import Testing

@testable import SSHProtocol

/// Our client and our server with each other, from the first byte to the user.
@Suite struct ServerHandshakeTests {
    private static let rsa = Result { try SSHPrivateKey(file: Array(Fixtures.rsaKey.utf8), passphrase: nil) }

    private static func key(_ algorithm: HostKeyAlgorithm) throws -> SSHPrivateKey {
        switch algorithm {
        case .ecdsaP256, .ecdsaP256Certificate: try .generate(.ecdsa(.p256))
        case .ecdsaP384, .ecdsaP384Certificate: try .generate(.ecdsa(.p384))
        case .ecdsaP521, .ecdsaP521Certificate: try .generate(.ecdsa(.p521))
        case .ed25519, .ed25519Certificate: .generateEd25519()
        default: try rsa.get()
        }
    }

    @Test(
        "every key exchange method goes through, legacy ones where they are named",
        arguments: KeyExchangeMethod.allCases)
    func methods(method: KeyExchangeMethod) {
        let preferences = AlgorithmPreferences(keyExchange: [method])
        let pair = MachinePair {
            $0.algorithms = preferences
            $0.allowsGroupExchange = true
        } client: {
            $0.algorithms = preferences
        }
        pair.begin()
        #expect(pair.isAuthenticated, "\(String(describing: pair.clientError))")
        #expect(pair.algorithms?.keyExchange == method)
        #expect(pair.algorithms?.isStrict == true)
        #expect(pair.client.sessionID == pair.server.sessionID)
    }

    @Test("every cipher with every MAC goes through, legacy ones where they are named", arguments: CipherName.allCases)
    func ciphers(cipher: CipherName) {
        for mac in MACName.allCases {
            for compression in CompressionName.allCases {
                let preferences = AlgorithmPreferences(
                    keyExchange: [.curve25519], ciphers: [cipher], macs: [mac], compression: [compression])
                let pair = MachinePair {
                    $0.algorithms = preferences
                } client: {
                    $0.algorithms = preferences
                }
                pair.begin()
                #expect(pair.isAuthenticated, "\(cipher) \(mac): \(String(describing: pair.clientError))")
                pair.client.beginRekey(now: pair.now)
                pair.pump()
                #expect(pair.clientError == nil && pair.serverError == nil)
                #expect(pair.algorithms?.cipherServerToClient == cipher)
                #expect(pair.algorithms?.compressionClientToServer == compression)
            }
        }
    }

    @Test("every kind of host key is proved, with and without certificate", arguments: HostKeyAlgorithm.allCases)
    func hostKeys(algorithm: HostKeyAlgorithm) throws {
        let key = try Self.key(algorithm)
        let certificate = try SSHCertificate.issue(
            CertificateContents(publicKey: key.publicKey, type: .host, keyID: "host", principals: ["web-1"]),
            signedBy: .generateEd25519())
        let hostKey = HostKey(privateKey: key, certificate: algorithm.isCertificate ? certificate : nil)
        let plain = HostKeyAlgorithm.allCases.filter { $0.rawValue == algorithm.signatureAlgorithm }
        let pair = MachinePair(hostKeys: [HostKey(privateKey: MachinePair.hostKey), hostKey]) {
            $0.algorithms = AlgorithmPreferences(hostKeys: [.ed25519] + plain)
        } client: {
            $0.algorithms = AlgorithmPreferences(hostKeys: [algorithm])
        }
        pair.begin()
        #expect(pair.isAuthenticated, "\(String(describing: pair.clientError)) \(String(describing: pair.serverError))")
        #expect(pair.algorithms?.hostKey == algorithm)
        #expect(pair.client.hostIdentity?.certificate == (algorithm.isCertificate ? certificate : nil))
        if algorithm != .ed25519 { #expect(pair.client.hostIdentity?.publicKey == key.publicKey) }
    }

    @Test("weak algorithms and group exchange are not offered unless they are named")
    func weakOnes() {
        #expect(MachinePair().server.settings.algorithms.keyExchange.allSatisfy { !$0.isLegacy && !$0.isGroupExchange })
        let standard = AlgorithmPreferences.standard
        #expect(standard.ciphers.allSatisfy { !$0.isLegacy })
        #expect(standard.macs.allSatisfy { !$0.isLegacy })
        #expect(standard.hostKeys.allSatisfy { !$0.isLegacy && !$0.isCertificate })
        #expect(standard.compression == [.none])
    }

    @Test("a certificate for another key is never offered")
    func foreignCertificate() throws {
        let other = SSHPrivateKey.generateEd25519()
        let certificate = try SSHCertificate.issue(
            CertificateContents(publicKey: other.publicKey, type: .host, keyID: "", principals: ["x"]), signedBy: other)
        let hostKey = HostKey(privateKey: MachinePair.hostKey, certificate: certificate)
        #expect(ServerConfiguration(hostKeys: [hostKey]).offeredAlgorithms.hostKeys == [.ed25519])
    }

    @Test("the client's order of host keys decides, so that it is shown the one it knows")
    func clientOrder() throws {
        let known = try SSHPrivateKey.generate(.ecdsa(.p256))
        let pair = MachinePair(hostKeys: [HostKey(privateKey: MachinePair.hostKey), HostKey(privateKey: known)]) { _ in
        } client: {
            $0.algorithms = AlgorithmPreferences.standard.preferring(hostKey: known.publicKey)
        }
        pair.begin()
        #expect(pair.client.hostIdentity == .key(known.publicKey))
        let order = AlgorithmPreferences.standard.preferring(hostKeyAlgorithms: [.rsaSHA512, .ed25519Certificate])
        #expect(order.hostKeys.prefix(3) == [.rsaSHA512, .ed25519Certificate, .ed25519])
        #expect(order.hostKeys.count == Set(order.hostKeys).count)
    }

    @Test("no common algorithm carries both lists, at both ends")
    func mismatch() {
        let pair = MachinePair {
            $0.algorithms.ciphers = [.aes256GCM]
        } client: {
            $0.algorithms.ciphers = [.chacha20Poly1305]
        }
        pair.begin()
        for (error, ours) in [(pair.clientError, CipherName.chacha20Poly1305), (pair.serverError, .aes256GCM)] {
            guard let error, error.code == .noCommonAlgorithm else { continue }
            #expect(error.mismatch?.ours == [ours.rawValue])
            #expect(error.mismatch?.kind.contains("cipher") == true)
        }
        #expect(pair.serverError?.code == .noCommonAlgorithm)
        #expect(pair.serverError?.description.contains("the client offers chacha20") == true)
    }

    @Test("both ends exchange keys again, also at once, by bytes, packets and time, and the session stays the same")
    func rekey() {
        let pair = MachinePair {
            $0.rekey = RekeyPolicy(interval: .seconds(100))
        } client: {
            $0.rekey = RekeyPolicy(packets: 6)
        }
        pair.begin()
        let session = pair.server.sessionID
        func exchanges() -> Int { pair.serverEvents.count { if case .keysChanged = $0 { true } else { false } } }
        #expect(exchanges() == 1)
        pair.client.beginRekey(now: pair.now)
        pair.server.beginRekey(now: pair.now)
        pair.pump()
        #expect(exchanges() == 2)
        pair.wait(.seconds(101))
        #expect(exchanges() == 3)
        for _ in 0..<10 {
            _ = try? pair.client.ping()
            pair.pump()
        }
        #expect(exchanges() > 3)
        #expect(pair.clientError == nil && pair.serverError == nil)
        #expect(pair.server.sessionID == session && pair.client.sessionID == session)
    }

    @Test("a peer without strict key exchange is refused where it is required, and let in elsewhere")
    func strictRequired() throws {
        let lenient = ScriptedServer()
        lenient.offer.keyExchange = ["curve25519-sha256"]
        let pair = BackToBack(lenient) { $0.algorithms.requiresStrictOrder = true }
        try? pair.begin()
        #expect(pair.error?.code == .keyExchangeFailed)
        _ = try BackToBack.connected(lenient.copy())
    }

    @Test("the server tells its other keys and proves them")
    func hostKeysProved() throws {
        let second = try SSHPrivateKey.generate(.ecdsa(.p256))
        let third = try Self.rsa.get()
        let pair = MachinePair(
            hostKeys: [MachinePair.hostKey, second, third].map { HostKey(privateKey: $0) }, server: { _ in },
            client: { $0.learnsHostKeys = true })
        pair.begin()
        let offered = pair.clientEvents.compactMap { event -> [SSHPublicKey]? in
            guard case .hostKeysOffered(let keys) = event else { return nil }
            return keys
        }
        #expect(offered == [[second.publicKey, third.publicKey]])
        let deaf = MachinePair(hostKeys: [MachinePair.hostKey, second].map { HostKey(privateKey: $0) })
        deaf.begin()
        #expect(deaf.isAuthenticated && deaf.clientError == nil)
    }

    @Test("a host that announces just the keys on record is not asked to prove them")
    func hostKeysOnRecord() throws {
        let second = try SSHPrivateKey.generate(.ecdsa(.p256))
        let keys = [MachinePair.hostKey, second]
        let pair = MachinePair(
            hostKeys: keys.map { HostKey(privateKey: $0) }, server: { _ in },
            client: {
                $0.learnsHostKeys = true
                $0.knownHostKeys = Set(keys.map(\.publicKey))
            })
        pair.begin()
        #expect(pair.isAuthenticated)
        #expect(!pair.clientEvents.contains { if case .hostKeysOffered = $0 { true } else { false } })
    }

    @Test("a ping comes back, and is sent only where it was announced")
    func ping() {
        let pair = MachinePair()
        pair.begin()
        #expect(pair.client.sendsPing)
        #expect(!pair.server.sendsPing)
        let sent = (client: pair.client.sendPing(), server: pair.server.sendPing())
        #expect(sent == (true, false))
        pair.pump()
        #expect(pair.clientEvents.contains { if case .pong = $0 { true } else { false } })
        let quiet = MachinePair { $0.advertisesPing = false }
        quiet.begin()
        let isSent = quiet.client.sendPing()
        #expect(!isSent)
    }

    @Test("a connection that carries nothing ends after its time, signs of life notwithstanding")
    func idle() throws {
        let pair = MachinePair {
            $0.idleTimeout = .seconds(60)
        } client: {
            $0.keepaliveInterval = .seconds(5)
        }
        pair.begin()
        _ = try pair.client.openSession()
        pair.pump()
        pair.wait(.seconds(59))
        #expect(pair.serverError == nil)
        pair.wait(.seconds(2))
        #expect(pair.serverError?.code == .idleTimeout)
    }

    @Test("random chunking gives the same events at both ends")
    func chunking() throws {
        func run(_ chunk: (() -> Int)?) throws -> [String] {
            let pair = MachinePair {
                $0.banner = "Welcome"
                $0.authenticationMethods = ["password"]
            } client: {
                $0.credentials = [.password(Array("x".utf8))]
            }
            pair.authorize = { $0.method.name == "password" ? .accept : .refuse }
            pair.chunk = chunk
            pair.begin()
            pair.client.beginRekey(now: pair.now)
            pair.pump()
            pair.server.close()
            pair.pump()
            return pair.clientEvents.map(\.summary) + pair.serverEvents.map(\.summary)
        }
        let whole = try run(nil)
        #expect(whole.contains("authenticated"))
        #expect(try run { 1 } == whole)
        for _ in 0..<20 { #expect(try run { Int.random(in: 1...200) } == whole) }
    }
}
