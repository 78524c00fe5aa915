import Crypto
import NIOCore
import Testing

@testable import SSHCrypto

@Suite struct PacketProtectionTests {
    private static let maximum = 300_000

    @Test("what is sealed opens again, for every payload size around the block sizes", arguments: Suite.all)
    func roundTrip(_ suite: Suite) throws {
        let (sealer, opener) = (try suite.sealer(), try suite.opener())
        var wire = ByteBuffer()
        for (sequence, size) in (Array(1...70) + [255, 256, 32_768, 262_144]).enumerated() {
            let payload = ByteBuffer(randomBytes(size))
            try sealer.seal(payload, sequenceNumber: UInt32(sequence), into: &wire)
            let opened = try opener.open(
                &wire, sequenceNumber: UInt32(sequence), maximumPacketLength: Self.maximum)
            #expect(opened == payload)
            #expect(wire.readableBytes == 0)
        }
    }

    @Test("packets arrive whole from chunks of any size, and the hint never asks for too much", arguments: Suite.all)
    func chunks(_ suite: Suite) throws {
        let (sealer, opener) = (try suite.sealer(), try suite.opener())
        let payloads = (0..<40).map { _ in randomBytes(Int.random(in: 1...600)) }
        var wire = ByteBuffer()
        for (sequence, payload) in payloads.enumerated() {
            try sealer.seal(ByteBuffer(payload), sequenceNumber: UInt32(sequence), into: &wire)
        }
        var received = ByteBuffer()
        var opened: [[UInt8]] = []
        while let chunk = wire.readSlice(length: min(wire.readableBytes, .random(in: 1...100))), chunk.readableBytes > 0
        {
            received.writeImmutableBuffer(chunk)
            while true {
                let needed = opener.bytesNeeded
                let had = received.readableBytes
                guard
                    let payload = try opener.open(
                        &received, sequenceNumber: UInt32(opened.count), maximumPacketLength: 1024)
                else {
                    #expect(opener.bytesNeeded > had)
                    break
                }
                #expect(had >= needed)
                opened.append(payload.array)
            }
        }
        #expect(opened == payloads)
    }

    @Test("every flipped bit of a packet is found, with one and the same error", arguments: Suite.all)
    func bitFlips(_ suite: Suite) throws {
        var wire = ByteBuffer()
        try suite.sealer().seal(ByteBuffer(randomBytes(20)), sequenceNumber: 7, into: &wire)
        for bit in 0..<wire.readableBytes * 8 {
            var bytes = wire.array
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            // A flipped length may ask for more bytes than one packet has: give it some, so that it comes to a verdict.
            var damaged = ByteBuffer(bytes + [UInt8](repeating: 0, count: 1100))
            let error = try failure(suite.opener(), &damaged, sequence: 7)
            if bit >= 32 {
                #expect(error == .macMismatch)
            } else {
                #expect(error == .macMismatch || error.code == .invalidLength)
            }
        }
    }

    @Test("after a failure nothing opens any more, not even a good packet", arguments: Suite.all)
    func failureStays(_ suite: Suite) throws {
        let (sealer, opener) = (try suite.sealer(), try suite.opener())
        var first = ByteBuffer()
        try sealer.seal(ByteBuffer([1, 2, 3]), sequenceNumber: 0, into: &first)
        var second = ByteBuffer()
        try sealer.seal(ByteBuffer([4, 5, 6]), sequenceNumber: 1, into: &second)
        var bytes = first.array
        bytes[bytes.count - 1] ^= 1
        var damaged = ByteBuffer(bytes)
        #expect(failure(opener, &damaged, sequence: 0) == .macMismatch)
        #expect(failure(opener, &second, sequence: 1) == .macMismatch)
    }

