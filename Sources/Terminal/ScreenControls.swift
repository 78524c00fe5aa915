/// C0 controls and escape sequences.
extension Screen {
    mutating func execute(_ code: UInt8) {
        switch code {
        case 0x07: emit(.bell)
        case 0x08: backspace()
        case 0x09: if !position.pendingWrap { position.column = tabStops.next(after: position.column) }
        case 0x0A, 0x0B, 0x0C:
            let row = position.row
            index()
            // A line that is reached by a line feed continues nothing.
            if position.row != row { grid[position.row].isWrapped = false }
            if modes.lineFeedNewLine { position.column = 0 }
        case 0x0D: moveTo(column: 0)
        case 0x0E: charsets.shift(to: 1)
        case 0x0F: charsets.shift(to: 0)
        default: break
        }
    }

    mutating func escape(_ final: UInt8) {
        switch parser.intermediates {
        case 0: plainEscape(final)
        case 0x23 where final == 0x38: alignmentPattern()  // ESC # 8
        case 0x28...0x2B:  // ESC ( ) * +
            charsets.designate(Charset(rawValue: final) ?? .ascii, level: Int(parser.intermediates) - 0x28)
        default: break
        }
    }

    private mutating func plainEscape(_ final: UInt8) {
        switch final {
        case 0x37: saveCursor()  // 7
        case 0x38: restoreCursor()  // 8
        case 0x3D: modes.applicationKeypad = true  // =
        case 0x3E: modes.applicationKeypad = false  // >
        case 0x44: index()  // D
        case 0x45:  // E
            index()
            position.column = 0
        case 0x48: tabStops.set(position.column, true)  // H
        case 0x4D: reverseIndex()  // M
        case 0x63: resetAll()  // c
        case 0x6E, 0x7D: charsets.shift(to: 2)  // n }
        case 0x6F, 0x7C: charsets.shift(to: 3)  // o |
        case 0x7E: charsets.shift(to: 1)  // ~
        default: break
        }
    }

    /// One line down; in the last line of the region the region scrolls.
    mutating func index() {
        position.pendingWrap = false
        if position.row == grid.bottom {
            grid.scrollUp(background: style.background, columns: columns)
        } else if position.row < rows - 1 {
            position.row += 1
        }
    }

    private mutating func reverseIndex() {
        position.pendingWrap = false
        if position.row == grid.top {
            grid.insertLines(1, at: grid.top, background: style.background, columns: columns)
        } else if position.row > 0 {
            position.row -= 1
        }
    }

    /// With reverse wraparound (mode 45) a backspace in the first column goes back over a wrap.
    private mutating func backspace() {
        if modes.reverseWraparound, position.pendingWrap {
            position.pendingWrap = false
        } else if position.column > 0 {
            moveTo(column: position.column - 1)
        } else if modes.reverseWraparound, position.row > grid.top, position.row <= grid.bottom,
            grid[position.row].isWrapped
        {
            grid[position.row].isWrapped = false
            position.row -= 1
            moveTo(column: columns - 1)
        }
    }

    mutating func moveTo(column: Int) {
        position.column = min(max(column, 0), columns - 1)
        position.pendingWrap = false
    }

    /// Moves within the whole screen, or within the region in origin mode; the row counts from the top of either.
    mutating func moveTo(row: Int, column: Int) {
        moveTo(column: column)
        if modes.origin {
            position.row = min(grid.top + max(row, 0), grid.bottom)
        } else {
            position.row = min(max(row, 0), rows - 1)
        }
    }

    /// Moves up or down and stops at a margin of the region unless the cursor is beyond it already.
    mutating func moveBy(rows count: Int) {
        position.pendingWrap = false
        let row = position.row + count
        if count < 0 {
            position.row = max(row, position.row >= grid.top ? grid.top : 0)
        } else {
            position.row = min(row, position.row <= grid.bottom ? grid.bottom : rows - 1)
        }
    }

    mutating func saveCursor() {
        grid.saved = SavedCursor(
            row: position.row, column: position.column, style: style, charsets: charsets, origin: modes.origin)
        grid.saved.style.link = 0
    }

    mutating func restoreCursor() {
        let saved = grid.saved
        let link = style.link
        style = saved.style
        style.link = link
        charsets = saved.charsets
        modes.origin = saved.origin
        moveTo(column: saved.column)
        position.row = min(saved.row, rows - 1)
        keepInRegion()
    }

    /// In origin mode the cursor never leaves the region.
    mutating func keepInRegion() {
        if modes.origin { position.row = min(max(position.row, grid.top), grid.bottom) }
    }

    /// DECALN: the whole screen full of E.
    private mutating func alignmentPattern() {
        var line = Line()
        line.write(Cell(scalar: 0x45, width: 1, style: .plain), repeated: columns, at: 0)
        grid.fill(with: line)
        moveTo(column: 0)
        position.row = 0
    }

    /// RIS. The title stays.
    private mutating func resetAll() {
        var fresh = Screen(columns: columns, rows: rows, scrollbackLimit: primaryGrid.history.limit)
        fresh.title = title
        fresh.responses = responses
        fresh.events = events
        fresh.consumed = consumed
        fresh.sweptAt = consumed
        self = fresh
    }

    /// DECSTR (VT510 Programmer Reference), with the modes that xterm.js resets: what a page shows stays the same.
    mutating func softReset() {
        let kept = modes
        modes = Modes()
        modes.lineFeedNewLine = kept.lineFeedNewLine
        modes.reverseVideo = kept.reverseVideo
        modes.cursorBlink = kept.cursorBlink
        modes.cursorShape = kept.cursorShape
        modes.mouseTracking = kept.mouseTracking
        modes.mouseEncoding = kept.mouseEncoding
        style = Style(link: style.link)
        charsets = CharsetState()
        grid.resetMargins()
        grid.saved = SavedCursor()
    }
}
