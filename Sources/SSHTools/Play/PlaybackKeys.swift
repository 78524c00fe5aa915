/// Turns what a keyboard sends into keys of the player. Bytes may be cut anywhere.
public struct PlaybackKeys: Sendable {
    private var pending: [UInt8] = []

    public init() {}

    /// Microseconds that an arrow moves.
    public static let distance: Int64 = 5_000_000

    /// The keys that are whole now; bytes that mean nothing are dropped.
    public mutating func keys(_ bytes: [UInt8]) -> [Playback.Key] {
        pending += bytes
        var keys: [Playback.Key] = []
        while let first = pending.first {
            guard first == 0x1B else {
                pending.removeFirst()
                if let key = Self.key(first) { keys.append(key) }
                continue
            }
            guard pending.count >= 2 else { return keys }
            guard pending[1] == UInt8(ascii: "[") || pending[1] == UInt8(ascii: "O") else {
                pending.removeFirst()
                continue
            }
            guard let end = pending[2...].firstIndex(where: { (0x40...0x7E).contains($0) }) else {
                if pending.count > 16 { pending.removeAll() }
                return keys
            }
            switch pending[end] {
            case UInt8(ascii: "C"): keys.append(.move(Self.distance))
            case UInt8(ascii: "D"): keys.append(.move(-Self.distance))
            case UInt8(ascii: "A"): keys.append(.move(12 * Self.distance))
            case UInt8(ascii: "B"): keys.append(.move(-12 * Self.distance))
            default: break
            }
            pending.removeSubrange(...end)
        }
        return keys
    }

    private static func key(_ byte: UInt8) -> Playback.Key? {
        switch byte {
        case UInt8(ascii: " "): .pause
        case UInt8(ascii: "."): .step
        case UInt8(ascii: ">"), UInt8(ascii: "+"), UInt8(ascii: "="): .faster
        case UInt8(ascii: "<"), UInt8(ascii: "-"): .slower
        case UInt8(ascii: "]"): .nextMarker
        // q, Ctrl-C, Ctrl-D
        case UInt8(ascii: "q"), 0x03, 0x04: .quit
        default: nil
        }
    }
}
