import Foundation
import NIOConcurrencyHelpers
import NIOCore
import SSH
import SSHTestSupport
import TestSupport
import Testing

/// A server of ours on a free port of loopback, whose commands are a few words of its own.
final class OurServer: Sendable {
    static let password = "correct horse 42"

    let server: SSHServer
    let events = NIOLockedValueBox<[String]>([])
    private let folder: TemporaryFolder

    var port: Int { server.port }
    var endpoint: SSHEndpoint { SSHEndpoint(host: "127.0.0.1", port: port) }

    init(
        _ change: (inout SSHServerConfiguration, inout SSHServerHandlers) -> Void = { _, _ in }
    ) async throws {
        folder = try TemporaryFolder()
        let files = try await TestKeys.folder()
        let hostKeys = try ["ed25519", "ecdsa256", "rsa"].map { kind in
            HostKey(privateKey: try SSHPrivateKey(file: try files.read("host_\(kind)"), passphrase: nil))
        }
        var configuration = SSHServerConfiguration(hostKeys: hostKeys)
        configuration.core.authenticationMethods = ["publickey", "password"]
        configuration.core.maximumSessions = 100
        configuration.acceptedEnvironment += ["TEST_*"]
        configuration.penalties = nil
        configuration.startups = StartupLimits(start: 100, rate: 30, full: 200, perSource: 200)
        var keys: Set<SSHPublicKey> = []
        for kind in TestKeys.kinds { keys.insert(try await TestKeys.user(kind).publicKey) }
        let userKeys = keys
        var handlers = SSHServerHandlers { request, _ in
            switch request.method {
            case .publicKey(let identity, _, _): userKeys.contains(identity.publicKey) ? .accept : .refuse
            case .password(let password): password == Array(Self.password.utf8) ? .accept : .refuse
            default: .refuse
            }
        }
        handlers.session = { session in try await TestCommand.run(session) }
        handlers.subsystems["reverse"] = { session in
            var all: [UInt8] = []
            for try await bytes in session { all += bytes.readableBytesView }
            try await session.write(ByteBuffer(bytes: all.reversed()))
            return .status(0)
        }
        handlers.forwarding = .allowed
        let events = events
        handlers.observe = { event in
            events.withLockedValue { list in
                switch event {
                case .connected: list.append("connected")
                case .refused(let why, _): list.append("refused \(why)")
                case .authenticated(_, let user): list.append("authenticated \(user.username)")
                case .closed(_, let error): list.append("closed \(error?.code.rawValue ?? "in order")")
                }
            }
        }
        change(&configuration, &handlers)
        server = try await SSHServer.start(
            on: .tcp(host: "127.0.0.1", port: 0), configuration: configuration, handlers: handlers)
    }

    func connect(_ change: (inout SSHClientConfiguration) async throws -> Void = { _ in }) async throws -> SSHConnection
    {
        var configuration = try await SSHClientConfiguration.test()
        try await change(&configuration)
        let connection = try await SSHClient.connect(to: endpoint, configuration: configuration, on: anyLoop())
        // The server stays for as long as the connection, whoever still names it.
        connection.closed.whenComplete { _ in withExtendedLifetime(self) {} }
        return connection
    }
}

/// What the server of these tests can run, without a process of the system.
enum TestCommand {
    static func run(_ session: SSHServerSession) async throws -> CommandResult.Exit {
        guard let command = session.command else { return try await shell(session) }
        let words = command.split(separator: " ").map(String.init)
        switch (words.first, words.dropFirst().first) {
        case ("echo", _):
            try await session.write(words.dropFirst().joined(separator: " ") + "\n")
        case ("complain", _):
            try await session.write("out\n")
            try await session.write("err\n", to: .standardError)
        case ("cat", _):
            for try await bytes in session { try await session.write(bytes) }
        case ("count", _):
            var count = 0
            for try await bytes in session { count += bytes.readableBytes }
            try await session.write("\(count)\n")
        case ("send", let file?):
            try await send(file, session)
        case ("take", let file?):
            try await take(file, session)
        case ("env", let name?):
            try await session.write((session.environment[name] ?? "unset") + "\n")
        case ("exit", let status?):
            return .status(UInt32(status) ?? 255)
        case ("killed", let signal?):
            return .signal(ExitSignal(name: signal, message: "as it was told"))
        case ("wait", _):
            return try await waitForEvent(session)
        case ("sleep", _):
            try await Task.sleep(for: .seconds(60))
        case ("whoami", _):
            try await session.write(session.user.username + "\n")
        default:
            try await session.write("not known: \(command)\n", to: .standardError)
            return .status(127)
        }
        return .status(0)
    }

    /// Reads lines: "size" tells the terminal, "exit N" ends.
    private static func shell(_ session: SSHServerSession) async throws -> CommandResult.Exit {
        let terminal = session.terminal.map { "\($0.type) \($0.columns)x\($0.rows)" } ?? "no terminal"
        try await session.write("welcome to \(terminal)\r\n$ ")
        var line = ""
        for try await bytes in session {
            for character in String(buffer: bytes) {
                guard character == "\n" || character == "\r" || character == "\r\n" else {
                    line.append(character)
                    continue
                }
                if line.hasPrefix("exit ") { return .status(UInt32(line.dropFirst(5)) ?? 0) }
                try await session.write("you said \(line)\r\n$ ")
                line = ""
            }
        }
        return .status(0)
    }

    /// Says which event came; a size, a signal or a break.
    private static func waitForEvent(_ session: SSHServerSession) async throws -> CommandResult.Exit {
        try await session.write("waiting\n")
        for await event in session.events {
            switch event {
            case .resized(let terminal): try await session.write("size \(terminal.columns)x\(terminal.rows)\n")
            case .signal(let name):
                try await session.write("signal \(name)\n")
                return .signal(ExitSignal(name: name))
            case .breakReceived(let milliseconds): try await session.write("break \(milliseconds)\n")
            }
        }
        return .unknown
    }

    private static func send(_ file: String, _ session: SSHServerSession) async throws {
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
        defer { try? handle.close() }
        while let data = try handle.read(upToCount: 256 * 1024), !data.isEmpty {
            try await session.write(ByteBuffer(bytes: data))
        }
    }

    private static func take(_ file: String, _ session: SSHServerSession) async throws {
        try Data().write(to: URL(fileURLWithPath: file))
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
        defer { try? handle.close() }
        for try await bytes in session { try handle.write(contentsOf: Data(bytes.readableBytesView)) }
    }
}
