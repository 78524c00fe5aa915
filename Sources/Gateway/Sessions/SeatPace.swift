import NIOCore

/// How much output may be under way to a seat: what its link carries in a moment, and never so much that what the person
/// sees is old.
///
/// The acknowledgements say how long a byte takes from here to the seat's terminal. While that is short the window
/// doubles; when it is long the window shrinks to what the link carried in the time that is allowed.
struct SeatPace: Sendable {
    /// Bytes under way at most.
    static let largest = 512 * 1024
    /// Not less than what clients let come before they acknowledge (the `ackEvery` of the hello).
    static let smallest = 4 * 1024
    /// A link on which a seat starts is not known yet: so much is quick on any.
    static let first = 8 * 1024
    /// So long a byte may wait on its way, beside what the way itself takes.
    static let allowed: Int64 = 150_000_000
    /// Output that waits here for longer is old: a screen of now is worth more.
    static let stale: TimeAmount = .milliseconds(250)

    private(set) var window = first
    /// Acknowledgements in a row that took long: a moment in which nobody had time is no narrow link.
    private var slowInRow = 0
    var isNarrow: Bool { slowInRow >= 2 }
    /// Nanoseconds that a small piece takes there and back.
    private var journey: Int64 = 0
    private var marks: [(end: UInt64, at: NIODeadline)] = []
    private var acknowledged: UInt64 = 0
    private var wasFull = false

    private static let marksKept = 64
    private static let smallPiece: UInt64 = 2048
    private static let longestJourney: Int64 = 1_000_000_000

    /// Everything before `end` is under way now.
    mutating func sent(upTo end: UInt64, at now: NIODeadline) {
        if marks.count >= Self.marksKept {
            marks = marks.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
        }
        marks.append((end, now))
    }

    /// More could have been sent, had there been room.
    mutating func isFull() { wasFull = true }

    /// A screen was sent in place of output: what was under way before says nothing any more.
    mutating func restart(at offset: UInt64) {
        marks.removeAll(keepingCapacity: true)
        acknowledged = offset
    }

    mutating func acknowledged(upTo offset: UInt64, at now: NIODeadline) {
        let size = offset > acknowledged ? offset - acknowledged : 0
        acknowledged = max(acknowledged, offset)
        guard let index = marks.lastIndex(where: { $0.end <= offset }) else { return }
        let delay = (now - marks[index].at).nanoseconds
        marks.removeFirst(index + 1)
        if size <= Self.smallPiece {
            // Slowly up again, for a phone that moves to a longer way.
            let risen = journey + journey / 50 + 1_000_000
            journey = min(journey == 0 ? delay : min(delay, risen), Self.longestJourney)
        }
        let wait = delay - journey
        if wait > Self.allowed / 2 { slowInRow += 1 } else { slowInRow = 0 }
        if wait > Self.allowed {
            window = max(Self.smallest, Int(Double(window) * Double(Self.allowed) / Double(wait)))
        } else if wasFull, wait < Self.allowed / 2 {
            window = min(Self.largest, window * 2)
        }
        wasFull = false
    }
}

/// When which output came, as coarse as is needed to tell whether a seat sees something old.
struct OutputTimes: Sendable {
    private static let apart: TimeAmount = .milliseconds(50)
    private static let kept = 32
    private var samples: [(end: UInt64, at: NIODeadline)] = []

    mutating func note(end: UInt64, at now: NIODeadline) {
        if let last = samples.last, now - last.at < Self.apart { return }
        if samples.count >= Self.kept { samples.removeFirst(Self.kept / 2) }
        samples.append((end, now))
    }

    /// Whether the byte at `offset` came longer ago than `age`.
    func isOlder(_ offset: UInt64, than age: TimeAmount, at now: NIODeadline) -> Bool {
        guard let sample = samples.last(where: { now - $0.at >= age }) else { return false }
        return offset < sample.end
    }
}
