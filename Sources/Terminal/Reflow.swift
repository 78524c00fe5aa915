/// Lays the lines of a primary screen and its history out anew for another count of columns, exactly as xterm.js 5.5
/// does, so that whoever looks on live and whoever comes later see the same.
///
/// A text that ran over the right margin is one text again and breaks where the new margin is. The text that the cursor
/// stands in stays as it is: the program that waits there draws it again. Time is linear in the cells; no more lines are
/// made than are kept.
struct Reflow {
    /// History and screen, oldest first.
    private(set) var lines: [Line]
    /// How many of the lines are above the screen.
    private(set) var above: Int
    /// The cursor's row on the screen.
    private(set) var cursorRow: Int
    /// The saved cursor's line, counted from the oldest.
    private(set) var savedLine: Int

    private let rows: Int
    private let limit: Int

    /// - Parameters:
    ///   - rows: rows of the screen; `lines` has that many below `above`.
    ///   - limit: lines that are kept, the screen's rows included.
    init(lines: [Line], above: Int, rows: Int, cursorRow: Int, savedLine: Int, limit: Int) {
        self.lines = lines
        self.above = above
        self.rows = rows
        self.cursorRow = cursorRow
        self.savedLine = savedLine
        self.limit = max(limit, rows)
    }

    mutating func run(from oldColumns: Int, to newColumns: Int) {
        if newColumns > oldColumns {
            widen(from: oldColumns, to: newColumns)
        } else if newColumns < oldColumns {
            narrow(from: oldColumns, to: newColumns)
        }
        settle()
    }

    // MARK: More columns

    private mutating func widen(from oldColumns: Int, to newColumns: Int) {
        var kept: [Line] = []
        kept.reserveCapacity(lines.count)
        var removed = 0
        var first = 0
        let cursorLine = above + cursorRow
        while first < lines.count {
            var end = first + 1
            while end < lines.count, lines[end].isWrapped { end += 1 }
            if end - first == 1 || (first..<end).contains(cursorLine) {
                kept += lines[first..<end]
            } else {
                let rewrapped = WrappedText(lines[first..<end], columns: oldColumns).rewrapped(to: newColumns)
                kept += rewrapped
                removed += end - first - rewrapped.count
            }
            first = end
        }
        lines = kept
        // The screen moves up over the history that is left, and when there is none the cursor moves instead.
        for _ in 0..<removed {
            if above > 0 {
                above -= 1
            } else {
                cursorRow = max(cursorRow - 1, 0)
                if lines.count < rows { lines.append(Line()) }
            }
        }
        savedLine = max(savedLine - removed, 0)
    }

    // MARK: Fewer columns

    /// Lines that a text needs beyond those that it had; they come behind the line before `place`.
    private struct Addition {
        let place: Int
        let lines: ArraySlice<Line>
    }

    private mutating func narrow(from oldColumns: Int, to newColumns: Int) {
        var additions: [Addition] = []
        var added = 0
        /// Lines from here on were given up for the additions.
        var end = lines.count
        var index = lines.count - 1
        // From the bottom up: what is far above may be beyond what is kept.
        while index >= 0, end - index - 1 + added < limit {
            defer { index -= 1 }
            guard index < end, lines[index].isWrapped || lines[index].textCount > newColumns else { continue }
            let last = index
            while lines[index].isWrapped, index > 0 { index -= 1 }
            let range = index..<last + 1
            guard !range.contains(above + cursorRow) else { continue }
            let rewrapped = WrappedText(lines[range], columns: oldColumns).rewrapped(to: newColumns, last: limit)
            guard !rewrapped.lines.isEmpty else {
                savedLine = max(savedLine - range.count, 0)
                continue
            }
            let growth = max(rewrapped.count - range.count, 0)
            let trimmed =
                above == 0 && cursorRow != end - 1
                ? max(0, cursorRow - limit + growth) : max(0, end - limit + growth)
            // When most of a text is beyond what is kept, its beginning is not made at all.
            let missing = rewrapped.count - rewrapped.lines.count
            for (row, line) in zip(missing..., rewrapped.lines) where row < range.count {
                lines[range.lowerBound + row] = line
            }
            if growth > 0 {
                additions.append(Addition(place: range.upperBound, lines: rewrapped.lines.suffix(growth)))
            }
            added += growth
            makeRoom(growth - trimmed, added: added, end: &end)
            savedLine = min(savedLine + growth, above + rows - 1)
        }
        insert(additions, before: end)
    }

