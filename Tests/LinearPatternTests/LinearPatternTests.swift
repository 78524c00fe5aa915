import Testing

@testable import LinearPattern

struct LinearPatternTests {
    @Test(
        "of several matches the one is taken that Perl and JavaScript take",
        arguments: [
            ("a|ab", "xab", "a"), ("a+", "baaa", "aaa"), ("a+?", "baaa", "a"), ("a*", "baaa", ""),
            ("(a|b)*c", "xababc", "ababc"),
            ("[0-9]{2,3}", "1 12345", "123"), ("[0-9]{2,3}?", "1 12345", "12"), ("x{3}", "xxxx", "xxx"),
            ("x{2,}", "xxxx", "xxxx"),
            ("h.llo", "say héllo hello", "héllo"), ("[^a-z]+", "abcDEF1", "DEF1"), ("\\d+\\s\\w+", "at 10 km", "10 km"),
            ("(?i)ERROR", "an Error", "Error"), ("(?i)straße|Ä", "ä", "ä"), ("[[:digit:]]+", "a42", "42"),
            ("\\bfoo\\b", "food foo", "foo"), ("\\Bo", "oo", "o"), ("\\Q[x].*\\E!", "a[x].*!", "[x].*!"),
            ("\\x41\\u0042\\x{1F600}", "AB😀", "AB😀"), ("\\p{Lu}+", "abÄÖc", "ÄÖ"), ("[\\P{L}]+", "ab12c", "12"),
            ("(?<name>ab)+", "xabab", "abab"), ("a{", "a{", "a{"), ("a{,2}b", "aab", "aab"), ("[]a]+", "]a]", "]a]"),
            ("[a\\-z]+", "b-a", "-a"), ("(?s)a.b", "a\nb", "a\nb"), ("\\R", "a\r\nb", "\r\n"), ("()*x", "x", "x"),
            ("(a*)*b", "aab", "aab"), ("(?i:a)B", "AB aB", "AB"), ("a(?i)b", "aB", "aB"), ("[^\\D]", "x7", "7"),
        ])
    func matches(pattern: String, text: String, expected: String) throws {
        let range = try #require(try LinearPattern(pattern).firstMatch(in: text))
        #expect(text[range] == expected)
    }

    @Test(
        "what is not there is not found",
        arguments: [
            ("a.c", "a\nc"), ("^b", "a\nb"), ("a$", "a\nb"), ("\\bfoo\\b", "food"), ("[a-c]", "xyz"), ("(?i)[^a]", "A"),
            ("x{3}", "xx"),
            ("\\d", "٣"), ("[^\\s]", " \n"),
        ])
    func misses(pattern: String, text: String) throws {
        #expect(try LinearPattern(pattern).firstMatch(in: text) == nil)
    }

    @Test("lines have anchors of their own when asked for")
    func lines() throws {
        let pattern = try LinearPattern("^b$", anchorsMatchAtLines: true)
        #expect(pattern.firstMatch(in: Array("a\nb\nc".utf8)) == 2..<3)
        #expect(pattern.firstMatch(in: Array("a\nb\r\nc".utf8)) == 2..<3)
        #expect(try LinearPattern("(?m)^$").firstMatch(in: Array("a\n\nb".utf8)) == 2..<2)
    }

    @Test(
        "what linear time cannot serve is refused with a hint",
        arguments: [
            "(a)\\1", "(?=x)", "(?!x)", "(?<=x)", "(?<!x)", "(?>x)", "a++", "(?R)", "(?P=n)", "\\k<n>", "(?1)",
            "(?(1)a|b)",
        ])
    func notLinear(pattern: String) {
        let error = #expect(throws: LinearPatternError.self) { try LinearPattern(pattern) }
        #expect(error?.code == "pattern_not_linear")
        #expect(error?.hint.isEmpty == false)
    }

    @Test(
        "what is no pattern is refused, with its place",
        arguments: [
            ("a(", 1), ("a)", 1), ("[a", 0), ("*a", 0), ("a**", 2), ("\\", 0), ("[z-a]", 4), ("a{3,1}", 1),
            ("\\xZ1", 0), ("\\p{Foo}", 0),
            ("a|?", 2), ("(?z)a", 0), ("{2}", 0), ("\\i", 0), ("a{2000}", 1), ("\\u{110000}", 0),
        ])
    func bad(pattern: String, offset: Int) {
        let error = #expect(throws: LinearPatternError.self) { try LinearPattern(pattern) }
        #expect(error?.code == "bad_pattern")
        #expect(error?.offset == offset)
    }

