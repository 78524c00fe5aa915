import Crypto
import NIOCore
import Testing

@testable import SSHCrypto

/// Packets that another implementation made: Python's cryptography 48 (AESGCM; ChaCha20 with Poly1305; AES-CTR with
/// HMAC), put together by RFC 5647 §7, PROTOCOL.chacha20poly1305 and RFC 4253 §6. The payload is a service request,
/// the padding 0, 1, 2 …, the sequence number 0x01020304; keys and vectors are those of `Suite`.
@Suite struct PacketVectorTests {
    struct Vector: Sendable {
        let suite: Suite
        let packet: String
    }

    static let payload = [5, 0, 0, 0, 12] + Array("ssh-userauth".utf8)

    static let vectors = [
        Vector(
            suite: Suite(cipher: .aes128GCM, mac: nil),
            packet: """
                000000209ef4d1a4c08c892ff303d3adfefcd356cfb4d8d6df9cf182fd5bd6d838b221b2d6d180f540669b8d13e255c7
                7ef8dd91
                """),
        Vector(
            suite: Suite(cipher: .aes256GCM, mac: nil),
            packet: """
                0000002087a835daf32dbe5d19a5db99b313818b6e4769f67bed9894b3a07a215997536c928834ddc8f28a6235e35084
                ea885974
                """),
        Vector(
            suite: Suite(cipher: .chacha20Poly1305, mac: nil),
            packet: "bc79806390c71cb2db1d55dabc40518fcd323b01754514d631ba69db1fe7872bcde2b7fdb065c898d5624bd0"),
        Vector(
            suite: Suite(cipher: .aes128CTR, mac: .hmacSHA256EtM),
            packet: """
                000000206893be816e579ed6f2bcc6d85b4594ae115596ecacb7b1ab5ff9025cde185b55914358ca6059fa44568ebfb2
                9e34097e3a1a909e580bbc549209eef10b77b88c
                """),
        Vector(
            suite: Suite(cipher: .aes128CTR, mac: .hmacSHA256),
            packet: """
                6696be9d645eeda59a9dc0d8561a80a8004ff798dadcb5af5bfd0e50d2145f5135508390513b9d6796aa59e6cd39be15
                a95247c6efdee89f622d9e48a1d565ae
                """),
        Vector(
            suite: Suite(cipher: .aes192CTR, mac: .hmacSHA512EtM),
            packet: """
                0000002073c24daabf800bd4af3f77ecc2366b4bb4b7236b58697a828302bfffe4d14b5d6f227bbc27f4e416e13d0ac1
                c549b74c5a4741bcdd17ec5fe1693059ef875096883ae2db31eb8fad1815fc289efa26b58b1490239067bee34f5bdcfb
                19fcd9de
                """),
        Vector(
            suite: Suite(cipher: .aes192CTR, mac: .hmacSHA256),
            packet: """
                7dc74db6b58978a7c71e71eccf697f4da5ad421f2e027e868706b3f3e8dd4f5935508390513b9d6796aa59e6cd39be15
                a95247c6efdee89f622d9e48a1d565ae
                """),
        Vector(
            suite: Suite(cipher: .aes256CTR, mac: .hmacSHA512EtM),
            packet: """
                0000002004f5c90694caf6d70e4b800a63bae7a1526f92c0cc19f9b50171e4502909bcbed7b18e31aa3aa750b0f38691
                f1f20572ad24029d2562ce7e531fe77f19c4cc17255f38775c05f2c86cd7c2bb7a25c2527426dacd199f5ba8b4d63fe0
                139cdb20
                """),
        Vector(
            suite: Suite(cipher: .aes256CTR, mac: .hmacSHA512),
            packet: """
                0af0c91a9ec385a4666a860a6ee5f3a74375f3b4ba72fdb10575e85c2505b8ba8cb598bc2b4a1b9930a5f7692e7a703a
                4c1950e4b8742c8cb54a636b03a81a8899cd1854b8507d844be3f6013625e0e192da0626d0e589133092c8c6f28c3c43
                """),
    ]

    @Test("a packet made by another implementation opens", arguments: vectors)
    func opens(_ vector: Vector) throws {
        var wire = ByteBuffer(hex(vector.packet))
        let payload = try vector.suite.opener().open(
            &wire, sequenceNumber: 0x0102_0304, maximumPacketLength: 35_000)
        #expect(payload?.array == Self.payload)
        #expect(wire.readableBytes == 0)
    }

    @Test("a sealed GCM packet opens with the nonce that counts packets modulo 2^64 (RFC 5647 §7.1)")
    func invocationCounter() throws {
        let key = randomBytes(32)
        let fixed: [UInt8] = [1, 2, 3, 4]
        let sealer = try PacketSealer(
            cipher: .aes256GCM, mac: nil, key: key, iv: fixed + [UInt8](repeating: 0xff, count: 8), macKey: [])
        let counters: [[UInt8]] = [
            [UInt8](repeating: 0xff, count: 8), [UInt8](repeating: 0, count: 8), [0, 0, 0, 0, 0, 0, 0, 1],
        ]
        for counter in counters {
            var wire = ByteBuffer()
            try sealer.seal(ByteBuffer([42]), sequenceNumber: 0, into: &wire)
            let packet = wire.array
            let box = try AES.GCM.SealedBox(
                nonce: .init(data: fixed + counter), ciphertext: packet[4..<packet.count - 16], tag: packet.suffix(16))
            let plain = Array(
                try AES.GCM.open(box, using: SymmetricKey(data: key), authenticating: packet.prefix(4)))
            #expect(plain[1] == 42)
        }
    }

    @Test(
        "an encrypt-then-MAC tag is the HMAC of the sequence number and the packet on the wire",
        arguments: [1, 100, 5000, 100_000])
    func hmac(_ size: Int) throws {
        let suite = Suite(cipher: .aes128CTR, mac: .hmacSHA512EtM)
        let sealer = try suite.sealer()
        for sequence in [0, 1, UInt32.max] {
            var wire = ByteBuffer()
            try sealer.seal(ByteBuffer(randomBytes(size)), sequenceNumber: sequence, into: &wire)
            let big = withUnsafeBytes(of: sequence.bigEndian) { Array($0) }
            let tag = HMAC<SHA512>.authenticationCode(
                for: big + wire.array.dropLast(64), using: SymmetricKey(data: suite.macKey))
            #expect(Array(tag) == Array(wire.array.suffix(64)))
        }
    }
}
