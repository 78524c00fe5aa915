/// Numbers for values that many cells share, at most `limit` of them. The owner says from time to time which numbers are
/// still in use; 0 is never given out.
struct InternTable<Value: Hashable & Sendable>: Sendable {
    let limit: Int
    private var values: [Value?] = [nil]
    private var numbers: [Value: UInt32] = [:]
    private var free: [UInt32] = []

    init(limit: Int) { self.limit = limit }

    subscript(number: UInt32) -> Value? {
        let index = Int(number)
        return index < values.count ? values[index] : nil
    }

    /// The number of a value, or nil when the table is full.
    mutating func intern(_ value: Value) -> UInt32? {
        if let known = numbers[value] { return known }
        let number: UInt32
        if let reused = free.popLast() {
            number = reused
            values[Int(number)] = value
        } else {
            guard values.count <= limit else { return nil }
            number = UInt32(values.count)
            values.append(value)
        }
        numbers[value] = number
        return number
    }

    /// Forgets every value whose number is not in `used`.
    mutating func keep(_ used: Set<UInt32>) {
        for index in values.indices.dropFirst() where !used.contains(UInt32(index)) {
            guard let value = values[index] else { continue }
            numbers[value] = nil
            values[index] = nil
            free.append(UInt32(index))
        }
    }
}

/// An OSC 8 hyperlink; cells with the same `identifier` and address are one link.
struct Hyperlink: Hashable, Sendable {
    var identifier: String
    var address: String
}
