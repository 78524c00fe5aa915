import SSH
import TestSupport
import Testing

// The examples of the README, letter by letter: `DocumentationTests` compares them.

func uname(of host: SSHEndpoint, key: SSHPrivateKey, recorded: SSHPublicKey) async throws -> String {
    let configuration = SSHClientConfiguration(username: "alice", credentials: [.privateKey(key)]) { question in
        question.publicKey == recorded ? .accept : .refuse(reason: "The host's key is another one.")
    }
    let connection = try await SSHClient.connect(to: host, configuration: configuration)
    let result = try await connection.run("uname -a")
    await connection.close()
    return String(decoding: result.standardOutput, as: UTF8.self)
}

func connect(likeSSH name: String, options: [String] = []) async throws -> SSHConnection {
    let host = try SSHConfiguration.resolve(host: name, options: options)
    let keys = try host.identities().compactMap { try? $0.key.get() }
    let configuration = try SSHClientConfiguration(
        host, credentials: keys.map { .privateKey($0) }, verifyHostKey: host.hostKeyVerification { _ in false })
    return try await SSHClient.connect(to: host.endpoint, configuration: configuration)
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

    @Test("the README's client that does what ssh does connects by configuration, key file and known hosts")
    func likeSSH() async throws {
        let hostKey = SSHPrivateKey.generateEd25519()
        let alice = SSHPrivateKey.generateEd25519()
        let server = try await greeter(port: 0, hostKey: hostKey, alice: alice.publicKey)
        let folder = try TemporaryFolder()
        let key = hostKey.publicKey.authorizedKeysLine()
        try folder.write("[web-1]:\(server.port) \(key)\n", to: "known_hosts")
        try folder.write(try alice.openSSHFile(), to: "id")
        var options = [
            "HostName=127.0.0.1", "Port=\(server.port)", "User=alice", "IdentityFile=\(folder.file("id"))",
            "UserKnownHostsFile=\(folder.file("known_hosts"))", "GlobalKnownHostsFile=none", "HostKeyAlias=web-1",
        ]
        await #expect(throws: SSHError.self) { try await connect(likeSSH: "web-1", options: options) }
        try folder.write("web-1 \(key)\n", to: "known_hosts")
        let connection = try await connect(likeSSH: "web-1", options: options)
        #expect(try await connection.run("true").exit == .status(0))
        await connection.close()
        options[2] = "User=bob"
        await #expect(throws: SSHError.self) { try await connect(likeSSH: "web-1", options: options) }
        await server.shutdown(grace: .zero)
    }
}
