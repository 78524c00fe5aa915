import NIOConcurrencyHelpers
import NIOCore
import SSH
import SSHTestSupport
import TestSupport
import Testing

/// Sessions between our client and our server.
@Suite struct ServerSessionTests {
    @Test("a command's output, errors and status come back")
    func run() async throws {
        let server = try await OurServer()
        let connection = try await server.connect()
        let result = try await connection.run("complain")
        #expect(result.standardOutput == Array("out\n".utf8))
        #expect(result.standardError == Array("err\n".utf8))
        #expect(result.exit == .status(0))
        #expect(try await connection.run("exit 42").exit == .status(42))
        #expect(try await connection.run("nonsense").exit == .status(127))
        let killed = try await connection.run("killed SEGV")
        #expect(killed.exit == .signal(ExitSignal(name: "SEGV", message: "as it was told")))
        #expect(try await connection.run("cat", stdin: Array("in".utf8)).standardOutput == Array("in".utf8))
    }

    @Test("a shell on a terminal is a stream of output and takes input")
    func shell() async throws {
        let server = try await OurServer()
        let connection = try await server.connect()
        let shell = try await connection.openShell(pty: SSHTerminal(type: "vt100", columns: 91, rows: 37))
        try await shell.write("hello\nexit 5\n")
        var text = ""
        for try await output in shell { text += String(buffer: output.bytes) }
        #expect(text == "welcome to vt100 91x37\r\n$ you said hello\r\n$ ")
        #expect(try await shell.exit() == .status(5))
    }

    @Test("sizes, breaks and signals reach the program")
    func events() async throws {
        let server = try await OurServer()
        let connection = try await server.connect()
        let process = try await connection.start("wait", pty: SSHTerminal())
        #expect(try await process.read().map { String(buffer: $0.bytes) } == "waiting\n")
        process.resize(columns: 120, rows: 50)
        try await process.channel.startAndWait { $0.sendBreak(milliseconds: 300) }
        process.signal("TERM")
        var text = ""
        for try await output in process { text += String(buffer: output.bytes) }
        #expect(text == "size 120x50\nbreak 300\nsignal TERM\n")
        #expect(try await process.exit() == .signal(ExitSignal(name: "TERM")))
    }

    @Test("environment variables come as far as the configuration lets them")
    func environment() async throws {
        let server = try await OurServer()
        let connection = try await server.connect()
        for (name, expected) in [("TEST_WORD", "blåbær\n"), ("LD_PRELOAD", "unset\n")] {
            let recorder = SessionRecorder()
            let channel = try await connection.openSession(delegate: recorder)
            try await channel.startAndWait { channel in
                channel.setEnvironment(name, "blåbær")
                return channel.exec("env \(name)")
            }
            #expect(try await recorder.waitUntilClosed().text == expected)
        }
    }

    @Test("a subsystem of the map is served, an unknown one falls to the session handler or is refused")
    func subsystems() async throws {
        let server = try await OurServer { _, handlers in handlers.session = nil }
        let connection = try await server.connect()
        let process = try await connection.openSubsystem("reverse")
        try await process.write("abc")
        process.finish()
        #expect(try await process.read().map { String(buffer: $0.bytes) } == "cba")
        let error = await #expect(throws: SSHError.self) { _ = try await connection.openSubsystem("sftp") }
        #expect(error?.code == .requestRefused)
        let refused = await #expect(throws: SSHError.self) { _ = try await connection.run("true") }
        #expect(refused?.code == .requestRefused)
    }

    @Test("middleware goes about every handler, the first outermost, and may refuse")
    func middleware() async throws {
        let order = NIOLockedValueBox<[String]>([])
        let server = try await OurServer { _, handlers in
            handlers.use { session, next in
                order.withLockedValue { $0.append("first") }
                if session.command == "echo no" { return .status(77) }
                return try await next(session)
            }
            handlers.use { session, next in
                order.withLockedValue { $0.append("second") }
                return try await next(session)
            }
        }
        let connection = try await server.connect()
        #expect(try await connection.run("echo no").exit == .status(77))
        #expect(try await connection.run("echo yes").standardOutput == Array("yes\n".utf8))
        #expect(order.withLockedValue { $0 } == ["first", "first", "second"])
    }

    @Test("a handler that fails ends its session with status 255 and nothing else")
    func failingHandler() async throws {
        let server = try await OurServer { _, handlers in
            handlers.session = { session in
                guard session.command == "fail" else { return .status(0) }
                throw SSHError(.internalError, "oops", hint: "")
            }
        }
        let connection = try await server.connect()
        #expect(try await connection.run("fail").exit == .status(255))
        #expect(try await connection.run("work").exit == .status(0))
    }

    @Test("a client that goes away cancels its handlers")
    func cancelledHandler() async throws {
        let isCancelled = NIOLockedValueBox(false)
        let server = try await OurServer { _, handlers in
            handlers.session = { session in
                try await session.write("started")
                do { try await Task.sleep(for: .seconds(60)) } catch { isCancelled.withLockedValue { $0 = true } }
                return .status(0)
            }
        }
        let connection = try await server.connect()
        let process = try await connection.start("sleep")
        _ = try await process.read()
        await connection.close()
        #expect(try await eventually { isCancelled.withLockedValue { $0 } })
    }

