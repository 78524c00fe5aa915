/// The columns at which HT stops.
struct TabStops: Hashable, Sendable {
    private var stops: [Bool]

    init(columns: Int) { stops = (0..<columns).map { $0 > 0 && $0 % 8 == 0 } }

    var isDefault: Bool { self == TabStops(columns: stops.count) }
    var columns: [Int] { stops.indices.filter { stops[$0] } }

    mutating func set(_ column: Int, _ isStop: Bool) {
        if stops.indices.contains(column) { stops[column] = isStop }
    }

    mutating func clearAll() { stops = Array(repeating: false, count: stops.count) }

    /// The next stop, or the last column.
    func next(after column: Int) -> Int {
        var next = column + 1
        while next < stops.count, !stops[next] { next += 1 }
        return min(next, stops.count - 1)
    }

    func previous(before column: Int) -> Int {
        var previous = min(column, stops.count) - 1
        while previous > 0, !stops[previous] { previous -= 1 }
        return max(previous, 0)
    }

    mutating func resize(columns: Int) {
        if columns < stops.count {
            stops.removeLast(stops.count - columns)
        } else {
            for column in stops.count..<columns { stops.append(column > 0 && column % 8 == 0) }
        }
    }
}
