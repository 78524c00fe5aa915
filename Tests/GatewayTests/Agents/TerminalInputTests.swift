import Testing

@testable import Gateway

struct TerminalInputTests {
    @Test("a line feed is sent as Enter, and keys have their names")
    func bytes() throws {
        #expect(try TerminalInput(input: "ls\n").bytes() == Array("ls\r".utf8))
        #expect(
            try TerminalInput(keys: ["C-c", "Up", "Enter", "M-x", "q"]).bytes() == [3, 27, 91, 65, 13, 27, 120, 113])
        #expect(throws: GatewayError.self) { try TerminalInput(keys: ["Hyper-9"]).bytes() }
        #expect(throws: GatewayError.self) { try TerminalInput(input: String(repeating: "x", count: 70_000)).bytes() }
    }

    @Test("nothing waits for the echo of its own words")
    func echo() throws {
        var scan = TerminalScan(
            mark: TypingMark(line: 3, prefix: "p$ ", offset: 0), typed: ["sleep 2; echo done"],
            pattern: try WaitPattern(.literal("done")))
        scan.read(TerminalText(first: 3, lines: [], count: 3, partial: "p$ sleep 2; echo do", isAlternate: false))
        #expect(scan.matched == nil)
        scan.read(TerminalText(first: 3, lines: [], count: 3, partial: "p$ sleep 2; echo done", isAlternate: false))
        #expect(scan.matched == nil)
        scan.read(
            TerminalText(first: 3, lines: ["p$ sleep 2; echo done"], count: 4, partial: "", isAlternate: false))
        #expect(scan.matched == nil)
        scan.read(TerminalText(first: 4, lines: ["done"], count: 5, partial: "p$ ", isAlternate: false))
        #expect(scan.matched == "done")
    }

    @Test("each of several typed lines is taken for its echo once, wherever it comes")
    func severalLines() {
        var filter = EchoFilter(["cat", "hello"])
        #expect(filter.finished("p$ cat") == "p$ ")
        #expect(filter.finished("hello") == "")
        #expect(filter.finished("hello") == "hello")
    }

    @Test("a pattern that no time can serve is refused, and one that may be slow elsewhere is not slow here")
    func linear() throws {
        let pattern = try WaitPattern(.pattern("(a|a)+b"))
        let clock = ContinuousClock()
        let time = clock.measure { #expect(pattern.match(in: String(repeating: "a", count: 10_000)) == nil) }
        #expect(time < .seconds(3))
        #expect(throws: GatewayError.self) { try WaitPattern(.pattern("(a)\\1")) }
        #expect(throws: GatewayError.self) { try WaitPattern(.pattern("(")) }
    }
}

struct TypedLineTests {
    @Test("a command in pieces is judged as a whole")
    func pieces() {
        var line = TypedLine()
        #expect(line.type(Array("rm -rf".utf8)).isEmpty)
        #expect(line.type(Array(" /\r".utf8)) == ["rm -rf /"])
        #expect(line.type(Array("ls\rid\r".utf8)) == ["ls", "id"])
    }

    @Test("corrections are followed, and ^C and ^U empty the line")
    func corrections() {
        var line = TypedLine()
        #expect(line.type(Array("lsx\u{7F}\r".utf8)) == ["ls"])
        #expect(line.type(Array("rm x\u{3}ls\r".utf8)) == ["ls"])
        #expect(line.type(Array("rm x\u{15}id\r".utf8)) == ["id"])
    }

    @Test(
        "a line from the history, by completion or with others' keys is not known",
        arguments: ["\u{1B}[A\r", "rm\t\r", "\u{12}r\r"])
    func unknown(keys: String) {
        var line = TypedLine()
        #expect(line.type(Array(keys.utf8)) == [nil])
    }

    @Test("what others typed meanwhile makes the line unknown")
    func others() {
        var line = TypedLine()
        _ = line.type(Array("ls".utf8))
        line.touchedByOthers()
        #expect(line.type([0x0D]) == [nil])
    }
}

struct TerminalProbeTests {
    private func probe(_ modes: String, _ rows: String) -> WaitingView? {
        TerminalProbe("speed 38400 baud; rows 24;\n\(modes)\n===\n\(rows)\n")?.waiting(prompt: "Password:")
    }

    @Test("the tty tells a prompt, a password, a line, a full-screen program and work apart")
    func kinds() {
        let shell = " 10 10 %@ Ss   do_sel bash\n"
        #expect(probe("-icanon -echo", shell.replacing("%@", with: "10"))?.kind == "prompt")
        let sudo = shell.replacing("%@", with: "20") + " 20 20 20 S+ wait_w sudo\n"
        #expect(probe("icanon -echo", sudo)?.kind == "password")
        #expect(probe("icanon echo", sudo)?.kind == "line")
        #expect(probe("-icanon -echo", shell.replacing("%@", with: "30") + " 30 30 30 S+ - vim\n")?.kind == "raw")
        #expect(probe("icanon echo", shell.replacing("%@", with: "40") + " 40 40 40 R+ - yes\n")?.kind == "none")
        #expect(probe("-icanon -echo", sudo)?.foreground == "sudo")
        #expect(probe("icanon -echo", shell.replacing("%@", with: "10"))?.kind == "password", "bash's own read -s")
        #expect(probe("icanon echo", shell.replacing("%@", with: "10"))?.kind == "line", "bash's own read")
        #expect(probe("icanon echo", " 10 10 10 Ss+ wait_w sh\n")?.kind == "prompt", "dash edits no line")
    }

    @Test("a host without stty or ps gives no answer, and the screen alone is called a guess")
    func missing() {
        #expect(TerminalProbe("sh: stty: not found\n") == nil)
        let text = TerminalText(first: 0, lines: [], count: 0, partial: "[sudo] password for ada:", isAlternate: false)
        let guess = TerminalProbe.guess(text)
        #expect(guess.kind == "password" && guess.confidence == "heuristic")
    }
}
