import NIOCore
import TestSupport
import Testing

@testable import SSHCrypto

@Suite struct CompressionTests {
    @Test("payloads pass, each flushed on its own, and later ones shrink by what came before")
    func roundTrip() throws {
        let (compressor, decompressor) = (try PacketCompressor(), try PacketDecompressor())
        let text = Array("the quick brown fox jumps over the lazy dog, ".utf8)
        let payloads =
            [[7], text, text, [], text + text, randomBytes(100_000), [UInt8](repeating: 0, count: 262_144)]
            .filter { !$0.isEmpty }
        var sizes: [Int] = []
        for payload in payloads {
            var wire = ByteBuffer()
            try compressor.compress(ByteBuffer(payload), into: &wire)
            sizes.append(wire.readableBytes)
            #expect(try decompressor.decompress(wire, limit: payload.count).array == payload)
        }
        #expect(sizes[2] < sizes[1])
        #expect(sizes[5] < 1000)
    }

    /// Made with Python: z = zlib.compressobj(6); z.compress(...) + z.flush(zlib.Z_PARTIAL_FLUSH), twice.
    @Test("the stream of another program opens")
    func foreign() throws {
        let decompressor = try PacketDecompressor()
        let first = try decompressor.decompress(ByteBuffer(hex("789cca48cdc9c957c840270102")), limit: 100)
        #expect(first.array == Array("hello hello hello hello".utf8))
        let second = try decompressor.decompress(ByteBuffer(hex("08c24c4c4fcccc0308")), limit: 100)
        #expect(second.array == Array("hello again".utf8))
    }

    @Test("a result keeps its bytes when the next one comes")
    func resultsLive() throws {
        let (compressor, decompressor) = (try PacketCompressor(), try PacketDecompressor())
        let payloads = (0..<20).map { _ in randomBytes(500) }
        let opened = try payloads.map { payload in
            var wire = ByteBuffer()
            try compressor.compress(ByteBuffer(payload), into: &wire)
            return try decompressor.decompress(wire, limit: 500)
        }
        #expect(opened.map(\.array) == payloads)
    }

    @Test("what is appended to keeps its content, whatever room it has", arguments: [0, 1, 100, 4095, 4096, 70_000])
    func appending(_ room: Int) throws {
        let (compressor, decompressor) = (try PacketCompressor(), try PacketDecompressor())
        let payload = randomBytes(20_000)
        var wire = ByteBufferAllocator().buffer(capacity: room)
        wire.writeBytes([1, 2, 3])
        try compressor.compress(ByteBuffer(payload), into: &wire)
        #expect(wire.readBytes(length: 3) == [1, 2, 3])
        #expect(try decompressor.decompress(wire, limit: 20_000).array == payload)
    }

    @Test("a payload of exactly the limit opens, one byte more ends the connection")
    func limit() throws {
        for (size, limit) in [(1000, 1000), (1001, 1000), (4096, 4096), (4097, 4096), (1, 0), (1, -5)] {
            var wire = ByteBuffer()
            try PacketCompressor().compress(ByteBuffer([UInt8](repeating: 1, count: size)), into: &wire)
            let decompressor = try PacketDecompressor()
            let refused = code { try decompressor.decompress(wire, limit: limit) }
            #expect(refused == (size <= limit ? nil : .invalidCompression))
        }
    }

    @Test("a bomb of 10 MB in 10 KB is cut off at the limit, without the memory for it")
    func bomb() async {
        await #expect(processExitsWith: .success) {
            var wire = ByteBuffer()
            try PacketCompressor(level: 9).compress(ByteBuffer([UInt8](repeating: 0, count: 10_000_000)), into: &wire)
            let bomb = wire
            #expect(bomb.readableBytes < 20_000)
            // The first one brings the code of it all into memory, which counts too.
            #expect(throws: SSHCryptoError.self) { try PacketDecompressor().decompress(bomb, limit: 256 * 1024) }
            let decompressor = try PacketDecompressor()
            let growth = try PeakMemory.growth {
                #expect(throws: SSHCryptoError.self) { try decompressor.decompress(bomb, limit: 256 * 1024) }
            }
            #expect(growth < 2 << 20, "\(growth) bytes")
            #expect(decompressor.heldBytes <= 512 * 1024)
        }
    }

    @Test("a payload of empty blocks alone is refused, however many there are")
    func emptyBlocks() throws {
        let decompressor = try PacketDecompressor()
        let blocks = (0..<50_000).flatMap { _ in [0x00, 0x00, 0x00, 0xff, 0xff] as [UInt8] }
        #expect(
            code { try decompressor.decompress(ByteBuffer([0x78, 0x9c] + blocks), limit: 1000) } == .invalidCompression)
    }

    @Test(
        "damage, a dictionary, a closed stream and an empty payload are refused, and nothing opens after them",
        arguments: [
            "", "00", "78", "789c", "789d", "78bb00000001", "789c07", "789c03000000000", "789c030000000001",
            "789cffffffff", "1f8b0800000000000003",
        ])
    func damage(_ content: String) throws {
        let decompressor = try PacketDecompressor()
        #expect(code { try decompressor.decompress(ByteBuffer(hex(content)), limit: 1000) } == .invalidCompression)
        var wire = ByteBuffer()
        try PacketCompressor().compress(ByteBuffer([1, 2, 3]), into: &wire)
        #expect(code { try decompressor.decompress(wire, limit: 1000) } == .invalidCompression)
    }

    @Test("noise never traps and never yields more than the limit")
    func noise() throws {
        for _ in 0..<2000 {
            let decompressor = try PacketDecompressor()
            let wire = ByteBuffer([0x78, 0x9c] + randomBytes(.random(in: 0...300)))
            let payload = try? decompressor.decompress(wire, limit: 500)
            #expect((payload?.readableBytes ?? 0) <= 500)
        }
    }
}
