import Foundation
import NIOCore
import SSH
import SSHProtocol
import SSHTestSupport
import Testing

@Suite struct LostHostTests {
    /// The id of the sshd process that serves a connection: the parent of a command's shell.
    private func servingProcess(_ connection: SSHConnection) async throws -> Int32 {
        let result = try await connection.run("echo $PPID")
        let text = String(decoding: result.standardOutput, as: UTF8.self).trimmingCharacters(
            in: .whitespacesAndNewlines)
        return try #require(Int32(text))
    }

    @Test("a host that dies is noticed at once")
    func killed() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        let process = try await servingProcess(connection)
        let recorder = SessionRecorder()
        let channel = try await connection.openSession(delegate: recorder)
        try await channel.startAndWait { $0.exec("exec cat") }
        let start = ContinuousClock.now
        kill(process, SIGKILL)
        let error = await connection.waitUntilClosed()
        #expect(error?.code == .connectionLost)
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(recorder.record.isClosed)
        #expect(recorder.record.error?.code == .connectionLost)
    }

    @Test("a host that falls silent is given up after the keepalives are unanswered")
    func silent() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect {
            $0.keepaliveInterval = .milliseconds(200)
            $0.keepaliveCountMax = 2
        }
        let process = try await servingProcess(connection)
        kill(process, SIGSTOP)
        defer { kill(process, SIGKILL) }
        let start = ContinuousClock.now
        let error = await connection.waitUntilClosed()
        #expect(error?.code == .keepaliveTimeout)
        #expect(ContinuousClock.now - start >= .milliseconds(500))
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    @Test("a host that is quiet and answers keepalives is kept")
    func quiet() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect {
            $0.keepaliveInterval = .milliseconds(100)
            $0.keepaliveCountMax = 20
        }
        let result = try await connection.run("sleep 3; echo back")
        #expect(result.standardOutput == Array("back\n".utf8))
    }

    @Test("a host that ends the connection is quoted")
    func disconnected() async throws {
        let server = try await OpenSSHServer(["MaxAuthTries 1"])
        let error = await #expect(throws: SSHError.self) {
            _ = try await server.connect {
                $0.credentials = [.privateKey(.generateEd25519()), .privateKey(.generateEd25519())]
            }
        }
        #expect(error?.code == .disconnected)
        #expect(error?.description.contains("Too many authentication failures") == true)
    }
}
