import CSSHCipher
import Crypto
import Testing

@testable import SSHCrypto

/// Known answers from the standard of each primitive, through the very functions that the packet path calls.
@Suite struct StandardVectorTests {
    struct StreamVector: Sendable {
        let cipher: CipherName
        let key: String
        let iv: String
        let plain: String
        let sealed: String
    }

    private static let blocks = """
        6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51
        30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710
        """
    private static let key128 = "2b7e151628aed2a6abf7158809cf4f3c"
    private static let key192 = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"
    private static let key256 = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
    private static let counter = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
    private static let initial = "000102030405060708090a0b0c0d0e0f"

    /// NIST SP 800-38A F.5 (CTR) and F.2 (CBC); the last is NIST's example for TDES-CBC (SP 800-67).
    static let streams = [
        StreamVector(
            cipher: .aes128CTR, key: key128, iv: counter, plain: blocks,
            sealed: """
                874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff
                5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee
                """),
        StreamVector(
            cipher: .aes192CTR, key: key192, iv: counter, plain: blocks,
            sealed: """
                1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94
                1e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050
                """),
        StreamVector(
            cipher: .aes256CTR, key: key256, iv: counter, plain: blocks,
            sealed: """
                601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5
                2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6
                """),
        StreamVector(
            cipher: .aes128CBC, key: key128, iv: initial, plain: blocks,
            sealed: """
                7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2
                73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7
                """),
        StreamVector(
            cipher: .aes192CBC, key: key192, iv: initial, plain: blocks,
            sealed: """
                4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a
                571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd
                """),
        StreamVector(
            cipher: .aes256CBC, key: key256, iv: initial, plain: blocks,
            sealed: """
                f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d
                39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b
                """),
        StreamVector(
            cipher: .tripleDESCBC, key: "0123456789abcdef23456789abcdef01456789abcdef0123", iv: "f69f2445df4f9b17",
            plain: "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
            sealed: "2079c3d53aa763e193b79e2569ab5262516570481f25b50f73c0bda85c8e0da7"),
    ]

    @Test("CTR and CBC give the ciphertext of NIST's examples, in one piece and block by block", arguments: streams)
    func stream(_ vector: StreamVector) throws {
        let (key, iv) = (hex(vector.key), hex(vector.iv))
        for step in [vector.cipher.blockSize, hex(vector.plain).count] {
            let sealing = try StreamContext(vector.cipher, key: key, iv: iv, encrypts: true)
            let opening = try StreamContext(vector.cipher, key: key, iv: iv, encrypts: false)
            var bytes = hex(vector.plain)
            try apply(sealing, &bytes, step: step)
            #expect(bytes == hex(vector.sealed))
            try apply(opening, &bytes, step: step)
            #expect(bytes == hex(vector.plain))
        }
    }

    private func apply(_ context: StreamContext, _ bytes: inout [UInt8], step: Int) throws {
        try bytes.withUnsafeMutableBufferPointer { buffer in
            let base = try #require(buffer.baseAddress)
            for offset in stride(from: 0, to: buffer.count, by: step) {
                #expect(ssh_stream_apply(context.pointer, base + offset, step) == 0)
            }
        }
    }

    struct GCMVector: Sendable {
        let key: String
        let sealed: String
        let tag: String
    }

    /// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 4 and 16.
    static let gcm = [
        GCMVector(
            key: "feffe9928665731c6d6a8f9467308308",
            sealed: """
                42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e
                21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091
                """,
            tag: "5bc94fbc3221a5db94fae95ae7121a47"),
        GCMVector(
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            sealed: """
                522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
                """,
            tag: "76fc6ece0f4e1768cddf8853bb2d551b"),
    ]

    @Test("AES-GCM gives the ciphertext and tag of its specification", arguments: gcm)
    func galois(_ vector: GCMVector) throws {
        let iv = hex("cafebabefacedbaddecaf888")
        let associated = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
        let plain = hex(
            """
            d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
            1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39
            """)
        var bytes = plain
        var tag = [UInt8](repeating: 0, count: 16)
        let sealing = try GCMContext(key: hex(vector.key), iv: iv)
        #expect(ssh_gcm_seal(sealing.pointer, associated, associated.count, &bytes, bytes.count, &tag) == 0)
        #expect(bytes == hex(vector.sealed))
        #expect(tag == hex(vector.tag))
        let opening = try GCMContext(key: hex(vector.key), iv: iv)
        #expect(ssh_gcm_open(opening.pointer, associated, associated.count, &bytes, bytes.count, tag) == 0)
        #expect(bytes == plain)
    }

    @Test("a GCM packet that was changed leaves nothing of itself behind")
    func galoisMismatch() throws {
        let context = try GCMContext(key: hex(Self.gcm[1].key), iv: hex("cafebabefacedbaddecaf888"))
        var bytes = hex(Self.gcm[1].sealed)
        let code = ssh_gcm_open(context.pointer, [1], 1, &bytes, bytes.count, hex(Self.gcm[1].tag))
        #expect(code == Int32(SSH_CIPHER_MISMATCH))
        #expect(bytes.allSatisfy { $0 == 0 })
    }

