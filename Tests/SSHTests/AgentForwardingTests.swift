import Foundation
import NIOCore
import SSH
import SSHTestSupport
import TestSupport
import Testing

/// Agents between us and a real sshd: logging in with one, and taking one along.
@Suite struct AgentForwardingTests {
    private func connect(
        _ server: OpenSSHServer, _ credentials: [SSHCredential]
    ) async throws -> SSHConnection {
        try await server.connect { $0.credentials = credentials }
    }

    /// Runs a command with the agent forwarded; gives its output.
    private func run(
        _ command: String, on connection: SSHConnection, with agent: ForwardedAgent
    ) async throws -> String {
        connection.forwardAgent(agent)
        let recorder = SessionRecorder()
        let channel = try await connection.openSession(delegate: recorder)
        try await connection.eventLoop.flatSubmit { channel.requestAgentForwarding() }.get()
        try await connection.eventLoop.flatSubmit { channel.exec("{ " + command + "; } 2>&1") }.get()
        return try await recorder.waitUntilClosed().text
    }

    @Test("we log in with a key in ssh-agent", arguments: TestKeys.kinds)
    func login(_ kind: String) async throws {
        let agent = try await RealAgent()
        #expect(try await agent.add([try await TestKeys.folder().file("user_\(kind)")]).status == 0)
        let server = try await OpenSSHServer()
        let connection = try await connect(server, [.agent(SSHAgentClient(socketPath: agent.socket))])
        #expect(try await connection.run("exit 4").exit == .status(4))
        await connection.close()
    }

    @Test("an agent that is not there leaves the next credential its turn")
    func noAgent() async throws {
        let server = try await OpenSSHServer()
        let connection = try await connect(
            server, [.agent(SSHAgentClient(socketPath: "/nowhere/agent")), .privateKey(try await TestKeys.user())])
        await connection.close()
    }

    @Test("a key that ssh-add bound to the host logs us in there and nowhere else")
    func boundLogin() async throws {
        let folder = try TemporaryFolder()
        let agent = try await RealAgent()
        try folder.write("here \(try await TestKeys.host().authorizedKeysLine())\n", to: "known_hosts")
        let added = try await agent.add([
            "-H", folder.file("known_hosts"), "-h", "here", try await TestKeys.folder().file("user_ed25519"),
        ])
        try #require(added.status == 0, "\(added.output)")
        let client = SSHAgentClient(socketPath: agent.socket)
        let here = try await connect(try await OpenSSHServer(hostKeys: ["ed25519"]), [.agent(client)])
        await here.close()
        let there = try await OpenSSHServer(hostKeys: ["rsa"])
        await #expect(throws: SSHError.self) { try await connect(there, [.agent(client)]) }
    }

    @Test("ssh-add on the host lists the keys of the agent that we forward", arguments: [true, false])
    func forwarding(_ isOurs: Bool) async throws {
        let key = try await TestKeys.user()
        let real = try await RealAgent()
        let ours = SSHAgentServer()
        #expect(await ours.add(AgentKey(key), comment: "from here"))
        #expect(try await real.add([try await TestKeys.folder().file("user_ed25519")]).status == 0)
        let server = try await OpenSSHServer()
        let connection = try await connect(server, [.privateKey(key)])
        let output = try await run(
            "ssh-add -l && ssh-add -T \(try await TestKeys.folder().file("user_ed25519.pub")) && echo signed",
            on: connection, with: isOurs ? .server(ours) : .socket(real.socket))
        #expect(output.contains(key.publicKey.fingerprint), "\(output)")
        #expect(output.contains("signed"))
        await connection.close()
    }

