// When a lost connection is made again: a value that is told what happened and says what to do.

/// How long to wait before one attempt after another.
public struct BackOff: Sendable, Hashable {
    /// The last one goes on for ever.
    public var delays: [Duration]

    public init(delays: [Duration] = [.seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(10)]) {
        self.delays = delays
    }

    /// Between half of the delay and the whole of it, so that those who lost the same host do not come back at once.
    ///
    /// - Parameters:
    ///   - attempt: From 0.
    ///   - chance: 0…1.
    public func delay(_ attempt: Int, chance: Double) -> Duration {
        guard let last = delays.last else { return .zero }
        let whole = delays.indices.contains(attempt) ? delays[attempt] : last
        return whole / 2 + whole / 2 * min(max(chance, 0), 1)
    }
}

/// The one state of an upstream: whether it has a connection, or when it will try to get one.
struct Reconnection {
    enum State: Hashable {
        case idle
        /// `attempt` counts those since the last connection that stood, from 0.
        case connecting(attempt: Int)
        case connected
        case waiting(attempt: Int)
        /// Nothing is tried any more.
        case failed(UpstreamFailure)
        case stopped
    }

    enum Action: Hashable {
        case connect
        case wait(Duration)
        case stopWaiting
        /// What waits for the connection can have it.
        case serve
        /// What waits for the connection has waited in vain.
        case refuse(UpstreamFailure)
    }

    private(set) var state = State.idle
    /// Attempts in a row that led to no connection that stood.
    private var attempts = 0
    private let backOff: BackOff

    init(_ backOff: BackOff) { self.backOff = backOff }

    mutating func start() -> [Action] {
        guard state == .idle else { return [] }
        state = .connecting(attempt: 0)
        return [.connect]
    }

    mutating func connected() -> [Action] {
        guard case .connecting = state else { return [] }
        state = .connected
        return [.serve]
    }

    /// The attempt failed.
    mutating func failed(_ failure: UpstreamFailure, chance: Double) -> [Action] {
        guard case .connecting = state else { return [] }
        return goOn(after: failure, chance)
    }

    /// The last connection ended.
    ///
    /// - Parameter stood: Whether it was of use; otherwise the back-off goes on where it was.
    mutating func lost(_ failure: UpstreamFailure, stood: Bool, chance: Double) -> [Action] {
        guard state == .connected else { return [] }
        if stood { attempts = 0 }
        return goOn(after: failure, chance)
    }

    private mutating func goOn(after failure: UpstreamFailure, _ chance: Double) -> [Action] {
        guard !failure.isFinal else {
            state = .failed(failure)
            return [.refuse(failure)]
        }
        let attempt = attempts
        attempts = min(attempts + 1, 1000)
        state = .waiting(attempt: attempt)
        return [.wait(backOff.delay(attempt, chance: chance))]
    }

    mutating func delayPassed() -> [Action] {
        guard case .waiting(let attempt) = state else { return [] }
        state = .connecting(attempt: attempt + 1)
        return [.connect]
    }

    /// A person wants an attempt now, also where nothing was tried any more.
    mutating func tryNow() -> [Action] {
        switch state {
        case .waiting:
            attempts = 0
            state = .connecting(attempt: 0)
            return [.stopWaiting, .connect]
        case .failed:
            attempts = 0
            state = .connecting(attempt: 0)
            return [.connect]
        case .idle, .connecting, .connected, .stopped:
            return []
        }
    }

    mutating func stop() -> [Action] {
        let wasWaiting = if case .waiting = state { true } else { false }
        state = .stopped
        let refusal = Action.refuse(
            UpstreamFailure("The shim is ending.", hint: "Start it again.", isFinal: true))
        return wasWaiting ? [.stopWaiting, refusal] : [refusal]
    }
}
