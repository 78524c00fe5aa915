import NIOCore
import SSHCrypto
import Testing

@testable import SSHKeys

@Suite struct AgentServerMachineTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private let key = SSHPrivateKey.generateEd25519(comment: "")

    @Test("a key that was added is listed, signs, and is gone when removed")
    func lifeOfAKey() throws {
        var agent = Agent()
        #expect(try agent.ask(.add(AgentKey(key), comment: "me", .none)) == .success)
        let blob = key.publicKey.blob
        #expect(try agent.ask(.listIdentities) == .identities([AgentIdentity(blob: blob, comment: "me")]))
        guard case .signature(let signature) = try agent.ask(.sign(key: blob, data: [1, 2], flags: [])) else {
            throw Unexpected()
        }
        #expect(try key.publicKey.verify(signature: signature, over: [1, 2], algorithm: "ssh-ed25519"))
        #expect(try agent.ask(.remove(key: blob)) == .success)
        #expect(try agent.ask(.remove(key: blob)) == .failure)
        #expect(try agent.ask(.sign(key: blob, data: [1], flags: [])) == .failure)
    }

    @Test("an RSA key signs with the hash that the flags name, and not with SHA-1")
    func rsaFlags() async throws {
        let bench = try Workbench()
        try await bench.keygen(.rsa)
        let key = try SSHPrivateKey(file: try bench.read("key"))
        var agent = Agent()
        #expect(try agent.ask(.add(AgentKey(key), comment: "", .none)) == .success)
        let blob = key.publicKey.blob
        for (flags, algorithm) in [(AgentSignFlags.rsaSHA256, "rsa-sha2-256"), (.rsaSHA512, "rsa-sha2-512")] {
            guard case .signature(let signature) = try agent.ask(.sign(key: blob, data: [7], flags: flags)) else {
                throw Unexpected()
            }
            #expect(try key.publicKey.verify(signature: signature, over: [7], algorithm: algorithm))
        }
        #expect(try agent.ask(.sign(key: blob, data: [7], flags: [])) == .failure)
        #expect(try agent.ask(.sign(key: blob, data: [7], flags: AgentSignFlags(rawValue: 64))) == .failure)
    }

    @Test("a key's time is over at the second, and adding it again begins anew")
    func lifetime() throws {
        var agent = Agent()
        let add = AgentRequest.add(AgentKey(key), comment: "", AgentConstraints(lifetime: 10))
        #expect(try agent.ask(add) == .success)
        agent.now = agent.now + .seconds(9)
        #expect(try agent.list().count == 1)
        #expect(try agent.ask(add) == .success)
        agent.now = agent.now + .seconds(9)
        #expect(try agent.list().count == 1)
        #expect(agent.machine.nextExpiry == agent.now + .seconds(1))
        agent.now = agent.now + .seconds(1)
        #expect(try agent.list().isEmpty)
        #expect(agent.machine.nextExpiry == nil)
    }

    @Test("a question stops its request alone; a yes signs, a no and a vanished key do not")
    func confirmation() throws {
        var agent = Agent()
        let blob = key.publicKey.blob
        #expect(try agent.ask(.add(AgentKey(key), comment: "me", AgentConstraints(confirms: true))) == .success)
        for isAllowed in [true, false] {
            let question = try agent.question(.sign(key: blob, data: [1], flags: []))
            #expect(question.comment == "me")
            #expect(try agent.ask(.listIdentities) == .failure)
            let other = agent.machine.connect()
            #expect(try agent.ask(.listIdentities, from: other) != .failure)
            let answer = try agent.answer(question, isAllowed)
            #expect((answer != .failure) == isAllowed)
            #expect(try agent.answer(question, true) == .failure)
        }
        let question = try agent.question(.sign(key: blob, data: [1], flags: []))
        agent.machine.removeAll()
        #expect(try agent.answer(question, true) == .failure)
    }

    @Test("a locked agent shows nothing, does nothing, and opens with its passphrase alone")
    func lock() throws {
        var agent = Agent()
        let blob = key.publicKey.blob
        #expect(try agent.ask(.add(AgentKey(key), comment: "", .none)) == .success)
        #expect(try agent.ask(.unlock(passphrase: [1])) == .failure)
        #expect(try agent.ask(.lock(passphrase: [1, 2])) == .success)
        #expect(try agent.ask(.lock(passphrase: [1, 2])) == .failure)
        #expect(try agent.list().isEmpty)
        #expect(try agent.ask(.sign(key: blob, data: [1], flags: [])) == .failure)
        #expect(try agent.ask(.removeAll) == .failure)
        #expect(try agent.ask(.add(AgentKey(key), comment: "", .none)) == .failure)
        #expect(try agent.ask(.unlock(passphrase: [1, 2])) == .success)
        #expect(try agent.list().count == 1)
    }

    @Test("each wrong passphrase makes the next try later, on every connection")
    func throttling() throws {
        var agent = Agent()
        #expect(try agent.ask(.lock(passphrase: [1])) == .success)
        for failure in 1...3 {
            let delay = try agent.delay(.unlock(passphrase: [9]))
            #expect(delay == .milliseconds(100 * Int64(failure)))
            // The right one is not even looked at before its time, wherever it comes from.
            let other = agent.machine.connect()
            #expect(try agent.ask(.unlock(passphrase: [1]), from: other) == .failure)
            agent.now = agent.now + delay
        }
        #expect(try agent.ask(.unlock(passphrase: [1])) == .success)
    }

    @Test("what cannot be read or is not known is answered with a failure, and the connection goes on")
    func unknownRequests() throws {
        var agent = Agent()
        for message in [[], [200], [20, 0], [27, 0, 0, 0, 1, 65], [13, 255, 255, 255, 255], [25], [1]] as [[UInt8]] {
            #expect(try agent.send(message) == .failure)
        }
        #expect(try agent.list().isEmpty)
    }

    @Test("the extensions that the agent knows can be asked for")
    func query() throws {
        var agent = Agent()
        guard case .extensions(let names) = try agent.ask(.query) else { throw Unexpected() }
        #expect(names == ["query", "session-bind@openssh.com", "restrict-destination-v00@openssh.com"])
    }

    @Test("the agent takes as many keys as its limit says")
    func keyLimit() throws {
        var limits = AgentServerMachine.Limits()
        limits.identities = 2
        var agent = Agent(AgentServerMachine(limits: limits))
        for expected in [AgentResponse.success, .success, .failure] {
            #expect(try agent.ask(.add(AgentKey(.generateEd25519()), comment: "", .none)) == expected)
        }
    }
}