    @Test("a writer waits for a reader that stops, and no other channel does")
    func backPressure() async throws {
        let written = NIOLockedValueBox(0)
        let server = try await OurServer { _, handlers in
            let plain = handlers.session
            handlers.session = { session in
                guard session.command == "flood" else { return try await plain?(session) ?? .unknown }
                for _ in 0..<64 {
                    try await session.write(ByteBuffer(repeating: 1, count: 1 << 20))
                    written.withLockedValue { $0 += 1 << 20 }
                }
                return .status(0)
            }
        }
        let connection = try await server.connect()
        let process = try await connection.start("flood")
        #expect(try await eventually { written.withLockedValue { $0 } >= 2 << 20 })
        #expect(try await connection.run("echo still").standardOutput == Array("still\n".utf8))
        #expect(written.withLockedValue { $0 } <= 4 << 20)
        var received = 0
        for try await output in process { received += output.bytes.readableBytes }
        #expect(received == 64 << 20)
    }

    @Test("a cancelled read and a cancelled write throw, and the channel lives")
    func cancelledRead() async throws {
        let server = try await OurServer()
        let connection = try await server.connect()
        let process = try await connection.start("cat")
        let reading = Task { try await process.read() }
        try await Task.sleep(for: .milliseconds(20))
        reading.cancel()
        let error = await #expect(throws: SSHError.self) { _ = try await reading.value }
        #expect(error?.code == .cancelled)
        try await process.write("x")
        #expect(try await process.read().map { String(buffer: $0.bytes) } == "x")
    }

    @Test("wrong keys, wrong passwords and unknown users get the same answer")
    func refused() async throws {
        let server = try await OurServer()
        for (user, credential) in [
            ("root", SSHCredential.privateKey(.generateEd25519())), ("nobody-here", .password(Array("x".utf8))),
        ] {
            let error = await #expect(throws: SSHError.self) {
                _ = try await server.connect {
                    $0.username = user
                    $0.credentials = [credential]
                }
            }
            #expect(error?.code == .authenticationFailed)
        }
        let connection = try await server.connect { $0.credentials = [.password(Array(OurServer.password.utf8))] }
        #expect(try await connection.run("whoami").standardOutput == Array("\(currentUser)\n".utf8))
    }

    @Test("a shutdown lets a session end, then closes what is left")
    func shutdown() async throws {
        let server = try await OurServer()
        let connection = try await server.connect()
        let short = try await connection.start("cat")
        async let stopping: Void = server.server.shutdown(grace: .seconds(3))
        #expect(try await eventually { await !isListening(server.port) })
        try await short.write("last words")
        #expect(try await short.read().map { String(buffer: $0.bytes) } == "last words")
        await stopping
        #expect(server.server.connections.isEmpty)
        #expect(try await eventually { !connection.isOpen })
    }

    @Test("beyond the limit of connections that have not authenticated nobody comes in, until there is room")
    func startupLimits() async throws {
        let server = try await OurServer { configuration, _ in
            configuration.startups = StartupLimits(start: 2, rate: 100, full: 2)
        }
        var silent = try await (0..<2).asyncMap { _ in try await RawClient(port: server.port) }
        #expect(try await eventually { server.events.withLockedValue { $0.filter { $0 == "connected" }.count } == 2 })
        let late = try await RawClient(port: server.port)
        #expect(try await eventually { late.isClosed })
        #expect(try await eventually { server.events.withLockedValue { $0.contains("refused tooManyStartups") } })
        #expect(silent.allSatisfy { !$0.isClosed })
        silent = []
        #expect(try await eventually { server.server.connections.isEmpty })
        #expect(try await server.connect().run("echo in").standardOutput == Array("in\n".utf8))
    }

    @Test("who does not authenticate in time is shown out")
    func graceTime() async throws {
        let server = try await OurServer { configuration, _ in configuration.core.loginGraceTime = .milliseconds(300) }
        let silent = try await RawClient(port: server.port)
        #expect(try await eventually { silent.isClosed })
        #expect(try await eventually { server.events.withLockedValue { $0.contains("closed handshake_timeout") } })
    }

    @Test("a server over any stream of bytes, and a client over the other end")
    func byteStream() async throws {
        let server = try await OurServer()
        let (one, other) = MemoryStream.pair()
        let serving = Task { await server.server.serve(one) }
        let connection = try await SSHClient.connect(
            over: other, to: SSHEndpoint(host: "nowhere"), configuration: try await .test(), on: anyLoop())
        let result = try await connection.run("cat", stdin: [UInt8](repeating: 7, count: 3_000_000), limit: 4_000_000)
        #expect(result.standardOutput.count == 3_000_000)
        await connection.close()
        await serving.value
    }
}

extension Range<Int> {
    func asyncMap<T>(_ body: (Int) async throws -> T) async rethrows -> [T] {
        var result: [T] = []
        for index in self { result.append(try await body(index)) }
        return result
    }
}
