import Foundation
import NIOCore
import SSH
import SSHCrypto
import SSHProtocol
import SSHTestSupport
import TestSupport
import Testing

@Suite struct RekeyAndBulkTests {
    private static let size = 100_000_000

    /// 100 MB of noise with its fingerprint, made once.
    private static let noise: Result<(folder: TemporaryFolder, hash: FNV), any Error> = Result {
        let folder = try TemporaryFolder()
        var generator = SystemRandomNumberGenerator()
        let block = (0..<1_000_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        var data = Data(capacity: size)
        var hash = FNV()
        for index in 0..<100 {
            // Each block is another one, so that a block lost or doubled shows.
            let piece = block.map { $0 ^ UInt8(truncatingIfNeeded: index) }
            data.append(contentsOf: piece)
            piece.withUnsafeBytes { hash.add($0) }
        }
        try data.write(to: URL(fileURLWithPath: folder.file("noise")))
        return (folder, hash)
    }

    private func download(_ connection: SSHConnection) async throws -> SessionRecorder.Record {
        let noise = try Self.noise.get()
        let recorder = SessionRecorder(keeps: false)
        let channel = try await connection.openSession(delegate: recorder)
        try await channel.startAndWait { $0.exec("cat \(noise.folder.file("noise"))") }
        return try await recorder.waitUntilClosed(within: 120)
    }

    @Test("100 MB of output arrive whole")
    func bulk() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        let record = try await download(connection)
        #expect(record.received == Self.size)
        #expect(try record.hash == Self.noise.get().hash)
        #expect(record.status == 0)
    }

    @Test("no byte is lost when the host wants new keys every megabyte")
    func hostRekeys() async throws {
        let server = try await OpenSSHServer(["RekeyLimit 1M"])
        let connection = try await server.connect()
        let record = try await download(connection)
        #expect(record.received == Self.size)
        #expect(try record.hash == Self.noise.get().hash)
        #expect(record.status == 0)
    }

    @Test("no byte is lost when we want new keys every 256 KiB, in both directions at once")
    func weRekey() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect { $0.rekey = RekeyPolicy(bytes: 256 * 1024) }
        try await echo(connection, megabytes: 8)
    }

    @Test("no byte is lost when both sides want new keys all the time")
    func bothRekey() async throws {
        let server = try await OpenSSHServer(["RekeyLimit 300K"])
        let connection = try await server.connect { $0.rekey = RekeyPolicy(bytes: 256 * 1024) }
        try await echo(connection, megabytes: 8)
    }

    @Test("a rekey every 20 packets, with every kind of cipher, loses nothing", arguments: CipherName.standard)
    func packetLimit(cipher: CipherName) async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect {
            $0.algorithms.ciphers = [cipher]
            $0.rekey = RekeyPolicy(packets: 20)
        }
        try await echo(connection, megabytes: 2)
    }

    @Test("new keys are made when their time has come, and on demand")
    func timedRekey() async throws {
        let server = try await OpenSSHServer(["LogLevel DEBUG1"])
        let connection = try await server.connect { $0.rekey = RekeyPolicy(interval: .milliseconds(100)) }
        func exchanges() -> Int { server.log.components(separatedBy: "SSH2_MSG_NEWKEYS received").count - 1 }
        #expect(try await eventually { exchanges() >= 3 })
        #expect(try await connection.run("echo on").standardOutput == Array("on\n".utf8))
        await connection.close()

        let second = try await server.connect()
        let before = exchanges()
        await second.rekey()
        #expect(try await second.run("echo on").standardOutput == Array("on\n".utf8))
        #expect(try await eventually { exchanges() > before })
    }

    private func echo(_ connection: SSHConnection, megabytes: Int) async throws {
        let bytes = (0..<megabytes << 20).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8 ^ $0 >> 16) }
        let result = try await connection.run("cat", stdin: bytes, limit: bytes.count)
        expectSame(result.standardOutput, bytes)
        #expect(result.exit == .status(0))
    }

    @Test("a reader that stops closes its own window and nobody else's")
    func stoppedReader() async throws {
        let server = try await OpenSSHServer()
        let connection = try await server.connect()
        let stopped = SessionRecorder(consumes: false, keeps: false)
        let channel = try await connection.openSession(delegate: stopped)
        try await channel.startAndWait { $0.exec("head -c 8000000 /dev/zero") }
        #expect(try await eventually { stopped.record.received == 2 << 20 })

        // The other channel is not touched by it.
        let other = try await connection.run("head -c 3000000 /dev/zero", limit: 4_000_000)
        #expect(other.standardOutput.count == 3_000_000)
        #expect(stopped.record.received == 2 << 20)

        // Once it reads again, the rest comes.
        let total = 8_000_000
        var given = 0
        while given < total {
            let received = stopped.record.received
            let back = received - given
            given = received
            try await channel.onLoop { $0.consumed(back) }
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(try await stopped.waitUntilClosed().received == total)
    }
}
