// Flow control of one channel: RFC 4254 §5.2. Wire arithmetic never wraps.

/// What the peer may still send to us.
struct ReceiveWindow {
    /// 2 MiB, as OpenSSH: on a link with 100 ms round trip it carries 20 MB/s.
    static let initialSize: UInt32 = 2 << 20
    static let maximumPacket: UInt32 = 32 * 1024

    /// What the peer may still send.
    private(set) var available = Self.initialSize
    /// Received and not yet given back by the owner.
    private(set) var outstanding: UInt32 = 0
    /// Given back by the owner and not yet told to the peer.
    private var credit: UInt32 = 0

    mutating func receive(_ count: Int) throws(ProtocolError) {
        guard count <= Self.maximumPacket else {
            throw .channel("The host sent more data in one packet than the channel allows.")
        }
        guard count <= available else { throw .channel("The host sent data beyond the channel's window.") }
        available -= UInt32(count)
        outstanding += UInt32(count)
    }

    /// The owner dealt with bytes; more than were received are not given back.
    mutating func consume(_ count: Int) {
        let returned = min(UInt32(clamping: max(0, count)), outstanding)
        outstanding -= returned
        credit += returned
    }

    /// Whether it is worth a message: a sender on a long link must not wait for half a window, and a slow one must not
    /// cause a message for each packet. OpenSSH and Go use the same mark.
    var wantsAdjustment: Bool { credit > 0 && credit >= min(Self.initialSize / 2, 3 * Self.maximumPacket) }

    mutating func takeAdjustment() -> UInt32? {
        guard wantsAdjustment else { return nil }
        defer { credit = 0 }
        available += credit
        return credit
    }
}

/// What we may still send to the peer.
struct SendWindow {
    private(set) var available: UInt32
    let maximumPacket: UInt32

    init(available: UInt32, maximumPacket: UInt32) throws(ProtocolError) {
        // With zero nothing could ever be sent; below nine bytes some servers count the header in.
        guard maximumPacket > 0 else { throw .channel("The host allows no data in a packet.") }
        self.available = available
        self.maximumPacket = min(maximumPacket, ReceiveWindow.maximumPacket)
    }

    /// RFC 4254 §5.2: the window must not grow past 2^32 - 1.
    mutating func adjust(_ bytes: UInt32) throws(ProtocolError) {
        let (sum, overflow) = available.addingReportingOverflow(bytes)
        guard !overflow else { throw .channel("The host made a channel's window larger than 4 GiB.") }
        available = sum
    }

    /// Bytes that may go into the next packet when `wanted` wait.
    func allowance(_ wanted: Int) -> Int { min(wanted, Int(min(available, maximumPacket))) }

    mutating func spend(_ count: Int) { available -= min(available, UInt32(clamping: count)) }
}
