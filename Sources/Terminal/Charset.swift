/// A set of 94 characters that can be designated into G0…G3.
enum Charset: UInt8, Sendable {
    case ascii = 0x42  // B
    case lineDrawing = 0x30  // 0, DEC Special Character and Line Drawing Set
    case british = 0x41  // A

    func map(_ scalar: UInt32) -> UInt32 {
        switch self {
        case .ascii: return scalar
        case .british: return scalar == 0x23 ? 0xA3 : scalar
        case .lineDrawing:
            guard scalar >= 0x5F, scalar <= 0x7E else { return scalar }
            return Charset.lineDrawingScalars[Int(scalar - 0x5F)]
        }
    }

    // VT220 Programmer Reference Manual, table 2-4. The first is a blank.
    private static let lineDrawingScalars: [UInt32] = [
        0x20, 0x25C6, 0x2592, 0x2409, 0x240C, 0x240D, 0x240A, 0xB0, 0xB1, 0x2424, 0x240B, 0x2518, 0x2510, 0x250C,
        0x2514,
        0x253C, 0x23BA, 0x23BB, 0x2500, 0x23BC, 0x23BD, 0x251C, 0x2524, 0x2534, 0x252C, 0x2502, 0x2264, 0x2265, 0x3C0,
        0x2260, 0xA3, 0xB7,
    ]
}

/// Which sets G0…G3 hold and which of them is in use.
struct CharsetState: Hashable, Sendable {
    private var sets: [Charset] = [.ascii, .ascii, .ascii, .ascii]
    /// 0…3, chosen by SI, SO, LS2 and LS3.
    private(set) var level = 0

    var current: Charset { sets[level] }
    var designated: [Charset] { sets }

    mutating func designate(_ set: Charset, level: Int) {
        if sets.indices.contains(level) { sets[level] = set }
    }

    mutating func shift(to level: Int) {
        if sets.indices.contains(level) { self.level = level }
    }
}
