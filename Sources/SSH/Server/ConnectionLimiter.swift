// Who may connect: limits on connections that have not authenticated, and a time-out for sources that misbehave. As sshd's
// MaxStartups and PerSourcePenalties.

import NIOConcurrencyHelpers
public import NIOCore

/// Limits on connections that are not authenticated yet.
public struct StartupLimits: Sendable, Hashable {
    /// From this many on, a new one is refused with `rate` percent probability, which grows linearly…
    public var start: Int
    /// …in percent…
    public var rate: Int
    /// …up to this many, where all are.
    public var full: Int
    /// From one source address at once.
    public var perSource: Int

    public init(start: Int = 10, rate: Int = 30, full: Int = 100, perSource: Int = 100) {
        self.start = start
        self.rate = rate
        self.full = full
        self.perSource = perSource
    }
}

/// How long a source is kept out after what it did. Penalties add up.
public struct SourcePenalties: Sendable {
    /// After failed attempts to authenticate.
    public var authenticationFailed: Duration = .seconds(5)
    /// After a connection that never tried to.
    public var noAuthentication: Duration = .seconds(1)
    /// After the login grace time ran out.
    public var graceExceeded: Duration = .seconds(10)
    /// Below this sum nobody is kept out: people mistype.
    public var minimum: Duration = .seconds(15)
    /// No source is kept out for longer.
    public var maximum: Duration = .seconds(600)
    /// Sources remembered at once; with more, the one whose penalty ends first is forgotten.
    public var maximumSources = 65_536
    /// Addresses that are never penalised, such as loopback's.
    public var isExempt: @Sendable (SocketAddress) -> Bool = { _ in false }

    public init() {}
}

/// How a connection ended, as far as it matters for the next one from the same source.
public enum StartupOutcome: Sendable, Hashable {
    case authenticated
    case authenticationFailed
    case noAuthentication
    case graceExceeded
}

/// Admits connections. May be asked from any thread.
public final class ConnectionLimiter: Sendable {
    /// One connection that has not authenticated yet.
    public struct Startup: Sendable {
        fileprivate let source: Source?
    }

    public enum Refusal: Sendable, Hashable {
        /// Too many connections that have not authenticated.
        case tooManyStartups
        case tooManyFromSource
        /// The source is kept out for what it did.
        case penalised
    }

    /// An IPv4 address, or the /64 of an IPv6 address: who has one address there has them all.
    fileprivate struct Source: Hashable {
        var bytes: [UInt8]
    }

    private struct State {
        var startups = 0
        var perSource: [Source: Int] = [:]
        var penalties: [Source: Penalty] = [:]

        /// Room for one more source: those whose penalty is over go first, else the one whose ends first.
        mutating func forgetMildest(_ now: NIODeadline) {
            let count = penalties.count
            penalties = penalties.filter { $0.value.end > now }
            guard penalties.count == count, let mildest = penalties.min(by: { $0.value.end < $1.value.end }) else {
                return
            }
            penalties[mildest.key] = nil
        }
    }

    private struct Penalty {
        var end: NIODeadline
        /// The sum once was beyond the minimum: kept out until the end.
        var isKeptOut = false
    }

    private let limits: StartupLimits
    private let penalties: SourcePenalties?
    private let state = NIOLockedValueBox(State())

    /// - Parameters:
    ///   - limits: How many may be at the door.
    ///   - penalties: nil keeps nobody out for what they did.
    public init(_ limits: StartupLimits = StartupLimits(), penalties: SourcePenalties? = SourcePenalties()) {
        self.limits = limits
        self.penalties = penalties
    }

    /// Asks for a connection. An admitted one is to be ended with `end`, once.
    ///
    /// - Parameters:
    ///   - address: Where it comes from; nil for a stream without one.
    ///   - now: The present.
    ///   - chance: A random number below 100.
    public func admit(
        _ address: SocketAddress?, now: NIODeadline = .now(), chance: Int = .random(in: 0..<100)
    ) -> Result<Startup, Refused> {
        let source = Self.source(of: address)
        return state.withLockedValue { state in
            if let source, let penalty = state.penalties[source] {
                if penalty.end <= now {
                    state.penalties[source] = nil
                } else if penalty.isKeptOut {
                    return .failure(Refused(.penalised))
                }
            }
            if let source, state.perSource[source, default: 0] >= limits.perSource {
                return .failure(Refused(.tooManyFromSource))
            }
            guard chance >= refusalPercentage(state.startups) else { return .failure(Refused(.tooManyStartups)) }
            state.startups += 1
            if let source { state.perSource[source, default: 0] += 1 }
            return .success(Startup(source: source))
        }
    }

    /// An error of its own, so that the answer can be a `Result`.
    public struct Refused: Error, Sendable, Hashable {
        public let why: Refusal

        init(_ why: Refusal) { self.why = why }
    }

    /// sshd_config(5), MaxStartups.
    private func refusalPercentage(_ startups: Int) -> Int {
        if startups < limits.start { return 0 }
        if startups >= limits.full || limits.full <= limits.start { return 100 }
        return limits.rate + (100 - limits.rate) * (startups - limits.start) / (limits.full - limits.start)
    }

    /// The connection has authenticated, or is over.
    public func end(
        _ startup: Startup, _ outcome: StartupOutcome, from address: SocketAddress?, now: NIODeadline = .now()
    ) {
        state.withLockedValue { state in
            state.startups -= 1
            guard let source = startup.source else { return }
            let left = (state.perSource[source] ?? 1) - 1
            state.perSource[source] = left > 0 ? left : nil
            guard let penalties, let address, !penalties.isExempt(address) else { return }
            let length: Duration =
                switch outcome {
                case .authenticated: .zero
                case .authenticationFailed: penalties.authenticationFailed
                case .noAuthentication: penalties.noAuthentication
                case .graceExceeded: penalties.graceExceeded
                }
            guard length > .zero else { return }
            if state.penalties[source] == nil, state.penalties.count >= penalties.maximumSources {
                state.forgetMildest(now)
            }
            var penalty = state.penalties[source] ?? Penalty(end: now)
            penalty.end = min(max(penalty.end, now) + TimeAmount(length), now + TimeAmount(penalties.maximum))
            if penalty.end - now >= TimeAmount(penalties.minimum) { penalty.isKeptOut = true }
            state.penalties[source] = penalty
        }
    }

    /// Connections that have not authenticated.
    public var startups: Int { state.withLockedValue { $0.startups } }

    private static func source(of address: SocketAddress?) -> Source? {
        guard let address else { return nil }
        // Where the address lies in sockaddr_in and sockaddr_in6.
        let place: Range<Int>
        switch address {
        case .v4: place = 4..<8
        case .v6: place = 8..<16
        case .unixDomainSocket: return nil
        }
        return address.withSockAddr { pointer, size in
            let bytes = UnsafeRawBufferPointer(start: pointer, count: size)
            return bytes.count >= place.upperBound ? Source(bytes: Array(bytes[place])) : nil
        }
    }
}
