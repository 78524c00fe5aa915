import Testing

@testable import SSHTools

@Suite("The words of copilot ssh")
struct SSHCommandLineTests {
    @Test("a value stands in the same word or the next one")
    func values() throws {
        #expect(try SSHCommandLine(["-p22", "web"]).request.port == 22)
        #expect(try SSHCommandLine(["-p", "22", "web"]).request.port == 22)
        #expect(try SSHCommandLine(["-oPort=3", "-o", "User=ada", "web"]).request.options == ["Port=3", "User=ada"])
    }

    @Test("flags stand together, the last of them with its value")
    func cluster() throws {
        let line = try SSHCommandLine(["-NL", "8080:db:80", "web"])
        #expect(line.request.options == ["SessionType=none", "LocalForward 8080 [db]:80"])
        #expect(try SSHCommandLine(["-vvv", "web"]).request.verbosity == 3)
    }

    @Test("options may follow the host; the first other word begins the command, which keeps its own options")
    func behindTheHost() throws {
        let line = try SSHCommandLine(["web", "-p", "22", "ls", "-l", "-p"])
        #expect(line.request.destination == "web")
        #expect(line.request.port == 22)
        #expect(line.command == ["ls", "-l", "-p"])
    }

    @Test("two dashes end the options, before and behind the host")
    func dashes() throws {
        #expect(try SSHCommandLine(["-v", "--", "web", "--", "-x"]).command == ["-x"])
    }

    @Test("-t once asks for a terminal, twice forces it, and -T takes both back")
    func terminals() throws {
        #expect(try SSHCommandLine(["-t", "web"]).request.options == ["RequestTTY=yes"])
        #expect(try SSHCommandLine(["-tt", "web"]).request.options == ["RequestTTY=force"])
        #expect(try SSHCommandLine(["-t", "-T", "web"]).request.options == ["RequestTTY=no"])
    }

    @Test("what a letter says counts before what -o says, whatever their order")
    func precedence() throws {
        #expect(
            try SSHCommandLine(["-oForwardAgent=no", "-A", "web"]).request.options
                == ["ForwardAgent=yes", "ForwardAgent=no"])
    }

    @Test("-W leads standard input and output somewhere, and nothing else is forwarded")
    func streams() throws {
        let line = try SSHCommandLine(["-W", "[::1]:22", "web"])
        #expect(line.standardStreamsTarget == "[::1]:22")
        #expect(line.request.options.contains("ClearAllForwardings=yes"))
    }

    @Test("--reuse has a time, or its usual one")
    func reuse() throws {
        #expect(try SSHCommandLine(["--reuse", "web"]).reuseSeconds == 600)
        #expect(try SSHCommandLine(["--reuse=5", "web"]).reuseSeconds == 5)
        #expect(try SSHCommandLine(["web"]).reuseSeconds == nil)
    }

    @Test("help and version need no host")
    func withoutHost() throws {
        #expect(try SSHCommandLine(["--help"]).task == .help)
        #expect(try SSHCommandLine(["-V"]).task == .version)
        #expect(try SSHCommandLine(["-Q", "cipher"]).task == .listAlgorithms("cipher"))
    }

    @Test(
        "what cannot be done is refused with a sentence, and status 255",
        arguments: [
            [], ["-p"], ["-p", "0", "web"], ["-p", "99999", "web"], ["-1", "web"], ["-K", "web"], ["-w", "0:0", "web"],
            ["-M", "web"], ["-O", "exit", "web"], ["-S", "/tmp/x", "web"], ["-L", "nonsense", "web"], ["-?"],
            ["--nonsense", "web"], ["-W", "web", "web"], ["-J", "a", "-J", "b", "web"], ["--reuse=x", "web"],
        ])
    func refused(_ words: [String]) {
        let failure = #expect(throws: Failure.self) { try SSHCommandLine(words) }
        #expect(failure?.status == .connection)
        #expect(failure?.sentence.isEmpty == false)
    }
}
