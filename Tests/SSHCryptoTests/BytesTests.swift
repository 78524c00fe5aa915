import Testing

@testable import SSHCrypto

@Suite struct BytesTests {
    @Test("constant-time equality answers as plain equality does")
    func equality() {
        let bytes = randomBytes(100)
        #expect(constantTimeEquals(bytes, bytes))
        #expect(constantTimeEquals([], []))
        #expect(!constantTimeEquals(bytes, Array(bytes.dropLast())))
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 0x80
            #expect(!constantTimeEquals(bytes, other))
        }
    }

    @Test("wiped bytes are zero, and a copy is not")
    func wiping() {
        var secret: [UInt8] = [1, 2, 3]
        let copy = secret
        wipe(&secret)
        #expect(secret == [0, 0, 0])
        #expect(copy == [1, 2, 3])
        var empty: [UInt8] = []
        wipe(&empty)
        #expect(empty.isEmpty)
    }

    @Test("random bytes have the length asked for and do not repeat")
    func random() {
        #expect(randomBytes(0).isEmpty)
        #expect(randomBytes(-5).isEmpty)
        for count in [1, 7, 8, 9, 16, 4097] { #expect(randomBytes(count).count == count) }
        #expect(Set((0..<100).map { _ in randomBytes(16) }).count == 100)
    }

    @Test("the padding pool never hands out the same bytes again")
    func paddingPool() throws {
        var pool = PaddingPool()
        var seen: Set<[UInt8]> = []
        for _ in 0..<2000 {
            var bytes = [UInt8](repeating: 0, count: 16)
            try bytes.withUnsafeMutableBytes { try pool.fill($0) }
            #expect(seen.insert(bytes).inserted)
        }
    }
}
