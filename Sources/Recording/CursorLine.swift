/// The line of the terminal on which the cursor stands, as far as it is known from output alone: what is written on it
/// and where the cursor is. Enough to know a prompt, to recognise an echo and to write plain text; not a screen.
struct CursorLine: Sendable {
    /// A place on the terminal. Rows count on for ever with each line feed; what an absolute move leads to is counted
    /// in a range of its own, since nobody knows where the screen stands in the stream.
    struct Place: Sendable, Hashable {
        var row: Int
        var column: Int
    }

    static let longest = 4096
    private static let absoluteRow = 1 << 40
    private static let blank: UInt32 = 0x20
    /// Stands right of a wide character in the same cell pair.
    private static let wideTail: UInt32 = 0

    private(set) var place = Place(row: 0, column: 0)
    private(set) var cells: [UInt32] = []
    private(set) var columns: Int
    /// The line before this one was full: the cursor came here by itself, not by a line feed.
    private(set) var isWrapped = false

    init(columns: Int) { self.columns = max(1, columns) }

    mutating func resize(columns: Int) { self.columns = max(1, columns) }

    /// Forgets what is on the line; the cursor is at its beginning.
    mutating func reset() {
        place = Place(row: place.row + 1, column: 0)
        cells = []
        isWrapped = false
    }

    /// Where the next character will go. At the right margin that is the next line: a terminal waits there.
    func target(width: Int) -> Place {
        place.column + width > columns ? Place(row: place.row + 1, column: 0) : place
    }

    mutating func print(_ scalar: UInt32) {
        let width = CharacterWidth.of(scalar)
        guard width > 0 else { return }
        if place.column + width > columns {
            move(toRow: place.row + 1)
            place.column = 0
            isWrapped = true
        }
        guard place.column < Self.longest else { return }
        while cells.count < place.column + width { cells.append(Self.blank) }
        cells[place.column] = scalar
        if width == 2 { cells[place.column + 1] = Self.wideTail }
        place.column += width
    }

    /// True when the cursor went to another line.
    mutating func control(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x08: place.column = max(0, min(place.column, columns) - 1)
        case 0x09: place.column = min(columns - 1, (place.column / 8 + 1) * 8)
        case 0x0A, 0x0B, 0x0C:
            move(toRow: place.row + 1)
            return true
        case 0x0D: place.column = 0
        default: break
        }
        return false
    }

    mutating func csi(_ parameters: [Int], isPrivate: Bool, final: UInt8) {
        let first = parameters.first ?? 0
        let count = max(1, first)
        guard !isPrivate else {
            // The other screen, or back: nothing of this line is there.
            if final == UInt8(ascii: "h") || final == UInt8(ascii: "l"), [47, 1047, 1049].contains(first) { reset() }
            return
        }
        switch final {
        case UInt8(ascii: "A"), UInt8(ascii: "F"): move(toRow: place.row - count)
        case UInt8(ascii: "B"), UInt8(ascii: "E"), UInt8(ascii: "e"): move(toRow: place.row + count)
        case UInt8(ascii: "C"), UInt8(ascii: "a"): place.column = min(columns - 1, place.column + count)
        case UInt8(ascii: "D"): place.column = max(0, min(place.column, columns) - count)
        case UInt8(ascii: "G"), UInt8(ascii: "`"): place.column = min(columns, count) - 1
        case UInt8(ascii: "H"), UInt8(ascii: "f"):
            move(toRow: Self.absoluteRow + count)
            place.column = min(columns, max(1, parameters.dropFirst().first ?? 1)) - 1
        case UInt8(ascii: "d"): move(toRow: Self.absoluteRow + count)
        case UInt8(ascii: "J"), UInt8(ascii: "K"): erase(first)
        case UInt8(ascii: "P"): delete(count)
        case UInt8(ascii: "@"): insert(count)
        case UInt8(ascii: "X"):
            for column in cells.indices.dropFirst(place.column).prefix(count) { cells[column] = Self.blank }
        default: break
        }
        if final == UInt8(ascii: "E") || final == UInt8(ascii: "F") { place.column = 0 }
    }

    private mutating func move(toRow row: Int) {
        guard row != place.row else { return }
        place.row = row
        cells = []
        isWrapped = false
    }

    private mutating func erase(_ mode: Int) {
        switch mode {
        case 0: if cells.count > place.column { cells.removeLast(cells.count - place.column) }
        case 1: for column in 0..<min(cells.count, place.column + 1) { cells[column] = Self.blank }
        default: cells = []
        }
    }

    private mutating func delete(_ count: Int) {
        guard place.column < cells.count else { return }
        cells.removeSubrange(place.column..<min(cells.count, place.column + count))
    }

    private mutating func insert(_ count: Int) {
        guard place.column < cells.count else { return }
        cells.insert(contentsOf: repeatElement(Self.blank, count: min(count, columns)), at: place.column)
        if cells.count > Self.longest { cells.removeLast(cells.count - Self.longest) }
    }

    /// What stands left of a column.
    func text(upTo column: Int) -> String {
        var text = String.UnicodeScalarView()
        for cell in cells.prefix(max(0, column)) where cell != Self.wideTail {
            text.append(Unicode.Scalar(cell) ?? "\u{FFFD}")
        }
        return String(text)
    }

    /// The whole line without blanks at its end.
    var text: String {
        var text = text(upTo: cells.count)
        while text.last == " " { text.removeLast() }
        return text
    }
}

