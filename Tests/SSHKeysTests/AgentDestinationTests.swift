import SSHCrypto
import Testing

@testable import SSHKeys

@Suite struct AgentDestinationTests {
    private let key = SSHPrivateKey.generateEd25519()
    private let jump = SSHPrivateKey.generateEd25519()
    private let web = SSHPrivateKey.generateEd25519()

    /// jump from here, web from jump as "deploy".
    private var steps: [DestinationConstraint] {
        let jumpHop = DestinationConstraint.Hop(hostName: "jump", keys: [.init(jump.publicKey)])
        return [
            DestinationConstraint(to: jumpHop),
            DestinationConstraint(
                from: jumpHop, to: .init(user: "dep*", hostName: "web", keys: [.init(web.publicKey)])),
        ]
    }

    private func agent(_ constraints: [DestinationConstraint]) throws -> Agent {
        var agent = Agent()
        let request = AgentRequest.add(AgentKey(key), comment: "", AgentConstraints(destinations: constraints))
        #expect(try agent.ask(request) == .success)
        return agent
    }

    private func binding(_ host: SSHPrivateKey, session: UInt8, isForwarding: Bool) throws -> AgentRequest {
        let id = [UInt8](repeating: session, count: 32)
        return .bind(
            SessionBinding(
                hostKey: host.publicKey.blob, sessionID: id,
                signature: try host.sign(id, algorithm: "ssh-ed25519"), isForwarding: isForwarding))
    }

    private func login(session: UInt8, user: String, hostKey: [UInt8]?) -> AgentRequest {
        var writer = WireWriter()
        writer.writeString([UInt8](repeating: session, count: 32))
        writer.writeUInt8(50)
        writer.writeString(user)
        writer.writeString("ssh-connection")
        writer.writeString(hostKey == nil ? "publickey" : "publickey-hostbound-v00@openssh.com")
        writer.writeBoolean(true)
        writer.writeString("ssh-ed25519")
        writer.writeString(key.publicKey.blob)
        if let hostKey { writer.writeString(hostKey) }
        return .sign(key: key.publicKey.blob, data: writer.bytes, flags: [])
    }

    @Test("a bound key is seen locally and signs nothing on a connection that is not bound")
    func unbound() throws {
        var agent = try agent(steps)
        #expect(try agent.list().count == 1)
        #expect(try agent.ask(login(session: 1, user: "deploy", hostKey: nil)) == .failure)
    }

    @Test("it logs in at its first host, with the session that was bound and no other")
    func firstHop() throws {
        var agent = try agent(steps)
        #expect(try agent.ask(binding(jump, session: 1, isForwarding: false)) == .success)
        #expect(try agent.list().count == 1)
        #expect(try agent.ask(login(session: 2, user: "x", hostKey: nil)) == .failure)
        #expect(try agent.ask(.sign(key: key.publicKey.blob, data: [1, 2, 3], flags: [])) == .failure)
        #expect(try agent.ask(login(session: 1, user: "x", hostKey: web.publicKey.blob)) == .failure)
        #expect(try agent.ask(login(session: 1, user: "x", hostKey: nil)) != .failure)
        #expect(try agent.ask(login(session: 1, user: "x", hostKey: jump.publicKey.blob)) != .failure)
    }

    @Test("from the first host it logs in at the second, as the users that fit and with the host named")
    func secondHop() throws {
        var agent = try agent(steps)
        #expect(try agent.ask(binding(jump, session: 1, isForwarding: true)) == .success)
        #expect(try agent.list().count == 1)
        #expect(try agent.ask(login(session: 1, user: "x", hostKey: jump.publicKey.blob)) == .failure)
        #expect(try agent.ask(binding(web, session: 2, isForwarding: false)) == .success)
        #expect(try agent.ask(login(session: 2, user: "deploy", hostKey: nil)) == .failure)
        #expect(try agent.ask(login(session: 2, user: "root", hostKey: web.publicKey.blob)) == .failure)
        #expect(try agent.ask(login(session: 2, user: "deploy", hostKey: web.publicKey.blob)) != .failure)
    }