    @Test(
        "a key that may only be used here is hidden on the host that the agent is forwarded to",
        arguments: [true, false])
    func boundForwarding(_ isOurs: Bool) async throws {
        let key = try await TestKeys.user()
        let real = try await RealAgent()
        let ours = SSHAgentServer()
        let hosts = KnownHosts(text: "here \(try await TestKeys.host().authorizedKeysLine())\n")
        let constraints = AgentConstraints(destinations: [try DestinationConstraint("here", knownHosts: hosts)])
        #expect(await ours.add(AgentKey(key), constraints: constraints))
        try await SSHAgentClient(socketPath: real.socket).add(AgentKey(key), constraints: constraints)
        let server = try await OpenSSHServer(hostKeys: ["ed25519"])
        let connection = try await connect(server, [.privateKey(key)])
        let output = try await run(
            "ssh-add -l", on: connection, with: isOurs ? .server(ours) : .socket(real.socket))
        #expect(output.contains("The agent has no identities"), "\(output)")
        await connection.close()
    }

    @Test("a key goes on from the host to the next one that its constraint names")
    func onward() async throws {
        let key = try await TestKeys.user()
        let here = try await OpenSSHServer(hostKeys: ["ed25519"])
        let next = try await OpenSSHServer(hostKeys: ["ecdsa256"])
        let hosts = KnownHosts(
            text: "here \(try await TestKeys.host().authorizedKeysLine())\n"
                + "next \(try await TestKeys.host("ecdsa256").authorizedKeysLine())\n")
        let ours = SSHAgentServer()
        let steps = try ["here", "here>next"].map { try DestinationConstraint($0, knownHosts: hosts) }
        #expect(await ours.add(AgentKey(key), constraints: AgentConstraints(destinations: steps)))
        let connection = try await connect(here, [.privateKey(key)])
        let ssh = { (port: Int) in
            "ssh -F none -p \(port) -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes "
                + "-o IdentityFile=none \(currentUser)@127.0.0.1 echo arrived"
        }
        let output = try await run(ssh(next.port), on: connection, with: .server(ours))
        #expect(output.contains("arrived"), "\(output)")
        // The key does not go back to a host that no step from here leads to.
        let another = try await connect(here, [.privateKey(key)])
        #expect(try await !run(ssh(here.port), on: another, with: .server(ours)).contains("arrived"))
        await connection.close()
        await another.close()
    }

    @Test("a session on our server finds the agent that ssh -A brings at a socket of its own")
    func relay() async throws {
        let folder = try TemporaryFolder()
        let ours = SSHAgentServer()
        let listener = try await ours.listen(at: folder.file("s"))
        #expect(await ours.add(AgentKey(try await TestKeys.user())))
        let server = try await OurServer { _, handlers in
            handlers.allowsAgentForwarding = { _ in true }
            handlers.session = { session in
                let relay = try await AgentListener.relay(at: folder.file("relay/s")) { () async throws(SSHError) in
                    try await session.openAgent()
                }
                let outcome = try await ToolOutcome(
                    "/usr/bin/ssh-add", ["-l"], environment: ["SSH_AUTH_SOCK=" + relay.path])
                try await session.write(outcome.output)
                await relay.close()
                return .status(UInt32(outcome.status))
            }
        }
        let outcome = try await ToolOutcome(
            "/usr/bin/ssh",
            [
                "-A", "-F", "none", "-p", "\(server.port)", "-o", "StrictHostKeyChecking=no", "-o",
                "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "\(currentUser)@127.0.0.1", "list",
            ], environment: ["SSH_AUTH_SOCK=" + listener.path])
        #expect(outcome.output.contains(try await TestKeys.user().publicKey.fingerprint), "\(outcome.output)")
        #expect(outcome.status == 0)
        await listener.close()
    }

    @Test("ssh -A takes our agent along")
    func sshForwards() async throws {
        let folder = try TemporaryFolder()
        let ours = SSHAgentServer()
        let listener = try await ours.listen(at: folder.file("s"))
        #expect(await ours.add(AgentKey(try await TestKeys.user())))
        let server = try await OpenSSHServer()
        let outcome = try await ToolOutcome(
            "/usr/bin/ssh",
            [
                "-A", "-F", "none", "-p", "\(server.port)", "-o", "StrictHostKeyChecking=no", "-o",
                "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "\(currentUser)@127.0.0.1", "ssh-add -l",
            ], environment: ["SSH_AUTH_SOCK=" + listener.path])
        #expect(outcome.output.contains(try await TestKeys.user().publicKey.fingerprint), "\(outcome.output)")
        await listener.close()
    }
}
