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
struct LocalProcessTests {
    private static let environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"]

    private func shell(_ script: String, terminal: PseudoTerminal.Setup? = nil) -> ProcessLaunch {
        ProcessLaunch("/bin/sh", ["sh", "-c", script], environment: Self.environment, terminal: terminal)
    }

    @Test("A program's output, its errors and its exit status come apart")
    func streams() async throws {
        let process = try await LocalProcess.start(shell("echo out; echo err >&2; exit 7"))
        #expect(await process.output.text() == "out\n")
        #expect(await process.error.text() == "err\n")
        #expect(await process.waitForExit() == .status(7))
    }

    @Test("What is written is read by the program, and the end of input too")
    func input() async throws {
        let process = try await LocalProcess.start(shell("cat"))
        try await process.write(ByteBuffer(string: "one\n"))
        try await process.write(ByteBuffer(string: "two\n"))
        process.closeInput()
        #expect(await process.output.text() == "one\ntwo\n")
        #expect(await process.waitForExit() == .status(0))
    }

    @Test("The end by a signal is told as such")
    func signal() async throws {
        let process = try await LocalProcess.start(shell("kill -TERM $$"))
        #expect(await process.waitForExit() == .signal(SIGTERM, coreDumped: false))
    }

    @Test("A megabyte that is written right before the exit is not lost")
    func lastWords() async throws {
        let process = try await LocalProcess.start(shell("head -c 1000000 /dev/zero"))
        var count = 0
        for await bytes in process.output { count += bytes.readableBytes }
        #expect(count == 1_000_000)
    }

    @Test("Output is not lost when the program leaves input unread")
    func unreadInput() async throws {
        let process = try await LocalProcess.start(shell("head -c 300000 /dev/zero; exit 0"))
        // The program never reads: the write ends when it does.
        try? await process.write(ByteBuffer(repeating: 65, count: 2_000_000))
        var count = 0
        for await bytes in process.output { count += bytes.readableBytes }
        #expect(count == 300_000)
    }

    @Test("A program whose output nobody reads has to wait")
    func backPressure() async throws {
        let process = try await LocalProcess.start(shell("head -c 100000000 /dev/zero; echo end >&2"))
        let ended = Task { await process.error.text() }
        try await Task.sleep(for: .milliseconds(300))
        let waiting = try #require(rss())
        #expect(waiting < 600 << 20)
        var count = 0
        for await bytes in process.output { count += bytes.readableBytes }
        #expect(count == 100_000_000)
        #expect(await ended.value == "end\n")
    }

    private func rss() -> Int? {
        guard let file = fopen("/proc/self/statm", "r") else { return nil }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 200)
        guard fgets(&text, 200, file) != nil else { return nil }
        let fields = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(separator: " ")
        return fields.count > 1 ? Int(fields[1]).map { $0 * 4096 } : nil
    }

    @Test("A program that is not there is an error and no exit status")
    func missing() async {
        await #expect(throws: LocalProcessError.self) {
            try await LocalProcess.start(ProcessLaunch("/no/such/program", ["x"], environment: [:]))
        }
        let error = await #expect(throws: LocalProcessError.self) {
            try await LocalProcess.start(ProcessLaunch("no-such-program", ["x"], environment: Self.environment))
        }
        #expect(error?.code == .notFound)
    }

    @Test("A name is looked up in the PATH that the program gets")
    func lookUp() async throws {
        let process = try await LocalProcess.start(ProcessLaunch("true", ["true"], environment: Self.environment))
        #expect(await process.waitForExit() == .status(0))
    }

    @Test("A folder that cannot be entered is an error, or the spare one is taken")
    func folders() async throws {
        var launch = shell("pwd")
        launch.folder = "/no/such/folder"
        await #expect(throws: LocalProcessError.self) { try await LocalProcess.start(launch) }
        launch.spareFolder = "/"
        let process = try await LocalProcess.start(launch)
        #expect(await process.output.text() == "/\n")
    }

    @Test("No descriptor of ours reaches the program, and no signal stays blocked or ignored")
    func cleanStart() async throws {
        let process = try await LocalProcess.start(
            shell("ls /proc/self/fd | tr '\\n' ' '; grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2 | tr '\\n' ' '")
        )
        // The fourth is the folder that ls reads.
        let words = await process.output.text().split(separator: " ")
        #expect(words.prefix(4) == ["0", "1", "2", "3"] && words.count == 6)
        // 32 and 33 are the C library's own, which it lets nobody change.
        for mask in words.suffix(2) { #expect(try #require(UInt64(mask, radix: 16)) & ~(0b11 << 31) == 0) }
    }

    @Test("Dropping a process hangs it up")
    func dropped() async throws {
        var process: LocalProcess? = try await LocalProcess.start(shell("echo ready; exec sleep 1000"))
        let number = try #require(process?.processID)
        _ = await process?.output.read()
        process = nil
        while kill(number, 0) == 0 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(errno == ESRCH)
    }

    @Test("Three hundred programs leave no zombie and no descriptor")
    func many() async throws {
        let count = fullTests ? 10_000 : 300
        // The watch and the pools have theirs.
        _ = await (try LocalProcess.start(shell(":"))).waitForExit()
        let before = try descriptors()
        for round in 0..<(count / 20) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let terminal = number % 2 == 0 ? PseudoTerminal.Setup() : nil
                        let process = try await LocalProcess.start(
                            shell("printf %s \(round * 20 + number); exit \(number)", terminal: terminal))
                        #expect(await process.output.text() == "\(round * 20 + number)")
                        #expect(await process.waitForExit() == .status(Int32(number)))
                    }
                }
                try await group.waitForAll()
            }
        }
        // The last ones are let go on their loops; other tests have theirs meanwhile.
        while try descriptors() > before { try await Task.sleep(for: .milliseconds(10)) }
        while try zombies() > 0 { try await Task.sleep(for: .milliseconds(10)) }
    }

    private var fullTests: Bool { getenv("COPILOT_FULL_TESTS") != nil }

    /// Terminals and pidfds: nothing else in this process has such.
    private func descriptors() throws -> Int {
        try entries(of: "/proc/self/fd").filter { name in
            var target = [CChar](repeating: 0, count: 256)
            let length = readlink("/proc/self/fd/\(name)", &target, target.count)
            guard length > 0 else { return false }
            let path = String(decoding: target.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return path.hasPrefix("/dev/pt") || path.contains("pidfd")
        }.count
    }

    private func zombies() throws -> Int {
        let own = getpid()
        return try entries(of: "/proc").filter { name in
            guard let number = Int32(name), let file = fopen("/proc/\(number)/stat", "r") else { return false }
            defer { fclose(file) }
            var text = [CChar](repeating: 0, count: 512)
            guard fgets(&text, 512, file) != nil else { return false }
            let line = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let fields = line.drop { $0 != ")" }.split(separator: " ")
            return fields.count > 2 && fields[1] == "Z" && fields[2] == "\(own)"
        }.count
    }

    private func entries(of folder: String) throws -> [String] {
        let directory = try #require(opendir(folder))
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                names.append(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
            }
        }
        return names
    }
}
