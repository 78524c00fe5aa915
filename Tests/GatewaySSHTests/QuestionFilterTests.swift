import NIOCore
import Testing

@testable import GatewaySSH

@Suite("Questions to a terminal")
struct QuestionFilterTests {
    private func shown(_ text: String, pieces: Int = .max) -> String {
        var filter = QuestionFilter()
        let bytes = Array(text.utf8)
        var shown = ByteBuffer()
        for start in stride(from: 0, to: bytes.count, by: min(pieces, max(bytes.count, 1))) {
            let piece = bytes[start..<min(bytes.count, start + min(pieces, bytes.count))]
            for part in filter.pass(ByteBuffer(bytes: piece)) { shown.writeImmutableBuffer(part) }
        }
        return String(buffer: shown)
    }

    @Test(
        "a question of the host does not reach the client's terminal",
        arguments: [
            "\u{1B}[c", "\u{1B}[0c", "\u{1B}[>c", "\u{1B}[=0c", "\u{1B}[5n", "\u{1B}[6n", "\u{1B}[?6n", "\u{1B}[?1$p",
            "\u{1B}[4$p", "\u{1B}[>q", "\u{1B}[>0q", "\u{1B}[18t", "\u{1B}[21t", "\u{1B}[x", "\u{1B}[?u", "\u{1B}Z",
            "\u{1B}]10;?\u{07}", "\u{1B}]11;?\u{1B}\\", "\u{1B}]52;c;?\u{07}", "\u{1B}]4;1;?\u{07}",
            "\u{1B}P$qm\u{1B}\\", "\u{1B}P+q544e\u{1B}\\", "\u{1B}[?1;1;0S",
        ])
    func dropped(question: String) {
        #expect(shown("a\(question)b") == "ab")
        #expect(shown("a\(question)b", pieces: 1) == "ab")
        #expect(shown("\(question)\(question)") == "")
    }

    @Test(
        "everything else passes as it is, in one piece and byte by byte",
        arguments: [
            "plain", "\u{1B}[31mred\u{1B}[0m", "\u{1B}[2J\u{1B}[H", "\u{1B}[?1049h", "\u{1B}[22;0t",
            "\u{1B}]0;title\u{07}",
            "\u{1B}]8;;https://example.org\u{1B}\\link\u{1B}]8;;\u{1B}\\", "\u{1B}]52;c;aGVsbG8=\u{07}", "\u{1B}(B",
            "\u{1B}7\u{1B}8", "\u{1B}[1 q", "\u{1B}[!p", "\u{1B}[>4;2m", "\u{1B}[>4n", "\u{1B}[1;1;2;2$x",
            "\u{1B}Pq#0;2;0;0;0#0~~\u{1B}\\", "äöü 漢字 🦊", "\u{1B}\u{1B}[A", "\u{1B}[u", "\u{1B}[>1u", "\u{1B}[3S",
        ])
    func passed(text: String) {
        #expect(shown(text) == text)
        #expect(shown(text, pieces: 1) == text)
        #expect(shown("x" + text + "y", pieces: 3) == "x" + text + "y")
    }

    @Test("a string without an end is not held for ever")
    func bounded() {
        let text = "\u{1B}]0;" + String(repeating: "t", count: 20_000)
        #expect(shown(text, pieces: 100) == text)
        #expect(shown(text + "?\u{07}after") == text + "?\u{07}after")
    }

    @Test("output without escapes is not copied")
    func plain() {
        var filter = QuestionFilter()
        #expect(filter.pass(ByteBuffer(string: "a line\r\n")) == [ByteBuffer(string: "a line\r\n")])
    }
}
