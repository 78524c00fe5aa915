/// A QR code (ISO/IEC 18004) in byte mode with error correction of level M, versions 1 to 10: up to 213 bytes.
public struct QRCode: Sendable, Hashable {
    /// Modules on a side, without the quiet zone of four that has to surround it.
    public private(set) var size: Int
    private var dark: [Bool]
    /// Modules that belong to a pattern and hold no data.
    private var reserved: [Bool]

    /// nil when the bytes are too many.
    public init?(_ bytes: [UInt8]) {
        guard let layout = QRLayout.smallest(for: bytes.count) else { return nil }
        size = layout.size
        dark = Array(repeating: false, count: size * size)
        reserved = dark
        drawPatterns(layout)
        place(layout.codewords(of: bytes))
        let plain = self
        var best: (code: QRCode, penalty: Int)?
        for mask in 0..<8 {
            var code = plain
            code.apply(mask)
            code.drawFormat(mask)
            let penalty = code.penalty
            if best.map({ penalty < $0.penalty }) ?? true { best = (code, penalty) }
        }
        if let best { self = best.code }
    }

    /// Whether a module is dark; outside of the code none is.
    public func isDark(row: Int, column: Int) -> Bool {
        row >= 0 && column >= 0 && row < size && column < size && dark[row * size + column]
    }

    /// Each row as ones for dark modules and zeros for light ones.
    public var rows: [String] {
        (0..<size).map { row in String((0..<size).map { isDark(row: row, column: $0) ? "1" : "0" }) }
    }

    /// For a terminal: two rows in one line of half blocks, light on dark, with the quiet zone.
    public var blocks: [String] {
        stride(from: -2, to: size + 2, by: 2).map { row in
            String(
                (-2..<size + 2).map { column -> Character in
                    switch (isDark(row: row, column: column), isDark(row: row + 1, column: column)) {
                    case (false, false): "█"
                    case (false, true): "▀"
                    case (true, false): "▄"
                    case (true, true): " "
                    }
                })
        }
    }

    // MARK: Patterns (§6.3)

    private mutating func set(_ row: Int, _ column: Int, _ isDark: Bool) {
        guard row >= 0, column >= 0, row < size, column < size else { return }
        dark[row * size + column] = isDark
        reserved[row * size + column] = true
    }

    private mutating func drawPatterns(_ layout: QRLayout) {
        for index in 0..<size {
            set(6, index, index % 2 == 0)
            set(index, 6, index % 2 == 0)
        }
        for (row, column) in [(3, 3), (3, size - 4), (size - 4, 3)] { drawFinder(row, column) }
        let centres = layout.alignment
        for row in centres {
            for column in centres where !isFinder(row, column) { drawAlignment(row, column) }
        }
        drawFormat(0)
        drawVersion(layout.version)
    }

    private func isFinder(_ row: Int, _ column: Int) -> Bool {
        (row == 6 && (column == 6 || column == size - 7)) || (row == size - 7 && column == 6)
    }

    private mutating func drawFinder(_ row: Int, _ column: Int) {
        for y in -4...4 {
            for x in -4...4 {
                let ring = max(abs(x), abs(y))
                set(row + y, column + x, ring != 2 && ring != 4)
            }
        }
    }

    private mutating func drawAlignment(_ row: Int, _ column: Int) {
        for y in -2...2 {
            for x in -2...2 { set(row + y, column + x, max(abs(x), abs(y)) != 1) }
        }
    }

    /// Level M and the mask, twice (§7.9).
    private mutating func drawFormat(_ mask: Int) {
        let bits = (mask << 10 | Self.remainder(of: mask << 10, by: 0x537, bits: 10)) ^ 0x5412
        for index in 0..<15 {
            let isDark = bits >> index & 1 == 1
            switch index {
            case 0..<6: set(index, 8, isDark)
            case 6, 7: set(index + 1, 8, isDark)
            case 8: set(8, 7, isDark)
            default: set(8, 14 - index, isDark)
            }
            if index < 8 { set(8, size - 1 - index, isDark) } else { set(size - 15 + index, 8, isDark) }
        }
        set(size - 8, 8, true)
    }

