import Foundation
import NIOCore
import NIOPosix
import SSH
import SSHTestSupport
import TestSupport
import Testing

/// Our client with the real ssh-agent.
@Suite struct AgentClientTests {
    @Test("our client adds, lists, uses and removes keys in ssh-agent", arguments: TestKeys.kinds)
    func keys(_ kind: String) async throws {
        let agent = try await RealAgent()
        let client = SSHAgentClient(socketPath: agent.socket)
        let key = try await TestKeys.user(kind)
        try await client.add(AgentKey(key), comment: "from us")
        #expect(try await client.identities() == [AgentIdentity(blob: key.publicKey.blob, comment: "from us")])
        #expect(try await agent.add(["-l"]).output.contains(key.publicKey.fingerprint))
        for algorithm in key.publicKey.signatureAlgorithms {
            let signature = try await client.sign([1, 2, 3], key: key.publicKey.blob, algorithm: algorithm)
            #expect(try key.publicKey.verify(signature: signature, over: [1, 2, 3], algorithm: algorithm))
        }
        try await client.remove(key: key.publicKey.blob)
        #expect(try await client.identities().isEmpty)
        await #expect(throws: SSHAgentError.self) { try await client.sign([1], key: key.publicKey.blob, algorithm: "") }
    }

    @Test("our constraints are ssh-agent's: lifetime, confirmation, destinations")
    func constraints() async throws {
        let folder = try TemporaryFolder()
        let agent = try await RealAgent()
        let client = SSHAgentClient(socketPath: agent.socket)
        let key = try await TestKeys.user()
        try await client.add(AgentKey(key), constraints: AgentConstraints(lifetime: 1))
        #expect(try await client.identities().count == 1)
        #expect(try await eventually { try await client.identities().isEmpty })
        // Without a display nobody can confirm.
        try await client.add(AgentKey(key), constraints: AgentConstraints(confirms: true))
        await #expect(throws: SSHAgentError.self) {
            try await client.sign([1], key: key.publicKey.blob, algorithm: "ssh-ed25519")
        }
        let host = try await TestKeys.host()
        let hosts = KnownHosts(text: "web \(host.authorizedKeysLine())\n")
        try await client.add(
            AgentKey(key),
            constraints: AgentConstraints(destinations: [try DestinationConstraint("root@web", knownHosts: hosts)]))
        await #expect(throws: SSHAgentError.self) {
            try await client.sign([1], key: key.publicKey.blob, algorithm: "ssh-ed25519")
        }
        _ = folder
    }

    @Test("our client locks ssh-agent and unlocks it")
    func lock() async throws {
        let client = SSHAgentClient(socketPath: try await RealAgent().socket)
        let agent = try await RealAgent()
        let locked = SSHAgentClient(socketPath: agent.socket)
        try await locked.add(AgentKey(try await TestKeys.user()))
        try await locked.lock(passphrase: Array("secret".utf8))
        #expect(try await locked.identities().isEmpty)
        await #expect(throws: SSHAgentError.self) { try await locked.unlock(passphrase: Array("other".utf8)) }
        try await locked.unlock(passphrase: Array("secret".utf8))
        #expect(try await locked.identities().count == 1)
        try await locked.removeAll()
        #expect(try await locked.identities().isEmpty)
        client.close()
    }

    @Test("ssh-agent takes a binding that the host signed and refuses a forged one")
    func binding() async throws {
        let agent = try await RealAgent()
        let host = SSHPrivateKey.generateEd25519()
        let id = [UInt8](repeating: 5, count: 32)
        let good = SessionBinding(
            hostKey: host.publicKey.blob, sessionID: id, signature: try host.sign(id, algorithm: "ssh-ed25519"),
            isForwarding: false)
        try await SSHAgentClient(socketPath: agent.socket).bind(good)
        var forged = good
        forged.sessionID[0] ^= 1
        await #expect(throws: SSHAgentError.self) { try await SSHAgentClient(socketPath: agent.socket).bind(forged) }
    }

    @Test("nothing at the socket is told apart from an agent that does not answer")
    func failures() async throws {
        let folder = try TemporaryFolder()
        let nobody = SSHAgentClient(socketPath: folder.file("none"))
        await #expect { try await nobody.identities() } throws: { ($0 as? SSHAgentError)?.code == .unavailable }
        let silent = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(unixDomainSocketPath: folder.file("silent")).get()
        let waiting = SSHAgentClient(socketPath: folder.file("silent"), timeout: .milliseconds(50))
        await #expect { try await waiting.identities() } throws: { ($0 as? SSHAgentError)?.code == .timeout }
        try await silent.close()
    }

    @Test("a client finds an agent again that was started anew")
    func restart() async throws {
        let folder = try TemporaryFolder()
        let client = SSHAgentClient(socketPath: folder.file("s"))
        for _ in 0..<2 {
            let listener = try await SSHAgentServer().listen(at: folder.file("s"))
            #expect(try await eventually { (try? await client.identities()) == [] })
            await listener.close()
        }
    }

    @Test("requests made at the same time get their own answers")
    func concurrency() async throws {
        let agent = try await RealAgent()
        let client = SSHAgentClient(socketPath: agent.socket)
        let key = try await TestKeys.user()
        try await client.add(AgentKey(key))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in UInt8(0)..<50 {
                group.addTask {
                    let signature = try await client.sign([number], key: key.publicKey.blob, algorithm: "")
                    return try key.publicKey.verify(signature: signature, over: [number], algorithm: "ssh-ed25519")
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }
}