/// How many cells a character takes. The ranges are those of Unicode's East Asian Width W and F, and of the marks that
/// take none, as common terminals treat them.
enum CharacterWidth {
    static func of(_ scalar: UInt32) -> Int {
        guard scalar >= 0x300 else { return 1 }
        if isCombining(scalar) { return 0 }
        return isWide(scalar) ? 2 : 1
    }

    private static func isCombining(_ scalar: UInt32) -> Bool {
        guard let value = Unicode.Scalar(scalar) else { return false }
        switch value.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return true
        case .format: return scalar != 0xAD
        default: return false
        }
    }

    private static func isWide(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x1100...0x115F, 0x231A...0x231B, 0x2329...0x232A, 0x23E9...0x23EC, 0x23F0, 0x23F3, 0x25FD...0x25FE,
            0x2614...0x2615, 0x2648...0x2653, 0x267F, 0x2693, 0x26A1, 0x26AA...0x26AB, 0x26BD...0x26BE,
            0x26C4...0x26C5, 0x26CE, 0x26D4, 0x26EA, 0x26F2...0x26F3, 0x26F5, 0x26FA, 0x26FD, 0x2705,
            0x270A...0x270B, 0x2728, 0x274C, 0x274E, 0x2753...0x2755, 0x2757, 0x2795...0x2797, 0x27B0, 0x27BF,
            0x2B1B...0x2B1C, 0x2B50, 0x2B55, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
            0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18CFF, 0x1AFF0...0x1B2FF, 0x1F004, 0x1F0CF, 0x1F18E,
            0x1F191...0x1F19A, 0x1F200...0x1F320, 0x1F32D...0x1F335, 0x1F337...0x1F37C, 0x1F37E...0x1F393,
            0x1F3A0...0x1F3CA, 0x1F3CF...0x1F3D3, 0x1F3E0...0x1F3F0, 0x1F3F4, 0x1F3F8...0x1F43E, 0x1F440,
            0x1F442...0x1F4FC, 0x1F4FF...0x1F53D, 0x1F54B...0x1F54E, 0x1F550...0x1F567, 0x1F57A, 0x1F595...0x1F596,
            0x1F5A4, 0x1F5FB...0x1F64F, 0x1F680...0x1F6C5, 0x1F6CC, 0x1F6D0...0x1F6D2, 0x1F6D5...0x1F6D7,
            0x1F6DC...0x1F6DF, 0x1F6EB...0x1F6EC, 0x1F6F4...0x1F6FC, 0x1F7E0...0x1F7EB, 0x1F7F0,
            0x1F90C...0x1F93A, 0x1F93C...0x1F945, 0x1F947...0x1F9FF, 0x1FA70...0x1FAFF, 0x20000...0x3FFFD:
            return true
        default:
            return false
        }
    }
}
