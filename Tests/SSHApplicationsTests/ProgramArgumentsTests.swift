import Testing

@testable import SSHApplications

@Suite struct ProgramArgumentsTests {
    @Test("the client's words are never options, whatever they look like")
    func wordsOfTheClient() throws {
        var arguments = try ProgramArguments(
            ["app", "--service", "http://a", "--service", "http://evil"], ["COPILOT_WORDS": "2"])
        #expect(try arguments.take("--service") == "http://a")
        #expect(try arguments.take("--service") == nil)
        #expect(try arguments.words == ["--service", "http://evil"])
        var bare = try ProgramArguments(["app", "--listen", "22"], ["COPILOT_WORDS": "2"])
        #expect(try bare.take("--listen") == nil)
        #expect(try bare.words == ["--listen", "22"])
    }

    @Test("a forced command has its own options and the client's words")
    func forced() throws {
        var arguments = try ProgramArguments(
            ["app", "--service=http://a"], ["SSH_ORIGINAL_COMMAND": "tail 'my job' --listen 22"])
        #expect(try arguments.take("--listen") == nil)
        #expect(try arguments.take("--service") == "http://a")
        #expect(try arguments.words == ["tail", "my job", "--listen", "22"])
    }

    @Test(
        "a login shell gets the command behind -c, or none",
        arguments: [
            (["app", "-c", "say 'a b'"], ["say", "a b"]), (["-app"], nil),
            (["-app", "-c", "--listen 1"], ["--listen", "1"]),
        ] as [([String], [String]?)])
    func loginShell(command: [String], words: [String]?) throws {
        var arguments = try ProgramArguments(command, [:])
        #expect(try arguments.take("--listen") == nil)
        #expect(try arguments.words == words)
    }

    @Test("by hand options come first, and an unknown one is wrong use")
    func byHand() throws {
        var arguments = try ProgramArguments(["app", "--keys", "f", "tail", "--keys", "g"], [:])
        #expect(try arguments.take("--keys") == "f")
        #expect(try arguments.words == ["tail", "--keys", "g"])
        let other = try ProgramArguments(["app", "--wrong", "x"], [:])
        #expect(throws: ApplicationFailure.self) { try other.words }
        #expect(throws: ApplicationFailure.self) { try ProgramArguments(["app"], ["SSH_ORIGINAL_COMMAND": "'"]) }
    }
}
