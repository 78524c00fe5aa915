import Testing

@testable import Gateway

struct AgentWordsTests {
    @Test("what hides or turns something is written out, and words stay words")
    func marked() {
        #expect(VisibleText.marked("naïve – 日本語\n\tок") == "naïve – 日本語\n\tок")
        #expect(
            VisibleText.marked("a\u{1B}[31mb\u{202E}c\u{200B}d\u{E0041}e\u{3164}\r")
                == #"a\u{1b}[31mb\u{202e}c\u{200b}d\u{e0041}e\u{3164}\u{d}"#)
    }

    @Test("an error on its way to an agent shows no secret and no control character, in its details neither")
    func errors() {
        let token = "ghp_" + "Ab3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"
        let error = AgentService.words(
            of: GatewayError(
                "x", status: 502, "The host said: \u{1B}[2J\(token)", hint: "See \(token).",
                details: ["a": .object(["b": .array([.string("\u{202E}\(token)"), .integer(3)])])]))
        let everything = "\(error.error) \(error.hint) \(error.details)"
        #expect(!everything.contains("ghp_") && !everything.contains("\u{1B}") && !everything.contains("\u{202E}"))
        #expect(error.code == "x" && error.status == 502 && error.error.contains("redacted"))
    }
}
