import Terminal
import Testing

@testable import Gateway

struct SessionTranscriptTests {
    @Test(
        "a line is what the screen showed when it ended",
        arguments: [
            ("10%\r50%\r100%\n", ["100%"]), ("secreX\u{8}t\n", ["secret"]), ("a\u{1B}[31mred\u{1B}[0m\n", ["ared"]),
            ("one\r\ntwo\r\n", ["one", "two"]), ("x\u{1B}]0;title\u{7}y\n", ["xy"]),
            ("\u{1B}[?1049hhidden\n\u{1B}[?1049lshown\n", ["shown"]), ("a\u{1B}[Kb\n\n", ["ab", ""]),
        ])
    func clean(output: String, lines: [String]) {
        #expect(read(output).lines(from: 0) == lines)
    }

    @Test("a line that ran over the margin is one line")
    func wrapped() {
        let long = String(repeating: "abcdefghij", count: 25)
        #expect(read(long + "\r\nnext\r\n").lines(from: 0) == [long, "next"])
    }

    @Test("however the output is cut, the lines are the same", arguments: 1...9)
    func cuts(size: Int) {
        let output = "p$ ls\r\n\u{1B}[01;34mdir\u{1B}[0m  fi\u{20AC}le\r\n10%\r99%\r\np$ "
        let bytes = Array(output.utf8)
        var screen = Screen(columns: 80, rows: 24, scrollbackLimit: 100)
        var transcript = SessionTranscript(from: 0)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = Array(bytes[start..<min(start + size, bytes.count)])
            piece.withUnsafeBytes { transcript.feed($0, into: &screen, from: UInt64(start)) }
        }
        #expect(transcript.lines(from: 0) == ["p$ ls", "dir  fi€le", "99%"])
        #expect(transcript.offset(of: 3) == UInt64(bytes.count - 3))
    }

    @Test("a reader who counts lines loses none and sees none twice, and what was dropped is told")
    func bounded() {
        var screen = Screen(columns: 80, rows: 24, scrollbackLimit: 100)
        var transcript = SessionTranscript(from: 0)
        var seen: [String] = []
        for number in 0..<30_000 {
            Array("line \(number)\r\n".utf8).withUnsafeBytes { transcript.feed($0, into: &screen, from: 0) }
            if number % 1000 == 999 { seen += transcript.lines(from: seen.count) }
        }
        #expect(seen.count == 30_000 && seen.last == "line 29999" && seen[12_345] == "line 12345")
        #expect(transcript.first == 30_000 - SessionTranscript.lineLimit && transcript.count == 30_000)
    }

    private func read(_ output: String) -> SessionTranscript {
        var screen = Screen(columns: 80, rows: 24, scrollbackLimit: 100)
        var transcript = SessionTranscript(from: 0)
        Array(output.utf8).withUnsafeBytes { transcript.feed($0, into: &screen, from: 0) }
        return transcript
    }
}
