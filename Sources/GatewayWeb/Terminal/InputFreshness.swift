import NIOCore

/// Tells input that was just typed from input that lay in a stalled connection.
///
/// A phone without a signal goes on filling its socket; when the signal is back everything arrives at once, an Enter of a
/// minute ago with it. A page's pings carry its own clock: one that took much longer than the one before, or a long
/// silence of a page that pings, says that what comes with it is old. A client that never pings is taken at its word.
struct InputFreshness {
    /// Input older than this is not passed on without asking.
    static let limit = TimeAmount.seconds(10)

    private var heardAt: NIODeadline?
    /// How far the page's clock lay behind ours at its last ping, in milliseconds: the way's length and a constant.
    private var lag: Int64?
    private var isLate = false

    /// A ping came.
    /// - Parameter time: the page's clock, in milliseconds.
    mutating func pinged(_ time: UInt64, at now: NIODeadline) {
        let mine = Int64(clamping: now.uptimeNanoseconds / 1_000_000)
        let new = mine - Int64(clamping: min(time, UInt64(1) << 52))
        // Compared with the last one, not with the best: a page whose clock stood still while its machine slept has
        // another constant from then on.
        isLate = lag.map { new - $0 > Self.limit.nanoseconds / 1_000_000 } ?? false
        lag = new
        heardAt = now
    }

    /// Anything else came; input asks ``mayPass(at:)`` instead.
    mutating func heard(at now: NIODeadline) { heardAt = now }

    /// Whether input that comes now was typed now.
    mutating func mayPass(at now: NIODeadline) -> Bool {
        if lag != nil, let heardAt, now - heardAt > Self.limit { isLate = true }
        heardAt = now
        return !isLate
    }
}
