import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSH
import SSHProtocol
import Testing

/// A server of ours that stands for the host behind a shim. Its commands are a few words of its own.
final class UpstreamServer: Sendable {
    let server: SSHServer
    let hostKey: SSHPrivateKey
    private let connected = NIOLockedValueBox(0)

    var endpoint: SSHEndpoint { SSHEndpoint(host: "127.0.0.1", port: server.port) }
    /// How often somebody authenticated.
    var logins: Int { connected.withLockedValue { $0 } }

    init(port: Int = 0, sessions: Int = 100, hostKey: SSHPrivateKey = .generateEd25519()) async throws {
        self.hostKey = hostKey
        var configuration = SSHServerConfiguration(hostKeys: [HostKey(privateKey: hostKey)])
        configuration.core.maximumSessions = sessions
        configuration.core.maximumChannels = 1000
        configuration.core.authenticationMethods = ["password"]
        configuration.acceptedEnvironment = ["*"]
        configuration.penalties = nil
        var handlers = SSHServerHandlers { request, _ in
            if case .password(let password) = request.method, password == Array("secret".utf8) { return .accept }
            return .refuse
        }
        handlers.session = { try await UpstreamCommand.run($0) }
        handlers.subsystems["upper"] = { session in
            for try await bytes in session { try await session.write(String(buffer: bytes).uppercased()) }
            return .status(0)
        }
        handlers.forwarding = .allowed
        handlers.allowsAgentForwarding = { _ in true }
        handlers.allowsX11 = { $0.username != "none" }
        let connected = connected
        handlers.observe = { event in
            if case .authenticated = event { connected.withLockedValue { $0 += 1 } }
        }
        server = try await SSHServer.start(
            on: .tcp(host: "127.0.0.1", port: port), configuration: configuration, handlers: handlers)
    }

    /// Ends every connection at once, as a restart of sshd's children would. Returns when they are over: until then they
    /// would take a session, and lose it.
    func cut() async throws {
        let ending = server.connections
        for connection in ending { connection.close() }
        let areOver = try await eventually {
            !server.connections.contains { standing in ending.contains { $0 === standing } }
        }
        #expect(areOver)
    }

    func upstream(_ name: String = "web", password: String = "secret") -> ShimUpstreamSource {
        ShimUpstreamSource(name: name, endpoint: endpoint, password: password, hostKey: hostKey.publicKey)
    }
}

/// What makes connections to an `UpstreamServer`.
struct ShimUpstreamSource: Sendable {
    var name: String
    var endpoint: SSHEndpoint
    var password: String
    var hostKey: SSHPublicKey

    func connect(_ eventLoop: any EventLoop) async throws -> SSHConnection {
        let hostKey = hostKey
        var configuration = SSHClientConfiguration(username: "far", credentials: [.password(Array(password.utf8))]) {
            $0.publicKey == hostKey ? .accept : .refuse(reason: "The host shows another key.")
        }
        // A machine with other things to do is not silence.
        configuration.keepaliveInterval = .seconds(5)
        configuration.maximumChannels = 600
        return try await SSHClient.connect(to: endpoint, configuration: configuration, on: eventLoop)
    }
}

enum UpstreamCommand {
    static func run(_ session: SSHServerSession) async throws -> CommandResult.Exit {
        guard let command = session.command else { return .status(3) }
        let words = command.split(separator: " ").map(String.init)
        switch words.first {
        case "echo":
            try await session.write(words.dropFirst().joined(separator: " "))
        case "both":
            try await session.write("out")
            try await session.write("err", to: .standardError)
        case "cat":
            for try await bytes in session { try await session.write(bytes) }
        case "complain":
            let piece = ByteBuffer(repeating: UInt8(ascii: "e"), count: 32 * 1024)
            for _ in 0..<256 { try await session.write(piece, to: .standardError) }
        case "facts":
            let environment = session.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let terminal = session.terminal.map {
                "\($0.type) \($0.columns)x\($0.rows) \($0.width)x\($0.height) "
                    + $0.modes.values.map { "\($0.opcode):\($0.argument)" }.joined(separator: ",")
            }
            let x11 = session.channel.info.x11.map { "\($0.cookie) \($0.screen) \($0.isSingle)" }
            try await session.write(
                (environment + [terminal ?? "none", "agent \(session.channel.info.hasAgent)", x11 ?? "no display"])
                    .joined(separator: "|"))
        case "agent":
            let agent = try await session.openAgent()
            try await agent.write(ByteBuffer(string: "question"))
            if let answer = try await agent.read() { try await session.write(answer) }
            agent.close()
        case "display":
            // Once there is input, so that others may have come meanwhile.
            _ = try await session.read()
            guard let x11 = session.channel.info.x11 else { return .status(1) }
            let display = try await session.connection.openStream(
                .x11(originator: TCPAddress(host: "127.0.0.1", port: 1)))
            let digits = Array(x11.cookie)
            let cookie = stride(from: 0, to: digits.count, by: 2).compactMap {
                UInt8(String(digits[$0..<min($0 + 2, digits.count)]), radix: 16)
            }
            try await display.write(
                ByteBuffer(
                    bytes: [0x6C, 0, 11, 0, 0, 0, 18, 0, 16, 0, 0, 0] + Array("MIT-MAGIC-COOKIE-1".utf8) + [0, 0]
                        + cookie))
            if let answer = try await display.read() { try await session.write(answer) }
            display.close()
        case "exit":
            return .status(words.dropFirst().first.flatMap { UInt32($0) } ?? 0)
        case "killed":
            return .signal(ExitSignal(name: "SEGV", coreDumped: true, message: "it fell"))
        case "events":
            try await session.write("ready\n")
            for await event in session.events {
                switch event {
                case .resized(let terminal):
                    try await session.write(
                        "\(terminal.columns)x\(terminal.rows) \(terminal.width)x\(terminal.height)\n")
                case .breakReceived(let milliseconds): try await session.write("break \(milliseconds)\n")
                case .signal(let name):
                    try await session.write("signal \(name)\n")
                    return .signal(ExitSignal(name: name))
                }
            }
        case "wait":
            try await session.write("waiting")
            for try await _ in session {}
        default:
            return .status(127)
        }
        return .status(0)
    }
}