    /// The version, twice, from version 7 on (§7.10).
    private mutating func drawVersion(_ version: Int) {
        guard version >= 7 else { return }
        let bits = version << 12 | Self.remainder(of: version << 12, by: 0x1F25, bits: 12)
        for index in 0..<18 {
            let isDark = bits >> index & 1 == 1
            set(size - 11 + index % 3, index / 3, isDark)
            set(index / 3, size - 11 + index % 3, isDark)
        }
    }

    private static func remainder(of value: Int, by generator: Int, bits: Int) -> Int {
        var value = value
        for bit in stride(from: 19, through: bits, by: -1) where value >> bit & 1 == 1 {
            value ^= generator << (bit - bits)
        }
        return value
    }

    // MARK: Data (§7.7)

    /// Up and down in pairs of columns from the right, past the patterns.
    private mutating func place(_ codewords: [UInt8]) {
        var bit = 0
        var isUpward = true
        var right = size - 1
        while right > 0 {
            if right == 6 { right -= 1 }
            for step in 0..<size {
                let row = isUpward ? size - 1 - step : step
                for column in [right, right - 1] where !reserved[row * size + column] {
                    if bit / 8 < codewords.count {
                        dark[row * size + column] = codewords[bit / 8] >> UInt8(7 - bit % 8) & 1 == 1
                    }
                    bit += 1
                }
            }
            isUpward.toggle()
            right -= 2
        }
    }

    private mutating func apply(_ mask: Int) {
        for row in 0..<size {
            for column in 0..<size where !reserved[row * size + column] && Self.inverts(mask, row, column) {
                dark[row * size + column].toggle()
            }
        }
    }

    private static func inverts(_ mask: Int, _ row: Int, _ column: Int) -> Bool {
        switch mask {
        case 0: (row + column) % 2 == 0
        case 1: row % 2 == 0
        case 2: column % 3 == 0
        case 3: (row + column) % 3 == 0
        case 4: (row / 2 + column / 3) % 2 == 0
        case 5: row * column % 2 + row * column % 3 == 0
        case 6: (row * column % 2 + row * column % 3) % 2 == 0
        default: ((row + column) % 2 + row * column % 3) % 2 == 0
        }
    }

    // MARK: The choice of a mask (§7.8.3)

    private var penalty: Int {
        var sum = 0
        for line in 0..<size {
            sum += Self.linePenalty((0..<size).map { dark[line * size + $0] })
            sum += Self.linePenalty((0..<size).map { dark[$0 * size + line] })
        }
        for row in 0..<size - 1 {
            for column in 0..<size - 1 {
                let start = row * size + column
                let colour = dark[start]
                if dark[start + 1] == colour, dark[start + size] == colour, dark[start + size + 1] == colour {
                    sum += 3
                }
            }
        }
        let share = dark.count { $0 } * 100 / dark.count
        return sum + abs(share - 50) / 5 * 10
    }

    private static let finderLike: [[Bool]] = [
        [true, false, true, true, true, false, true, false, false, false, false],
        [false, false, false, false, true, false, true, true, true, false, true],
    ]

    private static func linePenalty(_ line: [Bool]) -> Int {
        var sum = 0
        var run = 0
        for index in line.indices {
            run = index > 0 && line[index] == line[index - 1] ? run + 1 : 1
            if run == 5 { sum += 3 } else if run > 5 { sum += 1 }
            if index + 11 <= line.count, finderLike.contains(Array(line[index..<index + 11])) { sum += 40 }
        }
        return sum
    }
}

/// How many codewords a version has, and in which blocks (tables 7 and 9, level M).
struct QRLayout {
    let version: Int
    /// Error correction codewords of each block.
    let correction: Int
    /// Data codewords of each block.
    let blocks: [Int]
    /// Centres of the alignment patterns in both directions (annex E).
    let alignment: [Int]

    var size: Int { 17 + 4 * version }
    private var capacity: Int { blocks.reduce(0, +) }

