/// A set of Unicode scalars.
struct ScalarSet: Sendable {
    /// The first 128, a bit each.
    private var ascii: (UInt64, UInt64) = (0, 0)
    /// Those above, sorted and apart.
    private var ranges: [ClosedRange<UInt32>] = []
    private var categories: [Unicode.GeneralCategory] = []
    /// Each `\P{…}`: everything but these.
    private var excludedCategories: [[Unicode.GeneralCategory]] = []
    private var isNegated = false
    private var ignoresCase = false

    init() {}

    init(of scalar: Unicode.Scalar) { insert(scalar.value...scalar.value) }

    init(_ ranges: ClosedRange<UInt32>...) { for range in ranges { insert(range) } }

    mutating func insert(_ range: ClosedRange<UInt32>) {
        if range.lowerBound < 128 {
            for value in range.lowerBound...min(range.upperBound, 127) {
                if value < 64 { ascii.0 |= 1 << UInt64(value) } else { ascii.1 |= 1 << UInt64(value - 64) }
            }
        }
        if range.upperBound >= 128 { ranges.append(max(range.lowerBound, 128)...range.upperBound) }
    }

    /// Another set's members; a negated one is written out.
    mutating func insert(_ other: ScalarSet) {
        if other.isNegated {
            for value in UInt32(0)..<128 where other.containsASCII(value) { insert(value...value) }
            var next: UInt32 = 128
            for range in other.ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
                if range.lowerBound > next { insert(next...(range.lowerBound - 1)) }
                next = max(next, range.upperBound + 1)
            }
            if next <= 0x10FFFF { insert(next...0x10FFFF) }
        } else {
            ascii.0 |= other.ascii.0
            ascii.1 |= other.ascii.1
            ranges += other.ranges
        }
        categories += other.categories
        excludedCategories += other.excludedCategories
    }

    mutating func insert(categories: [Unicode.GeneralCategory], isNegated: Bool) {
        if isNegated { excludedCategories.append(categories) } else { self.categories += categories }
        for value in UInt32(0)..<128 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            if categories.contains(scalar.properties.generalCategory) != isNegated { insert(value...value) }
        }
    }

    mutating func negate() { isNegated.toggle() }

    private var hasCategories: Bool { !categories.isEmpty || !excludedCategories.isEmpty }

    /// A and a become one, as do other letters of two cases.
    mutating func ignoreCase() {
        ignoresCase = true
        for value in UInt32(65)...90 where hasASCII(value) || hasASCII(value + 32) {
            insert(value...value)
            insert((value + 32)...(value + 32))
        }
    }

    /// Puts the ranges in order, for `contains`.
    mutating func settle() {
        ranges.sort { $0.lowerBound < $1.lowerBound }
        var merged: [ClosedRange<UInt32>] = []
        for range in ranges {
            if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        ranges = merged
    }

    private func hasASCII(_ value: UInt32) -> Bool {
        value < 64 ? ascii.0 >> UInt64(value) & 1 == 1 : ascii.1 >> UInt64(value - 64) & 1 == 1
    }

    func containsASCII(_ value: UInt32) -> Bool { hasASCII(value) != isNegated }

    func contains(_ value: UInt32) -> Bool {
        if value < 128 { return containsASCII(value) }
        return holds(value) != isNegated
    }

    private func holds(_ value: UInt32) -> Bool {
        if isIn(value) { return true }
        return ignoresCase && foldsIn(value)
    }

    /// Whether the other case of it is a member.
    private func foldsIn(_ value: UInt32) -> Bool {
        guard value >= 128, let scalar = Unicode.Scalar(value) else { return false }
        for mapping in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
            let scalars = mapping.unicodeScalars
            guard scalars.count == 1, let other = scalars.first, other.value != value else { continue }
            if other.value < 128 ? hasASCII(other.value) : isIn(other.value) { return true }
        }
        return false
    }

    private func isIn(_ value: UInt32) -> Bool {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < value { low = middle + 1 } else { high = middle }
        }
        if low < ranges.count, ranges[low].contains(value) { return true }
        guard hasCategories, let scalar = Unicode.Scalar(value) else { return false }
        let category = scalar.properties.generalCategory
        return categories.contains(category) || excludedCategories.contains { !$0.contains(category) }
    }

    /// What it has of the first 128, for a search that skips to where a match can begin.
    var asciiMembers: (UInt64, UInt64) { isNegated ? (~ascii.0, ~ascii.1) : ascii }
    /// Whether anything above 127 may be in it.
    var mayHoldOthers: Bool { isNegated || !ranges.isEmpty || hasCategories || ignoresCase }

    static let digits = ScalarSet(48...57)
    static let words = ScalarSet(48...57, 65...90, 95...95, 97...122)
    static let spaces = ScalarSet(
        9...13, 32...32, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F...0x202F,
        0x205F...0x205F,
        0x3000...0x3000, 0xFEFF...0xFEFF)
    static let blanks = ScalarSet(9...9, 32...32, 0xA0...0xA0)

    static let any: ScalarSet = {
        var set = ScalarSet()
        set.negate()
        return set
    }()
    static let anyButNewline: ScalarSet = {
        var set = ScalarSet(10...10)
        set.negate()
        return set
    }()

    /// `[:name:]`
    static func named(_ name: String) -> ScalarSet? {
        switch name {
        case "alpha": ScalarSet(65...90, 97...122)
        case "digit": digits
        case "alnum": ScalarSet(48...57, 65...90, 97...122)
        case "upper": ScalarSet(65...90)
        case "lower": ScalarSet(97...122)
        case "space": ScalarSet(9...13, 32...32)
        case "blank": ScalarSet(9...9, 32...32)
        case "punct": ScalarSet(33...47, 58...64, 91...96, 123...126)
        case "xdigit": ScalarSet(48...57, 65...70, 97...102)
        case "cntrl": ScalarSet(0...31, 127...127)
        case "print": ScalarSet(32...126)
        case "graph": ScalarSet(33...126)
        case "word": words
        case "ascii": ScalarSet(0...127)
        default: nil
        }
    }

    /// `\p{name}`: general categories of one or two letters.
    static func categories(_ name: String) -> [Unicode.GeneralCategory]? {
        let all: [String: Unicode.GeneralCategory] = [
            "Lu": .uppercaseLetter, "Ll": .lowercaseLetter, "Lt": .titlecaseLetter, "Lm": .modifierLetter,
            "Lo": .otherLetter,
            "Mn": .nonspacingMark, "Mc": .spacingMark, "Me": .enclosingMark, "Nd": .decimalNumber, "Nl": .letterNumber,
            "No": .otherNumber, "Pc": .connectorPunctuation, "Pd": .dashPunctuation, "Ps": .openPunctuation,
            "Pe": .closePunctuation, "Pi": .initialPunctuation, "Pf": .finalPunctuation, "Po": .otherPunctuation,
            "Sm": .mathSymbol, "Sc": .currencySymbol, "Sk": .modifierSymbol, "So": .otherSymbol, "Zs": .spaceSeparator,
            "Zl": .lineSeparator, "Zp": .paragraphSeparator, "Cc": .control, "Cf": .format, "Co": .privateUse,
            "Cn": .unassigned,
        ]
        if let one = all[name] { return [one] }
        let several = all.filter { name.count == 1 && $0.key.hasPrefix(name) }.map(\.value)
        return several.isEmpty ? nil : several
    }
}
