import NIOCore
import SSH
import SSHCrypto
import SSHKeys
import SSHProtocol
import SSHTestSupport
import Testing

@Suite struct ConnectTests {
    @Test("a command runs on a real sshd and brings back output and status")
    func runsACommand() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        let result = try await connection.run("echo out; echo err >&2; exit 7")
        #expect(result.standardOutput == Array("out\n".utf8))
        #expect(result.standardError == Array("err\n".utf8))
        #expect(result.exit == .status(7))
        #expect(connection.serverIdentification.hasPrefix("SSH-2.0-OpenSSH_"))
        #expect(connection.negotiated.isStrict)
        await connection.close()
        #expect(await connection.waitUntilClosed() == nil)
    }
}
