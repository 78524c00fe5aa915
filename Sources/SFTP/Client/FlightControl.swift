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

    private var grown = FlightControl.initial
    /// Set by whoever uses the session; nil leaves it to the link.
    var bounds = FlightLimits()
    private var pace = Pace()

    /// Bytes under way above which nothing more is sent.
    var limit: Int {
        var limit = grown
        if let rate = bounds.bytesPerSecond { limit = min(limit, max(1024, rate / 4)) }
        if let requests = bounds.requests {
            limit = min(limit, max(1, requests) * (bounds.bytesPerRequest ?? SFTPLimits.safeData))
        }
        return max(1, limit)
    }

    private(set) var inFlight = 0
    /// Set when a server gave less than was asked for: it will not give more next time.
    private var largestRead = SFTPLimits.maximumData
    private var roundTrip: TimeAmount?
    private var interval: (start: NIODeadline, bytes: Int)?
    private var waiters = CircularBuffer<() -> Void>()

    /// Whether anything more may be sent; one request always may.
    var hasRoom: Bool { inFlight < limit }

    /// A data size that keeps several requests under way.
    func chunk(upTo largest: Int) -> Int {
        var size = min(largest, largestRead, max(SFTPLimits.safeData, limit / 16))
        if let wanted = bounds.bytesPerRequest { size = min(largest, largestRead, max(512, wanted)) }
        // A request that takes longer than a tenth of a second would make the pace jerky.
        if let rate = bounds.bytesPerSecond { size = min(size, max(512, rate / 10)) }
        return size
    }

    /// When room that becomes free now may be used again; nil for at once.
    mutating func pause(for bytes: Int, now: NIODeadline) -> NIODeadline? {
        guard let rate = bounds.bytesPerSecond else { return nil }
        return pace.next(bytes, rate: rate, now: now)
    }

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
        if grown < Self.standard { grown = min(Self.standard, grown + bytes) }
        guard let roundTrip, let current = interval else {
            interval = (now, 0)
            return
        }
        interval = (current.start, current.bytes + bytes)
        let elapsed = now - current.start
        guard elapsed >= max(roundTrip, .milliseconds(5)) else { return }
        let product = Double(current.bytes + bytes) * Double(roundTrip.nanoseconds) / Double(elapsed.nanoseconds)
        if product.isFinite, grown >= Self.standard, 2 * product > Double(grown) {
            grown = Int(min(Double(Self.maximum), 2 * product))
        }
        interval = (now, 0)
    }

    /// A READ brought less than it asked for, though the file goes on.
    mutating func shortRead(_ bytes: Int) { largestRead = min(largestRead, max(512, bytes)) }
}

/// How hard a session may press the link; what is nil is left to the link and the server.
public struct FlightLimits: Sendable, Hashable {
    /// Bytes of contents a second, in both directions together.
    public var bytesPerSecond: Int?
    /// Bytes that one READ or WRITE carries, within what the server takes.
    public var bytesPerRequest: Int?
    /// READs and WRITEs that may be unanswered at once.
    public var requests: Int?

    public init(bytesPerSecond: Int? = nil, bytesPerRequest: Int? = nil, requests: Int? = nil) {
        self.bytesPerSecond = bytesPerSecond
        self.bytesPerRequest = bytesPerRequest
        self.requests = requests
    }
}

/// Spreads bytes over time.
struct Pace {
    private var due: NIODeadline?

    /// - Parameters:
    ///   - bytes: That have just been moved.
    ///   - rate: Bytes a second.
    /// - Returns: When they should have been through; nil when that is past.
    mutating func next(_ bytes: Int, rate: Int, now: NIODeadline) -> NIODeadline? {
        // What was not used earlier than a quarter of a second ago is lost: no burst after a pause.
        let start = max(due ?? now, now - .milliseconds(250))
        let seconds = Double(max(0, bytes)) / Double(max(1, rate))
        let end = start + .nanoseconds(Int64(min(seconds, 3600) * 1e9))
        due = end
        return end > now ? end : nil
    }
}
