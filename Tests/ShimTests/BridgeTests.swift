import NIOCore
import SSH
import Testing

@testable import Shim

/// What a client sees through a shim is what it would see at the host.
@Suite("Channels through a shim") struct BridgeTests {
    private func through(
        sessions: Int = 100, _ body: (SSHConnection, UpstreamServer, ShimOfTest) async throws -> Void
    ) async throws {
        let server = try await UpstreamServer(sessions: sessions)
        let shim = try await ShimOfTest([server.upstream()])
        let connection = try await shim.connect()
        try await body(connection, server, shim)
        await connection.close()
        await shim.shim.close()
        await server.server.shutdown(grace: .zero)
    }

    @Test("output, errors, input, status and signal are the program's own")
    func commands() async throws {
        try await through { connection, server, _ in
            let both = try await connection.run("both")
            #expect(both.text == "out")
            #expect(both.errors == "err")
            #expect(both.exit == .status(0))
            #expect(try await connection.run("exit 42").exit == .status(42))
            #expect(try await connection.run("cat", stdin: Array("in".utf8)).text == "in")
            let signal = ExitSignal(name: "SEGV", coreDumped: true, message: "it fell")
            #expect(try await connection.run("killed").exit == .signal(signal))
            #expect(server.logins == 1)
        }
    }

    @Test("8 MB on standard error come through a session without a terminal")
    func errors() async throws {
        try await through { connection, _, _ in
            let result = try await connection.run("complain", limit: 16 << 20)
            #expect(result.standardError.count == 8 << 20)
            #expect(result.exit == .status(0))
        }
    }

    @Test("environment, terminal with its modes and pixels, agent and display reach the host as they were asked for")
    func facts() async throws {
        try await through { connection, _, _ in
            let recorder = SessionRecorder()
            let channel = try await connection.openSession(delegate: recorder)
            try await connection.eventLoop.flatSubmit {
                channel.setEnvironment("B", "2")
                channel.setEnvironment("A", "blåbær")
                channel.requestPTY(
                    term: "vt220", columns: 91, rows: 37, modes: TerminalModes([(opcode: 3, argument: 8)]))
                channel.requestAgentForwarding()
                channel.requestX11(X11Request(isSingle: true, cookie: "00ff", screen: 2))
                return channel.exec("facts")
            }.get()
            let text = try await recorder.text()
            #expect(text == "A=blåbær|B=2|vt220 91x37 0x0 3:8|agent true|00ff 2 true")
        }
    }

    @Test("sizes, breaks and signals pass")
    func events() async throws {
        try await through { connection, _, _ in
            let process = try await connection.start("events", pty: SSHTerminal())
            #expect(try await process.read().map { String(buffer: $0.bytes) } == "ready\n")
            process.resize(columns: 120, rows: 50)
            try await connection.eventLoop.flatSubmit { process.channel.sendBreak(milliseconds: 300) }.get()
            process.signal("TERM")
            var text = ""
            for try await output in process { text += String(buffer: output.bytes) }
            #expect(text == "120x50 0x0\nbreak 300\nsignal TERM\n")
            #expect(try await process.exit() == .signal(ExitSignal(name: "TERM")))
        }
    }

    @Test("a subsystem passes by its name, and one that the host does not have is refused")
    func subsystems() async throws {
        try await through { connection, _, _ in
            let recorder = SessionRecorder()
            let channel = try await connection.openSession(delegate: recorder)
            try await connection.eventLoop.flatSubmit { channel.subsystem("upper") }.get()
            connection.eventLoop.execute {
                channel.write(ByteBuffer(string: "hello"))
                channel.sendEOF()
            }
            #expect(try await recorder.text() == "HELLO")
        }
    }

    @Test("a refusal is the host's own, with its reason")
    func refusals() async throws {
        try await through { connection, _, _ in
            do {
                _ = try await connection.openTCP(to: SSHEndpoint(host: "127.0.0.1", port: 1))
                Issue.record("nothing listens there")
            } catch let error as SSHError {
                #expect(error.refusal?.reason == .connectFailed)
            }
        }
    }

    @Test("the client's agent is reached by the program that was allowed to")
    func agent() async throws {
        try await through { connection, _, _ in
            connection.handleAgentChannels { incoming in
                Task {
                    let stream = try await incoming.acceptStream()
                    if let question = try await stream.read() {
                        try await stream.write(ByteBuffer(string: "answer to " + String(buffer: question)))
                    }
                }
            }
            let recorder = SessionRecorder()
            let channel = try await connection.openSession(delegate: recorder)
            try await connection.eventLoop.flatSubmit {
                channel.requestAgentForwarding()
                return channel.exec("agent")
            }.get()
            #expect(try await recorder.text() == "answer to question")
        }
    }

    @Test("a client that does not read stops its own channel and no other")
    func backPressure() async throws {
        try await through { connection, _, _ in
            let stuck = SessionRecorder(reads: false)
            let channel = try await connection.openSession(delegate: stuck)
            try await connection.eventLoop.flatSubmit { channel.exec("complain") }.get()
            #expect(try await connection.run("echo hello").text == "hello")
            #expect(try await connection.run("complain", limit: 16 << 20).standardError.count == 8 << 20)
        }
    }

    @Test("the host's limit of sessions is met with further connections")
    func sessions() async throws {
        try await through(sessions: 3) { connection, server, shim in
            try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<14 { group.addTask { try await connection.run("echo \(number)").text } }
                var all: Set<String> = []
                for try await text in group { all.insert(text) }
                #expect(all.count == 14)
            }
            let processes = try await (0..<7).asyncMap { _ in try await connection.start("wait") }
            #expect(server.logins >= 3)
            #expect(shim.count { if case .grown = $0 { true } else { false } } >= 2)
            for process in processes { process.channel.connection.eventLoop.execute { process.channel.close() } }
        }
    }

    @Test("200 channels at once carry their own bytes each")
    func many() async throws {
        try await through { connection, server, _ in
            let target = SSHEndpoint(host: "127.0.0.1", port: try await EchoServer.start())
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let stream = try await connection.openTCP(to: target)
                        try await stream.write(ByteBuffer(string: "number \(number)"))
                        let back = try await stream.read().map { String(buffer: $0) }
                        stream.close()
                        return back == "number \(number)"
                    }
                }
                var good = 0
                for try await isSame in group where isSame { good += 1 }
                #expect(good == 200)
            }
            #expect(server.logins == 1)
        }
    }
}

extension Range<Int> {
    /// One after the other.
    fileprivate func asyncMap<T>(_ transform: (Int) async throws -> T) async throws -> [T] {
        var results: [T] = []
        for number in self { results.append(try await transform(number)) }
        return results
    }
}