/// An agent's machine with one connection and a clock that a test moves.
struct Agent {
    var machine: AgentServerMachine
    let connection: AgentServerMachine.ConnectionID
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)

    init(_ machine: AgentServerMachine = AgentServerMachine()) {
        self.machine = machine
        connection = self.machine.connect()
    }

    mutating func ask(
        _ request: AgentRequest, from other: AgentServerMachine.ConnectionID? = nil
    ) throws -> AgentResponse {
        try send(try request.encoded(), from: other)
    }

    mutating func send(
        _ message: [UInt8], from other: AgentServerMachine.ConnectionID? = nil
    ) throws -> AgentResponse {
        guard case .answer(let answer, _) = machine.receive(message, from: other ?? connection, now: now) else {
            throw Unexpected()
        }
        return try AgentResponse(answer)
    }

    mutating func delay(_ request: AgentRequest) throws -> TimeAmount {
        guard case .answer(_, let delay) = machine.receive(try request.encoded(), from: connection, now: now) else {
            throw Unexpected()
        }
        return delay
    }

    mutating func question(_ request: AgentRequest) throws -> AgentQuestion {
        guard case .ask(let question) = machine.receive(try request.encoded(), from: connection, now: now) else {
            throw Unexpected()
        }
        return question
    }

    mutating func answer(_ question: AgentQuestion, _ isAllowed: Bool) throws -> AgentResponse {
        guard case .answer(let answer, _) = machine.answer(isAllowed, of: question, now: now) else {
            throw Unexpected()
        }
        return try AgentResponse(answer)
    }

    mutating func list() throws -> [AgentIdentity] {
        guard case .identities(let identities) = try ask(.listIdentities) else { throw Unexpected() }
        return identities
    }
}
