import Foundation
import Testing

@testable import Recording

@Suite struct RecordingSearchTests {
    private func studio(_ events: [(Int64, RecordingEvent.Kind)]) async throws -> Studio {
        let studio = try Studio()
        let writer = try studio.writer()
        for (time, kind) in events { writer.append(RecordingEvent(time: time * 1_000_000, kind: kind)) }
        _ = await studio.close(writer)
        return studio
    }

    private func hits(
        _ studio: Studio, _ text: String, _ scope: RecordingSearch.Scope = .all, from: Int64 = 0, limit: Int = 100
    ) throws -> [RecordingSearch.Hit] {
        let text = try #require(SearchText(text))
        return try RecordingSearch.search(try studio.reader(), for: text, scope: scope, from: from, limit: limit).hits
    }

    private func day() async throws -> Studio {
        try await studio([
            (1, .output(Array("ada@web-1:~$ ".utf8))),
            (2, .input(Array("systemctl rex\u{7F}start nginx\r".utf8), actor: "ada")),
            (3, .output(Array("\u{1B}[1msystemctl\u{1B}[0m restart nginx\r\n".utf8))),
            (4, .redactedInput(count: 9, actor: "ada")), (5, .chat("did you restart it?", actor: "bob")),
            (6, .command("systemctl restart php", status: 0, actor: "agent")),
            (7, .file(RecordedFile(operation: "upload", path: "/etc/restart.conf"), actor: "ada")),
            (8, .marker("restart done", actor: "bob")), (9, .output(Array("no line end: RESTART".utf8))),
        ])
    }

    @Test("a text is found where it was shown, typed, run, written and marked, at its second and with its person")
    func places() async throws {
        let found = try hits(try await day(), "Restart")
        #expect(found.map(\.place) == [.input, .output, .chat, .command, .file, .marker, .output])
        #expect(found.map { $0.time / 1_000_000 } == [2, 3, 5, 6, 7, 8, 9])
        #expect(found.map(\.actor) == ["ada", nil, "bob", "agent", "ada", "bob", nil])
        #expect(found[0].line == "systemctl restart nginx")
        #expect(found[1].line == "ada@web-1:~$ systemctl restart nginx")
    }

    @Test("a scope leaves the other places out")
    func scopes() async throws {
        let day = try await day()
        #expect(try hits(day, "restart", .commands).map(\.place) == [.input, .command])
        #expect(try hits(day, "restart", .output).map(\.place) == [.output, .output])
        #expect(try hits(day, "restart", .chat).map(\.place) == [.chat])
    }

    @Test("a search stops when it has enough or its time is over, and goes on from there without losing or doubling")
    func continued() async throws {
        let studio = try await studio((0..<500).map { ($0, .output(Array("tick \($0)\r\n".utf8))) })
        let text = try #require(SearchText("tick"))
        var found: [RecordingSearch.Hit] = []
        var from: Int64 = 0
        var rounds = 0
        while true {
            rounds += 1
            let part = try RecordingSearch.search(try studio.reader(), for: text, from: from, limit: 70)
            found += part.hits
            guard case .stopped(let moment) = part.progress else { break }
            from = moment
        }
        #expect(rounds == 8 && found.map(\.line) == (0..<500).map { "tick \($0)" })
        let none = try RecordingSearch.search(try studio.reader(), for: text, while: { false })
        #expect(none.hits.count < 500 && none.progress != .finished)
    }

    @Test("every text is found as it stands: no pattern language, and capital letters of any script are alike")
    func literal() throws {
        #expect(try #require(SearchText("a.*b")).isIn("x a.*b y"))
        #expect(try !#require(SearchText("a.*b")).isIn("aXXb"))
        #expect(try #require(SearchText("ÜBER")).isIn("das über dem"))
        #expect(try #require(SearchText("aab")).isIn("aaab") && #require(SearchText("abab")).isIn("abaabab"))
        #expect(SearchText("") == nil && SearchText("  \n ") == nil)
        #expect(SearchText(String(repeating: "x", count: 201)) == nil)
    }

    @Test("a text made to take long takes no longer than its length")
    func linear() throws {
        let text = try #require(SearchText(String(repeating: "a", count: 199) + "b"))
        let line = String(repeating: "a", count: 400_000)
        let clock = ContinuousClock()
        let short = clock.measure { #expect(!text.isIn(String(line.prefix(40_000)))) }
        let long = clock.measure { #expect(!text.isIn(line)) }
        // Linear is ten times; with a square it would be a hundred.
        #expect(long < short * 40)
    }

    @Test("a long line is cut around what was found, and typed lines lose what was erased")
    func cut() async throws {
        let line = String(repeating: "é", count: 3000) + "needle" + String(repeating: "z", count: 3000)
        let studio = try await studio([(0, .output(Array((line + "\r\n").utf8)))])
        let hit = try #require(try hits(studio, "needle").first)
        #expect(hit.line.contains("needle") && hit.line.unicodeScalars.count < 260 && !hit.line.contains("\u{FFFD}"))
        var typed = TypedText()
        #expect(typed.feed(Array("abc\u{15}ls -l fo\u{17}bar\u{1B}[A\r".utf8)) == ["ls -l bar"])
    }

    @Test("hidden input is nowhere to be found")
    func hidden() async throws {
        var redaction = InputRedaction(columns: 80)
        var events = redaction.output(Array("Password: ".utf8), at: 0)
        events += redaction.input(Array("hunter2\r".utf8), actor: "ada", at: 1_000)
        events += redaction.output(Array("\r\nwelcome\r\n".utf8), at: 2_000)
        events += redaction.finish(at: 3_000)
        let studio = try await studio(events.map { ($0.time, $0.kind) })
        #expect(try hits(studio, "hunter2").isEmpty && hits(studio, "welcome").count == 1)
    }
}
