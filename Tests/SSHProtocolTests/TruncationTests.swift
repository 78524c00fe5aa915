import NIOCore
import SSHCrypto
import SSHKeys
import Testing

@testable import SSHProtocol

/// Prefix truncation (CVE-2023-48795, "Terrapin"): who adds a packet before the keys takes one away after them. Strict key
/// exchange closes it; here is what becomes of peers that do not know it. See `HandshakeTests` and
/// `HostileKeyExchangeTests` for those that do.
@Suite struct TruncationTests {
    /// Where the number of a packet is all that binds it to its place.
    static let open: [(CipherName, MACName)] = [
        (.chacha20Poly1305, .hmacSHA256), (.aes128CTR, .hmacSHA256EtM), (.aes256CTR, .hmacSHA512EtM),
        (.aes256CBC, .hmacSHA256EtM),
    ]
    /// Where a packet that is missing spoils what follows.
    static let closed: [(CipherName, MACName)] = [
        (.aes128GCM, .hmacSHA256EtM), (.aes256GCM, .hmacSHA256), (.aes256CTR, .hmacSHA256), (.aes128CBC, .hmacSHA512),
    ]
    private static let filler = ByteBuffer(bytes: [2, 0, 0, 0, 0])

    private func preferences(_ pair: (cipher: CipherName, mac: MACName)) -> AlgorithmPreferences {
        AlgorithmPreferences(keyExchange: [.curve25519], ciphers: [pair.cipher], macs: [pair.mac])
    }

    private func client(_ pair: (CipherName, MACName)) -> ScriptedClient {
        let preferences = preferences(pair)
        let client = ScriptedClient(preferences) { $0.algorithms = preferences }
        client.isStrictAnnounced = false
        return client
    }

    private func server(_ pair: (cipher: CipherName, mac: MACName)) -> (ScriptedServer, BackToBack) {
        let server = ScriptedServer()
        server.offer = KeyExchangeInit(
            keyExchange: ["curve25519-sha256"], hostKeys: ["ssh-ed25519"], ciphers: [pair.cipher.rawValue],
            macs: [pair.mac.rawValue])
        return (server, BackToBack(server) { $0.algorithms = self.preferences(pair) })
    }

    @Test("our server lets no filler hide a cut, wherever it stands before the keys", arguments: open)
    func serverRefusesFiller(cipher: CipherName, mac: MACName) throws {
        for place in 0..<3 {
            let client = client((cipher, mac))
            switch place {
            case 0: client.beforeInit = [Self.filler]
            case 1: client.changeShare = { [Self.filler, $0] }
            default: client.beforeNewKeys = [Self.filler]
            }
            try? client.begin()
            #expect(client.error?.code == .unexpectedMessage)
        }
    }

    @Test("our client lets no filler hide a cut, wherever it stands before the keys", arguments: open)
    func clientRefusesFiller(cipher: CipherName, mac: MACName) throws {
        let (early, before) = server((cipher, mac))
        early.beforeInit = [Self.filler]
        try? before.begin()
        #expect(before.error?.code == .unexpectedMessage)
        #expect(!before.summaries.contains("authenticated"))
    }

    @Test("an old peer that sends no filler is let in, and the connection says that it is open", arguments: open)
    func oldPeers(cipher: CipherName, mac: MACName) throws {
        let client = client((cipher, mac))
        try client.begin()
        #expect(client.error == nil)
        let (_, pair) = server((cipher, mac))
        try pair.begin()
        #expect(pair.summaries.last == "authenticated")
        #expect(negotiated(cipher, mac, isStrict: false).isOpenToTruncation)
        #expect(!negotiated(cipher, mac, isStrict: true).isOpenToTruncation)
    }

    @Test("filler from an old peer is read past where a cut would be noticed", arguments: closed)
    func harmlessFiller(cipher: CipherName, mac: MACName) throws {
        let client = client((cipher, mac))
        client.beforeInit = [Self.filler]
        try client.begin()
        #expect(client.error == nil)
        let (server, pair) = server((cipher, mac))
        server.beforeInit = [Self.filler]
        try pair.begin()
        #expect(pair.summaries.last == "authenticated")
        #expect(!negotiated(cipher, mac, isStrict: false).isOpenToTruncation)
    }

    @Test("the profile strict talks to nobody without strict order, in either role")
    func strictProfile() throws {
        let old = ScriptedClient(.strict) { $0.algorithms = .strict }
        old.isStrictAnnounced = false
        try? old.begin()
        #expect(old.error?.code == .keyExchangeFailed)
        let server = ScriptedServer()
        server.offer = KeyExchangeInit(
            keyExchange: ["mlkem768x25519-sha256"], hostKeys: ["ssh-ed25519"], ciphers: ["aes256-ctr"],
            macs: ["hmac-sha2-256-etm@openssh.com"])
        let pair = BackToBack(server) { $0.algorithms = .strict }
        try? pair.begin()
        #expect(pair.error?.code == .keyExchangeFailed)
    }

    @Test("two ends with the profile strict agree")
    func strictEnds() throws {
        let client = ScriptedClient(.strict) { $0.algorithms = .strict }
        try client.begin()
        #expect(client.error == nil)
    }

    private func negotiated(_ cipher: CipherName, _ mac: MACName, isStrict: Bool) -> NegotiatedAlgorithms {
        NegotiatedAlgorithms(
            keyExchange: .curve25519, hostKey: .ed25519, cipherClientToServer: cipher, cipherServerToClient: cipher,
            macClientToServer: cipher.isAEAD ? nil : mac, macServerToClient: cipher.isAEAD ? nil : mac,
            isStrict: isStrict)
    }
}
