/// A colour of a cell: the terminal's default, one of the 256 indexed colours, or 24 bits of red, green and blue.
struct Color: Hashable, Sendable {
    /// 0 is the default; bit 24 marks an index in the low byte; bit 25 marks red, green, blue in the low 24 bits.
    private(set) var bits: UInt32

    static let `default` = Color(bits: 0)

    static func indexed(_ index: UInt8) -> Color { Color(bits: 1 << 24 | UInt32(index)) }

    static func rgb(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> Color {
        Color(bits: 1 << 25 | UInt32(red) << 16 | UInt32(green) << 8 | UInt32(blue))
    }

    private init(bits: UInt32) { self.bits = bits }

    enum Kind: Equatable {
        case `default`
        case indexed(UInt8)
        case rgb(red: UInt8, green: UInt8, blue: UInt8)
    }

    var kind: Kind {
        if bits == 0 { return .default }
        if bits & 1 << 24 != 0 { return .indexed(UInt8(truncatingIfNeeded: bits)) }
        return .rgb(
            red: UInt8(truncatingIfNeeded: bits >> 16), green: UInt8(truncatingIfNeeded: bits >> 8),
            blue: UInt8(truncatingIfNeeded: bits))
    }
}

/// The ways to underline a cell, numbered as in SGR 4:n.
enum Underline: UInt16, Sendable {
    case none, single, double, curly, dotted, dashed
}

/// What SGR (ECMA-48 §8.3.117), DECSCA and OSC 8 give to a cell.
struct Style: Hashable, Sendable {
    struct Attributes: OptionSet, Hashable, Sendable {
        let rawValue: UInt16

        static let bold = Attributes(rawValue: 1 << 0)
        static let faint = Attributes(rawValue: 1 << 1)
        static let italic = Attributes(rawValue: 1 << 2)
        static let blink = Attributes(rawValue: 1 << 3)
        static let inverse = Attributes(rawValue: 1 << 4)
        static let invisible = Attributes(rawValue: 1 << 5)
        static let strikethrough = Attributes(rawValue: 1 << 6)
        static let overline = Attributes(rawValue: 1 << 7)
        /// DECSCA: selective erase leaves the cell alone.
        static let protected = Attributes(rawValue: 1 << 8)
        /// Three bits that hold an `Underline`.
        static let underlineMask = Attributes(rawValue: 7 << 12)
    }

    var foreground = Color.default
    var background = Color.default
    var underlineColor = Color.default
    var attributes: Attributes = []
    /// The hyperlink's number in the screen's table; 0 is none.
    var link: UInt16 = 0

    static let plain = Style()

    var underline: Underline {
        get { Underline(rawValue: attributes.rawValue >> 12 & 7) ?? .none }
        set {
            attributes.subtract(.underlineMask)
            attributes.formUnion(Attributes(rawValue: newValue.rawValue << 12))
        }
    }

    /// SGR 0 takes everything but the hyperlink and the protection.
    mutating func reset() {
        self = Style(attributes: attributes.intersection(.protected), link: link)
    }
}
