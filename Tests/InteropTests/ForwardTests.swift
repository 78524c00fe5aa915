import Foundation
import NIOCore
import SSH
import SSHTestSupport
import TestSupport
import Testing

extension InteropTests {
    /// -L and -R, both ways, a megabyte there and back.
    @Suite struct ForwardTests {
        @Test("our client reaches through every server, and is reached by it", arguments: Peer.servers)
        func ourClient(peer: Peer) async throws {
            let (server, echo) = (try await PeerServer(peer), try await EchoServer())
            let bytes = try await Noise.bytes(megabytes: 1)
            let connection = try await server.connect()

            let stream = try await connection.openTCP(to: SSHEndpoint(host: "127.0.0.1", port: echo.port))
            async let sent: Void = {
                try await stream.write(.init(bytes: bytes))
                stream.finish()
            }()
            var back: [UInt8] = []
            for try await buffer in stream { back += buffer.readableBytesView }
            try await sent
            #expect(sha256(back) == sha256(bytes), "\(back.count) of \(bytes.count) through \(peer)")

            // Dropbear chooses no port.
            let port = peer == .dropbear ? try await freePort() : 0
            let rule = SSHForwardRule.remote(
                from: .tcp(host: "127.0.0.1", port: port), to: .tcp(host: "127.0.0.1", port: echo.port))
            let returned = try await connection.withForward(rule) { forward in
                try await EchoServer.exchange(bytes, port: try #require(forward.listening.port))
            }
            #expect(sha256(returned) == sha256(bytes), "\(returned.count) of \(bytes.count) from \(peer)")
            await connection.close()
        }

        @Test("every client reaches through our server", arguments: Peer.clients)
        func local(peer: Peer) async throws {
            let (server, echo) = (try await EngineServer(), try await EchoServer())
            var visit = Visit(port: server.port)
            visit.input = try await Noise.file(megabytes: 1)
            visit.action = .forwardLocal(port: echo.port)
            let report = try await peer.visit(visit)
            #expect(report.hash == (try await Noise.hash(megabytes: 1)), "\(report.log) \(server.log)")
        }

        @Test("every client is reached by our server", arguments: Peer.clients)
        func remote(peer: Peer) async throws {
            let (server, echo) = (try await EngineServer(), try await EchoServer())
            let bytes = try await Noise.bytes(megabytes: 1)
            let forward = try await peer.listenRemotely(at: server.port, echo: echo.port)
            let port = try await forward.port()
            let back = try await EchoServer.exchange(bytes, port: port)
            #expect(sha256(back) == sha256(bytes), "\(back.count) of \(bytes.count): \(forward.log) \(server.log)")
        }
    }
}

/// A client that runs and lets a server listen for it.
struct RemoteListening {
    let program: ChildProcess
    /// The port that was asked for; nil when the server chose one and the client says which.
    let wanted: Int?
    let keepsAlive: [TemporaryFolder]

    var log: String { String((program.text + program.errors).suffix(1500)) }

    /// Where the server listens, once it does.
    func port() async throws -> Int {
        var port = 0
        let isUp = try await eventually(within: 15) {
            if let wanted {
                port = wanted
                return await isListening(wanted)
            }
            // {"listening": 1234}, or: Allocated port 1234 for remote forward to …
            let said = program.text + program.errors
            guard let match = said.firstMatch(of: /(?:"listening": ?|Allocated port )([0-9]+)/) else { return false }
            port = Int(match.1) ?? 0
            return port > 0
        }
        guard isUp else { throw ToolFailure(description: "nothing listens: \(log)") }
        return port
    }
}

extension Peer {
    /// Starts the peer's client with a remote forward. The libraries' programs echo one connection by themselves.
    func listenRemotely(at port: Int, echo: Int) async throws -> RemoteListening {
        let visit = Visit(port: port)
        let keys = try await InteropKeys.get()
        let home = try TemporaryFolder()
        switch self {
        case .openSSH:
            var options = try await StandardClient.openSSHOptions(visit)
            options = options.map { $0 == "LogLevel=ERROR" ? "LogLevel=INFO" : $0 }
            return RemoteListening(
                program: try ChildProcess(
                    "/usr/bin/ssh",
                    options + ["-N", "-p", "\(port)", "-R", "127.0.0.1:0:127.0.0.1:\(echo)", "\(visit.user)@127.0.0.1"]),
                wanted: nil, keepsAlive: [])
        case .dropbear:
            let wanted = try await freePort()
            try await ChildProcess.tool(
                "/usr/bin/dropbearconvert", ["openssh", "dropbear", keys.file("user_ed25519"), home.file("key")])
            return RemoteListening(
                program: try ChildProcess(
                    "/usr/bin/dbclient",
                    [
                        "-y", "-y", "-N", "-T", "-p", "\(port)", "-l", visit.user, "-i", home.file("key"), "-R",
                        "127.0.0.1:\(wanted):127.0.0.1:\(echo)", "127.0.0.1",
                    ]), wanted: wanted, keepsAlive: [home])
        case .putty:
            let wanted = try await freePort()
            try await ChildProcess.tool("/usr/bin/puttygen", [keys.file("user_ed25519"), "-o", home.file("key.ppk")])
            var arguments = [
                "-ssh", "-batch", "-noagent", "-N", "-P", "\(port)", "-l", visit.user, "-i", home.file("key.ppk"),
            ]
            for kind in InteropKeys.kinds {
                arguments += ["-hostkey", try keys.publicKey("host_\(kind)").fingerprint]
            }
            return RemoteListening(
                program: try ChildProcess(
                    "/usr/bin/plink", arguments + ["-R", "127.0.0.1:\(wanted):127.0.0.1:\(echo)", "127.0.0.1"],
                    environment: ["HOME": home.path, "PUTTYDIR": home.file(".putty")]),
                wanted: wanted, keepsAlive: [home])
        case .libssh, .paramiko, .asyncSSH, .go:
            let command = try await command
            return RemoteListening(
                program: try ChildProcess(
                    command[0],
                    command.dropFirst() + [
                        "client", "--port", "\(port)", "--user", visit.user, "--key", keys.file("user_ed25519"),
                        "forward-remote", "0",
                    ]), wanted: nil, keepsAlive: [])
        }
    }
}
