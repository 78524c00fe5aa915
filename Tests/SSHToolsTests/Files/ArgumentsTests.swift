import SFTP
import Testing

@testable import SSHTools

/// Command lines of `copilot sftp` and `copilot scp`.
struct ArgumentsTests {
    @Test("letters stand together or apart, with their values behind them or in the next word")
    func spellings() throws {
        for words in [
            ["-P2222", "-oA=b", "-vvr", "h"], ["-P", "2222", "-o", "A=b", "-v", "-v", "-r", "h"],
            ["h", "-rvvP2222", "-oA=b"],
        ] {
            let parsed = try SFTPArguments(words)
            #expect(parsed.host.port == 2222 && parsed.host.options == ["A=b"] && parsed.host.verbosity == 2)
            #expect(parsed.prompt.isRecursive && parsed.destination.destination == "h")
        }
    }

    @Test("sftp's destination may name a path and a port")
    func destinations() throws {
        let colon = try SFTPArguments(["ada@h:/srv", "here"])
        #expect(colon.destination.destination == "ada@h" && colon.path == "/srv" && colon.target == "here")
        let url = try SFTPArguments(["sftp://ada@h:2222/srv"])
        #expect(url.destination == CopyHost(destination: "ada@h", port: 2222) && url.path == "srv")
        #expect(try SFTPArguments(["h"]).path == nil)
        for words in [[], ["a/b"], ["h", "x", "y"], ["-Z", "h"], ["-P", "x", "h"], ["-P"]] {
            #expect(throws: Failure.self) { try SFTPArguments(words) }
        }
    }

    @Test("a batch asks nobody and is quiet, unless -N says otherwise")
    func batch() throws {
        let quiet = try SFTPArguments(["-b", "-", "h"])
        #expect(quiet.batchFile == "-" && quiet.prompt.isQuiet && !quiet.prompt.showsProgress)
        #expect(quiet.host.options == ["BatchMode=yes"])
        #expect(try !SFTPArguments(["-N", "-b", "f", "h"]).prompt.isQuiet)
    }

    @Test("limits are OpenSSH's: Kbit/s, bytes of a request, requests")
    func limits() throws {
        let parsed = try SFTPArguments(["-l", "800", "-B", "4096", "-R", "8", "h"])
        #expect(parsed.flight == .init(bytesPerSecond: 102_400, bytesPerRequest: 4096, requests: 8))
        #expect(try SFTPArguments(["-X", "nrequests=8", "-Xbuffer=4096", "h"]).flight.requests == 8)
        #expect(try SCPArguments(["-l800", "a", "h:"]).copy.bytesPerSecond == 102_400)
    }

    @Test("scp takes several sources and a target, and --resume anywhere")
    func copies() throws {
        let parsed = try SCPArguments(["-rpO3q", "a", "h:b", "--resume", "i:c"])
        #expect(parsed.copy.isRecursive && parsed.copy.preserves && parsed.copy.usesOldProtocol && parsed.copy.resumes)
        #expect(parsed.copy.isQuiet && parsed.sources.count == 2)
        #expect(parsed.target == .remote(CopyHost(destination: "i"), path: "c"))
        #expect(try SCPArguments(["--", "-a", "h:"]).sources == [.local("-a")])
        for words in [["a"], [], ["-R", "a", "h:"], ["--wrong", "a", "h:"]] {
            #expect(throws: Failure.self) { try SCPArguments(words) }
        }
    }
}
