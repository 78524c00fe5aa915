import Foundation
import SSHApplications
import Testing

@Suite struct ShellWordsTests {
    @Test(
        "a line is taken apart as a shell does it",
        arguments: [
            ("", []), ("   \t ", []), ("a", ["a"]), (" a  b\tc\n", ["a", "b", "c"]), ("''", [""]),
            ("a '' b", ["a", "", "b"]),
            (#"'a b' c"#, ["a b", "c"]), (#""a b"c"#, ["a bc"]), (#"a'b'"c"d"#, ["abcd"]), (#"a\ b"#, ["a b"]),
            (#"'a\'b"#, [#"a\b"#]), (#""a\"b""#, [#"a"b"#]), (#""a\nb""#, [#"a\nb"#]), (#""\$\`\\""#, [#"$`\"#]),
            ("a\\\nb", ["ab"]), ("\"a\\\nb\"", ["ab"]), ("'a\\\nb'", ["a\\\nb"]), (#"\'"#, ["'"]), (#""'""#, ["'"]),
            (#"'"'"#, ["\""]), ("käse größe", ["käse", "größe"]),
        ] as [(String, [String])])
    func parse(line: String, words: [String]) throws {
        #expect(try ShellWords.parse(line) == words)
    }

    @Test(
        "what a shell would expand or obey stays as it is",
        arguments: ["$HOME", "$(id)", "`id`", "a;b", "a|b", "a&b", ">x", "*", "~", "{a,b}", "#x", "!x", "a\\;b"])
    func noExpansion(word: String) throws {
        #expect(try ShellWords.parse(word) == [word.replacingOccurrences(of: "\\", with: "")])
    }

    @Test(
        "a line that is not whole is refused with its reason",
        arguments: [
            ("'a", .openSingleQuote), ("a 'b c", .openSingleQuote), ("\"a", .openDoubleQuote),
            ("\"a\\\"", .openDoubleQuote), ("a\\", .openEscape), ("\"a\\", .openEscape), ("a\0b", .nul),
        ] as [(String, ShellWordsError.Code)])
    func errors(line: String, code: ShellWordsError.Code) {
        let error = #expect(throws: ShellWordsError.self) { try ShellWords.parse(line) }
        #expect(error?.code == code && error?.hint.isEmpty == false)
    }

    @Test("bytes that are no text come through")
    func bytes() throws {
        #expect(try ShellWords.parse(bytes: [0x61, 0xff, 0x20, 0x27, 0xfe, 0x27]) == [[0x61, 0xff], [0xfe]])
    }

    @Test(
        "what is quoted is read back, by us and by a real shell",
        arguments: ["", "a", "a b", "it's", "'", "\"", "\\", "$HOME", "`id`", "a\nb", "-n", "#", "~", "*", "ä ö", "!!"])
    func quote(word: String) throws {
        let quoted = ShellWords.quote(word)
        #expect(try ShellWords.parse(quoted) == [word])
        #expect(try shell(quoted) == [word])
    }

    @Test("we and a real shell take the same lines apart alike", arguments: 0..<40)
    func sameAsShell(seed: UInt64) throws {
        var generator = Sequence64(state: seed &* 0x9E37_79B9_7F4A_7C15 | 1)
        let letters = Array("ab '\"\\\t")
        let line = String((0..<12).map { _ in letters[Int(generator.next() % UInt64(letters.count))] })
        guard let words = try? ShellWords.parse(line) else { return }
        #expect(try shell(line) == words)
    }

    /// The words that sh finds, each with a zero byte behind it.
    private func shell(_ line: String) throws -> [String] {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "printf '%s\\0' x \(line)"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return output.split(separator: 0, omittingEmptySubsequences: false).dropFirst().dropLast()
            .map { String(decoding: $0, as: UTF8.self) }
    }
}

/// The same numbers at each run (splitmix64).
struct Sequence64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
