import NIOCore
import NIOPosix
import Testing

@testable import LocalProcess

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

@Suite(.timeLimit(.minutes(1)))
struct PseudoTerminalTests {
    private static let environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "xterm"]

    private func start(
        _ script: String, _ setup: PseudoTerminal.Setup = .init(), shell: String = "/bin/sh"
    ) async throws -> LocalProcess {
        try await LocalProcess.start(
            ProcessLaunch(shell, [shell, "-c", script], environment: Self.environment, terminal: setup))
    }

    /// Reads until `text` was there; everything up to then.
    @discardableResult
    private func read(_ process: LocalProcess, until text: String) async -> String {
        var all = ""
        while !all.contains(text), let next = await process.output.read() { all += String(buffer: next) }
        return all
    }

    @Test("A program has its controlling terminal, its size and its name")
    func terminal() async throws {
        let process = try await start(
            "tty; stty size; echo x >/dev/tty", .init(size: .init(columns: 132, rows: 43)))
        let name = try #require(process.terminalName)
        #expect(await process.output.text() == "\(name)\r\n43 132\r\nx\r\n")
        #expect(await process.waitForExit() == .status(0))
    }

    @Test("The modes of RFC 4254 §8 are the terminal's")
    func modes() async throws {
        let process = try await start(
            "stty -a",
            .init(modes: [
                .init(opcode: 53, argument: 0), .init(opcode: 3, argument: 8), .init(opcode: 42, argument: 1),
                .init(opcode: 1, argument: 255), .init(opcode: 72, argument: 0), .init(opcode: 128, argument: 9600),
                .init(opcode: 129, argument: 9600),
            ]))
        let text = await process.output.text()
        #expect(text.contains(" -echo ") && text.contains("erase = ^H") && text.contains(" iutf8"))
        #expect(text.contains("intr = <undef>") && text.contains("-onlcr") && text.contains("speed 9600 baud"))
    }

    @Test("A new size is told by SIGWINCH")
    func resize() async throws {
        let process = try await start("trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.05; done")
        await read(process, until: "ready")
        process.resize(columns: 99, rows: 11)
        #expect(await process.output.text().contains("11 99"))
    }

    @Test("Ctrl-C reaches the job in the foreground, and a job stops and goes on")
    func jobControl() async throws {
        let process = try await LocalProcess.start(
            ProcessLaunch(
                "/bin/bash", ["bash", "--norc", "--noprofile", "-i"],
                environment: Self.environment.merging(["PS1": "$ "]) { $1 }, terminal: .init()))
        await read(process, until: "$ ")
        try await process.write(ByteBuffer(string: "sleep 1000\r"))
        try await eventually { try isSleepInForeground(of: process) }
        try await process.write(ByteBuffer(bytes: [0x1a]))
        try await eventually { try foreground(of: process) == process.processID }
        try await process.write(ByteBuffer(string: "fg\r"))
        try await eventually { try isSleepInForeground(of: process) }
        try await process.write(ByteBuffer(bytes: [0x03]))
        try await eventually { try foreground(of: process) == process.processID }
        try await process.write(ByteBuffer(string: "echo status $?; exit 3\r"))
        let text = await process.output.text()
        #expect(text.contains("Stopped") && text.contains("status 130"))
        #expect(await process.waitForExit() == .status(3))
    }

    @Test("A signal goes to the group in the foreground")
    func signalForeground() async throws {
        let process = try await LocalProcess.start(
            ProcessLaunch(
                "/bin/bash", ["bash", "--norc", "--noprofile", "-i"],
                environment: Self.environment.merging(["PS1": "$ "]) { $1 }, terminal: .init()))
        await read(process, until: "$ ")
        try await process.write(ByteBuffer(string: "sleep 1000\r"))
        try await eventually { try isSleepInForeground(of: process) }
        process.signal(SIGINT)
        await read(process, until: "$ ")
        try await process.write(ByteBuffer(string: "exit 4\r"))
        #expect(await process.waitForExit() == .status(4))
    }

    @Test("The end of input is the terminal's own character for it")
    func endOfInput() async throws {
        let process = try await start("stty -echo; echo ready; cat")
        await read(process, until: "ready\r\n")
        try await process.write(ByteBuffer(string: "half a line"))
        process.closeInput()
        #expect(await process.output.text() == "half a line")
        #expect(await process.waitForExit() == .status(0))
    }

    @Test("Everything that was written to the terminal before the end is read")
    func lastWords() async throws {
        for _ in 0..<10 {
            let process = try await start("seq 1 20000")
            #expect(await process.output.text().utf8.count == 108_894 + 20_000)
        }
    }

    @Test("The exit is told though a program in the background holds the terminal")
    func background() async throws {
        let process = try await start("trap '' HUP; sleep 1000 & echo $!; exit 5")
        let number = try #require(Int32(await process.output.text().split(whereSeparator: \.isNewline).first ?? ""))
        #expect(await process.waitForExit() == .status(5))
        kill(number, SIGKILL)
    }

    @Test("Dropping a process hangs up the shell and what it runs")
    func dropped() async throws {
        var process: LocalProcess? = try await start("sleep 1000 & echo $! $$; wait", shell: "/bin/bash")
        let text = await read(try #require(process), until: "\r\n")
        let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
        #expect(numbers.count == 2)
        process = nil
        for number in numbers { try await eventually { kill(number, 0) != 0 } }
    }

    @Test("A terminal that others open and close over and over harms nobody")
    func reopened() async throws {
        let process = try await start(
            "exec 3>&1; T=$(tty); (for i in $(seq 200); do : >$T; done) & exec >/dev/null </dev/null 2>&1; wait; exec >&3; echo end"
        )
        #expect(await process.output.text().contains("end"))
        #expect(await process.waitForExit() == .status(0))
    }

    private func foreground(of process: LocalProcess) throws -> Int32? {
        guard let file = fopen("/proc/\(process.processID)/stat", "r") else { return nil }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 512)
        guard fgets(&text, 512, file) != nil else { return nil }
        let line = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let fields = line.drop { $0 != ")" }.split(separator: " ")
        return fields.count > 6 ? Int32(fields[6]) : nil
    }

    /// bash gives the terminal to its child before that takes signals as others do: what is typed in between is lost.
    private func isSleepInForeground(of process: LocalProcess) throws -> Bool {
        let group = try foreground(of: process) ?? 0
        guard let file = fopen("/proc/\(group)/comm", "r") else { return false }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 32)
        guard fgets(&text, 32, file) != nil else { return false }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) == "sleep\n"
    }

    private func eventually(_ condition: () throws -> Bool) async throws {
        while try !condition() { try await Task.sleep(for: .milliseconds(5)) }
    }
}
