/// The numbers of a control sequence (ECMA-48 §5.4.2): at most 32, each at most 65,535; those after a colon belong to
/// the one before them.
struct Parameters: Sendable, Equatable {
    static let countLimit = 32
    static let valueLimit = 65_535

    /// -1 stands for a number that was left out.
    private var values: [Int] = []
    private var isSub: UInt32 = 0
    private var isFull = false

    var count: Int { values.count }

    mutating func removeAll() {
        values.removeAll(keepingCapacity: true)
        isSub = 0
        isFull = false
    }

    mutating func digit(_ digit: Int) {
        guard !isFull else { return }
        if values.isEmpty { values.append(-1) }
        let last = values.count - 1
        values[last] = min(max(values[last], 0) * 10 + digit, Parameters.valueLimit)
    }

    mutating func separate(sub: Bool) {
        if values.isEmpty { values.append(-1) }
        guard values.count < Parameters.countLimit else {
            isFull = true
            return
        }
        if sub { isSub |= 1 << UInt32(values.count) }
        values.append(-1)
    }

    /// The number at a position; one that was left out is 0.
    subscript(index: Int) -> Int { index >= 0 && index < values.count ? max(values[index], 0) : 0 }

    /// The number at a position where 0 means the same as leaving it out: 1.
    func count(at index: Int) -> Int { max(self[index], 1) }

    func isPresent(_ index: Int) -> Bool { index >= 0 && index < values.count && values[index] >= 0 }

    func isSub(_ index: Int) -> Bool { index >= 0 && index < values.count && isSub & 1 << UInt32(index) != 0 }
}
