import SSH
import SSHTestSupport
import TestSupport
import Testing

/// zlib@openssh.com on whole connections, with OpenSSH at the other end and with ourselves.
@Suite struct CompressedConnectionTests {
    /// Lines that shrink and noise that does not, in odd pieces.
    private static let bytes: [UInt8] = (0..<400).flatMap { piece -> [UInt8] in
        guard piece % 2 == 0 else { return (0..<1000).map { _ in UInt8.random(in: 0...255) } }
        return [UInt8](repeating: UInt8(piece % 251), count: 1000)
    }

    @Test("our client and sshd compress both ways, through new keys")
    func client() async throws {
        let server = try await OpenSSHServer(["Compression yes"])
        let connection = try await server.connect {
            $0.algorithms.compression = [.zlib]
            $0.rekey.bytes = 100_000
        }
        #expect(connection.negotiated.compressionClientToServer == .zlib)
        #expect(connection.negotiated.compressionServerToClient == .zlib)
        expectSame(try await connection.run("cat", stdin: Self.bytes).standardOutput, Self.bytes)
        await connection.close()
    }

    @Test("ssh -C and our server compress both ways, through new keys")
    func server() async throws {
        let server = try await OurServer { configuration, _ in
            configuration.core.algorithms.compression = [.zlib, .none]
            configuration.core.rekey.bytes = 100_000
        }
        let client = try ClientProgram()
        let result = try await client.run("\(try await client.openSSH(server, "-C -v")) cat", input: Self.bytes)
        expectSame(result.output, Self.bytes)
        #expect(result.status == 0)
    }

    @Test("two ends of ours compress, and a side that does not want it is not made to")
    func ends() async throws {
        let server = try await OurServer { configuration, _ in
            configuration.core.algorithms.compression = [.zlib, .none]
        }
        let compressed = try await server.connect { $0.algorithms.compression = [.zlib] }
        #expect(compressed.negotiated.compressionClientToServer == .zlib)
        expectSame(try await compressed.run("cat", stdin: Self.bytes).standardOutput, Self.bytes)
        let plain = try await server.connect()
        #expect(plain.negotiated.compressionClientToServer == .none)
        expectSame(try await plain.run("cat", stdin: Self.bytes).standardOutput, Self.bytes)
    }
}
