import Crypto
import Testing

@testable import SSHCrypto

@Suite struct DHGroupTests {
    struct Vector: Sendable {
        let group: DHGroup
        let prime: String
        let share: String
        let secret: String
    }

    /// SHA-256 of numbers as long as the prime. The primes are 2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) * pi) + c) as
    /// RFC 2409 §6.2 and RFC 3526 define them, computed in Python; share and secret are Python's pow(2, x, p) and
    /// pow(2, x * y, p) with x = 0x0102...40 and y = 0x6566...a4.
    static let vectors = [
        Vector(
            group: .group1, prime: "3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0",
            share: "27db84123663a2cbf34c7606477c23ea00a792ebb565df0d944d90ce6907d9dc",
            secret: "57b18d475c2ce47464fbb60965c5a8fdf611741e3b98a206229cfbc9d7a06323"),
        Vector(
            group: .group14, prime: "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e",
            share: "5141ed60d422816c251a9a61f4dc090fc6161ec870357a0af29fb84a0bb34e5e",
            secret: "2653ad553ee4f0365eb3fcf8d54978fa2f6f1e7cdfed5b9bee3750cb25c7ca24"),
        Vector(
            group: .group16, prime: "4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33",
            share: "0439872574dafc9b300359ea0dd742c3976ccf9fa56883bdb8268462adedf8cf",
            secret: "956de073b3e2c1737a6cd481d40fec3d08924bbec23bb0ade8b2b784b209ed40"),
        Vector(
            group: .group18, prime: "39ab4feab950a3128fb71accb9fc3965d857012e081998a85996e3ea8b3c3bcf",
            share: "86b83427a715cae1ac4f0f7ce33a65bdce79ab5608db0fb2aad514b29f74e68a",
            secret: "bb4a789e5f1176e8b7b1bb5485ce9a67f2a15429943da8ae88898bbddc27b300"),
    ]

    @Test("groups, shares and secrets are those that Python computes from the RFCs' formulas", arguments: vectors)
    func published(_ vector: Vector) throws {
        let mine = try PrimeDiffieHellman(group: vector.group, exponent: Array(1...64))
        let other = try PrimeDiffieHellman(group: vector.group, exponent: Array(101...164))
        #expect(digest(vector.group.prime) == vector.prime)
        #expect(digest(mine.share.drop { $0 == 0 }) == vector.share)
        #expect(digest(try mine.agree(with: other.share)) == vector.secret)
        #expect(digest(try other.agree(with: mine.share)) == vector.secret)
    }

    @Test("groups 15 and 17 are those of RFC 3526")
    func oddGroups() {
        #expect(digest(DHGroup.group15.prime) == "48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c")
        #expect(digest(DHGroup.group17.prime) == "d1bfe6d0925ce7e4da262b62861514a7755e35831e429f343e7b864848657efd")
    }

    @Test(
        "a share of 0, 1, p-1, p, beyond, negative or with a superfluous zero is refused",
        arguments: [KeyExchangeMethod.dhGroup14SHA256, .dhGroup16SHA512])
    func badShares(_ method: KeyExchangeMethod) throws {
        let prime = method == .dhGroup14SHA256 ? DHGroup.group14.prime : DHGroup.group16.prime
        var below = prime
        below[below.count - 1] -= 1
        let valid = try ClientKeyExchange(method).share
        let wrong: [[UInt8]] = [
            [], [0], [1], [0] + below, [0] + prime, [1] + prime, prime, [0x80], [0xff, 0xff], [0, 2], [0, 0] + valid,
            [UInt8](repeating: 0x7f, count: prime.count + 1), [UInt8](repeating: 0x7f, count: 100_000),
        ]
        for share in wrong {
            #expect(code { try ServerKeyExchange.respond(method, peerShare: share) } == .invalidPeerShare)
            var client = try ClientKeyExchange(method)
            #expect(code { try client.finish(peerShare: share) } == .invalidPeerShare)
        }
        #expect(code { try ServerKeyExchange.respond(method, peerShare: [2]) } == nil)
        below[below.count - 1] -= 1
        #expect(code { try ServerKeyExchange.respond(method, peerShare: [0] + below) } == nil)
    }

    @Test("a share is the content of an mpint: no sign, no zero too many")
    func shareEncoding() throws {
        for _ in 0..<20 {
            let share = try ClientKeyExchange(.dhGroup14SHA256).share
            #expect(share[0] < 0x80)
            #expect(share[0] != 0 || share[1] >= 0x80)
        }
    }

    @Test("a group of the other side below 2048 bits, above 8192, even, or with a wild generator is refused")
    func badGroups() throws {
        let prime = DHGroup.group14.prime
        let even = Array(prime.dropLast()) + [0xfe]
        let short = [0x7f] + [UInt8](repeating: 0xff, count: 255)
        let long = [1] + [UInt8](repeating: 0xff, count: 1024)
        for modulus in [[], [0], [1], DHGroup.group1.prime, short, long, even, [UInt8](repeating: 0, count: 256)] {
            #expect(code { try DHGroup(prime: modulus, generator: [2]) } == .invalidPeerShare)
        }
        for generator in [[], [0], [1], prime, Array(prime.dropLast()) + [0xfe], [2] + prime] {
            #expect(code { try DHGroup(prime: prime, generator: generator) } == .invalidPeerShare)
        }
        let group = try DHGroup(prime: [0, 0] + prime, generator: [0, 2])
        #expect(group == .group14)
        #expect(group.bits == 2048)
    }

    @Test("both sides of a group exchange reach the same secret, and only with a group")
    func groupExchange() throws {
        for method in [KeyExchangeMethod.dhGroupExchangeSHA256, .dhGroupExchangeSHA1] {
            var client = try ClientKeyExchange(method, group: .group15)
            let server = try ServerKeyExchange.respond(method, group: .group15, peerShare: client.share)
            #expect(try client.finish(peerShare: server.share).bytes == server.secret.bytes)
            #expect(code { try ClientKeyExchange(method) } == .unsupported)
            #expect(code { try ServerKeyExchange.respond(method, peerShare: [2]) } == .unsupported)
        }
        #expect(code { try ClientKeyExchange(.curve25519, group: .group14) } == .unsupported)
        #expect(
            code { try ServerKeyExchange.respond(.dhGroup14SHA256, group: .group14, peerShare: [2]) } == .unsupported)
    }

    @Test(
        "a server chooses the smallest group that is large enough, else the largest that is allowed",
        arguments: [
            (2048, 2048, 8192, 2048), (2048, 2049, 8192, 3072), (2048, 8192, 8192, 8192), (2048, 9000, 8192, 8192),
            (1024, 1024, 8192, 2048), (2048, 8192, 4096, 4096), (3000, 2048, 3500, 3072), (2048, 3072, 100_000, 3072),
            (0, -1, Int.max, 2048),
        ])
    func choice(_ minimum: Int, _ preferred: Int, _ maximum: Int, _ expected: Int) {
        let group = DHGroup.groupExchangeChoice(minimum: minimum, preferred: preferred, maximum: maximum)
        #expect(group?.bits == expected)
    }

    @Test(
        "a server has no group for a client that asks for none it has",
        arguments: [(1024, 2047), (8193, 16384), (4096, 2048)])
    func noChoice(_ minimum: Int, _ maximum: Int) {
        #expect(DHGroup.groupExchangeChoice(minimum: minimum, preferred: minimum, maximum: maximum) == nil)
    }

    private func digest(_ bytes: some Sequence<UInt8>) -> String { hexDigits(SHA256.hash(data: Array(bytes))) }
}
