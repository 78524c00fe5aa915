import Foundation
import Logging
import NIOPosix
import SSHKeys
import Storage
import TestSupport
import Testing
import Vault

@testable import Gateway

/// What runs out for agents, by a clock that the test turns forward.
@Suite(.timeLimit(.minutes(2)))
struct AgentExpiryTests {
    fileprivate static let noProof = PasskeyProof(nil, origin: "https://localhost")

    /// A copilot with a real sshd, a person and an agent.
    private struct House {
        let gateway: Gateway
        let server: SSHServer
        let clock: TestClock
        let ada: Caller
        let agent: Agent
        let hostID: String

        var agents: AgentService { gateway.agents }

        func later(_ duration: Duration) async {
            clock.advance(duration)
            await agents.expire(now: clock.now)
        }

        func ask() async throws -> String {
            try await agents.request(.init(host: "web", username: NSUserName(), reason: "a test"), agent).id
        }

        func enter(_ mode: AgentMode, minutes: Int = 60) async throws -> String {
            let id = try await ask()
            var choice = AgentGrant.Choice(hostId: hostID, mode: mode)
            choice.durationMinutes = minutes
            _ = try await agents.approve(id, choice, proof: AgentExpiryTests.noProof, caller: ada)
            return id
        }

        func status(_ id: String) async throws -> String { try await agents.session(id, agent).status }

        func code(_ body: () async throws -> some Any) async -> String? {
            do {
                _ = try await body()
                return nil
            } catch { return (error as? GatewayError)?.code ?? "\(error)" }
        }
    }

    private func withHouse(_ body: (House) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        let (clock, server) = (TestClock(), try await SSHServer())
        clock.advance(Timestamp.now() - clock.now)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let settings = try Configuration(
            layers: [], surroundings: .init(home: folder.path, currentDirectory: folder.path))
        let gateway = try await Gateway.open(
            settings, environment: [:], loops: MultiThreadedEventLoopGroup.singleton, logger: logger,
            clock: { clock.now })
        let ada = try await Self.person(gateway)
        let probe = try await gateway.hosts.probe(address: "127.0.0.1", port: server.port, caller: ada)
        let host = try await gateway.hosts.add(
            NewHost(
                alias: "web", address: "127.0.0.1", port: server.port, username: NSUserName(), probeID: probe.probeId,
                credential: .privateKey(SecretBytes(try server.userKey.openSSHFile()), passphrase: nil)), caller: ada
        ).host
        let token = try await gateway.agents.tokens.add(name: "claude", caller: ada).token
        let agent = try await gateway.agents.authenticate(token: token, address: "127.0.0.1")
        let house = House(
            gateway: gateway, server: server, clock: clock, ada: ada, agent: agent, hostID: host.id)
        let result: Result<Void, any Error>
        do { result = .success(try await body(house)) } catch { result = .failure(error) }
        await gateway.sessions.shutdown()
        await gateway.close()
        try result.get()
    }

    private static func person(_ gateway: Gateway) async throws -> Caller {
        let link = try #require(try await gateway.people.firstAdminToken())
        let signIn = try await gateway.people.redeem(
            token: link, username: "ada", name: "Ada", password: DomainFixture.password, address: "127.0.0.1")
        return try await gateway.people.caller(
            userID: signIn.user.id, signInID: signIn.signInID, address: "127.0.0.1")
    }

    @Test("a request that nobody answers is over after fifteen minutes, and nobody lets it in then")
    func requests() async throws {
        try await withHouse { house in
            let id = try await house.ask()
            await house.later(.seconds(14 * 60 + 58))
            #expect(try await house.status(id) == "pending")
            async let waits = house.agents.session(id, house.agent, until: .decision, wait: .seconds(30))
            await house.later(.seconds(3))
            #expect(try await waits.status == "expired")
            let choice = AgentGrant.Choice(hostId: house.hostID)
            let late = await house.code {
                try await house.agents.approve(id, choice, proof: AgentExpiryTests.noProof, caller: house.ada)
            }
            #expect(late == "not_pending")
        }
    }

    @Test("a question that nobody answers is over after ten minutes: the command never runs, and the agent is told")
    func questions() async throws {
        try await withHouse { house in
            let id = try await house.enter(.supervised)
            let asked = try await house.agents.exec(
                id, ExecRequest(command: "mkdir never", wait: .zero), house.agent)
            #expect(asked.state == "awaiting_approval")
            await house.later(.seconds(9 * 60 + 58))
            #expect(try await house.agents.command(asked.commandId, house.agent).state == "awaiting_approval")
            async let waits = house.agents.command(asked.commandId, until: .exit, wait: .seconds(30), house.agent)
            await house.later(.seconds(3))
            let over = try await waits
            #expect(over.state == "approval_expired" && over.exitCode == nil && over.approval?.status == "expired")
            let question = try #require(asked.approval?.id)
            let late = await house.code {
                try await house.agents.answer(question, .once, proof: AgentExpiryTests.noProof, caller: house.ada)
            }
            #expect(late == "not_pending")
            #expect(try await house.agents.command(asked.commandId, house.agent).state == "approval_expired")
        }
    }

    @Test(
        "what was granted ends at its minute: commands are stopped, the keyboard is gone, the session stays for people")
    func grants() async throws {
        try await withHouse { house in
            let id = try await house.enter(.trusted, minutes: 5)
            let running = try await house.agents.exec(
                id, ExecRequest(command: "sleep 300", wait: .zero), house.agent)
            await house.later(.seconds(4 * 60 + 58))
            #expect(try await house.status(id) == "ai_control")
            house.clock.advance(.seconds(3))
            let refused = await house.code {
                try await house.agents.exec(id, ExecRequest(command: "true"), house.agent)
            }
            #expect(refused == "grant_expired", "it holds no longer than it was given, whoever looks first")
            await house.agents.expire(now: house.clock.now)
            let seen = try await house.agents.session(id, house.agent)
            #expect(seen.status == "closed" && seen.closed == "grant_expired" && seen.control?.holder != "agent")
            let stopped = try await house.agents.command(
                running.commandId, until: .exit, wait: .seconds(10), house.agent)
            #expect(stopped.state == "stopped" && stopped.stop == "stopped")
            #expect(house.gateway.sessions.live(id) != nil)
        }
    }

    @Test("a text that was allowed for ten minutes is asked about again after them")
    func allowedTexts() async throws {
        try await withHouse { house in
            let id = try await house.enter(.supervised)
            let asked = try await house.agents.exec(
                id, ExecRequest(command: "touch /dev/null", wait: .zero), house.agent)
            _ = try await house.agents.answer(
                try #require(asked.approval?.id), .exact(minutes: 10), proof: AgentExpiryTests.noProof,
                caller: house.ada)
            let again = ExecRequest(command: "touch /dev/null", wait: .seconds(20))
            await house.later(.seconds(9 * 60))
            #expect(try await house.agents.exec(id, again, house.agent).exitCode == 0)
            await house.later(.seconds(61))
            let late = ExecRequest(command: "touch /dev/null", wait: .zero)
            #expect(try await house.agents.exec(id, late, house.agent).state == "awaiting_approval")
        }
    }
}
