/// UTF-8 in pieces. What is no UTF-8 becomes U+FFFD, one for each byte that cannot be part of a character.
struct ScalarDecoder: Sendable {
    typealias Scalar = (value: UInt32, count: Int)

    private var waiting: [UInt8] = []
    private var wanted = 0
    /// A byte that ended a broken character and begins the next.
    private var leftOver: UInt8?

    /// Takes a byte; the scalar that it ends, if it does.
    mutating func take(_ byte: UInt8) -> Scalar? {
        if wanted == 0 { return begin(byte) }
        guard byte & 0xC0 == 0x80, isPossible(byte) else {
            leftOver = byte
            defer {
                waiting.removeAll(keepingCapacity: true)
                wanted = 0
            }
            return (0xFFFD, waiting.count)
        }
        waiting.append(byte)
        guard waiting.count == wanted else { return nil }
        defer {
            waiting.removeAll(keepingCapacity: true)
            wanted = 0
        }
        let lead = UInt32(waiting[0]) & (wanted == 2 ? 0x1F : wanted == 3 ? 0x0F : 0x07)
        return (waiting.dropFirst().reduce(lead) { $0 << 6 | UInt32($1 & 0x3F) }, wanted)
    }

    /// The scalar of a byte that was put off.
    mutating func takeWaiting() -> Scalar? {
        guard let byte = leftOver else { return nil }
        leftOver = nil
        return begin(byte)
    }

    /// At the end of the text: what an unfinished character comes to.
    mutating func flush() -> Scalar? {
        guard wanted > 0 else { return nil }
        defer {
            waiting.removeAll(keepingCapacity: true)
            wanted = 0
        }
        return (0xFFFD, waiting.count)
    }

    private mutating func begin(_ byte: UInt8) -> Scalar? {
        switch byte {
        case 0..<0x80: return (UInt32(byte), 1)
        case 0xC2..<0xE0: wanted = 2
        case 0xE0..<0xF0: wanted = 3
        case 0xF0..<0xF5: wanted = 4
        default: return (0xFFFD, 1)
        }
        waiting.append(byte)
        return nil
    }

    /// Refuses overlong forms, surrogates and what lies past U+10FFFF (RFC 3629 §4).
    private func isPossible(_ byte: UInt8) -> Bool {
        guard waiting.count == 1 else { return true }
        switch waiting[0] {
        case 0xE0: return byte >= 0xA0
        case 0xED: return byte < 0xA0
        case 0xF0: return byte >= 0x90
        case 0xF4: return byte < 0x90
        default: return true
        }
    }
}