    @Test(
        "a pattern that would be huge is refused at once",
        arguments: [
            String(repeating: "a", count: 3000), "(a{1000}){1000}", "((((){1000}){1000}){1000}){1000}",
            "(((a?){1000}){1000}){1000}",
        ])
    func tooLarge(pattern: String) {
        let error = #expect(throws: LinearPatternError.self) { try LinearPattern(pattern) }
        #expect(error?.code == "pattern_too_large")
    }

    @Test("groups may not lie in each other without end")
    func deep() {
        let pattern = String(repeating: "(", count: 500) + String(repeating: ")", count: 500)
        #expect(throws: LinearPatternError.self) { try LinearPattern(pattern) }
    }

    @Test(
        "patterns that make other matchers run for years end at once",
        arguments: ["(a|a)+b", "(a+)+b", "(a*)*b", "(a|aa)+$x", "a?{0}(a?){30}a{30}b"])
    func noBacktracking(pattern: String) throws {
        guard let pattern = try? LinearPattern(pattern) else { return }
        let text = [UInt8](repeating: UInt8(ascii: "a"), count: 10_000)
        let start = ContinuousClock.now
        #expect(pattern.firstMatch(in: text) == nil)
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test("a literal's signs mean themselves")
    func literal() throws {
        let pattern = try LinearPattern(literal: "$(x).*[a]")
        #expect(pattern.firstMatch(in: Array("a $(x).*[a]".utf8)) == 2..<11)
    }

    @Test("bytes that are no UTF-8 are one unknown character each, and offsets stay those of the bytes")
    func broken() throws {
        #expect(try LinearPattern("a.b").firstMatch(in: [0xFF, 0x61, 0xFE, 0x62]) == 1..<4)
        #expect(try LinearPattern("a.b").firstMatch(in: [0x61, 0xE2, 0x82, 0x62]) == 0..<4)
        #expect(try LinearPattern("b").firstMatch(in: [0xE2, 0x82, 0x62]) == 2..<3)
        #expect(try LinearPattern("^..$").firstMatch(in: [0xED, 0xA0]) == 0..<2)
    }
}

struct SearchTests {
    @Test("a text in pieces of any size has the match that it has as a whole")
    func pieces() throws {
        let text = Array("log: 17 € in total, error: disk voll – ende\nprompt$ ".utf8)
        for source in ["error: \\w+", "€", "\\d+ €", "voll.*", "prompt\\$ $", "(?m)^prompt", "\\bende\\b", "x*"] {
            let pattern = try LinearPattern(source)
            let whole = pattern.firstMatch(in: text)
            for size in 1...7 {
                var search = LinearPattern.Search(for: pattern)
                for start in stride(from: 0, to: text.count, by: size) {
                    search.feed(text[start..<min(text.count, start + size)])
                }
                #expect(search.finish() == whole, "\(source) in pieces of \(size)")
            }
        }
    }

    @Test("a match is known as soon as it is there, and grows while it can")
    func early() throws {
        var search = LinearPattern.Search(for: try LinearPattern("ab+"))
        search.feed("xa".utf8)
        #expect(search.match == nil)
        search.feed("b".utf8)
        #expect(search.match == 1..<3)
        search.feed("b".utf8)
        #expect(search.match == 1..<4)
        search.feed("c bb".utf8)
        #expect(search.match == 1..<4)
    }

    @Test("a prompt at the end of what is there is found without ending the search")
    func prompt() throws {
        var search = LinearPattern.Search(for: try LinearPattern("\\$ $"))
        search.feed("cost: 5$ and more".utf8)
        #expect(search.match == nil)
        #expect(search.matchAtEnd == nil)
        search.feed("\nhost$ ".utf8)
        #expect(search.match == nil)
        #expect(search.matchAtEnd == 22..<24)
        search.feed("ls".utf8)
        #expect(search.matchAtEnd == nil)
    }
}
