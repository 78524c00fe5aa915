import SFTP
import Testing

/// Patterns of names, as glob(7) has them.
struct GlobPatternTests {
    private func fits(_ pattern: String, _ name: String) -> Bool {
        GlobPattern(Array(pattern.utf8)).matches(Array(name.utf8))
    }

    @Test("stars take any text, question marks one character, sets one of theirs")
    func wildcards() {
        #expect(fits("*", "a") && fits("*.c", "a.c") && fits("a*b*c", "axxbyyc") && fits("*a", "ba"))
        #expect(!fits("*.c", "a.h") && !fits("a*b", "ac") && !fits("?", "ab") && !fits("?", ""))
        #expect(fits("a?c", "abc") && fits("?", "漢") && fits("[a-c]x", "bx") && !fits("[a-c]x", "dx"))
        #expect(fits("[!a]x", "bx") && !fits("[^a]x", "ax") && fits("[]a]", "]") && fits("[!漢]", "字"))
        #expect(fits("[a-]", "-") && fits("[\\]]", "]"))
    }

    @Test("a backslash takes a byte's meaning away, and what nothing closes means itself")
    func literals() {
        #expect(fits("\\*", "*") && !fits("\\*", "a") && fits("a\\", "a\\") && fits("[ab", "[ab"))
        #expect(GlobPattern(Array("a\\*b".utf8)).literal == Array("a*b".utf8))
        #expect(!GlobPattern(Array("a\\*b".utf8)).isPattern && GlobPattern(Array("a*".utf8)).isPattern)
        for name in ["*?[x]\\", "plain", "[", "漢"] {
            #expect(GlobPattern(GlobPattern.escaped(Array(name.utf8))).literal == Array(name.utf8))
        }
    }

    @Test("a hidden name is meant only by a pattern that spells its dot")
    func hidden() {
        #expect(!fits("*", ".x") && !fits("?x", ".x") && !fits("[.]x", ".x") && fits(".*", ".x"))
    }

    @Test("no pattern takes long on any name", .timeLimit(.minutes(1)))
    func manyStars() {
        let pattern = String(repeating: "a*", count: 200) + "b"
        #expect(!fits(pattern, String(repeating: "a", count: 20_000)))
    }
}
