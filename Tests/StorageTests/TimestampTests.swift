import Foundation
import Testing

@testable import Storage

@Suite struct TimestampTests {
    @Test(
        "a moment is written as ISO 8601 in UTC with milliseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (1_769_850_300_123_456, "2026-01-31T09:05:00.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000Z"),
        ] as [(Int64, String)])
    func iso8601(microseconds: Int64, text: String) {
        #expect(Timestamp(microseconds: microseconds).iso8601 == text)
    }

    @Test("the calendar agrees with Foundation's over four centuries")
    func agreesWithFoundation() {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for day in stride(from: Int64(-80_000), to: 80_000, by: 37) {
            let seconds = day * 86_400 + 3723
            let date = Date(timeIntervalSince1970: Double(seconds))
            #expect(Timestamp(microseconds: seconds * 1_000_000).iso8601 == date.formatted(style))
        }
    }

    @Test("adding a duration stops at the end of the range instead of trapping")
    func saturates() {
        #expect(Timestamp(microseconds: .max) + .seconds(1) == Timestamp(microseconds: .max))
        #expect(Timestamp(microseconds: 0) + .seconds(Int64.max) == Timestamp(microseconds: .max))
        #expect(Timestamp(microseconds: 5) - .microseconds(7) == Timestamp(microseconds: -2))
        #expect(Timestamp(microseconds: 9_000_000) - Timestamp(microseconds: 2_000_000) == .seconds(7))
        let (low, high) = (Timestamp(microseconds: .min), Timestamp(microseconds: .max))
        #expect(high - low > .zero)
        #expect(low - high < .zero)
        for extreme in [low, high] { #expect(extreme.iso8601.hasSuffix("Z")) }
    }

    @Test("identifiers have the prefix, 20 base32 characters, and do not repeat")
    func identifiers() {
        let made = (0..<1000).map { _ in Identifier.make("ses") }
        #expect(Set(made).count == 1000)
        #expect(made.allSatisfy { $0.wholeMatch(of: /ses_[a-z2-7]{20}/) != nil })
    }
}
