/// A set of certificate serial numbers: ranges, and bitmaps as they came out of a file.
///
/// A bitmap is not spread out when it is read: a small file could name many millions.
struct SerialNumbers: Sendable, Hashable {
    /// Bit i stands for the serial `offset + i`; the last byte holds the lowest bits.
    struct Bitmap: Sendable, Hashable {
        let offset: UInt64
        /// Big-endian, without leading zeros.
        let bytes: [UInt8]

        func contains(_ serial: UInt64) -> Bool {
            guard serial >= offset else { return false }
            let bit = serial - offset
            guard bit < UInt64(bytes.count) * 8 else { return false }
            return bytes[bytes.count - 1 - Int(bit / 8)] >> UInt8(bit % 8) & 1 == 1
        }
    }

    /// Sorted, apart from each other by at least one.
    private(set) var ranges: [ClosedRange<UInt64>] = []
    private(set) var bitmaps: [Bitmap] = []

    var isEmpty: Bool { ranges.isEmpty && bitmaps.isEmpty }

    func contains(_ serial: UInt64) -> Bool {
        // The first range that does not end before the serial.
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < serial { low = middle + 1 } else { high = middle }
        }
        if low < ranges.count, ranges[low].contains(serial) { return true }
        return bitmaps.contains { $0.contains(serial) }
    }

    mutating func insert(_ range: ClosedRange<UInt64>) { insert(contentsOf: [range]) }

    mutating func insert(contentsOf new: [ClosedRange<UInt64>]) {
        var merged: [ClosedRange<UInt64>] = []
        for range in (ranges + new).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            guard let last = merged.last, last.upperBound == .max || range.lowerBound <= last.upperBound + 1 else {
                merged.append(range)
                continue
            }
            merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
        }
        ranges = merged
    }

    mutating func insert(_ bitmap: Bitmap) { bitmaps.append(bitmap) }
}
