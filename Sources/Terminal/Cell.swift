/// One column of a line. A wide character takes two cells, the second of which has the width 0.
struct Cell: Hashable, Sendable {
    /// Bits 0-20 hold a Unicode scalar, or a number in the screen's table of clusters when bit 21 is set; bits 22-23 the width.
    private var bits: UInt32
    var style: Style

    private static let clusterFlag: UInt32 = 1 << 21

    /// Erased or never written: no character, and no attribute but a background.
    static func blank(_ background: Color = .default) -> Cell {
        Cell(bits: 1 << 22, style: Style(background: background))
    }

    init(scalar: UInt32, width: Int, style: Style) {
        bits = scalar & 0x1F_FFFF | UInt32(truncatingIfNeeded: width & 3) << 22
        self.style = style
    }

    /// Replaces the character by one of ASCII; everything else stays.
    mutating func setASCII(_ byte: UInt8) {
        bits = bits & ~0x3F_FFFF | UInt32(byte)
    }

    /// The second half of a wide character.
    static func tail(_ style: Style) -> Cell { Cell(bits: 0, style: style) }

    private init(bits: UInt32, style: Style) {
        self.bits = bits
        self.style = style
    }

    var width: Int { Int(bits >> 22) }
    var isTail: Bool { bits >> 22 == 0 }
    var isBlank: Bool { bits == 1 << 22 }
    var isWide: Bool { bits >> 22 == 2 }
    var isDefaultBlank: Bool { isBlank && style.background == .default }

    enum Content: Equatable {
        case nothing
        case scalar(UInt32)
        case cluster(UInt32)
    }

    var content: Content {
        let value = bits & 0x1F_FFFF
        if bits & Cell.clusterFlag != 0 { return .cluster(value) }
        return value == 0 ? .nothing : .scalar(value)
    }

    /// Replaces the character by a cluster of the screen's table and keeps width and style.
    mutating func setCluster(_ number: UInt32) {
        bits = bits & ~0x1F_FFFF | Cell.clusterFlag | number & 0x1F_FFFF
    }
}
