import Crypto
import Foundation
import Testing

@testable import SSHCrypto

@Suite struct KeyExchangeTests {
    static let fixedLength = KeyExchangeMethod.allCases.filter { $0.clientShareLength != nil }
    static let nistMethods: [KeyExchangeMethod] = [.ecdhP256, .ecdhP384, .ecdhP521]

    @Test("both sides reach the same secret, with shares of the stated length", arguments: KeyExchangeMethod.standard)
    func agreement(_ method: KeyExchangeMethod) throws {
        for _ in 0..<5 {
            var client = try ClientKeyExchange(method)
            #expect(method.clientShareLength.map { $0 == client.share.count } ?? true)
            let server = try ServerKeyExchange.respond(method, peerShare: client.share)
            #expect(method.serverShareLength.map { $0 == server.share.count } ?? true)
            #expect(try client.finish(peerShare: server.share).bytes == server.secret.bytes)
        }
    }

    @Test("each name on the wire has its hash")
    func hashes() {
        #expect(KeyExchangeMethod(rawValue: "mlkem768x25519-sha256")?.hash == .sha256)
        #expect(KeyExchangeMethod(rawValue: "curve25519-sha256@libssh.org")?.hash == .sha256)
        #expect(KeyExchangeMethod(rawValue: "ecdh-sha2-nistp256")?.hash == .sha256)
        #expect(KeyExchangeMethod(rawValue: "ecdh-sha2-nistp384")?.hash == .sha384)
        #expect(KeyExchangeMethod(rawValue: "ecdh-sha2-nistp521")?.hash == .sha512)
        #expect(KeyExchangeMethod(rawValue: "sntrup761x25519-sha512")?.hash == .sha512)
        #expect(KeyExchangeMethod(rawValue: "sntrup761x25519-sha512@openssh.com")?.hash == .sha512)
        #expect(KeyExchangeMethod(rawValue: "diffie-hellman-group14-sha256")?.hash == .sha256)
        #expect(KeyExchangeMethod(rawValue: "diffie-hellman-group-exchange-sha256")?.hash == .sha256)
        #expect(KeyExchangeMethod(rawValue: "diffie-hellman-group16-sha512")?.hash == .sha512)
        #expect(KeyExchangeMethod(rawValue: "diffie-hellman-group18-sha512")?.hash == .sha512)
        #expect(KeyExchangeMethod(rawValue: "diffie-hellman-group14-sha1")?.hash == .sha1)
        #expect(KeyExchangeMethod(rawValue: "diffie-hellman-group1-sha1")?.hash == .sha1)
        #expect(KeyExchangeMethod(rawValue: "diffie-hellman-group-exchange-sha1")?.hash == .sha1)
    }

