import CSSHCipher
import Crypto
import CryptoExtras
import NIOCore
import Testing

@testable import SSHCrypto

/// Lengths that a peer could say; each must be refused before another byte is waited for.
@Suite struct PacketLengthTests {
    static let hostile: [UInt32] = [0, 1, 4, 5, 7, 11, 13, 33, 35_001, 262_145, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]

    @Test("a hostile length in clear is refused at once", arguments: hostile)
    func cleartext(_ length: UInt32) {
        var packets = CleartextPackets()
        var wire = ByteBuffer(integer: length)
        #expect(throws: SSHCryptoError.self) { try packets.open(&wire, maximumPacketLength: 35_000) }
    }

    @Test("a hostile length before an authenticated packet is refused at once", arguments: hostile)
    func visible(_ length: UInt32) throws {
        for suite in Suite.all where !suite.hidesLength && suite.cipher != .chacha20Poly1305 {
            var wire = ByteBuffer(integer: length)
            #expect(try lengthRefused(suite.opener(), &wire))
        }
    }

    @Test("a hostile encrypted length is refused at once, with ChaCha20", arguments: hostile)
    func chacha(_ length: UInt32) throws {
        let suite = Suite(cipher: .chacha20Poly1305, mac: nil)
        let stream = try Insecure.ChaCha20CTR.encrypt(
            [0, 0, 0, 0], using: SymmetricKey(data: suite.key.suffix(32)), counter: .init(offset: 0),
            nonce: .init(data: [UInt8](repeating: 0, count: 12)))
        let plain = withUnsafeBytes(of: length.bigEndian) { Array($0) }
        var wire = ByteBuffer(zip(plain, stream).map { $0 ^ $1 })
        #expect(try lengthRefused(suite.opener(), &wire))
    }

    @Test("a hostile encrypted length is refused after one block, in counter mode", arguments: hostile)
    func hidden(_ length: UInt32) throws {
        for suite in Suite.all where suite.hidesLength && !suite.cipher.isLegacy {
            var wire = ByteBuffer(try firstBlock(length, suite))
            #expect(try lengthRefused(suite.opener(), &wire))
        }
    }

    @Test("with CBC a hostile length looks like every other damage, as late as the longest packet", arguments: hostile)
    func chained(_ length: UInt32) throws {
        for suite in Suite.all where suite.hidesLength && suite.cipher.isLegacy {
            let opener = try suite.opener()
            var wire = ByteBuffer(try firstBlock(length, suite))
            #expect(try opener.open(&wire, sequenceNumber: 0, maximumPacketLength: 35_000) == nil)
            #expect(opener.bytesNeeded == 4 + 35_000 + suite.tagLength)
            wire.writeBytes(randomBytes(opener.bytesNeeded - wire.readableBytes - 1))
            #expect(try opener.open(&wire, sequenceNumber: 0, maximumPacketLength: 35_000) == nil)
            wire.writeBytes([0])
            #expect(code { try opener.open(&wire, sequenceNumber: 0, maximumPacketLength: 35_000) } == .macMismatch)
        }
    }

    /// The first cipher block of a packet that says that it is `length` bytes long.
    private func firstBlock(_ length: UInt32, _ suite: Suite) throws -> [UInt8] {
        let padding = [UInt8](repeating: 0, count: suite.cipher.blockSize - 4)
        var block = withUnsafeBytes(of: length.bigEndian) { Array($0) } + padding
        let context = try StreamContext(suite.cipher, key: suite.key, iv: suite.iv, encrypts: true)
        #expect(ssh_stream_apply(context.pointer, &block, block.count) == 0)
        return block
    }

    @Test("a packet exactly at the limit opens, one byte block above it does not", arguments: Suite.all)
    func limit(_ suite: Suite) throws {
        var wire = ByteBuffer()
        try suite.sealer().seal(ByteBuffer(randomBytes(1000)), sequenceNumber: 0, into: &wire)
        let packetLength = wire.readableBytes - 4 - suite.tagLength
        var copy = wire
        #expect(
            try suite.opener().open(&copy, sequenceNumber: 0, maximumPacketLength: packetLength)?.readableBytes == 1000)
        let opener = try suite.opener()
        #expect(throws: SSHCryptoError.self) {
            try opener.open(&wire, sequenceNumber: 0, maximumPacketLength: packetLength - 1)
        }
    }

    @Test("an authenticated packet with an impossible padding length is refused", arguments: [0, 3, 15, 16, 31, 255])
    func padding(_ paddingLength: UInt8) throws {
        // One block, 16 bytes: padding of 4 to 14 leaves a payload.
        let suite = Suite(cipher: .aes256GCM, mac: nil)
        let box = try AES.GCM.seal(
            [paddingLength] + [UInt8](repeating: 1, count: 15), using: SymmetricKey(data: suite.key),
            nonce: .init(data: suite.iv), authenticating: [0, 0, 0, 16])
        var wire = ByteBuffer([0, 0, 0, 16] + Array(box.ciphertext) + Array(box.tag))
        #expect(try lengthRefused(suite.opener(), &wire))
    }

    @Test("a packet in clear with an impossible padding length is refused", arguments: [0, 3, 11, 12, 255])
    func clearPadding(_ paddingLength: UInt8) {
        var packets = CleartextPackets()
        var wire = ByteBuffer([0, 0, 0, 12, paddingLength] + [UInt8](repeating: 1, count: 11))
        #expect(throws: SSHCryptoError.self) { try packets.open(&wire, maximumPacketLength: 35_000) }
    }

    @Test("packets in clear pass in both directions, in chunks of any size")
    func clearRoundTrip() throws {
        var packets = CleartextPackets()
        var wire = ByteBuffer()
        let payloads = (1...60).map { randomBytes($0) }
        for payload in payloads {
            let before = wire.readableBytes
            try packets.seal(ByteBuffer(payload), into: &wire)
            #expect((wire.readableBytes - before) % 8 == 0)
            #expect(wire.readableBytes - before >= 16)
        }
        var received = ByteBuffer()
        var opened: [[UInt8]] = []
        while let byte = wire.readInteger(as: UInt8.self) {
            received.writeInteger(byte)
            if let payload = try packets.open(&received, maximumPacketLength: 256) { opened.append(payload.array) }
        }
        #expect(opened == payloads)
    }

    @Test("random bytes never trap and never open", arguments: Suite.all)
    func noise(_ suite: Suite) throws {
        for _ in 0..<200 {
            let opener = try suite.opener()
            var wire = ByteBuffer(randomBytes(.random(in: 0...300)))
            let payload = try? opener.open(&wire, sequenceNumber: 5, maximumPacketLength: 35_000)
            #expect(payload == nil)
        }
    }

    private func lengthRefused(_ opener: PacketOpener, _ wire: inout ByteBuffer) -> Bool {
        do throws(SSHCryptoError) {
            _ = try opener.open(&wire, sequenceNumber: 0, maximumPacketLength: 35_000)
            return false
        } catch { return error.code == .invalidLength }
    }
}