    private static let all: [QRLayout] = [
        QRLayout(version: 1, correction: 10, blocks: [16], alignment: []),
        QRLayout(version: 2, correction: 16, blocks: [28], alignment: [6, 18]),
        QRLayout(version: 3, correction: 26, blocks: [44], alignment: [6, 22]),
        QRLayout(version: 4, correction: 18, blocks: [32, 32], alignment: [6, 26]),
        QRLayout(version: 5, correction: 24, blocks: [43, 43], alignment: [6, 30]),
        QRLayout(version: 6, correction: 16, blocks: [27, 27, 27, 27], alignment: [6, 34]),
        QRLayout(version: 7, correction: 18, blocks: [31, 31, 31, 31], alignment: [6, 22, 38]),
        QRLayout(version: 8, correction: 22, blocks: [38, 38, 39, 39], alignment: [6, 24, 42]),
        QRLayout(version: 9, correction: 22, blocks: [36, 36, 36, 37, 37], alignment: [6, 26, 46]),
        QRLayout(version: 10, correction: 26, blocks: [43, 43, 43, 43, 44], alignment: [6, 28, 50]),
    ]

    private var countBits: Int { version < 10 ? 8 : 16 }

    static func smallest(for count: Int) -> QRLayout? {
        all.first { (4 + $0.countBits + 7) / 8 + count <= $0.capacity }
    }

    /// Header, bytes and padding in blocks, with their error correction, interleaved (§7.4 to §7.6).
    func codewords(of bytes: [UInt8]) -> [UInt8] {
        var bits: [Bool] = []
        func append(_ value: Int, _ count: Int) {
            for bit in stride(from: count - 1, through: 0, by: -1) { bits.append(value >> bit & 1 == 1) }
        }
        append(0b0100, 4)
        append(bytes.count, countBits)
        for byte in bytes { append(Int(byte), 8) }
        append(0, min(4, capacity * 8 - bits.count))
        while bits.count % 8 != 0 { bits.append(false) }
        var data = stride(from: 0, to: bits.count, by: 8).map { start in
            bits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
        }
        for index in 0..<max(0, capacity - data.count) { data.append(index % 2 == 0 ? 0xEC : 0x11) }
        return interleaved(data)
    }

    private func interleaved(_ data: [UInt8]) -> [UInt8] {
        var parts: [ArraySlice<UInt8>] = []
        var rest = data[...]
        for count in blocks {
            parts.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        let code = ReedSolomon(count: correction)
        let corrections = parts.map { code.correction(of: $0)[...] }
        return Self.woven(parts) + Self.woven(corrections)
    }

    private static func woven(_ parts: [ArraySlice<UInt8>]) -> [UInt8] {
        let longest = parts.map(\.count).max() ?? 0
        return (0..<longest).flatMap { index in parts.compactMap { $0.dropFirst(index).first } }
    }
}

/// Reed-Solomon over GF(256) with the polynomial 0x11D (§7.5).
struct ReedSolomon {
    private let generator: [UInt8]

    init(count: Int) {
        var generator = [UInt8](repeating: 0, count: count)
        generator[count - 1] = 1
        var root: UInt8 = 1
        for _ in 0..<count {
            for index in 0..<count {
                generator[index] = Self.product(generator[index], root)
                if index + 1 < count { generator[index] ^= generator[index + 1] }
            }
            root = Self.product(root, 2)
        }
        self.generator = generator
    }

    func correction(of data: ArraySlice<UInt8>) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: generator.count)
        for byte in data {
            let factor = byte ^ result.removeFirst()
            result.append(0)
            for index in result.indices { result[index] ^= Self.product(generator[index], factor) }
        }
        return result
    }

    private static func product(_ a: UInt8, _ b: UInt8) -> UInt8 {
        var result = 0
        for bit in stride(from: 7, through: 0, by: -1) {
            result = result << 1 ^ (result >> 7) * 0x11D
            if b >> UInt8(bit) & 1 == 1 { result ^= Int(a) }
        }
        return UInt8(result & 0xFF)
    }
}