    @Test("nothing weak, and no group that a stranger chooses, is offered unasked")
    func standardLists() {
        #expect(
            KeyExchangeMethod.standard.map(\.rawValue) == [
                "mlkem768x25519-sha256", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com",
                "curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384",
                "ecdh-sha2-nistp521", "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512",
                "diffie-hellman-group14-sha256",
            ])
        #expect(
            CipherName.standard.map(\.rawValue) == [
                "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr",
                "aes192-ctr", "aes256-ctr",
            ])
        #expect(
            MACName.standard.map(\.rawValue) == [
                "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512",
            ])
    }

    @Test("X25519 gives the secret of RFC 7748 §6.1")
    func x25519Vector() throws {
        let alice = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
        let bobShare = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
        let key = CurveDiffieHellman.x25519(try .init(rawRepresentation: alice))
        #expect(key.share == hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"))
        #expect(
            try key.agree(with: bobShare) == hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"))
    }

    @Test("P-256 gives the secret of RFC 5903 §8.1, as the x coordinate alone")
    func p256Vector() throws {
        let key = CurveDiffieHellman.p256(
            try .init(rawRepresentation: hex("C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433")))
        let peer = hex(
            """
            04 D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63
            56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB
            """)
        #expect(
            try key.agree(with: peer) == hex("D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE"))
    }

    @Test("the hybrid secret is the SHA-256 of the ML-KEM secret and the X25519 secret, as a string")
    func hybridSecret() throws {
        var client = try ClientKeyExchange(.mlkem768x25519)
        let lattice = try MLKEM768.PublicKey(rawRepresentation: client.share.prefix(1184)).encapsulate()
        let curve = Curve25519.KeyAgreement.PrivateKey()
        let classical = try curve.sharedSecretFromKeyAgreement(
            with: .init(rawRepresentation: client.share.suffix(32)))
        let both = lattice.sharedSecret.withUnsafeBytes { Array($0) } + classical.withUnsafeBytes { Array($0) }
        let secret = try client.finish(
            peerShare: Array(lattice.encapsulated) + Array(curve.publicKey.rawRepresentation))
        #expect(secret.bytes == [0, 0, 0, 32] + Array(SHA256.hash(data: both)))
    }

    @Test("an mpint secret loses leading zeros and gains one where its first bit is set")
    func mpintEncoding() {
        #expect(EncodedSharedSecret(unsignedInteger: [0, 0, 0x7f, 1]).bytes == [0, 0, 0, 2, 0x7f, 1])
        #expect(EncodedSharedSecret(unsignedInteger: [0, 0x80]).bytes == [0, 0, 0, 2, 0, 0x80])
        #expect(EncodedSharedSecret(unsignedInteger: [0, 0]).bytes == [0, 0, 0, 0])
        #expect(EncodedSharedSecret(string: [0, 0x80]).bytes == [0, 0, 0, 2, 0, 0x80])
    }

    @Test(
        "a share of low order, which leads to a secret of zero, is refused",
        arguments: [
            String(repeating: "00", count: 32),
            "01" + String(repeating: "00", count: 31),
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ])
    func lowOrder(_ share: String) throws {
        for method in [KeyExchangeMethod.curve25519, .curve25519LibSSH] {
            var client = try ClientKeyExchange(method)
            #expect(code { try client.finish(peerShare: hex(share)) } == .invalidPeerShare)
            #expect(code { try ServerKeyExchange.respond(method, peerShare: hex(share)) } == .invalidPeerShare)
        }
        var hybrid = try ClientKeyExchange(.mlkem768x25519)
        let answer = try ServerKeyExchange.respond(.mlkem768x25519, peerShare: hybrid.share).share
        #expect(code { try hybrid.finish(peerShare: answer.dropLast(32) + hex(share)) } == .invalidPeerShare)
    }

    @Test("a share that is empty, short, long or doubled is refused", arguments: fixedLength)
    func wrongLengths(_ method: KeyExchangeMethod) throws {
        let share = try ServerKeyExchange.respond(method, peerShare: ClientKeyExchange(method).share).share
        for wrong in [[], Array(share.dropLast()), share + [0], share + share] {
            var client = try ClientKeyExchange(method)
            #expect(code { try client.finish(peerShare: wrong) } == .invalidPeerShare)
        }
        let own = try ClientKeyExchange(method).share
        for wrong in [[], Array(own.dropLast()), own + [0], own + own] {
            #expect(code { try ServerKeyExchange.respond(method, peerShare: wrong) } == .invalidPeerShare)
        }
    }

    @Test("a point off the curve, compressed, hybrid or at infinity is refused", arguments: nistMethods)
    func invalidPoints(_ method: KeyExchangeMethod) throws {
        let valid = try ClientKeyExchange(method).share
        var offCurve = valid
        offCurve[offCurve.count - 1] ^= 1
        let half = (valid.count - 1) / 2
        let wrong: [[UInt8]] = [
            offCurve, [0], [UInt8](repeating: 0, count: valid.count), [4] + [UInt8](repeating: 0, count: 2 * half),
            [4] + [UInt8](repeating: 0xff, count: 2 * half), [2] + valid[1...half], [2] + valid.dropFirst(),
            [6] + valid.dropFirst(), [7] + valid.dropFirst(),
        ]
        for share in wrong {
            #expect(code { try ServerKeyExchange.respond(method, peerShare: share) } == .invalidPeerShare)
        }
    }

    @Test("an ML-KEM key with a coefficient beyond the modulus is refused (FIPS 203 §7.2)")
    func unreducedLattice() throws {
        var share = try ClientKeyExchange(.mlkem768x25519).share
        share[0] = 0xff
        share[1] |= 0x0f
        #expect(code { try ServerKeyExchange.respond(.mlkem768x25519, peerShare: share) } == .invalidPeerShare)
    }

    @Test("a changed ML-KEM ciphertext gives another secret and no error: implicit rejection (FIPS 203 §6.3)")
    func implicitRejection() throws {
        var client = try ClientKeyExchange(.mlkem768x25519)
        var answer = try ServerKeyExchange.respond(.mlkem768x25519, peerShare: client.share)
        answer.share[100] ^= 1
        #expect(try client.finish(peerShare: answer.share).bytes != answer.secret.bytes)
    }

    @Test("an exchange finishes once")
    func once() throws {
        var client = try ClientKeyExchange(.curve25519)
        let answer = try ServerKeyExchange.respond(.curve25519, peerShare: client.share)
        _ = try client.finish(peerShare: answer.share)
        #expect(code { try client.finish(peerShare: answer.share) } == .internalFailure)
    }
}
