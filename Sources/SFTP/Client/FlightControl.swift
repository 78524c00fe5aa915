// How many bytes are under way: enough to fill the link, and not more than memory should hold.

import NIOCore

/// Decides how many bytes of READs and WRITEs may be unanswered at once.
///
/// It starts at 1 MiB, half of the window that channels begin with, and doubles with each round trip up to 4 MiB, which
/// fills every ordinary link. Beyond that it grows only with what the link is seen to carry: twice the bandwidth-delay
/// product, at most 32 MiB. While the limit is what holds the rate back, that product doubles with the limit; when the
/// link is full, it stays.
struct FlightControl {
    static let initial = 1 << 20
    static let standard = 4 << 20
    static let maximum = 32 << 20

    private(set) var limit = FlightControl.initial
    private(set) var inFlight = 0
    /// Set when a server gave less than was asked for: it will not give more next time.
    private var largestRead = SFTPLimits.maximumData
    private var roundTrip: TimeAmount?
    private var interval: (start: NIODeadline, bytes: Int)?
    private var waiters = CircularBuffer<() -> Void>()

    /// Whether anything more may be sent; one request always may.
    var hasRoom: Bool { inFlight < limit }

    /// A data size that keeps several requests under way.
    func chunk(upTo largest: Int) -> Int { min(largest, largestRead, max(SFTPLimits.safeData, limit / 16)) }

    mutating func take(_ bytes: Int) { inFlight += bytes }

    /// Bytes are dealt with; those who waited get their turn.
    ///
    /// - Returns: Who may go on now, to be called by the owner.
    mutating func release(_ bytes: Int) -> [() -> Void] {
        inFlight = max(0, inFlight - bytes)
        guard hasRoom, !waiters.isEmpty else { return [] }
        defer { waiters.removeAll() }
        return Array(waiters)
    }

    mutating func wait(_ body: @escaping () -> Void) { waiters.append(body) }

    /// An answer came.
    mutating func answered(_ bytes: Int, sent: NIODeadline, now: NIODeadline) {
        let sample = now - sent
        roundTrip = min(roundTrip ?? sample, sample)
        if limit < Self.standard { limit = min(Self.standard, limit + bytes) }
        guard let roundTrip, let current = interval else {
            interval = (now, 0)
            return
        }
        interval = (current.start, current.bytes + bytes)
        let elapsed = now - current.start
        guard elapsed >= max(roundTrip, .milliseconds(5)) else { return }
        let product = Double(current.bytes + bytes) * Double(roundTrip.nanoseconds) / Double(elapsed.nanoseconds)
        if product.isFinite, limit >= Self.standard, 2 * product > Double(limit) {
            limit = Int(min(Double(Self.maximum), 2 * product))
        }
        interval = (now, 0)
    }

    /// A READ brought less than it asked for, though the file goes on.
    mutating func shortRead(_ bytes: Int) { largestRead = min(largestRead, max(512, bytes)) }
}
