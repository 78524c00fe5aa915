import NIOCore
import SSH
import Testing

// The examples of the README, as they stand there.

/// A server whose users see a greeting, and whose commands are answered.
func exampleServer(hostKey: SSHPrivateKey, alice: SSHPublicKey) async throws -> SSHServer {
    var handlers = SSHServerHandlers { request, _ in
        guard request.username == "alice", case .publicKey(let identity, _, _) = request.method else { return .refuse }
        return identity.publicKey == alice ? .accept : .refuse
    }
    handlers.session = { session in
        guard let command = session.command else {
            try await session.write("Hello, \(session.user.username). Say something:\r\n")
            for try await bytes in session { try await session.write(bytes) }
            return .status(0)
        }
        try await session.write("You asked for \(command)\n")
        return .status(command == "true" ? 0 : 1)
    }
    handlers.subsystems["time"] = { session in
        try await session.write("\(ContinuousClock.now)\n")
        return .status(0)
    }
    handlers.use { session, next in
        guard session.terminal == nil || session.user.username != "robot" else { return .status(77) }
        return try await next(session)
    }
    handlers.forwarding = .allowed
    return try await SSHServer.start(
        on: .tcp(host: "127.0.0.1", port: 0),
        configuration: SSHServerConfiguration(hostKeys: [HostKey(privateKey: hostKey)]), handlers: handlers)
}

/// A client that runs a command and reaches a database behind the host.
func exampleClient(_ host: SSHEndpoint, key: SSHPrivateKey, recorded: SSHPublicKey) async throws -> String {
    let configuration = SSHClientConfiguration(username: "alice", credentials: [.privateKey(key)]) { question in
        question.publicKey == recorded ? .accept : .refuse(reason: "The host's key is another one.")
    }
    let connection = try await SSHClient.connect(to: host, configuration: configuration, on: anyLoop())
    let rule = SSHForwardRule.local(
        from: .tcp(host: "127.0.0.1", port: 0), to: .tcp(host: "127.0.0.1", port: host.port))
    let port = try await connection.withForward(rule) { forward in forward.listening.port ?? 0 }
    let result = try await connection.run("uname -a")
    await connection.close()
    return "\(port > 0 ? "forwarded; " : "")\(String(decoding: result.standardOutput, as: UTF8.self))"
}

@Suite struct LibraryExamples {
    @Test("the examples of the README run")
    func examples() async throws {
        let hostKey = SSHPrivateKey.generateEd25519()
        let alice = SSHPrivateKey.generateEd25519()
        let server = try await exampleServer(hostKey: hostKey, alice: alice.publicKey)
        let said = try await exampleClient(
            SSHEndpoint(host: "127.0.0.1", port: server.port), key: alice, recorded: hostKey.publicKey)
        #expect(said == "forwarded; You asked for uname -a\n")
        await server.shutdown()
    }
}