    struct MACVector: Sendable {
        let mac: MACName
        let key: [UInt8]
        let data: [UInt8]
        let tag: String
    }

    private static let hiThere = Array("Hi There".utf8)
    private static let jefe = Array("Jefe".utf8)
    private static let wants = Array("what do ya want for nothing?".utf8)

    /// RFC 4231 §4.2 to §4.4 and RFC 2202 §3, cases 1 to 3.
    static let macs = [
        MACVector(
            mac: .hmacSHA256, key: [UInt8](repeating: 0x0b, count: 20), data: hiThere,
            tag: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        MACVector(
            mac: .hmacSHA256, key: jefe, data: wants,
            tag: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        MACVector(
            mac: .hmacSHA256, key: [UInt8](repeating: 0xaa, count: 20), data: [UInt8](repeating: 0xdd, count: 50),
            tag: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        MACVector(
            mac: .hmacSHA512, key: [UInt8](repeating: 0x0b, count: 20), data: hiThere,
            tag: """
                87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde
                daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854
                """),
        MACVector(
            mac: .hmacSHA512, key: jefe, data: wants,
            tag: """
                164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554
                9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737
                """),
        MACVector(
            mac: .hmacSHA512, key: [UInt8](repeating: 0xaa, count: 20), data: [UInt8](repeating: 0xdd, count: 50),
            tag: """
                fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39
                bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb
                """),
        MACVector(
            mac: .hmacSHA1, key: [UInt8](repeating: 0x0b, count: 20), data: hiThere,
            tag: "b617318655057264e28bc0b6fb378c8ef146be00"),
        MACVector(mac: .hmacSHA1, key: jefe, data: wants, tag: "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        MACVector(
            mac: .hmacSHA1, key: [UInt8](repeating: 0xaa, count: 20), data: [UInt8](repeating: 0xdd, count: 50),
            tag: "125d7342b9ac11cd91a39af48aa17b4f63f175d3"),
    ]

    @Test("HMAC gives the tags of RFC 4231 and RFC 2202; the first four bytes are the sequence number", arguments: macs)
    func hmac(_ vector: MACVector) throws {
        let context = try HMACContext(vector.mac, key: vector.key)
        let sequence = vector.data.prefix(4).reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        let rest = Array(vector.data.dropFirst(4))
        var tag = [UInt8](repeating: 0, count: vector.mac.tagLength)
        #expect(ssh_hmac_packet(context.pointer, sequence, rest, rest.count, &tag) == 0)
        #expect(tag == hex(vector.tag))
        #expect(ssh_hmac_verify(context.pointer, sequence, rest, rest.count, tag) == 0)
        tag[tag.count - 1] ^= 1
        let code = ssh_hmac_verify(context.pointer, sequence, rest, rest.count, tag)
        #expect(code == Int32(SSH_CIPHER_MISMATCH))
    }

    @Test("ChaCha20 gives the key stream of RFC 8439 A.1: block 0 for the length, block 1 for the payload")
    func chacha() throws {
        let context = try ChaChaContext(key: [UInt8](repeating: 0, count: 64))
        var packet = [UInt8](repeating: 0, count: 4 + 64)
        var tag = [UInt8](repeating: 0, count: 16)
        #expect(ssh_chacha_seal(context.pointer, 0, &packet, packet.count, &tag) == 0)
        #expect(Array(packet.prefix(4)) == hex("76b8e0ad"))
        #expect(
            Array(packet.dropFirst(4))
                == hex(
                    """
                    9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed
                    29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f
                    """))
        var length: UInt32 = 1
        #expect(ssh_chacha_length(context.pointer, 0, hex("76b8e0ad"), &length) == 0)
        #expect(length == 0)
    }

    /// Made with Python's cryptography 48, which is OpenSSL's ChaCha20 and Poly1305, after PROTOCOL.chacha20poly1305: key
    /// 0...63, sequence number 7, length 5000, then 4, the numbers 0...4994 modulo 251, and four zeros.
    @Test("ChaCha20 and Poly1305 of a large packet are those of another implementation")
    func largeChaCha() throws {
        let context = try ChaChaContext(key: Array(0..<64))
        var packet: [UInt8] = [0, 0, 0x13, 0x88, 4] + (0..<4995).map { UInt8($0 % 251) } + [0, 0, 0, 0]
        let plain = packet
        var tag = [UInt8](repeating: 0, count: 16)
        #expect(ssh_chacha_seal(context.pointer, 7, &packet, packet.count, &tag) == 0)
        #expect(
            hexDigits(SHA256.hash(data: packet)) == "876fdcc0d2f3e6900c2a39686fe5937b9da329b47ee826a64cd87ce1fcd877a7")
        #expect(tag == hex("9cfe2e0b1f2969f5024feee8f9623e70"))
        #expect(ssh_chacha_open(context.pointer, 7, &packet, packet.count, tag) == 0)
        #expect(packet.dropFirst(4) == plain.dropFirst(4))
    }
}
