import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSH
import SSHTestSupport
import TestSupport
import Testing

/// Our agent with OpenSSH's own programs at its socket.
@Suite struct AgentServerTests {
    private struct Stand {
        let folder: TemporaryFolder
        let server: SSHAgentServer
        let listener: AgentListener

        init(confirm: @escaping @Sendable (AgentQuestion) async -> Bool = { _ in false }) async throws {
            folder = try TemporaryFolder()
            server = SSHAgentServer(confirm: confirm)
            listener = try await server.listen(at: folder.file("a/agent.sock"))
        }

        func add(_ arguments: [String], environment: [String] = []) async throws -> ToolOutcome {
            try await ToolOutcome(
                "/usr/bin/ssh-add", arguments, environment: ["SSH_AUTH_SOCK=" + listener.path] + environment)
        }
    }

    @Test("ssh-add adds, lists, shows and removes keys of every type", arguments: TestKeys.kinds)
    func keys(_ kind: String) async throws {
        let stand = try await Stand()
        let path = try await TestKeys.folder().file("user_\(kind)")
        #expect(try await stand.add(["-l"]).status == 1)
        let added = try await stand.add([path])
        try #require(added.status == 0, "\(added.output)")
        let listed = try await stand.add(["-l"])
        #expect(listed.output.contains(try await TestKeys.user(kind).publicKey.fingerprint))
        let full = try await stand.add(["-L"])
        #expect(full.output.contains(try await TestKeys.user(kind).publicKey.authorizedKeysLine()))
        // For an RSA key this command of OpenSSH 9.2 asks for SHA-1, which our agent does not sign with.
        #expect(try await stand.add(["-T", path + ".pub"]).status == (kind == "rsa" ? 1 : 0))
        #expect(try await stand.add(["-d", path + ".pub"]).status == 0)
        #expect(try await stand.add(["-l"]).status == 1)
        #expect(try await stand.add([path]).status == 0)
        #expect(try await stand.add(["-D"]).status == 0)
        #expect(await stand.server.count == 0)
    }

    @Test("ssh-add locks the agent and unlocks it with the same passphrase alone")
    func lock() async throws {
        let stand = try await Stand()
        #expect(try await stand.add([try await TestKeys.folder().file("user_ed25519")]).status == 0)
        let right = try stand.folder.askpass("correct horse")
        #expect(try await stand.add(["-x"], environment: right).status == 0)
        #expect(await stand.server.isLocked)
        #expect(try await stand.add(["-l"]).status == 1)
        #expect(try await stand.add(["-X"], environment: try stand.folder.askpass("wrong")).status == 1)
        #expect(try await stand.add(["-X"], environment: try stand.folder.askpass("correct horse")).status == 0)
        #expect(try await stand.add(["-l"]).status == 0)
    }

    @Test("a key that ssh-add gives a second leaves after it")
    func lifetime() async throws {
        let stand = try await Stand()
        let added = try await stand.add(["-t", "1", try await TestKeys.folder().file("user_ed25519")])
        #expect(added.output.contains("Lifetime set to 1 seconds"))
        #expect(try await eventually { await stand.server.count == 0 })
    }

    @Test("a key that ssh-add wants confirmed signs when its owner says yes, and not otherwise")
    func confirmation() async throws {
        let answers = NIOLockedValueBox([true, false])
        let asked = NIOLockedValueBox<[String]>([])
        let stand = try await Stand { question in
            asked.withLockedValue { $0.append(question.comment) }
            return answers.withLockedValue { $0.isEmpty ? false : $0.removeFirst() }
        }
        let path = try await TestKeys.folder().file("user_ed25519")
        #expect(try await stand.add(["-c", path]).status == 0)
        #expect(try await stand.add(["-T", path + ".pub"]).status == 0)
        #expect(try await stand.add(["-T", path + ".pub"]).status != 0)
        #expect(asked.withLockedValue { $0 } == ["test", "test"])
    }

