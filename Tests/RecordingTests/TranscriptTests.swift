import Testing

@testable import Recording

@Suite struct TranscriptTests {
    private func text(_ output: [String], columns: Int = 40, rows: Int = 6) -> String {
        var transcript = Transcript(columns: columns, rows: rows)
        var bytes: [UInt8] = []
        for part in output { transcript.append(Array(part.utf8), to: &bytes) }
        transcript.finish(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("lines that scroll by come out in order, each once, with corrections made and colours gone")
    func scrolling() {
        let lines = (1...30).map { "line \($0)\r\n" }
        #expect(text(lines) == (1...30).map { "line \($0)\n" }.joined())
        #expect(text(["\u{1B}[31mred\u{1B}[0m 10%\rred 99%\r\n", "wrong\u{8}\u{8}te\r\n"]) == "red 99%\nwrote\n")
    }

    @Test("a line that ran over the margin is one line")
    func wrapped() {
        let long = String(repeating: "abcdefghij", count: 9)
        #expect(text(["\(long)\r\nshort\r\n"]) == "\(long)\nshort\n")
        #expect(text((1...12).map { "\($0) \(long)\r\n" }) == (1...12).map { "\($0) \(long)\n" }.joined())
    }

    @Test("a full-screen program comes out as its screen, not as a stair")
    func fullScreen() {
        let drawn =
            "$ vim\r\n\u{1B}[?1049h\u{1B}[2J\u{1B}[1;1Htop left\u{1B}[3;10Hmiddle\u{1B}[6;1H-- INSERT --\u{1B}[1;1H"
        let left = "\u{1B}[?1049l$ done\r\n"
        #expect(
            text([drawn, left]) == "top left\n\n         middle\n\n\n-- INSERT --\n$ vim\n$ done\n")
    }

    @Test("what is about to be erased is told first, and the same screen is not told twice")
    func erased() {
        #expect(text(["one\r\ntwo\r\n", "\u{1B}[H\u{1B}[2J", "three\r\n"]) == "one\ntwo\nthree\n")
        #expect(text(["one\r\n", "\u{1B}[H\u{1B}[J", "two\r\n"]) == "one\ntwo\n")
        let frames = (0..<50).map { _ in "\u{1B}[H\u{1B}[2Jstatus: up\r\nload: low\r\n" }
        #expect(text(frames) == "status: up\nload: low\n")
    }

    @Test("cut anywhere, the same bytes make the same text")
    func cuts() {
        let all = Array("a\r\n\u{1B}[?1049hfull\u{1B}[?1049l\u{1B}[H\u{1B}[2Jb 世界 é\r\n\u{1B}]0;title\u{7}c\r\n".utf8)
        var whole = Transcript(columns: 20, rows: 4)
        var wanted: [UInt8] = []
        whole.append(all, to: &wanted)
        whole.finish(to: &wanted)
        for cut in all.indices {
            var transcript = Transcript(columns: 20, rows: 4)
            var bytes: [UInt8] = []
            transcript.append(Array(all[..<cut]), to: &bytes)
            transcript.append(Array(all[cut...]), to: &bytes)
            transcript.finish(to: &bytes)
            #expect(bytes == wanted)
        }
    }

    @Test("no bytes break it, and no control character comes through")
    func hostile() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<60 {
            var transcript = Transcript(columns: 30, rows: 5)
            var bytes: [UInt8] = []
            for _ in 0..<20 {
                let noise = (0..<Int.random(in: 0..<300, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                transcript.append(noise + Array("\u{1B}[\(Int.random(in: 0..<3000))J\u{1B}[?1049h".utf8), to: &bytes)
                transcript.append(
                    RecordingEvent(time: 0, kind: .resize(columns: Int.random(in: -5..<2000), rows: 3)), to: &bytes)
            }
            transcript.finish(to: &bytes)
            #expect(bytes.allSatisfy { $0 == 0x0A || $0 >= 0x20 && $0 != 0x7F })
        }
    }
}
