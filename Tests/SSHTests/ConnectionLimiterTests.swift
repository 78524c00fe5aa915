import NIOCore
import SSH
import Testing

/// sshd_config(5): MaxStartups and PerSourcePenalties, under a clock that only the test moves.
@Suite struct ConnectionLimiterTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func address(_ text: String) throws -> SocketAddress { try SocketAddress(ipAddress: text, port: 1000) }

    private func refusal(
        _ limiter: ConnectionLimiter, _ from: SocketAddress?, at now: NIODeadline, chance: Int = 99
    ) -> ConnectionLimiter.Refusal? {
        switch limiter.admit(from, now: now, chance: chance) {
        case .success(let startup):
            limiter.end(startup, .authenticated, from: from, now: now)
            return nil
        case .failure(let refused): return refused.why
        }
    }

    @Test("from the start mark on the chance grows, and at the full mark it is certain")
    func randomDrop() throws {
        let limiter = ConnectionLimiter(StartupLimits(start: 10, rate: 30, full: 100), penalties: nil)
        for _ in 0..<10 { _ = try limiter.admit(nil, now: start, chance: 0).get() }
        #expect(refusal(limiter, nil, at: start, chance: 29) == .tooManyStartups)
        #expect(refusal(limiter, nil, at: start, chance: 30) == nil)
        for _ in 10..<55 { _ = try limiter.admit(nil, now: start, chance: 99).get() }
        #expect(refusal(limiter, nil, at: start, chance: 64) == .tooManyStartups)
        #expect(refusal(limiter, nil, at: start, chance: 65) == nil)
        for _ in 55..<100 { _ = try limiter.admit(nil, now: start, chance: 99).get() }
        #expect(refusal(limiter, nil, at: start, chance: 99) == .tooManyStartups)
        #expect(limiter.startups == 100)
    }

    @Test("who authenticated makes room")
    func room() throws {
        let limiter = ConnectionLimiter(StartupLimits(start: 1, rate: 100, full: 1), penalties: nil)
        let startup = try limiter.admit(nil, now: start).get()
        #expect(refusal(limiter, nil, at: start) == .tooManyStartups)
        limiter.end(startup, .authenticated, from: nil, now: start)
        #expect(refusal(limiter, nil, at: start) == nil)
    }

    @Test("one source gets its share and no more")
    func perSource() throws {
        let limiter = ConnectionLimiter(StartupLimits(perSource: 2), penalties: nil)
        let (one, other) = (try address("192.0.2.1"), try address("192.0.2.2"))
        let first = try limiter.admit(one, now: start).get()
        _ = try limiter.admit(one, now: start).get()
        #expect(refusal(limiter, one, at: start) == .tooManyFromSource)
        #expect(refusal(limiter, other, at: start) == nil)
        limiter.end(first, .authenticated, from: one, now: start)
        #expect(refusal(limiter, one, at: start) == nil)
    }

    @Test("three failures keep a source out for fifteen seconds, and nobody else")
    func penalty() throws {
        let limiter = ConnectionLimiter()
        let guilty = try address("2001:db8::1")
        for _ in 0..<3 {
            limiter.end(try limiter.admit(guilty, now: start).get(), .authenticationFailed, from: guilty, now: start)
        }
        // The whole /64 is theirs.
        #expect(refusal(limiter, try address("2001:db8::2"), at: start + .seconds(14)) == .penalised)
        #expect(refusal(limiter, try address("2001:db8:0:1::1"), at: start) == nil)
        #expect(refusal(limiter, guilty, at: start + .seconds(15)) == nil)
    }

    @Test("two failures keep nobody out, and penalties end at their maximum")
    func bounds() throws {
        let limiter = ConnectionLimiter()
        let person = try address("192.0.2.7")
        for _ in 0..<2 {
            limiter.end(try limiter.admit(person, now: start).get(), .authenticationFailed, from: person, now: start)
        }
        #expect(refusal(limiter, person, at: start) == nil)

        let attacker = try address("192.0.2.8")
        var penalties = SourcePenalties()
        penalties.minimum = .seconds(1000)
        penalties.maximum = .seconds(1000)
        let strict = ConnectionLimiter(penalties: penalties)
        for _ in 0..<500 {
            guard let startup = try? strict.admit(attacker, now: start).get() else { break }
            strict.end(startup, .graceExceeded, from: attacker, now: start)
        }
        #expect(refusal(strict, attacker, at: start + .seconds(999)) == .penalised)
        #expect(refusal(strict, attacker, at: start + .seconds(1000)) == nil)
    }

    @Test("the memory for sources is bounded")
    func memory() throws {
        var penalties = SourcePenalties()
        penalties.maximumSources = 4
        penalties.minimum = .seconds(1)
        let limiter = ConnectionLimiter(penalties: penalties)
        for last in 1...20 {
            let source = try address("192.0.2.\(last)")
            let now = start + .milliseconds(Int64(last))
            limiter.end(try limiter.admit(source, now: now).get(), .authenticationFailed, from: source, now: now)
        }
        // The latest four are remembered.
        let now = start + .milliseconds(30)
        #expect(refusal(limiter, try address("192.0.2.20"), at: now) == .penalised)
        #expect(refusal(limiter, try address("192.0.2.16"), at: now) == nil)
    }
}
