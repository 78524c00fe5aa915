import NIOCore
import SSH
import SSHApplications
import Testing

@Suite struct ApplicationVisitTests {
    private func serve(
        _ streams: TestStreams, _ body: @escaping @Sendable (ApplicationVisit) async throws -> CommandResult.Exit
    ) async -> CommandResult.Exit {
        await ApplicationVisit(streams).serve(by: ApplicationClosure(body), name: "app")
    }

    @Test(
        "wrong use, refusal and temporary failure differ in words and in status",
        arguments: [
            (
                ApplicationFailure.usage("What?", hint: "Say a word."), UInt32(64),
                "app: wrong use: What?\n  Say a word.\n"
            ),
            (.refused("No.", hint: "Ask Ada."), 77, "app: refused: No.\n  Ask Ada.\n"),
            (.temporary("Busy.", hint: "Wait."), 75, "app: not now: Busy.\n  Wait.\n"),
        ])
    func failures(failure: ApplicationFailure, status: UInt32, words: String) async {
        let streams = TestStreams()
        #expect(await serve(streams) { _ in throw failure } == .status(status))
        #expect(streams.errors == words && streams.output == "")
    }

    @Test("an unforeseen error has the status 70 and tells nothing of itself")
    func fault() async {
        struct Secret: Error { var word = "hunter2" }
        let streams = TestStreams()
        #expect(await serve(streams) { _ in throw Secret() } == .status(70))
        #expect(!streams.errors.contains("hunter2"))
    }

    @Test("what a client named is harmless in an error")
    func neutralised() async {
        let streams = TestStreams()
        _ = await serve(streams) { _ in throw ApplicationFailure.usage("No \u{1b}]0;x\u{7}.", hint: "") }
        #expect(!streams.errors.contains("\u{1b}") && !streams.errors.contains("\u{7}"))
    }

    @Test("a line ends as its reader needs it")
    func lineEnds() async throws {
        let (plain, terminal) = (TestStreams(), TestStreams(terminal: TestStreams.terminal))
        for streams in [plain, terminal] {
            try await ApplicationVisit(streams).print("a\nb")
            try await ApplicationVisit(streams).printError("c")
        }
        #expect(plain.output == "a\nb\n" && plain.errors == "c\n")
        #expect(terminal.output == "a\r\nb\r\nc\r\n" && terminal.errors == "")
    }

    @Test("lines are read without a terminal, also when they come in pieces, and the last needs no end")
    func plainLines() async throws {
        let visit = ApplicationVisit(TestStreams(["on", "e\r\ntwo\n\nth", "ree"]))
        #expect(try await visit.readLine() == "one")
        #expect(try await visit.readLine() == "two")
        #expect(try await visit.readLine() == "")
        #expect(try await visit.readLine() == "three")
        #expect(try await visit.readLine() == nil)
    }

    @Test("what was typed ahead is the next line, and a secret is not shown")
    func typedAhead() async throws {
        let streams = TestStreams(["ada\rhunter2\rrest"], terminal: TestStreams.terminal)
        let visit = ApplicationVisit(streams)
        #expect(try await visit.readLine("Name: ") == "ada")
        #expect(try await visit.readLine("Password: ", isSecret: true) == "hunter2")
        #expect(try await visit.read()?.readableBytes == 4)
        #expect(streams.output.contains("ada") && !streams.output.contains("hunter2"))
    }

    @Test("Ctrl-C at a question ends the visit as it ends a shell's command")
    func interrupted() async {
        let streams = TestStreams(["ab\u{3}"], terminal: TestStreams.terminal)
        let exit = await serve(streams) { visit in
            _ = try await visit.readLine("? ")
            return .status(0)
        }
        #expect(exit == .status(130))
    }

    @Test("Ctrl-C stops what reads nothing")
    func interruptible() async {
        let streams = TestStreams(["x", "\u{3}"], terminal: TestStreams.terminal, endsInput: false)
        let exit = await serve(streams) { visit in
            try await visit.interruptible { try await Task.sleep(for: .seconds(3600)) }
            return .status(0)
        }
        #expect(exit == .status(130))
    }

    @Test("what ends by itself is not held up by a silent person")
    func interruptibleEnds() async throws {
        let visit = ApplicationVisit(TestStreams(terminal: TestStreams.terminal, endsInput: false))
        #expect(try await visit.interruptible { 7 } == 7)
    }

    @Test("the terminal is given back whatever happens on the full screen", arguments: [true, false])
    func fullScreen(fails: Bool) async {
        let streams = TestStreams(["q"], terminal: TestStreams.terminal, endsInput: false)
        let exit = await serve(streams) { visit in
            try await visit.fullScreen { screen in
                for await event in screen.events where event == .key(.character("q")) {
                    if fails { throw ApplicationFailure.temporary("Broken.") }
                    return
                }
            }
            return .status(0)
        }
        #expect(exit == .status(fails ? 75 : 0))
        #expect(streams.output.hasPrefix("\u{1b}[?1049h"))
        #expect(streams.output.contains("\u{1b}[?25h\u{1b}[?1049l"))
    }

    @Test("a visit that is cancelled on the full screen still gives the terminal back")
    func cancelledFullScreen() async {
        let streams = TestStreams(terminal: TestStreams.terminal, endsInput: false)
        let (drawn, sink) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            try await ApplicationVisit(streams).fullScreen { screen in
                sink.finish()
                for await _ in screen.events {}
            }
        }
        for await _ in drawn {}
        task.cancel()
        _ = await task.result
        #expect(streams.output.hasSuffix("\u{1b}[?1049l"))
    }

    @Test("a full screen without a terminal is wrong use, and says what to do")
    func noTerminal() async {
        let streams = TestStreams()
        let exit = await serve(streams) { visit in try await visit.fullScreen { _ in .status(0) } }
        #expect(exit == .status(64) && streams.errors.contains("ssh -t"))
    }
}
