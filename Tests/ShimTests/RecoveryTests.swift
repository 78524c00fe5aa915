import Foundation
import NIOCore
import NIOPosix
import SSH
import Testing

@testable import Shim

/// What happens when the host goes away, and comes back.
@Suite("A shim whose host was lost") struct RecoveryTests {
    /// A hundred with the long tests.
    private static let rounds = ProcessInfo.processInfo.environment["COPILOT_FULL_TESTS"] == nil ? 5 : 100

    @Test("an open session ends with status 255 and says why, and the next one works")
    func session() async throws {
        let server = try await UpstreamServer()
        let shim = try await ShimOfTest([server.upstream()])
        let connection = try await shim.connect()
        let running = Task { try await connection.run("wait", stdin: []) }
        let process = try await connection.start("wait")
        _ = try await process.read()
        try await server.cut()
        var errors = ""
        for try await output in process where output.stream == .standardError { errors += String(buffer: output.bytes) }
        #expect(errors.contains("the connection to web was lost"))
        #expect(try await process.exit() == .status(255))
        #expect(try await connection.run("echo back").text == "back")
        _ = try? await running.value
        await shim.shim.close()
    }

    @Test("forwards come back at the same port, in any number and with channels open, round after round")
    func forwards() async throws {
        let server = try await UpstreamServer()
        let shim = try await ShimOfTest([server.upstream()])
        let connection = try await shim.connect()
        let echo = try await EchoServer.start()
        var forwards: [SSHForward] = []
        for _ in 0..<40 {
            forwards.append(
                try await connection.forward(
                    .remote(from: .tcp(host: "127.0.0.1", port: 0), to: .tcp(host: "127.0.0.1", port: echo))))
        }
        let ports = forwards.compactMap(\.listening.port)
        #expect(Set(ports).count == 40)
        for round in 0..<Self.rounds {
            var open: [SSHProcess] = []
            for _ in 0..<10 { open.append(try await connection.start("wait")) }
            try await server.cut()
            #expect(try await connection.run("echo \(round)").text == "\(round)")
            let isBack = try await eventually {
                shim.count { if case .forwardRestored = $0 { true } else { false } } >= 40 * (round + 1)
            }
            #expect(isBack)
            for process in open { #expect(try await process.exit() == .status(255)) }
            let losses = shim.count { if case .lost = $0 { true } else { false } }
            for port in [ports.first, ports.last] {
                #expect(await echoes(port ?? 0), "port \(port ?? 0) in round \(round), after \(losses) losses")
            }
        }
        await forwards.first?.close()
        #expect(try await eventually { await !echoes(ports.first ?? 0) })
        withExtendedLifetime(forwards) {}
        await shim.shim.close()
    }

    /// Whether a connection to the port comes back with what was sent.
    private func echoes(_ port: Int) async -> Bool {
        guard
            let channel = try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(
                    host: "127.0.0.1", port: port,
                    channelInitializer: { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                        }
                    })
        else { return false }
        // A listener that ends resets whoever has just come: that is no echo either.
        let isEcho = try? await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "ping"))
            for try await bytes in inbound { return String(buffer: bytes) == "ping" }
            return false
        }
        return isEcho ?? false
    }

    @Test("a host with another key is refused for good, and says so to whoever comes")
    func otherKey() async throws {
        let server = try await UpstreamServer()
        let port = server.server.port
        let shim = try await ShimOfTest([server.upstream()])
        let connection = try await shim.connect()
        #expect(try await connection.run("echo 1").text == "1")
        await server.server.shutdown(grace: .zero)
        let impostor = try await UpstreamServer(port: port)
        let hasFailed = try await eventually { shim.count { if case .failed = $0 { true } else { false } } == 1 }
        #expect(hasFailed)
        #expect(impostor.logins == 0)
        let refused = try await connection.run("echo 2")
        #expect(refused.errors.contains("another key"))
        #expect(refused.exit == .status(255))
        await shim.shim.close()
    }

    @Test("a refused credential is not tried again")
    func refusedCredential() async throws {
        let server = try await UpstreamServer()
        let shim = try await ShimOfTest([server.upstream(password: "wrong")])
        let failure = await shim.shim.firstAttempt().first ?? nil
        #expect(failure?.isFinal == true)
        #expect(shim.count { if case .connecting = $0 { true } else { false } } == 1)
        await shim.shim.close()
    }

    @Test("a channel waits for the host, and not for ever")
    func patience() async throws {
        let server = try await UpstreamServer()
        let source = server.upstream()
        await server.server.shutdown(grace: .zero)
        let shim = try await ShimOfTest([source]) { $0.limits.patience = .milliseconds(300) }
        let connection = try await shim.connect()
        let refused = try await connection.run("echo 1")
        #expect(refused.errors.contains("copilot shim: no connection to web"))
        #expect(refused.exit == .status(255))
        await shim.shim.close()
    }

    @Test("a client that goes away takes its channels at the host with it")
    func leaves() async throws {
        let server = try await UpstreamServer(sessions: 2)
        let shim = try await ShimOfTest([server.upstream()])
        for _ in 0..<6 {
            let client = try await shim.connect()
            let process = try await client.start("wait")
            _ = try await process.read()
            await client.close()
        }
        let last = try await shim.connect()
        #expect(try await last.run("echo free").text == "free")
        await shim.shim.close()
    }
}
