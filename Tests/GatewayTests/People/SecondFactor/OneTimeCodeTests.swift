import Testing

@testable import Gateway

struct OneTimeCodeTests {
    /// RFC 6238, appendix B: the secret is the digits again and again, as long as the hash.
    private static func secret(_ count: Int) -> [UInt8] { (1...count).map { UInt8(0x30 + $0 % 10) } }

    @Test(
        "the vectors of RFC 6238",
        arguments: [
            (59, "94287082", "46119246", "90693936"), (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"), (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"), (20_000_000_000, "65353130", "77737706", "47863826"),
        ] as [(Int64, String, String, String)])
    func vectors(time: Int64, sha1: String, sha256: String, sha512: String) {
        let step = OneTimeCode.step(at: time)
        #expect(OneTimeCode(secret: Self.secret(20), digits: 8).code(step: step) == sha1)
        #expect(OneTimeCode(secret: Self.secret(32), hash: .sha256, digits: 8).code(step: step) == sha256)
        #expect(OneTimeCode(secret: Self.secret(64), hash: .sha512, digits: 8).code(step: step) == sha512)
    }

    @Test(
        "the vectors of RFC 4226, six digits",
        arguments: zip(
            Int64(0)..<9, ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871"]))
    func counters(counter: Int64, code: String) {
        #expect(OneTimeCode(secret: Self.secret(20)).code(step: counter) == code)
    }

    @Test("a clock may be half a minute off on either side, and no more")
    func skew() {
        let code = OneTimeCode(secret: Self.secret(20))
        let shown = code.code(step: 100)
        #expect(
            [98, 99, 100, 101, 102].map { code.step(of: shown, at: $0 * 30 + 15, after: 0) } == [
                nil, 100, 100, 100, nil,
            ])
    }

    @Test("a step up to the one that was used last counts no more, and neither does half a code")
    func used() {
        let code = OneTimeCode(secret: Self.secret(20))
        #expect(code.step(of: code.code(step: 100), at: 3000, after: 100) == nil)
        #expect(code.step(of: code.code(step: 101), at: 3000, after: 100) == 101)
        #expect(code.step(of: String(code.code(step: 101).dropLast()), at: 3000, after: 100) == nil)
        #expect(code.step(of: "", at: 3000, after: 100) == nil)
    }

    @Test(
        "base 32 as in RFC 4648 §10, without padding",
        arguments: [
            ("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ])
    func base32(text: String, encoded: String) {
        #expect(Base32.text(Array(text.utf8)) == encoded)
    }
}
