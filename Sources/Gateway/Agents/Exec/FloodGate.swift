import NIOCore

/// How fast a command may write once it has written more than anybody keeps: its host gets room for more at this pace, so
/// that one agent's flood leaves the machine and the loop to others. What a reader gets to see comes unhindered.
struct FloodGate {
    /// Bytes that pass at once.
    static let free = CommandOutput.most
    /// Bytes a second beyond those.
    static let pace = 32 << 20
    static let pause = TimeAmount.milliseconds(20)

    private var allowance = free
    private var refilledAt: NIODeadline
    /// Bytes whose room the host has not got back yet.
    private(set) var withheld = 0

    init(now: NIODeadline = .now()) { refilledAt = now }

    /// Takes in bytes that came.
    /// - Returns: how many of them the host may send again at once.
    mutating func pass(_ bytes: Int) -> Int {
        guard allowance <= 0 else {
            allowance -= bytes
            return bytes
        }
        withheld += bytes
        return 0
    }

    /// Some time went by.
    /// - Returns: how many bytes the host gets room for now.
    mutating func refill(now: NIODeadline = .now()) -> Int {
        let elapsed = min((now - refilledAt).nanoseconds, 1_000_000_000)
        refilledAt = now
        allowance = min(Self.pace / 10, allowance + Int(elapsed) * Self.pace / 1_000_000_000)
        guard allowance > 0, withheld > 0 else { return 0 }
        let passed = withheld
        allowance -= passed
        withheld = 0
        return passed
    }
}
