import Foundation
import NIOCore
import SSH
import Testing

extension InteropTests {
    /// 300 MB by hash in each direction: with OpenSSH always, with everybody in the long form.
    @Suite struct BulkTests {
        static let megabytes = 300
        static let servers = CoveringSet.isLong ? Peer.servers : Peer.servers.filter { $0 == .openSSH }
        static let receivers = CoveringSet.isLong ? Peer.clients : Peer.clients.filter { $0 == .openSSH }

        @Test("300 MB come whole from every server to our client", arguments: servers)
        func download(peer: Peer) async throws {
            let server = try await PeerServer(peer)
            let connection = try await server.connect()
            let noise = try await Noise.readable(megabytes: Self.megabytes)
            let process = try await connection.start("cat \(noise)")
            var digest = RunningDigest()
            for try await output in process where output.stream == .standardOutput { digest.add(output.bytes) }
            #expect(try await process.exit() == CommandResult.Exit.status(0))
            #expect(digest.hex == (try await Noise.hash(megabytes: Self.megabytes)))
            await connection.close()
        }

        @Test("300 MB go whole from our client to every server", arguments: servers)
        func upload(peer: Peer) async throws {
            let server = try await PeerServer(peer)
            let connection = try await server.connect()
            let process = try await connection.start("sha256sum")
            let file = try FileHandle(
                forReadingFrom: URL(fileURLWithPath: try await Noise.file(megabytes: Self.megabytes)))
            defer { try? file.close() }
            while let block = try file.read(upToCount: 256 * 1024), !block.isEmpty {
                try await process.write(.init(bytes: block))
            }
            process.finish()
            var said = ""
            for try await output in process { said += String(buffer: output.bytes) }
            let hash = try await Noise.hash(megabytes: Self.megabytes)
            #expect(said.hasPrefix(hash), "\(said)")
            #expect(try await process.exit() == CommandResult.Exit.status(0))
            await connection.close()
        }

        @Test("300 MB come whole from our server to every client, and back", arguments: receivers)
        func theirClient(peer: Peer) async throws {
            let server = try await EngineServer()
            let noise = try await Noise.file(megabytes: Self.megabytes)
            let hash = try await Noise.hash(megabytes: Self.megabytes)
            var visit = Visit(port: server.port, seconds: 300)
            visit.action = .exec("cat \(noise)")
            let down = try await peer.visit(visit)
            #expect(down.hash == hash, "\(down.log) \(server.log)")
            visit.action = .exec("sha256sum")
            visit.input = noise
            let up = try await peer.visit(visit)
            #expect(up.text?.hasPrefix(hash) == true, "\(up.log) \(server.log)")
        }
    }
}
