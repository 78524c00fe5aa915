import Policy
import Storage
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1)))
struct AgentTokensTests {
    private func tokens(_ domain: DomainFixture) -> AgentTokens {
        AgentTokens(store: domain.store, audit: domain.audit, policy: .standard)
    }

    @Test("a token proves its agent until it is revoked, and only its hash is kept")
    func life() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let tokens = tokens(domain)
        let made = try await tokens.add(name: "claude", caller: admin)
        #expect(made.token.hasPrefix("cpa_") && made.token.count == 47)
        let agent = try await tokens.authenticate(made.token, address: "127.0.0.1")
        #expect(agent.id == made.agent.id && agent.name == "claude" && agent.ownerID == admin.userID)
        let stored = try await domain.store.read { tx in try tx.row("SELECT token_hash FROM agent")?.bytes("token_hash")
        }
        #expect(stored == SecretToken.hash(made.token))
        try await tokens.revoke("claude", caller: admin)
        let code = await domain.code { try await tokens.authenticate(made.token, address: "") }
        #expect(code == "not_signed_in")
        let waiting = await domain.code { try await tokens.check(agent) }
        #expect(waiting == "not_signed_in")
        #expect(try await domain.actions().suffix(2) == ["agent.token.created", "agent.token.revoked"])
    }

    @Test("a revocation by another process acts within a second")
    func elsewhere() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let made = try await tokens(domain).add(name: "claude", caller: admin)
        let here = tokens(domain)
        let agent = try await here.authenticate(made.token, address: "")
        try await tokens(domain).revoke(made.agent.id, caller: admin)
        let clock = ContinuousClock()
        let start = clock.now
        while await domain.code({ try await here.check(agent) }) == nil {
            try #require(clock.now - start < .seconds(5))
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(clock.now - start < .seconds(1))
    }

    @Test("only who may manage agents makes and revokes tokens")
    func permission() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let guest = try await domain.person(admin, "grace", role: "devops")
        let tokens = tokens(domain)
        #expect(await domain.code { try await tokens.add(name: "x", caller: guest) } == "not_permitted")
        #expect(await domain.code { try await tokens.revoke("x", caller: guest) } == "not_permitted")
    }

    @Test("what is no token is refused without a look at the store", arguments: ["", "cpa_", "x", "cpa_\u{0}"])
    func strange(text: String) async throws {
        let domain = try await DomainFixture()
        let tokens = tokens(domain)
        #expect(await domain.code { try await tokens.authenticate(text, address: "") } == "not_signed_in")
    }
}

struct AgentKeyboardTests {
    private let agent = KeyboardLease.Holder(userId: "agt_x", name: "claude", seatId: "seat_1")
    private let ada = KeyboardLease.Holder(userId: "usr_a", name: "Ada", seatId: "seat_2")
    private let bob = KeyboardLease.Holder(userId: "usr_b", name: "Bob", seatId: "seat_3")

    @Test("a person who types takes the keyboard from an agent with that very key")
    func person() throws {
        var lease = KeyboardLease()
        try lease.take(agent, mayType: true)
        let epoch = lease.epoch
        #expect(try lease.typing(ada, mayType: true, now: 0))
        #expect(lease.holder == ada && lease.epoch == epoch + 1)
        #expect(throws: KeyboardLease.Refusal.heldBy(ada)) { try lease.typing(agent, mayType: true, now: 0) }
        #expect(throws: KeyboardLease.Refusal.heldBy(ada)) { try lease.typing(bob, mayType: true, now: 0) }
    }

    @Test("a person who may not type takes nothing from an agent")
    func watcher() throws {
        var lease = KeyboardLease()
        try lease.take(agent, mayType: true)
        #expect(throws: KeyboardLease.Refusal.viewOnly) { try lease.typing(ada, mayType: false, now: 0) }
        #expect(lease.holder == agent)
    }

    @Test("a keyboard that a person left behind is not the agent's for the typing")
    func vanished() throws {
        var lease = KeyboardLease()
        try lease.take(ada, mayType: true)
        lease.holderDisconnected(seat: ada.seatId, until: 10)
        #expect(throws: KeyboardLease.Refusal.notHolder) { try lease.typing(agent, mayType: true, now: 20) }
        lease.revoke(seat: ada.seatId)
        #expect(throws: KeyboardLease.Refusal.notHolder) { try lease.typing(agent, mayType: true, now: 20) }
        #expect(lease.holder == nil)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct ChangeSignalTests {
    @Test("a change between looking and waiting is not missed")
    func between() async {
        let signal = ChangeSignal()
        let seen = signal.version
        signal.changed()
        await signal.wait(after: seen, until: .now + .seconds(30))
        #expect(signal.version == seen + 1)
    }

    @Test("every waiter is woken, and one that is cancelled or late goes home")
    func all() async throws {
        let signal = ChangeSignal()
        let seen = signal.version
        let cancelled = Task { await signal.wait(after: seen, until: .now + .seconds(60)) }
        cancelled.cancel()
        await cancelled.value
        await signal.wait(after: seen, until: .now + .milliseconds(10))
        let waiters = (0..<20).map { _ in Task { await signal.wait(after: seen, until: .now + .seconds(60)) } }
        await Task.yield()
        signal.changed()
        for waiter in waiters { await waiter.value }
    }
}
