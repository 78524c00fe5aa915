import Testing

@testable import Terminal

struct RobustnessTests {
    /// Splits the work over several runs, so that a failure names the seed.
    @Test("no bytes trap, and however they are cut the screen is the same", arguments: 1...8)
    func cuts(seed: Int) {
        let stream = GeneratedStream.garbage(seed: UInt64(seed), count: 260_000)
        var random = SplitMix64(state: UInt64(seed))
        let columns = Int.random(in: 2...90, using: &random)
        let rows = Int.random(in: 1...30, using: &random)
        var whole = Screen(columns: columns, rows: rows, scrollbackLimit: 50)
        var cut = whole
        whole.feed(stream)
        var index = 0
        while index < stream.count {
            let end = min(stream.count, index + Int.random(in: 1...20, using: &random))
            cut.feed(stream[index..<end])
            index = end
        }
        #expect(whole.difference(from: cut) == nil)
        #expect(whole.takeResponses() == cut.takeResponses())
        #expect(whole.takeEvents() == cut.takeEvents())
    }

    @Test("noise of all byte values traps nothing while the size changes")
    func noise() {
        var random = SplitMix64(state: 99)
        var noisy = Screen(columns: 40, rows: 10, scrollbackLimit: 20)
        for _ in 0..<2000 {
            noisy.feed((0..<100).map { _ in UInt8.random(in: 0...255, using: &random) })
            noisy.resize(
                columns: Int.random(in: -1...100, using: &random), rows: Int.random(in: -1...50, using: &random))
            #expect(noisy.text.count == noisy.rows)
        }
    }

    @Test("an endless string keeps its first four KiB")
    func endless() {
        var fed = screen("\u{1B}]2;")
        for _ in 0..<1000 { fed.feed(Array(repeating: 0x61, count: 1000)) }
        #expect(fed.parser.string.count <= Parser.stringLimit + 4)
        fed.feed([0x07])
        #expect(fed.title == String(repeating: "a", count: 256))
    }

    @Test("endless parameters and intermediates keep nothing", arguments: [";", "1", ":", " ", "?"])
    func endlessParameters(character: String) {
        var fed = screen("\u{1B}[")
        fed.feed(String(repeating: character, count: 100_000).utf8)
        #expect(fed.parser.pending.count <= Parser.introductionLimit + 1)
        #expect(fed.parser.parameters.count <= Parameters.countLimit)
        fed.feed("mok".utf8)
        #expect(fed.text[0] == "ok")
    }
}
