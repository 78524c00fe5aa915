import Testing

@testable import Gateway

@Suite("The chat beside a session")
struct ChatTests {
    @Test("everybody who sits there reads it, and whoever comes late reads what was said")
    func history() async throws {
        try await SessionBench.run { bench in
            let ada = try await bench.sit(bench.ada)
            _ = try await bench.session.say("look at 12:03", by: bench.ada, mentions: [])
            let bob = try await bench.sit(bench.bob, invited: .view)
            #expect(ada.notes("chat.message").count == 1)
            await bench.says(bob, "chat.sync", "{}")
            let history = try #require(bob.notes("chat.history").last)
            #expect(history.contains("look at 12:03") && history.contains("\"isComplete\":true"))
        }
    }

    @Test("whoever was away for a moment gets what was said meanwhile, and nothing twice")
    func sync() {
        var log = ChatLog()
        for number in 0..<4 {
            log.append(
                ChatMessage(
                    id: "\(number)", at: "", time: 0, author: .init(userId: "", name: ""),
                    text: String(repeating: "x", count: 60 * 1024), mentions: []))
        }
        #expect(log.history(after: "1").messages.map(\.id) == ["2", "3"])
        #expect(log.history(after: "3").messages.isEmpty)
        // So much at once that the oldest stay in the recording.
        let anew = log.history(after: "unknown")
        #expect(anew.messages.map(\.id) == ["2", "3"] && !anew.isComplete && anew.after == nil)
    }

    @Test("somebody without a seat says nothing")
    func noSeat() async throws {
        try await SessionBench.run { bench in
            _ = try await bench.sit(bench.ada)
            await bench.invite(bench.bob, .control)
            await #expect(throws: GatewayError.self) {
                try await bench.session.say("hello", by: bench.bob, mentions: [])
            }
        }
    }

    @Test("a flood of messages is refused, and the log is bounded")
    func flood() async throws {
        try await SessionBench.run { bench in
            _ = try await bench.sit(bench.ada)
            var refused = 0
            for number in 0..<40 {
                do { _ = try await bench.session.say("\(number)", by: bench.ada, mentions: []) } catch {
                    #expect((error as? GatewayError)?.status == 429)
                    refused += 1
                }
            }
            #expect(refused >= 30)
        }
        var log = ChatLog()
        for number in 0..<700 {
            log.append(
                ChatMessage(
                    id: "\(number)", at: "", time: 0, author: .init(userId: "", name: ""), text: "", mentions: []))
        }
        #expect(log.messages.count == ChatLog.limit && !log.history.isComplete)
    }

    @Test(
        "a message is plain text: control bytes and marks that turn writing are taken out",
        arguments: [
            (" hi ", "hi"), ("a\u{1B}[31mb", "a[31mb"), ("a\u{202E}b", "ab"), ("a\u{0}b\u{7F}", "ab"), ("a\nb", "a\nb"),
            ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ])
    func plainText(text: String, expected: String) throws {
        #expect(try ChatText.checked(text) == expected)
    }

    @Test(
        "an empty message and one that is too long are refused",
        arguments: ["", "  \n ", "\u{1B}\u{7}", String(repeating: "x", count: 2001)])
    func refused(text: String) {
        #expect(throws: GatewayError.self) { try ChatText.checked(text) }
    }

    @Test("mentions are user names after an @ that is no part of an address")
    func mentions() {
        #expect(ChatText.mentions(in: "@ada, ask @Bob-2. mail x@eve.org (@dan)") == ["ada", "bob-2", "dan"])
        #expect(ChatText.mentions(in: (0..<100).map { "@u\($0)" }.joined(separator: " ")).count == 20)
    }
}