    @Test("a key that goes no further than a host is hidden there")
    func hidden() throws {
        var agent = try agent([steps[0]])
        #expect(try agent.ask(binding(jump, session: 1, isForwarding: true)) == .success)
        #expect(try agent.list().isEmpty)
        #expect(try agent.ask(.remove(key: key.publicKey.blob)) == .failure)
    }

    @Test("a host that no step names sees nothing")
    func otherHost() throws {
        var agent = try agent(steps)
        #expect(try agent.ask(binding(web, session: 1, isForwarding: false)) == .success)
        #expect(try agent.list().isEmpty)
        #expect(try agent.ask(login(session: 1, user: "deploy", hostKey: web.publicKey.blob)) == .failure)
    }

    @Test("a binding without the host's signature fails, and the key stays closed afterwards")
    func forgedBinding() throws {
        var agent = try agent(steps)
        let id = [UInt8](repeating: 1, count: 32)
        let forged = SessionBinding(
            hostKey: jump.publicKey.blob, sessionID: id, signature: try web.sign(id, algorithm: "ssh-ed25519"),
            isForwarding: false)
        #expect(try agent.ask(.bind(forged)) == .extensionFailure)
        #expect(try agent.list().isEmpty)
        #expect(try agent.ask(login(session: 1, user: "x", hostKey: nil)) == .failure)
    }

    @Test("nothing is bound behind a login, a session belongs to one host, and sixteen bindings are the most")
    func bindingRules() throws {
        var agent = try agent(steps)
        #expect(try agent.ask(binding(jump, session: 1, isForwarding: false)) == .success)
        #expect(try agent.ask(binding(web, session: 2, isForwarding: false)) == .extensionFailure)
        var other = try self.agent(steps)
        #expect(try other.ask(binding(jump, session: 1, isForwarding: true)) == .success)
        #expect(try other.ask(binding(jump, session: 1, isForwarding: true)) == .success)
        #expect(try other.ask(binding(web, session: 1, isForwarding: true)) == .extensionFailure)
        for session in 2...16 {
            #expect(try other.ask(binding(web, session: UInt8(session), isForwarding: true)) == .success)
        }
        #expect(try other.ask(binding(web, session: 17, isForwarding: true)) == .extensionFailure)
    }

    @Test("a host with a certificate is recognised by its authority and its name")
    func hostCertificate() async throws {
        let bench = try Workbench()
        try await bench.keygen(.ed25519, "ca")
        try await bench.keygen(.ed25519, "host")
        try await bench.require("ssh-keygen", ["-q", "-h", "-s", "ca", "-I", "id", "-n", "web", "host.pub"])
        let blob = try #require(Base64.decode(try bench.text("host-cert.pub").split(separator: " ")[1]))
        let authority = try SSHPrivateKey(file: try bench.read("ca")).publicKey
        let certificate = PublicIdentity.certificate(try SSHCertificate(wire: blob))
        let now = UInt64(1_800_000_000)
        let hop = { (name: String, isAuthority: Bool) in
            DestinationConstraint.Hop(hostName: name, keys: [.init(authority, isAuthority: isAuthority)])
        }
        #expect(hop("web", true).matches(certificate, now: now))
        #expect(!hop("db", true).matches(certificate, now: now))
        #expect(!hop("web", false).matches(certificate, now: now))
        #expect(!hop("web", true).matches(.key(authority), now: now))
    }

    @Test("steps are made from known_hosts as ssh-add -h makes them")
    func fromKnownHosts() throws {
        let lines = """
            web,web-2 \(web.publicKey.authorizedKeysLine())
            @cert-authority *.example.org \(jump.publicKey.authorizedKeysLine())
            @revoked web-2 \(web.publicKey.authorizedKeysLine())
            """
        let hosts = KnownHosts(text: lines)
        let step = try DestinationConstraint("a.example.org>deploy@WEB", knownHosts: hosts)
        #expect(step.from?.hostName == "a.example.org")
        #expect(step.from?.keys == [.init(jump.publicKey, isAuthority: true)])
        #expect(step.to == .init(user: "deploy", hostName: "web", keys: [.init(web.publicKey)]))
        for text in ["nobody", "web-2", "me@web>web", "", "@web", "web>"] {
            #expect(throws: SSHAgentError.self) { try DestinationConstraint(text, knownHosts: hosts) }
        }
    }
}
