import NIOCore
import Testing

@testable import Gateway

@Suite("Where typed bytes may be parted")
struct InputBoundaryTests {
    private func open(after text: String) -> InputBoundary.Open {
        var boundary = InputBoundary()
        boundary.feed(text.utf8)
        return boundary.open
    }

    @Test(
        "whatever belongs together is open until its last byte",
        arguments: [
            ("", .nothing), ("ls", .line), ("ls\r", .nothing), ("ls\u{3}", .nothing), ("\u{1B}", .sequence),
            ("\u{1B}[", .sequence), ("\u{1B}[1;5", .sequence), ("\u{1B}[1;5A", .nothing), ("\u{1B}O", .sequence),
            ("\u{1B}OP", .nothing), ("\u{1B}x", .nothing), ("\u{1B}[200~", .paste), ("\u{1B}[200~ls\r", .paste),
            ("\u{1B}[200~ls\u{1B}[201~", .line), ("\u{1B}[200~ls\u{1B}[201~\r", .nothing),
            ("\u{1B}[200~\u{1B}[2\u{1B}[201~", .line), ("\u{1B}]0;x", .sequence), ("\u{1B}]0;x\u{7}", .nothing),
            ("\u{1B}]0;x\u{1B}\\", .nothing), ("é", .line),
        ] as [(String, InputBoundary.Open)])
    func boundaries(text: String, expected: InputBoundary.Open) {
        #expect(open(after: text) == expected)
    }

    @Test("a character of several bytes is whole before anything else begins")
    func characters() {
        var boundary = InputBoundary()
        let bytes = Array("🚀".utf8)
        for byte in bytes.dropLast() {
            boundary.feed([byte])
            #expect(boundary.open == .sequence)
        }
        boundary.feed(bytes.suffix(1))
        #expect(boundary.open == .line)
    }

    @Test("how the bytes are cut into messages makes no difference")
    func cuts() {
        let text = "ab\u{1B}[200~echo é\u{1B}[20\u{1B}[201~\r\u{1B}[1;2R🚀"
        for cut in 0...text.utf8.count {
            var boundary = InputBoundary()
            boundary.feed(text.utf8.prefix(cut))
            boundary.feed(text.utf8.dropFirst(cut))
            #expect(boundary.open == .line)
        }
    }
}

@Suite("Reports that nobody typed")
struct AutomaticReportTests {
    private func kind(_ text: String) -> AutomaticReport.Kind? { AutomaticReport.kind(of: Array(text.utf8)) }

    @Test(
        "answers of a terminal are told from keys",
        arguments: [
            ("\u{1B}[?1;2c", .answer), ("\u{1B}[>0;276;0c", .answer), ("\u{1B}[0n", .answer),
            ("\u{1B}[?1;2c\u{1B}[0n", .answer), ("\u{1B}[?2026;2$y", .answer),
            ("\u{1B}]11;rgb:0000/0000/0000\u{1B}\\", .answer), ("\u{1B}P1$r0m\u{1B}\\", .answer),
            ("\u{1B}[24;80R", .report), ("\u{1B}[I", .report), ("\u{1B}[O", .report),
            ("\u{1B}[A", nil), ("\u{1B}OR", nil), ("\u{1B}[13~", nil), ("\u{1B}", nil), ("\u{1B}[?1;2cx", nil),
            ("ls", nil),
            ("", nil), ("\u{1B}[<0;1;1M", nil), ("\u{1B}[200~x\u{1B}[201~", nil),
        ] as [(String, AutomaticReport.Kind?)])
    func kinds(text: String, expected: AutomaticReport.Kind?) {
        #expect(kind(text) == expected)
    }

    @Test("an endless answer is nobody's report")
    func endless() {
        #expect(kind("\u{1B}]52;c;" + String(repeating: "A", count: 100_000)) == nil)
    }
}

@Suite("A limit by time")
struct RateLimitTests {
    @Test("so many at once, then so many a second")
    func burst() {
        var limit = RateLimit(burst: 2, perSecond: 1, now: .uptimeNanoseconds(0))
        let answers = [0, 0, 0, 1_000_000_000, 1_000_000_000].map { limit.admit(.uptimeNanoseconds($0)) }
        #expect(answers == [true, true, false, true, false])
    }
}
