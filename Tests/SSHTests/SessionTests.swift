import Foundation
import NIOCore
import SSH
import SSHProtocol
import SSHTestSupport
import TestSupport
import Testing

@Suite struct SessionTests {
    @Test("a shell on a terminal sees the terminal's size and its changes")
    func terminal() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        let recorder = SessionRecorder()
        let channel = try await connection.openSession(delegate: recorder)
        try await channel.startAndWait { channel in
            channel.requestPTY(term: "xterm-256color", columns: 91, rows: 37)
            return channel.exec("stty size; echo $TERM; stty -a | tr ';' '\\n' | grep -c ' iutf8'; read x; stty size")
        }
        try await recorder.waitFor("37 91\r\nxterm-256color\r\n1\r\n")
        try await channel.onLoop {
            $0.resize(columns: 120, rows: 50)
            $0.write(ByteBuffer(string: "\n"))
        }
        let record = try await recorder.waitUntilClosed()
        #expect(record.text.contains("50 120"))
        #expect(record.status == 0)
        #expect(record.order.last == "closed")
    }

    @Test("a login shell is started, reads what is typed and ends with its status")
    func shell() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        let recorder = SessionRecorder()
        let channel = try await connection.openSession(delegate: recorder)
        try await channel.startAndWait { channel in
            channel.requestPTY(term: "dumb", columns: 80, rows: 24)
            return channel.shell()
        }
        try await channel.onLoop { _ = $0.write(ByteBuffer(string: "echo $((6*7))x; exit 3\n")) }
        let record = try await recorder.waitUntilClosed()
        #expect(record.text.contains("42x"))
        #expect(record.status == 3)
    }

    @Test("a process ended by a signal says which")
    func exitSignal() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        let result = try await connection.run("kill -TERM $$")
        #expect(result.exit == .signal(ExitSignal(name: "TERM")))
    }

    @Test("an environment variable that the host admits is set")
    func environment() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        let recorder = SessionRecorder()
        let channel = try await connection.openSession(delegate: recorder)
        try await channel.startAndWait { channel in
            channel.setEnvironment("TEST_WORD", "blåbær")
            channel.setEnvironment("LD_PRELOAD", "/nowhere")
            return channel.exec("echo \"$TEST_WORD$LD_PRELOAD\"")
        }
        #expect(try await recorder.waitUntilClosed().text == "blåbær\n")
    }

    @Test("end of input ends a command, after everything written before it")
    func endOfInput() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        let recorder = SessionRecorder()
        let channel = try await connection.openSession(delegate: recorder)
        try await channel.onLoop { channel in
            channel.exec("wc -c")
            for _ in 0..<100 { channel.write(ByteBuffer(repeating: 0x61, count: 70_000)) }
            channel.sendEOF()
            #expect(!channel.write(ByteBuffer(string: "too late")))
        }
        let record = try await recorder.waitUntilClosed()
        #expect(record.text == "7000000\n")
        #expect(record.order == ["eof", "status", "closed"] || record.order == ["status", "eof", "closed"])
    }

    @Test("closing lets what is queued arrive first")
    func closeKeepsOrder() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("ssh-close-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        let channel = try await connection.openSession(delegate: SessionRecorder())
        try await channel.onLoop { channel in
            channel.exec("cat > \(file)")
            for _ in 0..<50 { channel.write(ByteBuffer(repeating: 0x62, count: 100_000)) }
            channel.close()
        }
        #expect(
            try await eventually {
                (try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int) == 5_000_000
            })
    }

    @Test("a queue that is full refuses a write as a whole and forgets nothing")
    func boundedQueue() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        let recorder = SessionRecorder()
        let channel = try await connection.openSession(delegate: recorder)
        // The command does not read before it is told to; more than the window and the queue cannot be taken.
        let taken = try await channel.onLoop { channel in
            channel.exec("sleep 0.3; wc -c")
            var taken = 0
            while taken < 64, channel.write(ByteBuffer(repeating: 0x63, count: 1 << 20)) { taken += 1 }
            channel.sendEOF()
            return taken
        }
        #expect(taken == 8)
        #expect(try await recorder.waitUntilClosed().text == "\(taken << 20)\n")
    }

    @Test("many channels on one connection do not mix")
    func manyChannels() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        try await withThrowingTaskGroup(of: (Int, CommandResult).self) { group in
            for index in 0..<40 {
                group.addTask { (index, try await connection.run("echo \(index); exit \(index)")) }
            }
            for try await (index, result) in group {
                #expect(result.standardOutput == Array("\(index)\n".utf8))
                #expect(result.exit == .status(UInt32(index)))
            }
        }
    }

    @Test("a host that allows one session refuses the second with its reason")
    func refusedChannel() async throws {
        let server = try await OpenSSHServer(["MaxSessions 1"])
        let connection = try await server.connect()
        let first = try await connection.openSession(delegate: SessionRecorder())
        try await first.startAndWait { $0.exec("sleep 30") }
        let error = await #expect(throws: SSHError.self) {
            _ = try await connection.openSession(delegate: SessionRecorder())
        }
        #expect(error?.code == .channelRefused)
    }

    @Test("our own limit of channels is kept")
    func tooManyChannels() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect { $0.maximumChannels = 1 }
        let first = try await connection.openSession(delegate: SessionRecorder())
        let error = await #expect(throws: SSHError.self) {
            _ = try await connection.openSession(delegate: SessionRecorder())
        }
        #expect(error?.code == .tooManyChannels)
        try await first.onLoop { $0.close() }
        // The number is free again as soon as the host has closed it too.
        #expect(try await eventually { (try? await connection.run("true").exit) == .status(0) })
    }

    @Test("a command's output beyond the limit is dropped and marked")
    func outputLimit() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        let result = try await connection.run("head -c 5000000 /dev/zero", limit: 1000)
        #expect(result.standardOutput.count == 1000)
        #expect(result.isTruncated)
        #expect(result.exit == .status(0))
    }

    @Test("giving up a command closes its channel and leaves the connection")
    func cancelledRun() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        let task = Task { try await connection.run("sleep 60") }
        #expect(try await eventually { server.log.contains("Starting session: command") })
        task.cancel()
        let error = await #expect(throws: SSHError.self) { _ = try await task.value }
        #expect(error?.code == .cancelled)
        #expect(try await connection.run("echo still").standardOutput == Array("still\n".utf8))
    }

    @Test("the host answers a ping")
    func ping() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        #expect(try await connection.ping() < .seconds(20))
    }

    @Test("a connection that nobody holds any more closes by itself")
    func releasedConnection() async throws {
        let server = try await OpenSSHServer()
        var connection: SSHConnection? = try await server.connect()
        let closed = try #require(connection?.closed)
        connection = nil
        #expect(try await closed.get() == nil)
        #expect(try await eventually { server.log.contains("Received disconnect") })
    }

    @Test("closing a connection ends its channels in good order")
    func closeConnection() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        let recorder = SessionRecorder()
        let channel = try await connection.openSession(delegate: recorder)
        try await channel.startAndWait { $0.exec("sleep 60") }
        await connection.close()
        #expect(recorder.record.isClosed)
        #expect(recorder.record.error == nil)
        #expect(!connection.isOpen)
        let error = await #expect(throws: SSHError.self) { _ = try await connection.run("true") }
        #expect(error?.code == .connectionClosed)
    }
}
