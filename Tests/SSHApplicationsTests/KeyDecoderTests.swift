import SSHApplications
import Testing

@Suite struct KeyDecoderTests {
    @Test(
        "bytes of a terminal become keys",
        arguments: [
            ("a", [.character("a")]), ("\r", [.enter]), ("\n", [.enter]), ("\t", [.tab]), ("\u{7f}", [.backspace]),
            ("\u{8}", [.backspace]), ("\u{3}", [.control("c")]), ("\0", [.control(" ")]), ("\u{1b}", [.escape]),
            ("\u{1b}[A", [.up]), ("\u{1b}OB", [.down]), ("\u{1b}[1;5C", [.right]), ("\u{1b}[3~", [.delete]),
            ("\u{1b}[5~\u{1b}[6~", [.pageUp, .pageDown]), ("\u{1b}[15~", [.function(5)]), ("\u{1b}OP", [.function(1)]),
            ("\u{1b}[[C", [.function(3)]), ("\u{1b}[24~", [.function(12)]), ("\u{1b}x", [.alt("x")]),
            ("\u{1b}[Z", [.backTab]), ("ä€😀", [.character("ä"), .character("€"), .character("😀")]),
        ] as [(String, [Key])])
    func keys(text: String, keys: [Key]) {
        var decoder = KeyDecoder()
        #expect(decoder.keys(of: text.utf8) == keys)
    }

    @Test("a key that comes in pieces is one key")
    func pieces() {
        var decoder = KeyDecoder()
        #expect(decoder.keys(of: [0x1b, 0x5b]) == [])
        #expect(decoder.keys(of: [0x42]) == [.down])
        #expect(decoder.keys(of: [0xe2, 0x82]) == [])
        #expect(decoder.keys(of: [0xac]) == [.character("€")])
    }

    @Test("what is no key is dropped, and the next key is right again")
    func nonsense() {
        var decoder = KeyDecoder()
        let long = [0x1b, 0x5b] + [UInt8](repeating: 0x31, count: 100)
        _ = decoder.keys(of: long)
        _ = decoder.keys(of: [0x0d])
        #expect(decoder.keys(of: [0xff, 0xc0, 0x80, 0xe2, 0x61]) == [.character("a")])
        #expect(decoder.keys(of: Array("\u{1b}[999~b".utf8)) == [.character("b")])
        #expect(decoder.keys(of: [0xc2, 0x9b, 0x63]) == [.character("c")])
    }

    @Test("no bytes at all stop the decoder", arguments: 0..<20)
    func robust(seed: UInt64) {
        var generator = Sequence64(state: seed)
        var decoder = KeyDecoder()
        _ = decoder.keys(of: (0..<5000).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
        // At most one sequence may be open.
        _ = decoder.keys(of: [0x0d, 0x0d, 0x0d])
        #expect(decoder.keys(of: [0x71]) == [.character("q")])
    }
}
