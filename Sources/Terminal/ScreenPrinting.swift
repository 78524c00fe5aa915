/// Characters into cells.
extension Screen {
    /// Clusters keep this many scalars; further marks are dropped.
    static let clusterLimit = 12

    /// The fast way: a run of printable ASCII.
    mutating func print(_ run: UnsafeRawBufferPointer) {
        guard charsets.current == .ascii, !modes.insert, modes.autowrap else {
            for byte in run { print(charsets.current.map(UInt32(byte))) }
            return
        }
        var start = 0
        while start < run.count {
            if position.pendingWrap { wrap() }
            let end = min(run.count, start + columns - position.column)
            grid[position.row].write(
                UnsafeRawBufferPointer(rebasing: run[start..<end]), at: position.column, style: style, columns: columns)
            advance(end - start)
            start = end
        }
        if let last = run.last { lastScalar = UInt32(last) }
    }

    mutating func print(_ scalar: UInt32) {
        let width = codePointWidth(scalar)
        guard width > 0 else {
            join(scalar)
            return
        }
        if position.pendingWrap { if modes.autowrap { wrap() } else { position.pendingWrap = false } }
        if position.column + width > columns {
            // Half of the character would be outside: it moves to the next line, or is lost without autowrap.
            guard modes.autowrap else {
                lastScalar = 0
                return
            }
            grid[position.row].erase(position.column..<columns, background: style.background)
            wrap()
        }
        if modes.insert {
            grid[position.row].insertBlanks(
                width, at: position.column, columns: columns, background: style.background)
        }
        grid[position.row].write(Cell(scalar: scalar, width: width, style: style), at: position.column)
        lastScalar = scalar
        lastColumn = position.column
        let next = position.column + width
        position.pendingWrap = next == columns && modes.autowrap
        position.column = min(next, columns - 1)
    }

    /// REP (ECMA-48 §8.3.103). More than a whole screen shows nothing new.
    mutating func repeatLast(_ count: Int) {
        guard lastScalar != 0 else { return }
        var rest = min(count, columns * rows)
        guard codePointWidth(lastScalar) == 1, !modes.insert, modes.autowrap else {
            for _ in 0..<rest where lastScalar != 0 { print(lastScalar) }
            return
        }
        let cell = Cell(scalar: lastScalar, width: 1, style: style)
        while rest > 0 {
            if position.pendingWrap { wrap() }
            let part = min(rest, columns - position.column)
            grid[position.row].write(cell, repeated: part, at: position.column)
            advance(part)
            rest -= part
        }
    }

    /// Moves behind characters that were just written.
    private mutating func advance(_ count: Int) {
        lastColumn = position.column + count - 1
        position.pendingWrap = lastColumn == columns - 1
        position.column = min(lastColumn + 1, columns - 1)
    }

    private mutating func wrap() {
        position.column = 0
        index()
        grid[position.row].isWrapped = true
    }

    /// A mark joins the character before the cursor; at the start of a line there is none and it is dropped.
    private mutating func join(_ scalar: UInt32) {
        var column = lastScalar != 0 ? lastColumn : position.pendingWrap ? position.column : position.column - 1
        guard column >= 0 else { return }
        if grid[position.row][column].isTail { column -= 1 }
        var scalars: [UInt32]
        switch grid[position.row][column].content {
        case .nothing: scalars = [0x20]
        case .scalar(let base): scalars = [base]
        case .cluster(let number): scalars = clusters[number] ?? [0x20]
        }
        guard scalars.count < Screen.clusterLimit else { return }
        scalars.append(scalar)
        guard let number = intern(scalars, in: \.clusters) else { return }
        grid[position.row].update(at: column) { $0.setCluster(number) }
    }

    /// A number for the value; when the table is full, what no cell uses any more is forgotten first. That costs a walk
    /// over all cells, so it is done at most once for as many bytes as there are cells.
    mutating func intern<Value>(_ value: Value, in table: WritableKeyPath<Screen, InternTable<Value>>) -> UInt32? {
        if let number = self[keyPath: table].intern(value) { return number }
        let cellCount = UInt64(columns * (2 * rows + primaryGrid.history.count))
        guard consumed - sweptAt >= cellCount else { return nil }
        sweptAt = consumed
        sweep()
        return self[keyPath: table].intern(value)
    }

    private mutating func sweep() {
        var usedClusters: Set<UInt32> = []
        var usedLinks: Set<UInt32> = [
            UInt32(style.link), UInt32(grid.saved.style.link), UInt32(otherGrid.saved.style.link),
        ]
        let mark = { (line: inout Line) in
            for cell in line.cells {
                if cell.style.link != 0 { usedLinks.insert(UInt32(cell.style.link)) }
                if case .cluster(let number) = cell.content { usedClusters.insert(number) }
            }
        }
        grid.forEachLine(mark)
        otherGrid.forEachLine(mark)
        links.keep(usedLinks)
        clusters.keep(usedClusters)
    }
}
