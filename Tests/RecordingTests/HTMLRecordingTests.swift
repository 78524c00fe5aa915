import Crypto
import Foundation
import Testing

@testable import Recording

@Suite struct HTMLRecordingTests {
    private func page(_ events: [RecordingEvent], title: String = "web-1") -> String {
        var header = Studio.header(columns: 40, rows: 6)
        header.title = title
        var writer = HTMLRecording(header)
        var bytes: [UInt8] = []
        for event in events { writer.append(event, to: &bytes) }
        writer.finish(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func output(_ text: String, at time: Int64) -> RecordingEvent {
        RecordingEvent(time: time, kind: .output(Array(text.utf8)))
    }

    /// The lines of the data as JSON.
    private func data(_ page: String) throws -> [[String: Any]] {
        let start = try #require(page.range(of: "<script id=\"data\" type=\"application/json\">"))
        let end = try #require(page.range(of: "</script>", range: start.upperBound..<page.endIndex))
        return try page[start.upperBound..<end.lowerBound].split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test("the page's policy lets nothing run but its own player, and nothing be fetched")
    func policy() throws {
        let page = page([output("hello", at: 0)])
        let policy = try #require(page.firstMatch(of: /Content-Security-Policy" content="([^"]+)"/)).1
        #expect(policy.hasPrefix("default-src 'none'; script-src 'sha256-"))
        #expect(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains("*"))
        let script = try #require(
            page.components(separatedBy: "<script>").last?.components(separatedBy: "</script>").first)
        let hash = Data(SHA256.hash(data: Data(script.utf8))).base64EncodedString()
        #expect(policy.contains("script-src 'sha256-\(hash)'"))
        #expect(page.components(separatedBy: "<script").count == 3)
        #expect(!page.contains(" on") || page.firstMatch(of: /<[^>]+ on[a-z]+=/) == nil)
    }

    @Test("no output, name, chat or marker breaks out of the data or the head")
    func hostile() throws {
        let attack = "</script><script>alert(1)</script><!--<img src=x onerror=alert(1)>\u{2028}'\"&"
        let page = page(
            [
                output(attack, at: 0),
                output("\r\n\u{1B}]0;\(attack)\u{7}\u{1B}]8;;javascript:alert(1)\u{7}x\r\n", at: 1),
                RecordingEvent(time: 2, kind: .chat(attack, actor: attack)),
                RecordingEvent(time: 3, kind: .marker(attack)),
            ], title: attack)
        #expect(page.components(separatedBy: "<script").count == 3)
        #expect(page.components(separatedBy: "</script>").count == 3)
        #expect(!page.contains("<img") && !page.contains("<!--<") && !page.contains("javascript:"))
        let marks = try data(page).compactMap { $0["m"] as? String }
        #expect(marks == ["\(attack): \(attack)", attack])
    }

    @Test("pictures carry what changed: rows, scrolling, cursor, size, looks and widths")
    func frames() throws {
        let lines = (1...9).map { output("line \($0)\r\n", at: Int64($0) * 1_000_000) }
        let page = page(
            lines + [
                output("\u{1B}[1;38;5;9mred\u{1B}[0m 世界\u{1B}[48;2;1;2;3m \u{1B}[7mx", at: 10_000_000),
                RecordingEvent(time: 11_000_000, kind: .resize(columns: 20, rows: 3)),
            ])
        let frames = try data(page)
        #expect(frames.first?["columns"] as? Int == 40)
        let scrolled = frames.filter { $0["u"] as? Int == 1 }
        #expect(scrolled.count == 4)
        let rows = try #require(frames.last { ($0["t"] as? Double) == 10 }?["r"] as? [[Any]])
        let runs = try #require(rows.last?[1] as? [Any])
        #expect(runs.first as? [AnyHashable?] != nil || (runs.first as? [Any])?.first as? String == "red")
        #expect((runs.first as? [Any])?[2] as? Int == 9)
        #expect(runs.contains { ($0 as? [Any])?.last as? Int == 5 && ($0 as? [Any])?.first as? String == " 世界" })
        #expect(frames.contains { $0["s"] as? [Int] == [20, 3] })
        #expect(frames.last?["e"] as? Bool == true && frames.last?["t"] as? Double == 11)
    }

    @Test("a flood becomes a few pictures a second, not its bytes")
    func flood() throws {
        let events = (0..<4_000).map { output(String(repeating: "y\r\n", count: 100), at: Int64($0) * 250) }
        let page = page(events)
        #expect(page.utf8.count < 160_000)
        #expect(try data(page).count < 120)
    }

    @Test("lines that passed between two pictures can be found")
    func passed() throws {
        let burst = (1...300).map { "line \($0)\r\n" }.joined()
        let found = try data(page([output(burst, at: 0)]))
        let passed = try #require(found.dropFirst().first?["l"] as? [String])
        #expect(passed.count == 200 && passed.last == "line 295" && passed.first == "line 96")
    }

    @Test("no bytes make anything but JSON in the data")
    func noise() throws {
        var random = SystemRandomNumberGenerator()
        let events = (0..<200).map { index in
            let noise = (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) }
            return RecordingEvent(time: Int64(index) * 100_000, kind: .output(noise))
        }
        #expect(try data(page(events)).count > 2)
    }
}
