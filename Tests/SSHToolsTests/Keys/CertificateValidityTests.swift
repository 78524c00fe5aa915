import SSHTools
import Testing

@Suite("Validity of certificates")
struct CertificateValidityTests {
    private let now: UInt64 = 1_800_000_000

    @Test("a distance alone begins a little before now, at a whole minute")
    func distance() throws {
        let validity = try CertificateValidity("+1h", now: now)
        #expect(validity.after == (now - 59) / 60 * 60)
        #expect(validity.before == now + 3600)
    }

    @Test("both ends may be distances, and units add up")
    func distances() throws {
        let validity = try CertificateValidity("-1m:+1w2d3h", now: now)
        #expect(validity.after == now - 60)
        #expect(validity.before == now + 9 * 86400 + 3 * 3600)
    }

    @Test("always and forever stand for no beginning and no end")
    func unlimited() throws {
        #expect(try CertificateValidity("always:forever", now: now) == .unlimited)
    }

    @Test("a time in UTC is exact")
    func absolute() throws {
        let validity = try CertificateValidity("20270101Z:20270102030405Z", now: now)
        #expect(validity.after == 1_798_761_600)
        #expect(validity.before == 1_798_761_600 + 86400 + 3 * 3600 + 4 * 60 + 5)
    }

    @Test(
        "what is no validity is refused",
        arguments: [
            "", ":", "+1y", "tomorrow", "20271301Z:+1h", "+1h:-1h", "+99999999999999999999w", "-9999999999w:+1h",
        ])
    func refused(text: String) {
        #expect(throws: Failure.self) { try CertificateValidity(text, now: now) }
    }

    @Test("a span of time is a sum of numbers with units", arguments: [("90", 90), ("1h30m", 5400), ("2W", 1_209_600)])
    func span(text: String, seconds: UInt64) {
        #expect(TimeSpan.seconds(text) == seconds)
    }

    @Test("what is no span is none", arguments: ["", "h", "1x", "-1", "1 h", "9223372036854775808"])
    func noSpan(text: String) {
        #expect(TimeSpan.seconds(text) == nil)
    }
}
