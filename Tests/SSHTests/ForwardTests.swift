import Foundation
import NIOConcurrencyHelpers
import NIOCore
import SSH
import SSHTestSupport
import TestSupport
import Testing

/// Forwards and jump hosts between our client and our server.
@Suite struct ForwardTests {
    @Test("a TCP connection through the host is a stream, each direction ending for itself")
    func openTCP() async throws {
        let (server, echo) = (try await OurServer(), try await EchoServer())
        let connection = try await server.connect()
        let stream = try await connection.openTCP(to: SSHEndpoint(host: "127.0.0.1", port: echo.port))
        let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        async let writing: Void = { [stream] in
            try await stream.write(ByteBuffer(bytes: bytes))
            stream.finish()
        }()
        var received: [UInt8] = []
        for try await piece in stream { received += piece.readableBytesView }
        try await writing
        #expect(received == bytes)
    }

    @Test("a connection that the host cannot make is refused with the reason")
    func refusedTCP() async throws {
        let server = try await OurServer()
        let connection = try await server.connect()
        let closed = try await freePort()
        let error = await #expect(throws: SSHError.self) {
            _ = try await connection.openTCP(to: SSHEndpoint(host: "127.0.0.1", port: closed))
        }
        #expect(error?.code == .channelRefused)
        let forbidding = try await OurServer { _, handlers in handlers.forwarding = .refused }
        let other = try await forbidding.connect()
        let forbidden = await #expect(throws: SSHError.self) {
            _ = try await other.openTCP(to: SSHEndpoint(host: "127.0.0.1", port: closed))
        }
        #expect(forbidden?.description.contains("prohibits") == true)
        let remote = await #expect(throws: SSHError.self) {
            _ = try await other.forward(
                .remote(from: .tcp(host: "localhost", port: 0), to: .tcp(host: "127.0.0.1", port: closed)))
        }
        #expect(remote?.code == .forwardRefused)
    }

    @Test("a task that is cancelled while the host takes its time gives the channel up", arguments: [true, false])
    func cancelledOpening(isJump: Bool) async throws {
        let isAsked = NIOLockedValueBox(false)
        let server = try await OurServer { _, handlers in
            handlers.forwarding.connect = { _, _ in
                isAsked.withLockedValue { $0 = true }
                try? await Task.sleep(for: .seconds(60))
                return .refuse(.connectFailed, "late")
            }
        }
        let connection = try await server.connect()
        let target = SSHEndpoint(host: "slow", port: 80)
        let opening = Task {
            if isJump {
                _ = try await SSHClient.connect(through: connection, to: target, configuration: try await .test())
            } else {
                _ = try await connection.openTCP(to: target)
            }
        }
        #expect(try await eventually { isAsked.withLockedValue { $0 } })
        opening.cancel()
        let error = await #expect(throws: SSHError.self) { try await opening.value }
        #expect(error?.code == .cancelled)
        #expect(try await connection.run("echo on").standardOutput == Array("on\n".utf8))
    }

    @Test("a local forward carries connections until its end, which ends them too")
    func local() async throws {
        let (server, echo) = (try await OurServer(), try await EchoServer())
        let connection = try await server.connect()
        let (port, client) = try await connection.withForward(
            .local(from: .tcp(host: "127.0.0.1", port: 0), to: .tcp(host: "127.0.0.1", port: echo.port))
        ) { forward in
            let port = try #require(forward.listening.port)
            let client = try await RawClient(port: port)
            try await client.send("through")
            #expect(try await client.wait(for: 7) == Array("through".utf8))
            return (port, client)
        }
        #expect(await !isListening(port))
        #expect(try await eventually { client.isClosed })
        #expect(connection.isOpen)
    }

    @Test("a remote forward with port 0 says which port it got, and lets connections in until its end")
    func remote() async throws {
        let (server, echo) = (try await OurServer(), try await EchoServer())
        let connection = try await server.connect()
        let forward = try await connection.forward(
            .remote(from: .tcp(host: "localhost", port: 0), to: .tcp(host: "127.0.0.1", port: echo.port)))
        let port = try #require(forward.listening.port)
        #expect(port > 0)
        let client = try await RawClient(port: port)
        try await client.send("back")
        #expect(try await client.wait(for: 4) == Array("back".utf8))
        await forward.close()
        #expect(await !isListening(port))
        #expect(try await eventually { client.isClosed })
    }

    @Test("who forwards from localhost is reached over both IP versions, until the end")
    func bothVersions() async throws {
        let (server, echo) = (try await OurServer(), try await EchoServer())
        let connection = try await server.connect()
        let target = SSHForwardEndpoint.tcp(host: "127.0.0.1", port: echo.port)
        for rule in [
            SSHForwardRule.remote(from: .tcp(host: "localhost", port: 0), to: target),
            .local(from: .tcp(host: "localhost", port: 0), to: target),
        ] {
            let forward = try await connection.forward(rule)
            let port = try #require(forward.listening.port)
            for host in ["127.0.0.1", "::1"] {
                let client = try await RawClient(host: host, port: port)
                try await client.send(host)
                #expect(try await client.wait(for: host.utf8.count) == Array(host.utf8))
            }
            await forward.close()
            #expect(await !isListening(port))
            #expect(await !isListening(port, host: "::1"))
        }
    }

    @Test("a remote forward ends with its connection")
    func remoteEnds() async throws {
        let (server, echo) = (try await OurServer(), try await EchoServer())
        let connection = try await server.connect()
        let forward = try await connection.forward(
            .remote(from: .tcp(host: "", port: 0), to: .tcp(host: "127.0.0.1", port: echo.port)))
        let port = try #require(forward.listening.port)
        #expect(await isListening(port))
        await connection.close()
        #expect(try await eventually { await !isListening(port) })
    }

    @Test("a dynamic forward speaks SOCKS 4a and 5")
    func dynamic() async throws {
        let (server, echo) = (try await OurServer(), try await EchoServer())
        let connection = try await server.connect()
        let forward = try await connection.forward(.dynamic(from: .tcp(host: "127.0.0.1", port: 0)))
        let port = try #require(forward.listening.port)
        let target = [UInt8(echo.port >> 8), UInt8(echo.port & 0xFF)]

        let five = try await RawClient(port: port)
        try await five.send([5, 1, 0])
        #expect(try await five.wait(for: 2) == [5, 0])
        // What follows the request at once is not lost.
        try await five.send([5, 1, 0, 3, 9] + Array("127.0.0.1".utf8) + target + Array("early".utf8))
        #expect(try await five.wait(for: 17).suffix(5) == Array("early".utf8)[...])

        let four = try await RawClient(port: port)
        try await four.send([4, 1] + target + [0, 0, 0, 1, 0] + Array("localhost".utf8) + [0])
        #expect(try await four.wait(for: 8).prefix(2) == [0, 0x5A])
        try await four.send("four")
        #expect(try await four.wait(for: 12).suffix(4) == Array("four".utf8)[...])

        let nowhere = try await RawClient(port: port)
        let closed = try await freePort()
        try await nowhere.send([4, 1, UInt8(closed >> 8), UInt8(closed & 0xFF), 127, 0, 0, 1, 0])
        #expect(try await nowhere.wait(for: 8).prefix(2) == [0, 0x5B])
    }

    @Test("unix sockets are forwarded both ways")
    func unixSockets() async throws {
        let folder = try TemporaryFolder()
        let (server, echo) = (try await OurServer(), try await EchoServer(path: folder.file("echo")))
        let connection = try await server.connect()
        let stream = try await connection.openUnixSocket(folder.file("echo"))
        try await stream.write("unix")
        #expect(try await stream.read().map { String(buffer: $0) } == "unix")

        let local = try await connection.forward(
            .local(from: .unix(path: folder.file("here")), to: .unix(path: folder.file("echo"))))
        let remote = try await connection.forward(
            .remote(from: .unix(path: folder.file("there")), to: .unix(path: folder.file("here"))))
        let client = try await RawClient(path: folder.file("there"))
        try await client.send("round trip")
        #expect(try await client.wait(for: 10) == Array("round trip".utf8))
        await remote.close()
        await local.close()
        #expect(!FileManager.default.fileExists(atPath: folder.file("here")))
        #expect(try await eventually { !FileManager.default.fileExists(atPath: folder.file("there")) })
        withExtendedLifetime(echo) {}
    }

    @Test("hosts behind hosts are reached through any number of them, and fall with them")
    func jumps() async throws {
        var servers: [OurServer] = []
        for _ in 0..<4 { servers.append(try await OurServer()) }
        let first = try await servers[0].connect()
        var connection = first
        for server in servers.dropFirst() {
            connection = try await SSHClient.connect(
                through: connection, to: server.endpoint, configuration: try await .test())
        }
        let bytes = [UInt8](repeating: 9, count: 2_000_000)
        let result = try await connection.run("cat", stdin: bytes, limit: 4_000_000)
        #expect(isSameBytes(result.standardOutput, bytes))
        #expect(servers[3].events.withLockedValue { $0.contains("authenticated \(currentUser)") })
        await first.close()
        #expect(try await eventually { !connection.isOpen })
    }

    @Test("a host that a jump host cannot reach is refused as a channel")
    func impossibleJump() async throws {
        let server = try await OurServer()
        let connection = try await server.connect()
        let closed = try await freePort()
        let error = await #expect(throws: SSHError.self) {
            _ = try await SSHClient.connect(
                through: connection, to: SSHEndpoint(host: "127.0.0.1", port: closed), configuration: try await .test())
        }
        #expect(error?.code == .channelRefused)
        #expect(try await connection.run("echo on").standardOutput == Array("on\n".utf8))
    }

    @Test("a session may talk to the client's agent where both ends allow it")
    func agentChannel() async throws {
        let server = try await OurServer { _, handlers in
            handlers.allowsAgentForwarding = { _ in true }
            handlers.session = { session in
                let agent = try await session.openAgent()
                try await agent.write("who are you?")
                try await session.write(try await agent.read() ?? ByteBuffer())
                return .status(0)
            }
        }
        let connection = try await server.connect()
        connection.handleAgentChannels { incoming in
            Task {
                let stream = try await incoming.acceptStream()
                let question = try await stream.read()
                try await stream.write("you asked \(question.map { String(buffer: $0) } ?? "nothing")")
            }
        }
        let recorder = SessionRecorder()
        let channel = try await connection.openSession(delegate: recorder)
        try await channel.startAndWait { channel in
            channel.requestAgentForwarding()
            return channel.exec("talk")
        }
        #expect(try await recorder.waitUntilClosed().text == "you asked who are you?")
        // Without the request the server's handler has no agent.
        #expect(try await connection.run("talk").exit == .status(255))
    }

    @Test("forty connections at once through one forward do not mix")
    func manyConnections() async throws {
        let (server, echo) = (try await OurServer(), try await EchoServer())
        let connection = try await server.connect()
        let forward = try await connection.forward(
            .local(from: .tcp(host: "127.0.0.1", port: 0), to: .tcp(host: "127.0.0.1", port: echo.port)))
        let port = try #require(forward.listening.port)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<40 {
                group.addTask {
                    let client = try await RawClient(port: port)
                    let bytes = [UInt8](repeating: UInt8(index), count: 100_000)
                    try await client.send(bytes)
                    try await client.finish()
                    #expect(isSameBytes(try await client.wait(for: 100_000), bytes))
                }
            }
            try await group.waitForAll()
        }
    }
}

/// Equality of long byte strings, which an expectation need not print in full.
func isSameBytes(_ one: [UInt8], _ other: [UInt8]) -> Bool { one == other }
