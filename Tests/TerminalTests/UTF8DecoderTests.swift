import Testing

@testable import Terminal

struct UTF8DecoderTests {
    @Test(
        "ill-formed bytes become what the standard library makes of them",
        arguments: [
            [0x61, 0xFF, 0x62], [0xC3], [0xC3, 0x28], [0xE2, 0x82], [0xE2, 0x82, 0x61], [0xF0, 0x9F, 0x98, 0x61],
            [0xC0, 0xAF],
            [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF0, 0x80, 0x80, 0x80], [0xE2, 0xE2, 0x82, 0xAC],
            [0xF0, 0x9F, 0xC3, 0xA9],
        ] as [[UInt8]])
    func replacement(bytes: [UInt8]) {
        var fed = Screen(columns: 40, rows: 2, scrollbackLimit: 0)
        fed.feed(bytes + [0x0D, 0x0A])
        #expect(fed.text[0] == String(decoding: bytes, as: UTF8.self))
    }

    @Test("a character may come in any pieces")
    func pieces() {
        var fed = Screen(columns: 40, rows: 2, scrollbackLimit: 0)
        for byte in "aé漢😀\u{1F1E6}".utf8 { fed.feed([byte]) }
        #expect(fed.text[0] == "aé漢😀\u{1F1E6}")
    }
}
