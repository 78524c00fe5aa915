/// Where the next character goes.
struct Cursor: Hashable, Sendable {
    var row = 0
    var column = 0
    /// The last column was just written: the next character goes to the line below.
    var pendingWrap = false
}

/// What DECSC keeps (VT510 Programmer Reference, DECSC), but for the pending wrap, which moving the cursor ends.
struct SavedCursor: Hashable, Sendable {
    var row = 0
    var column = 0
    var style = Style.plain
    var charsets = CharsetState()
    var origin = false
}

/// The lines of one screen, primary or alternate, with its history, margins and saved cursor.
struct Grid: Sendable {
    /// The rows in a ring, so that scrolling the whole screen moves none of them.
    private var ring: [Line]
    private var first = 0
    var history: LineRing
    /// Scroll region: first and last row.
    private(set) var top = 0
    private(set) var bottom: Int
    var saved = SavedCursor()
    /// Where the cursor was when the other screen was switched to.
    var restingRow = 0

    init(rows: Int, historyLimit: Int) {
        ring = Array(repeating: Line(), count: rows)
        history = LineRing(limit: historyLimit)
        bottom = rows - 1
    }

    var rows: Int { ring.count }

    /// The lines from the top down.
    private(set) var lines: [Line] {
        get { first == 0 ? ring : Array(ring[first...] + ring[..<first]) }
        set {
            ring = newValue
            first = 0
        }
    }

    /// The line at a row; a row outside is brought inside.
    subscript(row: Int) -> Line {
        get { ring[place(row)] }
        _modify { yield &ring[place(row)] }
    }

    private func place(_ row: Int) -> Int {
        let place = first + min(max(row, 0), ring.count - 1)
        return place < ring.count ? place : place - ring.count
    }

    /// Puts the top row first, for what moves a part of the rows.
    private mutating func straighten() {
        guard first != 0 else { return }
        ring = lines
        first = 0
    }

    /// DECSTBM. False when the region would have fewer than two lines.
    mutating func setMargins(top newTop: Int, bottom newBottom: Int) -> Bool {
        guard newTop >= 0, newTop < newBottom, newBottom < rows else { return false }
        top = newTop
        bottom = newBottom
        return true
    }

    mutating func resetMargins() {
        top = 0
        bottom = rows - 1
    }

    /// Scrolls the region up by one line. Lines that leave at the top of the screen become history.
    mutating func scrollUp(background: Color, columns: Int) {
        guard top == 0, bottom == rows - 1 else {
            straighten()
            if top == 0, history.limit > 0 { history.exchange(&ring[0]) }
            return moveBlanked(from: top, to: bottom, background: background, columns: columns)
        }
        history.exchange(&ring[first])
        ring[first].clear()
        if background != .default { ring[first].erase(0..<columns, background: background) }
        first = first + 1 < ring.count ? first + 1 : 0
    }

    /// Takes `count` lines out at `row` and lets blank ones in at the bottom margin; nothing becomes history.
    mutating func deleteLines(_ count: Int, at row: Int, background: Color, columns: Int) {
        guard row >= 0, row <= bottom else { return }
        for _ in 0..<min(count, bottom - row + 1) {
            moveBlanked(from: row, to: bottom, background: background, columns: columns)
        }
    }

    /// Lets `count` blank lines in at `row`; those below move towards the bottom margin and out.
    mutating func insertLines(_ count: Int, at row: Int, background: Color, columns: Int) {
        guard row >= 0, row <= bottom else { return }
        for _ in 0..<min(count, bottom - row + 1) {
            moveBlanked(from: bottom, to: row, background: background, columns: columns)
        }
    }

    private mutating func moveBlanked(from: Int, to: Int, background: Color, columns: Int) {
        straighten()
        var line = ring.remove(at: from)
        line.clear()
        line.erase(0..<columns, background: background)
        ring.insert(line, at: to)
    }

    /// Blanks everything that is shown and puts the margins back.
    mutating func fill(background: Color, columns: Int) {
        var line = Line()
        line.erase(0..<columns, background: background)
        fill(with: line)
    }

    /// Makes all lines the same and puts the margins back.
    mutating func fill(with line: Line) {
        for row in ring.indices { ring[row] = line }
        resetMargins()
    }

    mutating func forEachLine(_ body: (inout Line) -> Void) {
        history.forEach(body)
        for row in ring.indices { body(&ring[row]) }
    }

    /// Changes the size. Rows go at the bottom while they are below the cursor, else at the top into history; new rows
    /// come from history when the cursor is in the last row, else they are blank. With `reflow` the text is then laid out
    /// for the new columns; what is beyond them after that is cut. Returns the cursor's row.
    mutating func resize(
        rows newRows: Int, columns: Int, from oldColumns: Int, cursorRow: Int, reflow: Bool
    ) -> Int {
        // The saved cursor keeps to its text.
        var savedLine = history.count + saved.row
        let dropped = resize(rows: newRows, cursorRow: cursorRow)
        savedLine = max(savedLine - dropped.oldest, 0)
        var row = min(max(cursorRow + dropped.shift, 0), newRows - 1)
        if reflow, columns != oldColumns {
            let above = history.count
            var layout = Reflow(
                lines: history.takeAll() + lines, above: above, rows: newRows, cursorRow: row, savedLine: savedLine,
                limit: history.limit + newRows)
            layout.run(from: oldColumns, to: columns)
            history.fill(layout.lines[..<layout.above])
            lines = Array(layout.lines[layout.above...])
            row = layout.cursorRow
            savedLine = layout.savedLine
        }
        if columns < oldColumns { forEachLine { $0.truncate(to: columns) } }
        saved.row = min(max(savedLine - history.count, 0), newRows - 1)
        saved.column = min(saved.column, columns - 1)
        resetMargins()
        return row
    }

    /// By how many rows the cursor's line moved down, and how many of the oldest lines fell out of the history.
    private mutating func resize(rows newRows: Int, cursorRow: Int) -> (shift: Int, oldest: Int) {
        var shift = 0
        var oldest = 0
        straighten()
        if newRows < rows {
            ring.removeLast(min(rows - newRows, max(rows - 1 - cursorRow, 0)))
            shift = newRows - rows
            for row in 0..<rows - newRows {
                if history.count >= history.limit { oldest += 1 }
                history.exchange(&ring[row])
            }
            ring.removeFirst(rows - newRows)
        } else if newRows > rows {
            var former: [Line] = []
            if cursorRow == rows - 1 {
                while rows + former.count < newRows, let line = history.popNewest() { former.append(line) }
            }
            shift = former.count
            ring = former.reversed() + ring
            while rows < newRows { ring.append(Line()) }
        }
        return (shift, oldest)
    }
}
