import Terminal
import Testing

@testable import Gateway

@Suite("What was run, for whoever takes over")
struct CommandJournalTests {
    /// A shell that echoes, as bytes.
    private struct Shell {
        var screen = Screen(columns: 40, rows: 10, scrollbackLimit: 100)
        var journal = CommandJournal()
        var time: Int64 = 0

        mutating func host(_ text: String) {
            time += 1000
            screen.feed(text.utf8)
            journal.observe(screen.takeEvents(), at: time, on: screen)
        }

        mutating func types(_ text: String, echoes: Bool = true) {
            for character in text {
                journal.typed(String(character).utf8, by: "Ada", at: time, on: screen)
                if echoes { host(character == "\r" ? "\r\n" : String(character)) }
            }
        }
    }

    @Test("a line that the host echoed behind its prompt is a command")
    func typed() {
        var shell = Shell()
        shell.host("e2e$ ")
        shell.types("uptime -p\r")
        #expect(shell.journal.entries.map(\.text) == ["uptime -p"])
        #expect(shell.journal.entries.first?.by == "Ada")
    }

    @Test("what is not echoed, as a password, is never in it")
    func password() {
        var shell = Shell()
        shell.host("e2e$ ")
        shell.types("sudo id\r")
        shell.host("Password: ")
        shell.types("hunter2\r", echoes: false)
        for _ in 0..<50 { shell.host("uid=0(root)\r\n") }
        #expect(shell.journal.entries.map(\.text) == ["sudo id"])
    }

    @Test("a line that came in one message is found when its echo comes")
    func pasted() {
        var shell = Shell()
        shell.host("e2e$ ")
        shell.journal.typed("ls -la\r".utf8, by: "Ada", at: 1, on: shell.screen)
        shell.host("ls -la\r\ntotal 0\r\ne2e$ ")
        #expect(shell.journal.entries.map(\.text) == ["ls -la"])
    }

    @Test("a command that wraps is whole")
    func wrapped() {
        var shell = Shell()
        shell.host("e2e$ ")
        let long = "echo " + String(repeating: "0123456789", count: 6)
        shell.types(long + "\r")
        #expect(shell.journal.entries.map(\.text) == [long])
    }

    @Test("a line that was edited with keys that only the host understands is read off the screen")
    func edited() {
        var shell = Shell()
        shell.host("e2e$ ")
        shell.journal.typed("\u{1B}[A".utf8, by: "Ada", at: 1, on: shell.screen)
        shell.host("make test")
        shell.types("\r")
        #expect(shell.journal.entries.map(\.text) == ["make test"])
    }

    @Test("letters taken back are not in the command, and a line thrown away is none")
    func corrections() {
        var shell = Shell()
        shell.host("$ ")
        shell.types("lss", echoes: true)
        shell.journal.typed([0x7F], by: "Ada", at: 1, on: shell.screen)
        shell.host("\u{8} \u{8}")
        shell.types("\r")
        shell.host("$ ")
        shell.types("rm -rf /")
        shell.journal.typed([0x03], by: "Ada", at: 1, on: shell.screen)
        shell.host("^C\r\n$ ")
        #expect(shell.journal.entries.map(\.text) == ["ls"])
    }

    @Test("the marks of shell integration give the exit status")
    func marks() {
        var shell = Shell()
        shell.host("\u{1B}]133;A\u{7}$ \u{1B}]133;B\u{7}")
        shell.types("false\r")
        shell.host("\u{1B}]133;C\u{7}\u{1B}]133;D;1\u{7}\u{1B}]133;A\u{7}$ ")
        #expect(
            shell.journal.entries == [.init(at: shell.journal.entries[0].at, by: "Ada", text: "false", exitStatus: 1)])
    }

    @Test("an exit status is that of the command which ran, whatever was typed meanwhile")
    func typedAhead() {
        var shell = Shell()
        shell.host("$ ")
        shell.types("sleep 1\r")
        shell.host("\u{1B}]133;C\u{7}")
        shell.journal.ran("typed ahead", by: "Ada", at: shell.time + 1, exitStatus: nil)
        shell.host("\u{1B}]133;D;3\u{7}$ ")
        #expect(shell.journal.entries.map(\.exitStatus) == [3, nil])
    }

    @Test("what is typed into an editor is no command")
    func editor() {
        var shell = Shell()
        shell.host("\u{1B}[?1049h")
        shell.types("ihello\r:wq\r")
        #expect(shell.journal.entries.isEmpty)
    }

    @Test("however much is run, the newest stay")
    func bounded() {
        var shell = Shell()
        for number in 0..<300 {
            shell.journal.ran("c\(number)", by: "agent", at: Int64(number), exitStatus: 0)
        }
        #expect(shell.journal.entries.count == CommandJournal.limit && shell.journal.dropped == 100)
        #expect(shell.journal.entries.last?.text == "c299")
    }
}
