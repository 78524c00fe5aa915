extension Screen {
    /// Where the cursor is, counted from 0. A cursor behind the last column (the next character wraps) is in it.
    public var cursor: (row: Int, column: Int) { (position.row, position.column) }

    /// DECTCEM: the program shows the cursor.
    public var isCursorVisible: Bool { modes.cursorVisible }

    /// Mode 2004: pasted text must be bracketed.
    public var bracketedPaste: Bool { modes.bracketedPaste }

    /// Mode 1 (DECCKM): cursor keys send ESC O.
    public var applicationCursorKeys: Bool { modes.applicationCursorKeys }

    /// Mouse events that the program wants.
    public var mouseTracking: MouseTracking { modes.mouseTracking }

    /// How the program wants mouse events written.
    public var mouseEncoding: MouseEncoding { modes.mouseEncoding }

    /// Lines that scrolled off the primary screen and are kept.
    public var scrollbackCount: Int { primaryGrid.history.count }

    /// The visible lines from the top, without trailing blanks.
    public var text: [String] { grid.lines.map(text(of:)) }

    /// For each visible line whether it goes on with the one before: that ran over the right margin.
    public var wrappedRows: [Bool] { grid.lines.map(\.isWrapped) }

    /// The line that the cursor is in, without trailing blanks.
    public var cursorLineText: String { text(of: grid[position.row]) }

    /// The newest lines of the scrollback, oldest first, without trailing blanks.
    public func scrollbackText(last count: Int) -> [String] {
        let history = primaryGrid.history
        return (max(0, history.count - max(0, count))..<history.count).map { text(of: history[$0]) }
    }

    /// The whole line of text that the cursor is in, joined where it ran over the right margin, without trailing blanks:
    /// from its beginning to the cursor's row, at most `limit` rows of it.
    public func cursorLogicalLine(limit: Int = 400) -> String {
        var row = position.row
        var parts: [Line] = [grid[row]]
        var isWrapped = grid[row].isWrapped
        let history = grid.history
        while isWrapped, parts.count < limit {
            row -= 1
            let line: Line
            if row >= 0 {
                line = grid[row]
            } else if history.count + row >= 0 {
                line = history[history.count + row]
            } else {
                break
            }
            parts.append(line)
            isWrapped = line.isWrapped
        }
        guard parts.count > 1 else { return text(of: grid[position.row]) }
        var bytes: [UInt8] = []
        for (index, line) in parts.reversed().enumerated() {
            let isLast = index == parts.count - 1
            // Only the end of the whole line has trailing blanks to drop: a row that wrapped was full.
            for column in 0..<(isLast ? line.usedCount : max(line.usedCount, line.cells.count)) {
                let cell = line[column]
                if !cell.isTail { appendCharacter(of: cell, to: &bytes) }
            }
        }
        while bytes.last == 0x20 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    var primaryGrid: Grid { isAlternate ? otherGrid : grid }

    func text(of line: Line) -> String {
        var bytes: [UInt8] = []
        for column in 0..<line.usedCount {
            let cell = line[column]
            if cell.isTail { continue }
            appendCharacter(of: cell, to: &bytes)
        }
        while bytes.last == 0x20 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The UTF-8 of what a cell shows; a blank is a space.
    func appendCharacter(of cell: Cell, to bytes: inout [UInt8]) {
        switch cell.content {
        case .nothing: bytes.append(0x20)
        case .scalar(let scalar): appendUTF8(scalar, to: &bytes)
        case .cluster(let number):
            for scalar in clusters[number] ?? [0x20] { appendUTF8(scalar, to: &bytes) }
        }
    }

    func hyperlink(of style: Style) -> Hyperlink? { links[UInt32(style.link)] }
}
