// Flow control of one channel: RFC 4254 §5.2. Wire arithmetic never wraps.

/// What the peer may still send to us.
struct ReceiveWindow {
    static let initialSize: UInt32 = 2 << 20
    static let maximumPacket: UInt32 = 32 * 1024
    /// No window grows beyond it, whatever a configuration says: signed 32-bit peers exist.
    static let largest: UInt32 = 1 << 30

    /// What the peer may have under way to us and at us together.
    private(set) var size: UInt32
    let maximumPacket: UInt32
    /// What the peer may still send.
    private(set) var available: UInt32
    /// Received and not yet given back by the owner.
    private(set) var outstanding: UInt32 = 0
    /// Given back by the owner and not yet told to the peer. size = available + outstanding + credit.
    private var credit: UInt32 = 0

    init(size: UInt32 = Self.initialSize, maximumPacket: UInt32 = Self.maximumPacket) {
        self.size = min(size, Self.largest)
        self.maximumPacket = maximumPacket
        available = self.size
    }

    mutating func receive(_ count: Int) throws(ProtocolError) {
        guard count <= maximumPacket else {
            throw .channel("The peer sent more data in one packet than the channel allows.")
        }
        guard count <= available else { throw .channel("The peer sent data beyond the channel's window.") }
        available -= UInt32(count)
        outstanding += UInt32(count)
    }

    /// The owner dealt with bytes; more than were received are not given back.
    mutating func consume(_ count: Int) {
        let returned = min(UInt32(clamping: max(0, count)), outstanding)
        outstanding -= returned
        credit += returned
    }

    /// The peer is told with the next adjustment, which is due at once.
    mutating func grow(to newSize: UInt32) {
        let goal = min(newSize, Self.largest)
        guard goal > size else { return }
        credit += goal - size
        size = goal
    }

    /// Whether it is worth a message: a sender on a long link must not wait for half a window, and a slow one must not
    /// cause a message for each packet. OpenSSH and Go use the same mark.
    var wantsAdjustment: Bool { credit > 0 && credit >= min(size / 2, 3 * maximumPacket) }

    mutating func takeAdjustment() -> UInt32? {
        guard wantsAdjustment else { return nil }
        defer { credit = 0 }
        available += credit
        return credit
    }
}

/// What we may still send to the peer.
struct SendWindow {
    /// Beyond it a packet only makes others wait longer.
    static let largestPacket: UInt32 = 64 * 1024

    private(set) var available: UInt32
    let maximumPacket: UInt32

    init(available: UInt32, maximumPacket: UInt32) throws(ProtocolError) {
        // With zero nothing could ever be sent.
        guard maximumPacket > 0 else { throw .channel("The peer allows no data in a packet.") }
        self.available = available
        self.maximumPacket = min(maximumPacket, Self.largestPacket)
    }

    /// RFC 4254 §5.2: the window must not grow past 2^32 - 1.
    mutating func adjust(_ bytes: UInt32) throws(ProtocolError) {
        let (sum, overflow) = available.addingReportingOverflow(bytes)
        guard !overflow else { throw .channel("The peer made a channel's window larger than 4 GiB.") }
        available = sum
    }

    /// Bytes that may go into the next packet when `wanted` wait.
    func allowance(_ wanted: Int) -> Int { min(wanted, Int(min(available, maximumPacket))) }

    mutating func spend(_ count: Int) { available -= min(available, UInt32(clamping: count)) }
}

/// Finds out whether a window holds its sender back: a question goes to the peer, and what arrives until its answer is
/// what one round trip carries. A window of which two thirds came in that time was the limit, not the link.
struct WindowTuning {
    private enum Probe {
        /// Bytes that pass before the next question.
        case resting(Int)
        /// Bytes since the question.
        case asked(Int)
    }

    private var probe = Probe.resting(Self.first)

    /// A channel that carries less than this never asks.
    private static let first = 512 * 1024

    /// - Returns: Whether a question is due.
    mutating func received(_ count: Int) -> Bool {
        switch probe {
        case .resting(let rest):
            probe = .resting(max(0, rest - count))
            return rest <= count
        case .asked(let bytes):
            let (sum, overflow) = bytes.addingReportingOverflow(count)
            probe = .asked(overflow ? .max : sum)
            return false
        }
    }

    mutating func asked() { probe = .asked(0) }

    /// - Returns: Whether the window should be twice as large.
    mutating func answered(_ window: ReceiveWindow) -> Bool {
        guard case .asked(let bytes) = probe else { return false }
        // A reader that does not keep up gains nothing from a larger window.
        let isHeldBack = bytes >= Int(window.size) / 3 * 2 && window.outstanding < window.size / 2
        // The next question after a growth waits for the larger window to take effect, else for a while: on a fast link
        // it costs one packet for each four windows.
        probe = .resting(Int(window.size) * (isHeldBack ? 1 : 4))
        return isHeldBack
    }
}
