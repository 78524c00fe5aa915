import Testing

@testable import SSHTools

/// Words of a line at the prompt of sftp.
struct CommandWordsTests {
    private func words(_ line: String) throws -> [String] { try CommandWords.split(line).map(\.text) }

    @Test("blanks part words, and quotes and backslashes keep them together")
    func splitting() throws {
        #expect(try words("get  a\tb ") == ["get", "a", "b"])
        #expect(try words(#"get "a b" c\ d 'e "f"'"#) == ["get", "a b", "c d", #"e "f""#])
        #expect(try words(#"put a"b c"d"#) == ["put", "ab cd"])
        #expect(try words(#"ls """#) == ["ls", ""])
    }

    @Test("within quotes a backslash means itself, unless it stands before that quote or a backslash")
    func backslashes() throws {
        #expect(try words(#""a\"b" 'a\'b' "a\'b" "a\\b" "a\nb""#) == [#"a"b"#, "a'b", #"a\'b"#, #"a\b"#, #"a\nb"#])
    }

    @Test("a # begins a comment, also within a word, and not within quotes")
    func comments() throws {
        #expect(try words("ls # all") == ["ls"])
        #expect(try words("ls a#b") == ["ls", "a"])
        #expect(try words(##"ls "a#b" c\#d"##) == ["ls", "a#b", "c#d"])
    }

    @Test("what is quoted is no pattern")
    func patterns() throws {
        let found = try CommandWords.split(#"get *.txt "*.txt" a\*b[1]"#).map {
            String(decoding: $0.pattern, as: UTF8.self)
        }
        #expect(found == ["get", "*.txt", #"\*.txt"#, #"a\*b[1]"#])
    }

    @Test(
        "a quote that is not closed and a backslash at the end are told",
        arguments: [#"get "a"#, "get 'a b", #"get a\"#])
    func unfinished(line: String) {
        #expect(throws: CommandLineError.self) { try CommandWords.split(line) }
    }

    @Test("a line that is not finished knows where its last word begins and which quote is open")
    func unfinishedWords() {
        let open = CommandWords(Array(#"get "my fi"#.utf8))
        #expect(open.words.map(\.text) == ["get", "my fi"])
        #expect(open.lastStart == 4)
        #expect(open.openQuote == UInt8(ascii: "\""))
        #expect(!CommandWords(Array("get ".utf8)).endsInWord)
    }
}
