import Foundation
import SSH
import TestSupport
import Testing

extension InteropTests {
    /// New keys under load, asked for by them, by us and by both; hashes of what came through.
    @Suite struct RekeyTests {
        /// How much goes through for a limit: a limit of 16 bytes means new keys after almost every packet.
        private static func megabytes(_ limit: Int) -> Int { limit < 100_000 ? 1 : 4 }

        @Test(
            "our client asks every server for new keys after 16 B, 1 KiB and 256 KiB", arguments: Peer.servers,
            [16, 1024, 256 * 1024])
        func ourClient(peer: Peer, limit: Int) async throws {
            let server = try await PeerServer(peer)
            let bytes = Self.part(try await Noise.bytes(megabytes: Self.megabytes(limit)), limit)
            let connection = try await server.connect { $0.rekey = RekeyPolicy(bytes: UInt64(limit)) }
            let result = try await connection.run("cat", stdin: bytes, limit: bytes.count)
            #expect(sha256(result.standardOutput) == sha256(bytes), "\(result.standardOutput.count) of \(bytes.count)")
            #expect(result.exit == .status(0))
            await connection.close()
        }

        @Test(
            "our server asks every client for new keys after 16 B, 1 KiB and 256 KiB", arguments: Peer.clients,
            [
                16, 1024, 256 * 1024,
            ])
        func ourServer(peer: Peer, limit: Int) async throws {
            let server = try await EngineServer { configuration, _ in
                configuration.core.rekey = RekeyPolicy(bytes: UInt64(limit))
            }
            try await echo(peer, server, limit, rekey: nil)
        }

        /// sshd, ssh and libraries with a limit of their own, at the smallest that each takes.
        @Test(
            "servers that want new keys all the time lose nothing, and both at once neither",
            arguments: [
                Peer.openSSH, .libssh, .asyncSSH, .go, .paramiko,
            ].filter(Peer.servers.contains))
        func theirServer(peer: Peer) async throws {
            let server = try await PeerServer(peer, rekey: Self.smallest(peer))
            let bytes = try await Noise.bytes(megabytes: 1)
            for ours in [RekeyPolicy.standard, RekeyPolicy(bytes: 64 * 1024)] {
                let connection = try await server.connect { $0.rekey = ours }
                let result = try await connection.run("cat", stdin: bytes, limit: bytes.count)
                #expect(sha256(result.standardOutput) == sha256(bytes), "\(result.standardOutput.count)")
                await connection.close()
            }
        }

        @Test(
            "clients that want new keys all the time lose nothing, and both at once neither",
            arguments: [
                Peer.openSSH, .libssh, .asyncSSH, .go, .paramiko,
            ].filter(Peer.clients.contains))
        func theirClient(peer: Peer) async throws {
            for ours in [RekeyPolicy.standard, RekeyPolicy(bytes: 64 * 1024)] {
                // paramiko as the one that asks, and data both ways, stops for ever with OpenSSH as well.
                if peer == .paramiko, ours != .standard { continue }
                let server = try await EngineServer { configuration, _ in configuration.core.rekey = ours }
                try await echo(peer, server, 1024, rekey: Self.smallest(peer))
            }
        }

        /// paramiko answers within its own key exchange what was asked before it; but a channel's request that crosses it
        /// stops it, whoever asks, so that it is asked for channels alone.
        @Test(
            "a server that wants new keys while channels are opened and asked for loses none of them",
            arguments: [Peer.openSSH, .asyncSSH, .go, .paramiko].filter(Peer.servers.contains))
        func crossing(peer: Peer) async throws {
            let server = try await PeerServer(peer, rekey: Self.smallest(peer))
            let bytes = try await Noise.bytes(megabytes: 2)
            let connection = try await server.connect()
            async let echoed = connection.run("cat", stdin: bytes, limit: bytes.count)
            for _ in 0..<20 {
                async let answer = connection.ping()
                if peer == .paramiko {
                    await #expect(throws: SSHError.self) { _ = try await connection.openUnixSocket("/nowhere") }
                } else {
                    #expect(try await connection.run("exit 7").exit == .status(7))
                }
                _ = try await answer
            }
            #expect(sha256(try await echoed.standardOutput) == sha256(bytes))
            await connection.close()
        }

        private func echo(_ peer: Peer, _ server: EngineServer, _ limit: Int, rekey: Int?) async throws {
            let folder = try TemporaryFolder()
            let bytes = Self.part(try await Noise.bytes(megabytes: Self.megabytes(limit)), limit)
            try Data(bytes).write(to: URL(fileURLWithPath: folder.file("input")))
            var visit = Visit(port: server.port, rekey: rekey, seconds: 60)
            visit.input = folder.file("input")
            let report = try await peer.visit(visit)
            #expect(report.hash == sha256(bytes), "\(report.log) \(server.log)")
            #expect(report.status == 0)
        }

        /// With 16 bytes every packet brings a key exchange, so that less has to do.
        private static func part(_ noise: [UInt8], _ limit: Int) -> [UInt8] {
            limit == 16 ? Array(noise.prefix(400_000)) : noise
        }

        private static func smallest(_ peer: Peer) -> Int {
            switch peer {
            case .openSSH: 128 * 1024
            case .paramiko: 500_000
            case .libssh: 300_000
            default: 64 * 1024
            }
        }
    }
}
