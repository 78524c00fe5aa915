/// The numbers of a control sequence (ECMA-48 §5.4.2): at most 32, each at most 65,535; those after a colon belong to
/// the one before them.
struct Parameters: Sendable {
    static let countLimit = 32
    static let valueLimit = 65_535

    /// -1 stands for a number that was left out.
    private var values = InlineArray<32, Int32>(repeating: -1)
    private(set) var count = 0
    private var isSub: UInt32 = 0
    private var isFull = false

    mutating func removeAll() {
        count = 0
        isSub = 0
        isFull = false
    }

    mutating func digit(_ digit: Int) {
        guard !isFull else { return }
        if count == 0 { append() }
        let value = max(values[count - 1], 0) * 10 + Int32(truncatingIfNeeded: digit)
        values[count - 1] = min(value, Int32(Parameters.valueLimit))
    }

    mutating func separate(sub: Bool) {
        if count == 0 { append() }
        guard count < Parameters.countLimit else {
            isFull = true
            return
        }
        if sub { isSub |= 1 << UInt32(count) }
        append()
    }

    private mutating func append() {
        values[count] = -1
        count += 1
    }

    /// The number at a position; one that was left out is 0.
    subscript(index: Int) -> Int { index >= 0 && index < count ? max(Int(values[index]), 0) : 0 }

    /// The number at a position where 0 means the same as leaving it out: 1.
    func count(at index: Int) -> Int { max(self[index], 1) }

    func isPresent(_ index: Int) -> Bool { index >= 0 && index < count && values[index] >= 0 }

    func isSub(_ index: Int) -> Bool { index >= 0 && index < count && isSub & 1 << UInt32(index) != 0 }
}