    /// The screen moves down over the text that grew; without history the blank lines below the cursor go first.
    private mutating func makeRoom(_ count: Int, added: Int, end: inout Int) {
        guard count > 0 else { return }
        for _ in 0..<count {
            if above == 0 {
                if cursorRow < rows - 1 {
                    cursorRow += 1
                    end = max(end - 1, 0)
                } else {
                    above += 1
                }
            } else if above < min(limit, end + added) - rows {
                above += 1
            } else {
                return
            }
        }
    }

    private mutating func insert(_ additions: [Addition], before end: Int) {
        guard !additions.isEmpty else { return }
        var result: [Line] = []
        var taken = 0
        for addition in additions.reversed() {
            let place = min(addition.place, end)
            if taken < place { result += lines[taken..<place] }
            taken = max(taken, place)
            result += addition.lines
        }
        if taken < end { result += lines[taken..<end] }
        lines = result
    }

    /// Keeps what is kept, and as many lines for the screen as it has rows.
    private mutating func settle() {
        if lines.count > limit {
            lines.removeFirst(lines.count - limit)
        }
        while lines.count < rows { lines.append(Line()) }
        above = lines.count - rows
        cursorRow = min(max(cursorRow, 0), rows - 1)
    }
}

/// A text that ran over the right margin, in the lines that it has.
struct WrappedText {
    private let lines: ArraySlice<Line>
    private let lengths: [Int]

    init(_ lines: ArraySlice<Line>, columns: Int) {
        self.lines = lines
        lengths = lines.indices.map { index in
            guard index < lines.endIndex - 1 else { return lines[index].textCount }
            // A wide character that did not fit into the last column left it blank: that blank is none of the text.
            let leftBlank = lines[index][columns - 1].isBlank && lines[index + 1][0].isWide
            return leftBlank ? columns - 1 : columns
        }
    }

    /// The same text for more columns: never more lines than before, and none at the end that shows nothing.
    func rewrapped(to columns: Int) -> [Line] {
        var result = layOut(columns: columns, skip: 0).lines
        while result.count > 1, result.last?.textCount == 0 { result.removeLast() }
        if result.isEmpty { result = [Line()] }
        mark(&result)
        return result
    }

    /// The same text for fewer columns: how many lines it needs, and the last of them.
    func rewrapped(to columns: Int, last limit: Int) -> (lines: [Line], count: Int) {
        let count = layOut(columns: columns, skip: .max).count
        var (result, _) = layOut(columns: columns, skip: max(0, count - limit))
        if count == lines.count, let old = lines.last, let length = result.last?.count {
            // A coloured margin behind the text stays where it was.
            result[result.count - 1].adopt(old, from: length + 1, to: columns)
        }
        if count <= limit { mark(&result) } else { for index in result.indices { result[index].isWrapped = true } }
        return (result, count)
    }

    private func mark(_ result: inout [Line]) {
        for index in result.indices { result[index].isWrapped = index > 0 || lines.first?.isWrapped == true }
    }

    /// Fills one line after the other; a wide character that would be cut goes to the next. The first `skip` lines are
    /// counted but not made.
    private func layOut(columns: Int, skip: Int) -> (lines: [Line], count: Int) {
        var result: [Line] = []
        var count = 0
        var cells: [Cell] = []
        var used = 0
        func end() {
            if count >= skip { result.append(Line(cells)) }
            cells.removeAll(keepingCapacity: count < skip)
            used = 0
            count += 1
        }
        for (line, length) in zip(lines, lengths) {
            for column in 0..<length {
                let cell = line[column]
                if used == columns - 1, cell.isWide { end() }
                if count >= skip { cells.append(cell) }
                used += 1
                if used == columns { end() }
            }
        }
        if used > 0 { end() }
        return (result, count)
    }
}
