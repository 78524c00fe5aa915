import NIOCore

/// So many acts at once, then so many in a second: what is over it is refused, and nothing waits.
struct RateLimit: Sendable {
    private let burst: Double
    private let perSecond: Double
    private var left: Double
    private var at: NIODeadline

    init(burst: Double, perSecond: Double, now: NIODeadline = .now()) {
        self.burst = burst
        self.perSecond = perSecond
        left = burst
        at = now
    }

    mutating func admit(_ now: NIODeadline = .now()) -> Bool {
        let passed = Double((now - at).nanoseconds) / 1_000_000_000
        left = min(burst, left + max(0, passed) * perSecond)
        at = now
        guard left >= 1 else { return false }
        left -= 1
        return true
    }
}

/// What one person may do how often at one session, however many seats they have.
struct PersonRates: Sendable {
    var takes = RateLimit(burst: 6, perSecond: 0.5)
    var requests = RateLimit(burst: 3, perSecond: 0.1)
    var notes = RateLimit(burst: 30, perSecond: 3)
    var messages = RateLimit(burst: 8, perSecond: 1)
    var offers = RateLimit(burst: 5, perSecond: 0.2)
}
