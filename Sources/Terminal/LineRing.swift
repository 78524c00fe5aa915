/// The lines that scrolled off the top, oldest first, at most `limit` of them.
struct LineRing: Sendable {
    let limit: Int
    private var storage: [Line] = []
    /// Where the oldest line is once the ring is full.
    private var oldest = 0

    init(limit: Int) { self.limit = max(0, limit) }

    var count: Int { storage.count }

    subscript(index: Int) -> Line { storage[(oldest + index) % storage.count] }

    /// Takes a line in and leaves the one in its place that falls out, whose storage can be used again.
    mutating func exchange(_ line: inout Line) {
        guard limit > 0 else { return }
        guard storage.count >= limit else {
            storage.append(line)
            line = Line()
            return
        }
        swap(&storage[oldest], &line)
        oldest = oldest + 1 == limit ? 0 : oldest + 1
    }

    mutating func popNewest() -> Line? {
        straighten()
        return storage.popLast()
    }

    mutating func removeAll() {
        storage.removeAll()
        oldest = 0
    }

    /// Takes all lines out, oldest first.
    mutating func takeAll() -> [Line] {
        straighten()
        defer { removeAll() }
        return storage
    }

    /// Takes lines in where there are none; of more than `limit` the newest stay.
    mutating func fill(_ lines: ArraySlice<Line>) {
        storage = Array(lines.suffix(limit))
        oldest = 0
    }

    mutating func forEach(_ body: (inout Line) -> Void) {
        for index in storage.indices { body(&storage[index]) }
    }

    private mutating func straighten() {
        guard oldest != 0 else { return }
        storage = Array(storage[oldest...] + storage[..<oldest])
        oldest = 0
    }
}