    @Test("ssh logs in at sshd with a key of ours, a certificate too")
    func login() async throws {
        let stand = try await Stand()
        let keys = try await TestKeys.folder()
        try keys.write(String(decoding: try keys.read("user_ed25519.pub"), as: UTF8.self), to: "agent_ca_user.pub")
        let sshd = try await OpenSSHServer()
        #expect(try await login(sshd, stand).status == 255)
        #expect(try await stand.add([keys.file("user_rsa")]).status == 0)
        let outcome = try await login(sshd, stand)
        #expect(outcome.status == 7, "\(outcome.output)")
        #expect(try await stand.add(["-D"]).status == 0)

        let folder = try TemporaryFolder()
        try await ChildProcess.tool("/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", folder.file("ca")])
        try await ChildProcess.tool(
            "/usr/bin/ssh-keygen", ["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", folder.file("key")])
        try await ChildProcess.tool(
            "/usr/bin/ssh-keygen",
            ["-q", "-s", folder.file("ca"), "-I", "me", "-n", currentUser, folder.file("key.pub")])
        let trusting = try await OpenSSHServer(["TrustedUserCAKeys " + folder.file("ca.pub")])
        #expect(try await stand.add([folder.file("key")]).output.contains("Certificate added"))
        let certified = try await login(trusting, stand)
        #expect(certified.status == 7, "\(certified.output)")
        #expect(trusting.log.contains("RSA-CERT"))
    }

    @Test("keys that ssh-add binds to a host log in there and nowhere else")
    func destinations() async throws {
        let stand = try await Stand()
        let keys = try await TestKeys.folder()
        let (here, there) = (try await OpenSSHServer(hostKeys: ["ed25519"]), try await OpenSSHServer(hostKeys: ["rsa"]))
        try stand.folder.write(
            "here \(try await TestKeys.host("ed25519").authorizedKeysLine())\n"
                + "there \(try await TestKeys.host("rsa").authorizedKeysLine())\n", to: "known_hosts")
        let added = try await stand.add([
            "-H", stand.folder.file("known_hosts"), "-h", "\(currentUser)@here", keys.file("user_ed25519"),
        ])
        try #require(added.status == 0, "\(added.output)")
        #expect(try await stand.add(["-l"]).status == 0)
        let outcome = try await login(here, stand)
        #expect(outcome.status == 7, "\(outcome.output)")
        #expect(try await login(there, stand).status == 255)
        // Without ssh's word about the host the key signs nothing.
        #expect(try await stand.add(["-T", keys.file("user_ed25519.pub")]).status != 0)
    }

    @Test("the socket and its folder are this user's alone, and a folder that is open to others is refused")
    func permissions() async throws {
        let stand = try await Stand()
        for (path, mode) in [("a", 0o700), ("a/agent.sock", 0o600)] {
            let attributes = try FileManager.default.attributesOfItem(atPath: stand.folder.file(path))
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == mode)
        }
        let folder = try TemporaryFolder()
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
        await #expect(throws: SSHAgentError.self) { try await stand.server.listen(at: folder.file("s")) }
        await #expect(throws: SSHAgentError.self) { try await stand.server.listen(at: stand.listener.path) }
        await stand.listener.close()
        #expect(!FileManager.default.fileExists(atPath: stand.listener.path))
    }

    @Test("a socket that a stopped agent left behind is taken over")
    func staleSocket() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("s")
        let old = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(
            unixDomainSocketPath: path
        )
        .get()
        try await old.close()
        // NIO removes a socket that it closes; a killed program cannot.
        if !FileManager.default.fileExists(atPath: path) {
            try await ChildProcess.tool(
                "/usr/bin/python3",
                ["-c", "import socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])", path])
        }
        let listener = try await SSHAgentServer().listen(at: path)
        #expect(try await SSHAgentClient(socketPath: path).identities().isEmpty)
        await listener.close()
    }

    @Test("more connections than the limit are closed, and silent ones do not stop the others")
    func connectionLimit() async throws {
        let folder = try TemporaryFolder()
        let server = SSHAgentServer()
        let listener = try await server.listen(at: folder.file("s"), maximumConnections: 3)
        var silent: [any Channel] = []
        for _ in 0..<2 {
            silent.append(
                try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connect(unixDomainSocketPath: listener.path).get())
        }
        #expect(try await eventually { listener.connectionCount == 2 })
        let client = SSHAgentClient(socketPath: listener.path)
        #expect(try await client.identities().isEmpty)
        let another = SSHAgentClient(socketPath: listener.path)
        await #expect(throws: SSHAgentError.self) { try await another.identities() }
        for channel in silent { try await channel.close() }
        #expect(try await eventually { listener.connectionCount == 1 })
        #expect(try await another.identities().isEmpty)
        await listener.close()
    }

    @Test("a message that begins and does not end closes its connection")
    func stuckMessage() async throws {
        let folder = try TemporaryFolder()
        let listener = try await SSHAgentServer().listen(at: folder.file("s"), messageTimeout: .milliseconds(50))
        for bytes in [[0, 0, 0, 9, 11], [0, 4, 0, 1], [0, 0, 0, 0]] as [[UInt8]] {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: listener.path).get()
            try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
            try await channel.closeFuture.get()
        }
        await listener.close()
    }

    private func login(_ sshd: OpenSSHServer, _ stand: Stand) async throws -> ToolOutcome {
        try await ToolOutcome(
            "/usr/bin/ssh",
            [
                "-F", "none", "-p", "\(sshd.port)", "-o", "StrictHostKeyChecking=no", "-o",
                "UserKnownHostsFile=/dev/null",
                "-o", "BatchMode=yes", "-o", "IdentityFile=none", "\(currentUser)@127.0.0.1", "exit 7",
            ], environment: ["SSH_AUTH_SOCK=" + stand.listener.path])
    }
}
