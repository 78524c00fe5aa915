import NIOCore

@testable import SSHKeys

extension FuzzTarget {
    static let agent: [FuzzTarget] = [
        FuzzTarget("agent-server", seeds: { AgentSamples.conversations }) { try serve($0) },
        FuzzTarget("agent-answers", seeds: { AgentSamples.answers }) { try readAnswer($0) },
    ]

    /// Two clients of one agent. A zero byte begins a frame of that client's stream, a one lets time pass, a two has the
    /// owner answer; everything else is a message as long as it says.
    @Sendable private static func serve(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        var agent = AgentServerMachine(wallClock: { 1_700_000_000 })
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        _ = agent.add(AgentKey(KeySamples.ed25519), comment: "own", now: now)
        let clients = [agent.connect(), agent.connect()]
        var frames = [AgentFrames(), AgentFrames()]
        var questions: [AgentQuestion] = []
        // Each try of the lock costs milliseconds, as it should: few inputs may have some.
        var locks = bytes.count % 16 == 0 ? 2 : 0
        func isTooDear(_ message: [UInt8]) -> Bool {
            guard let first = message.first, [AgentMessageNumber.lock, AgentMessageNumber.unlock].contains(first) else {
                return false
            }
            locks -= 1
            return locks < 0
        }
        while !input.isEmpty {
            let operation = input.byte()
            let client = Int(operation >> 7)
            switch operation & 0x7F {
            case 0:
                var stream = ByteBuffer(bytes: input.chunk())
                do throws(SSHAgentError) {
                    while let message = try frames[client].next(from: &stream), !isTooDear(message) {
                        try take(agent.receive(message, from: clients[client], now: now), &questions)
                    }
                } catch { return }
            case 1: now = now + .seconds(Int64(input.magnitude()))
            case 2:
                guard let question = questions.popLast() else { continue }
                try take(agent.answer(input.boolean(), of: question, now: now), &questions)
            default:
                let message = input.bytes(Int(operation & 0x7F) | Int(input.byte() & 3) << 7)
                if isTooDear(message) { continue }
                try take(agent.receive(message, from: clients[client], now: now), &questions)
            }
            if agent.count > AgentServerMachine.Limits().identities { throw FuzzFinding("Too many identities") }
        }
    }

    private static func take(
        _ outcome: AgentServerMachine.Outcome, _ questions: inout [AgentQuestion]
    ) throws(SSHAgentError) {
        switch outcome {
        case .answer(let message, _): _ = try AgentResponse(message)
        case .ask(let question): questions.append(question)
        }
    }

    @Sendable private static func readAnswer(_ bytes: [UInt8]) throws {
        guard let answer = try? AgentResponse(bytes) else { return }
        guard case .identities(let list) = answer else { return }
        try hold(list.count <= AgentResponse.maximumIdentities, "Too many identities")
        for identity in list { _ = identity.identity?.publicKey.fingerprint }
    }
}

private enum AgentSamples {
    static var conversations: [[UInt8]] {
        let blob = KeySamples.ed25519.publicKey.blob
        let hop = DestinationConstraint.Hop(user: "ada", hostName: "h", keys: [.init(KeySamples.ecdsa.publicKey)])
        let constraints = AgentConstraints(
            lifetime: 60, confirms: true, destinations: [DestinationConstraint(to: hop)])
        let signature = (try? KeySamples.ecdsa.sign([9, 9], algorithm: KeySamples.ecdsa.publicKey.algorithm)) ?? []
        let requests: [AgentRequest] = [
            .listIdentities, .sign(key: blob, data: [1, 2], flags: []), .lock(passphrase: [1]),
            .unlock(passphrase: [1]),
            .add(AgentKey(KeySamples.ecdsa), comment: "new", constraints), .remove(key: blob), .query, .removeAll,
            .bind(
                SessionBinding(
                    hostKey: KeySamples.ecdsa.publicKey.blob, sessionID: [9, 9], signature: signature,
                    isForwarding: false)),
        ]
        let messages = requests.compactMap { try? $0.encoded() }
        return messages.map(step) + [messages.flatMap(step)]
    }

    private static func step(_ message: [UInt8]) -> [UInt8] {
        guard message.count & 0x7F < 3, message.count < 256 else {
            return [UInt8(message.count & 0x7F), UInt8(truncatingIfNeeded: message.count >> 7)] + message
        }
        let frame = Array(AgentFrames.framed(message).readableBytesView)
        return [0, UInt8(truncatingIfNeeded: frame.count)] + frame
    }

    static var answers: [[UInt8]] {
        [
            AgentResponse.success, .signature([1, 2]), .extensions(["query"]),
            .identities([AgentIdentity(blob: KeySamples.ed25519.publicKey.blob, comment: "c")]),
        ].map(\.encoded)
    }
}
