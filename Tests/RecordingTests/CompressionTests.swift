import Testing

@testable import Recording

@Suite("Compression of a recording's chunks")
struct CompressionTests {
    private static func noise(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    @Test(
        "what looks like compressed data is stored as it is, and read back",
        arguments: [16_384, 65_535, 65_536, 200_001])
    func stored(count: Int) throws {
        let bytes = Self.noise(count)
        #expect(Deflater.looksRandom(bytes))
        let sealed = try Deflater().deflate(bytes)
        #expect(sealed.count <= count + 5 * (count / 65_535 + 1))
        #expect(Inflater.inflate(sealed, length: count) == bytes)
    }

    @Test("text, and the words of base64, are compressed")
    func text() throws {
        let line = Array("2026-11-21 20:00:00 web-1 nginx: GET /index.html 200 ".utf8)
        let text = (0..<1000).flatMap { line + Array("\($0)\r\n".utf8) }
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let coded = Self.noise(60_000).map { letters[Int($0 & 63)] }
        for bytes in [text, coded] {
            #expect(!Deflater.looksRandom(bytes))
            let sealed = try Deflater().deflate(bytes)
            #expect(sealed.count < bytes.count * 4 / 5)
            #expect(Inflater.inflate(sealed, length: bytes.count) == bytes)
        }
    }

    @Test("a short chunk is never looked at twice")
    func short() throws {
        let bytes = Self.noise(1000)
        #expect(!Deflater.looksRandom(bytes))
        #expect(Inflater.inflate(try Deflater().deflate(bytes), length: 1000) == bytes)
        #expect(Inflater.inflate(Deflater.stored([]), length: 0) == [])
    }
}
