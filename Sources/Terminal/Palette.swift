/// The colours that the host may ask for and change (OSC 4, 10, 11, 12); only changes are kept.
struct Palette: Hashable, Sendable {
    /// The numbers after the 256 indexed colours.
    enum Special: Int, Sendable {
        case foreground = 256
        case background = 257
        case cursor = 258
    }

    struct RGB: Hashable, Sendable {
        var red: UInt8
        var green: UInt8
        var blue: UInt8

        /// XParseColor's form, with 16 bits for each part.
        var specification: String {
            "rgb:" + [red, green, blue].map { part in hex(part) + hex(part) }.joined(separator: "/")
        }

        private func hex(_ part: UInt8) -> String {
            (part < 16 ? "0" : "") + String(part, radix: 16)
        }

        init(red: UInt8, green: UInt8, blue: UInt8) {
            self.red = red
            self.green = green
            self.blue = blue
        }

        /// Reads `rgb:r/g/b` with one to four hexadecimal digits each, or `#` with one to four digits for each part.
        init?(specification: Substring) {
            var parts: [Substring]
            if specification.hasPrefix("rgb:") {
                parts = specification.dropFirst(4).split(separator: "/", omittingEmptySubsequences: false)
            } else if specification.hasPrefix("#") {
                let digits = specification.dropFirst()
                guard digits.utf8.count == digits.count, [3, 6, 9, 12].contains(digits.count) else { return nil }
                let length = digits.count / 3
                parts = (0..<3).map { digits.dropFirst($0 * length).prefix(length) }
            } else {
                return nil
            }
            let values = parts.compactMap(RGB.part)
            guard parts.count == 3, values.count == 3 else { return nil }
            self.init(red: values[0], green: values[1], blue: values[2])
        }

        private static func part(_ digits: Substring) -> UInt8? {
            guard (1...4).contains(digits.utf8.count), digits.utf8.allSatisfy(isHexDigit),
                let value = Int(digits, radix: 16)
            else { return nil }
            let maximum = 1 << (4 * digits.utf8.count) - 1
            return UInt8(truncatingIfNeeded: (value * 255 + maximum / 2) / maximum)
        }

        private static func isHexDigit(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
        }
    }

    private(set) var changes: [Int: RGB] = [:]

    subscript(number: Int) -> RGB {
        get { changes[number] ?? Palette.standard(number) }
        set { if (0...258).contains(number) { changes[number] = newValue } }
    }

    mutating func reset(_ number: Int) { changes[number] = nil }

    mutating func resetIndexed() { changes = changes.filter { $0.key > 255 } }

    /// xterm's standard colours: 16 named ones, a cube of six steps, a ramp of greys; light grey on black.
    private static func standard(_ number: Int) -> RGB {
        switch number {
        case 0..<16: return named[number]
        case 16..<232:
            let step = { (part: Int) -> UInt8 in part == 0 ? 0 : UInt8(truncatingIfNeeded: 55 + 40 * part) }
            let cube = number - 16
            return RGB(red: step(cube / 36), green: step(cube / 6 % 6), blue: step(cube % 6))
        case 232..<256:
            let grey = UInt8(truncatingIfNeeded: 8 + 10 * (number - 232))
            return RGB(red: grey, green: grey, blue: grey)
        case Special.background.rawValue: return RGB(red: 0, green: 0, blue: 0)
        default: return RGB(red: 0xE5, green: 0xE5, blue: 0xE5)
        }
    }

    private static let named: [RGB] = [
        (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
        (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
        (255, 255, 255),
    ].map { RGB(red: $0.0, green: $0.1, blue: $0.2) }
}
