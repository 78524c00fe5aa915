import NIOPosix
import SSH
import Testing

// The examples of the README, letter by letter: `DocumentationTests` compares them.

func uname(of host: SSHEndpoint, key: SSHPrivateKey, recorded: SSHPublicKey) async throws -> String {
    let configuration = SSHClientConfiguration(username: "alice", credentials: [.privateKey(key)]) { question in
        question.publicKey == recorded ? .accept : .refuse(reason: "The host's key is another one.")
    }
    let connection = try await SSHClient.connect(
        to: host, configuration: configuration, on: MultiThreadedEventLoopGroup.singleton.any())
    let result = try await connection.run("uname -a")
    await connection.close()
    return String(decoding: result.standardOutput, as: UTF8.self)
}

func greeter(port: Int, hostKey: SSHPrivateKey, alice: SSHPublicKey) async throws -> SSHServer {
    var handlers = SSHServerHandlers { request, _ in
        // The key's signature is verified already; an unknown user takes the same way as a wrong key.
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
        on: .tcp(host: "127.0.0.1", port: port),
        configuration: SSHServerConfiguration(hostKeys: [HostKey(privateKey: hostKey)]), handlers: handlers)
}

@Suite struct LibraryExamples {
    @Test("the README's client of ten lines and its server of thirty run, and talk to each other")
    func clientAndServer() async throws {
        let hostKey = SSHPrivateKey.generateEd25519()
        let alice = SSHPrivateKey.generateEd25519()
        let server = try await greeter(port: 0, hostKey: hostKey, alice: alice.publicKey)
        let host = SSHEndpoint(host: "127.0.0.1", port: server.port)
        let said = try await uname(of: host, key: alice, recorded: hostKey.publicKey)
        #expect(said == "You asked for uname -a\n")
        let stranger = SSHPrivateKey.generateEd25519()
        await #expect(throws: SSHError.self) { try await uname(of: host, key: stranger, recorded: hostKey.publicKey) }
        await #expect(throws: SSHError.self) { try await uname(of: host, key: alice, recorded: alice.publicKey) }
        await server.shutdown(grace: .zero)
    }
}