    @Test("a packet under another sequence number, repeated, or left out is refused", arguments: Suite.all)
    func replay(_ suite: Suite) throws {
        let sealer = try suite.sealer()
        var packets: [[UInt8]] = []
        for sequence: UInt32 in 0..<3 {
            var wire = ByteBuffer()
            try sealer.seal(ByteBuffer(randomBytes(30)), sequenceNumber: sequence, into: &wire)
            packets.append(wire.array)
        }
        for order in [[0, 0], [0, 2], [1], [2]] {
            let opener = try suite.opener()
            var error: SSHCryptoError?
            for (sequence, index) in order.enumerated() {
                var wire = ByteBuffer(packets[index] + [UInt8](repeating: 0, count: 1100))
                do throws(SSHCryptoError) {
                    _ = try opener.open(&wire, sequenceNumber: UInt32(sequence), maximumPacketLength: 1024)
                } catch { return #expect(error.code == .macMismatch || error.code == .invalidLength) }
                error = nil
            }
            Issue.record("the order \(order) was accepted: \(String(describing: error))")
        }
    }

    @Test(
        "the tag is not looked for before the whole packet is there, and a cut packet gives nothing",
        arguments: Suite.all)
    func truncation(_ suite: Suite) throws {
        var wire = ByteBuffer()
        try suite.sealer().seal(ByteBuffer(randomBytes(50)), sequenceNumber: 3, into: &wire)
        for length in 0..<wire.readableBytes {
            var cut = ByteBuffer(Array(wire.array.prefix(length)))
            #expect(try suite.opener().open(&cut, sequenceNumber: 3, maximumPacketLength: 1024) == nil)
            #expect(cut.readableBytes == length)
        }
    }

    @Test("sealing again after 2^32 packets keeps working: the sequence number wraps", arguments: Suite.all)
    func sequenceWrap(_ suite: Suite) throws {
        let (sealer, opener) = (try suite.sealer(), try suite.opener())
        for sequence in [UInt32.max, 0, 1] {
            var wire = ByteBuffer()
            try sealer.seal(ByteBuffer([9]), sequenceNumber: sequence, into: &wire)
            #expect(try opener.open(&wire, sequenceNumber: sequence, maximumPacketLength: 1024)?.array == [9])
        }
    }

    @Test("padding keeps RFC 4253 §6: at least 4 bytes, block multiples, and random", arguments: Suite.all)
    func padding(_ suite: Suite) throws {
        let sealer = try suite.sealer()
        for size in 1...40 {
            var wire = ByteBuffer()
            try sealer.seal(ByteBuffer([UInt8](repeating: 0, count: size)), sequenceNumber: 0, into: &wire)
            let aligned = wire.readableBytes - suite.tagLength - (suite.hidesLength ? 0 : 4)
            #expect(aligned % suite.cipher.blockSize == 0)
            #expect(wire.readableBytes - suite.tagLength - 4 - 1 - size >= 4)
        }
    }

    @Test("two seals of the same payload under the same key state differ: padding is random")
    func randomPadding() throws {
        let suite = Suite(cipher: .aes256GCM, mac: nil)
        var wires: Set<[UInt8]> = []
        for _ in 0..<20 {
            var wire = ByteBuffer()
            try suite.sealer().seal(ByteBuffer([1, 2, 3]), sequenceNumber: 0, into: &wire)
            wires.insert(wire.array)
        }
        #expect(wires.count == 20)
    }

    @Test("an empty or huge payload is refused and the buffer stays as it was", arguments: Suite.all)
    func payloadLimits(_ suite: Suite) throws {
        let sealer = try suite.sealer()
        var out = ByteBuffer([1, 2, 3])
        for size in [0, 256 * 1024 + 1] {
            #expect(throws: SSHCryptoError.self) {
                try sealer.seal(ByteBuffer([UInt8](repeating: 0, count: size)), sequenceNumber: 0, into: &out)
            }
        }
        #expect(out.array == [1, 2, 3])
    }

    @Test(
        "a payload that is written where it is sealed opens like any other, and a failure leaves nothing",
        arguments: Suite.all)
    func writtenInPlace(_ suite: Suite) throws {
        let (sealer, opener) = (try suite.sealer(), try suite.opener())
        var wire = ByteBuffer()
        let payloads = [1, 20, 5000, 256 * 1024].map { randomBytes($0) }
        for (sequence, payload) in payloads.enumerated() {
            try sealer.seal(capacity: 10, sequenceNumber: UInt32(sequence), into: &wire) { $0.writeBytes(payload) }
        }
        for (sequence, payload) in payloads.enumerated() {
            let opened = try opener.open(&wire, sequenceNumber: UInt32(sequence), maximumPacketLength: 300_000)
            #expect(opened?.array == payload)
        }
        var out = ByteBuffer([1, 2, 3])
        for size in [0, 256 * 1024 + 1] {
            #expect(throws: SSHCryptoError.self) {
                try suite.sealer().seal(capacity: 1, sequenceNumber: 0, into: &out) {
                    $0.writeRepeatingByte(0, count: size)
                }
            }
        }
        #expect(out.array == [1, 2, 3])
    }

    @Test(
        "an opened payload stays what it was when the next packet is decrypted in the same buffer", arguments: Suite.all
    )
    func slicesLive(_ suite: Suite) throws {
        let (sealer, opener) = (try suite.sealer(), try suite.opener())
        let payloads = (0..<10).map { _ in randomBytes(100) }
        var wire = ByteBuffer()
        for (sequence, payload) in payloads.enumerated() {
            try sealer.seal(ByteBuffer(payload), sequenceNumber: UInt32(sequence), into: &wire)
        }
        var kept: [ByteBuffer] = []
        for sequence in payloads.indices {
            let payload = try opener.open(&wire, sequenceNumber: UInt32(sequence), maximumPacketLength: 1024)
            kept.append(try #require(payload))
        }
        #expect(kept.map(\.array) == payloads)
    }

    @Test("keys of the wrong length and a counter mode without a MAC are refused", arguments: Suite.all)
    func wrongKeys(_ suite: Suite) {
        let (key, iv, macKey) = (suite.key, suite.iv, suite.macKey)
        #expect(code(suite, key + [0], iv, macKey, suite.mac) == .invalidLength)
        #expect(code(suite, [], iv, macKey, suite.mac) == .invalidLength)
        #expect(code(suite, key, iv + [0], macKey, suite.mac) == .invalidLength)
        if !suite.cipher.isAEAD {
            #expect(code(suite, key, iv, macKey + [0], suite.mac) == .invalidLength)
            #expect(code(suite, key, iv, macKey, nil) == .unsupported)
        }
    }

    private func code(
        _ suite: Suite, _ key: [UInt8], _ iv: [UInt8], _ macKey: [UInt8], _ mac: MACName?
    ) -> SSHCryptoError.Code? {
        do throws(SSHCryptoError) {
            _ = try PacketSealer(cipher: suite.cipher, mac: mac, key: key, iv: iv, macKey: macKey)
            _ = try PacketOpener(cipher: suite.cipher, mac: mac, key: key, iv: iv, macKey: macKey)
            return nil
        } catch { return error.code }
    }

    private func failure(_ opener: PacketOpener, _ wire: inout ByteBuffer, sequence: UInt32) -> SSHCryptoError {
        do throws(SSHCryptoError) {
            let payload = try opener.open(&wire, sequenceNumber: sequence, maximumPacketLength: 1024)
            Issue.record("opened: \(String(describing: payload))")
            return .internalFailure("nothing was thrown")
        } catch { return error }
    }
}
