/// Control sequences (CSI).
extension Screen {
    mutating func control(_ final: UInt8) {
        switch (parser.prefix, parser.intermediates) {
        case (0, 0): if !moveCursor(final) { edit(final) }
        case (0x3F, 0): privateControl(final)  // ?
        case (0x3E, 0): secondaryControl(final)  // >
        case (0, 0x20): spacedControl(final)
        case (0, 0x21): if final == 0x70 { softReset() }  // ! p
        case (0, 0x22): if final == 0x71 { protect(parser.parameters[0]) }  // " q
        case (0, 0x24): if final == 0x70 { reportMode(isPrivate: false) }  // $ p
        case (0x3F, 0x24): if final == 0x70 { reportMode(isPrivate: true) }
        case (0, 0x27): columnControl(final)
        default: break
        }
    }

    /// The functions that move the cursor. False when the final byte names none of them.
    private mutating func moveCursor(_ final: UInt8) -> Bool {
        let parameters = parser.parameters
        let count = parameters.count(at: 0)
        switch final {
        case 0x41, 0x6B: moveBy(rows: -count)  // A CUU, k VPB
        case 0x42, 0x65: moveBy(rows: count)  // B CUD, e VPR
        case 0x43, 0x61: moveTo(column: position.column + count)  // C CUF, a HPR
        case 0x44, 0x6A: moveTo(column: position.column - count)  // D CUB, j HPB
        case 0x45:  // E CNL
            moveBy(rows: count)
            moveTo(column: 0)
        case 0x46:  // F CPL
            moveBy(rows: -count)
            moveTo(column: 0)
        case 0x47, 0x60: moveTo(column: count - 1)  // G CHA, ` HPA
        case 0x48, 0x66: moveTo(row: count - 1, column: parameters.count(at: 1) - 1)  // H CUP, f HVP
        case 0x64: moveTo(row: count - 1, column: position.column)  // d VPA
        case 0x49:  // I CHT
            if !position.pendingWrap {
                for _ in 0..<min(count, columns) { position.column = tabStops.next(after: position.column) }
            }
        case 0x5A:  // Z CBT
            for _ in 0..<min(count, columns) { moveTo(column: tabStops.previous(before: position.column)) }
        case 0x73: saveCursor()  // s
        case 0x75: restoreCursor()  // u
        default: return false
        }
        return true
    }

    private mutating func edit(_ final: UInt8) {
        let parameters = parser.parameters
        let count = parameters.count(at: 0)
        switch final {
        case 0x40: insertCharacters(count)  // @ ICH
        case 0x4A: eraseInDisplay(parameters[0], keepingProtected: false)  // J ED
        case 0x4B: eraseInLine(parameters[0], keepingProtected: false)  // K EL
        case 0x4C: insertLines(count)  // L IL
        case 0x4D: deleteLines(count)  // M DL
        case 0x50: deleteCharacters(count)  // P DCH
        case 0x53: scroll(up: count)  // S SU
        case 0x54 where parameters.count <= 1, 0x5E: scroll(down: count)  // T, ^ SD
        case 0x58:  // X ECH
            position.pendingWrap = false
            erase(row: position.row, position.column..<min(position.column + count, columns))
        case 0x63: if parameters[0] == 0 { respond("\u{1B}[?62;22c") }  // c DA1
        case 0x67: clearTabStops(parameters[0])  // g TBC
        case 0x68: setAnsiModes(true)  // h SM
        case 0x6C: setAnsiModes(false)  // l RM
        case 0x6D: selectGraphicRendition()  // m SGR
        case 0x6E: reportStatus(parameters[0])  // n DSR
        case 0x72: setMargins()  // r DECSTBM
        case 0x74: windowOperation(parameters[0])  // t
        default: break
        }
    }

    private mutating func privateControl(_ final: UInt8) {
        switch final {
        case 0x4A: eraseInDisplay(parser.parameters[0], keepingProtected: true)  // J DECSED
        case 0x4B: eraseInLine(parser.parameters[0], keepingProtected: true)  // K DECSEL
        case 0x68: setPrivateModes(true)  // h DECSET
        case 0x6C: setPrivateModes(false)  // l DECRST
        case 0x6E:  // n DECXCPR
            if parser.parameters[0] == 6 { respond("\u{1B}[?\(reportedPosition)R") }
        default: break
        }
    }

    private mutating func secondaryControl(_ final: UInt8) {
        switch final {
        case 0x63: if parser.parameters[0] == 0 { respond("\u{1B}[>0;277;0c") }  // c DA2
        case 0x71: if parser.parameters[0] == 0 { respond("\u{1B}P>|SSH Copilot\u{1B}\\") }  // q XTVERSION
        default: break
        }
    }

    /// The functions with a space before the final byte.
    private mutating func spacedControl(_ final: UInt8) {
        let count = parser.parameters.count(at: 0)
        switch final {
        case 0x71:  // q DECSCUSR
            if parser.parameters[0] <= 6 { modes.cursorShape = parser.parameters[0] }
        case 0x40: shiftRegion(at: 0) { $0.deleteCells(count, at: $1, columns: $2, background: $3) }  // @ SL
        case 0x41: shiftRegion(at: 0) { $0.insertBlanks(count, at: $1, columns: $2, background: $3) }  // A SR
        default: break
        }
    }

    /// The functions with an apostrophe before the final byte.
    private mutating func columnControl(_ final: UInt8) {
        let count = parser.parameters.count(at: 0)
        let column = position.column
        switch final {
        case 0x7D: shiftRegion(at: column) { $0.insertBlanks(count, at: $1, columns: $2, background: $3) }  // } DECIC
        case 0x7E: shiftRegion(at: column) { $0.deleteCells(count, at: $1, columns: $2, background: $3) }  // ~ DECDC
        default: break
        }
    }

    private mutating func shiftRegion(at column: Int, _ shift: (inout Line, Int, Int, Color) -> Void) {
        guard position.row >= grid.top, position.row <= grid.bottom else { return }
        position.pendingWrap = false
        for row in grid.top...grid.bottom { shift(&grid[row], column, columns, style.background) }
    }

    // MARK: Erasing and editing

    private mutating func erase(row: Int, _ range: Range<Int>, keepingProtected: Bool = false) {
        grid[row].erase(range, background: style.background, keepingProtected: keepingProtected)
    }

    /// 0 from the cursor on, 1 up to and with the cursor, 2 the whole line. A cursor that is about to wrap is behind the
    /// last column, as in xterm.js and VTE: programs that fill a line and then erase its rest keep its last character.
    private mutating func eraseInLine(_ part: Int, keepingProtected: Bool) {
        guard part <= 2, part != 0 || !position.pendingWrap else { return }
        position.pendingWrap = false
        let range = part == 0 ? position.column..<columns : part == 1 ? 0..<position.column + 1 : 0..<columns
        erase(row: position.row, range, keepingProtected: keepingProtected)
        if part == 2 || part == 0 && position.column == 0 { grid[position.row].isWrapped = false }
    }

    /// 0 from the cursor on, 1 up to and with the cursor, 2 everything, 3 the scrollback.
    private mutating func eraseInDisplay(_ part: Int, keepingProtected: Bool) {
        switch part {
        case 0...2:
            if part != 0 { position.pendingWrap = false }
            if part != 2 { eraseInLine(part, keepingProtected: keepingProtected) }
            let whole = part == 0 ? position.row + 1..<rows : part == 1 ? 0..<position.row : 0..<rows
            for row in whole {
                erase(row: row, 0..<columns, keepingProtected: keepingProtected)
                grid[row].isWrapped = false
            }
            // What a line continued is gone.
            if part == 1 { grid[position.row].isWrapped = false }
            if part == 1, position.column == columns - 1, position.row + 1 < rows {
                grid[position.row + 1].isWrapped = false
            }
        case 3: grid.history.removeAll()
        default: break
        }
    }

    private mutating func insertCharacters(_ count: Int) {
        position.pendingWrap = false
        grid[position.row].insertBlanks(count, at: position.column, columns: columns, background: style.background)
    }

    private mutating func deleteCharacters(_ count: Int) {
        position.pendingWrap = false
        grid[position.row].deleteCells(count, at: position.column, columns: columns, background: style.background)
    }

    private mutating func insertLines(_ count: Int) {
        position.pendingWrap = false
        guard position.row >= grid.top, position.row <= grid.bottom else { return }
        grid.insertLines(count, at: position.row, background: style.background, columns: columns)
        moveTo(column: 0)
    }

    private mutating func deleteLines(_ count: Int) {
        position.pendingWrap = false
        guard position.row >= grid.top, position.row <= grid.bottom else { return }
        grid.deleteLines(count, at: position.row, background: style.background, columns: columns)
        moveTo(column: 0)
    }

    private mutating func scroll(up count: Int) {
        position.pendingWrap = false
        grid.deleteLines(count, at: grid.top, background: style.background, columns: columns)
    }

    private mutating func scroll(down count: Int) {
        position.pendingWrap = false
        grid.insertLines(count, at: grid.top, background: style.background, columns: columns)
    }

    // MARK: Settings

    private mutating func clearTabStops(_ which: Int) {
        switch which {
        case 0: tabStops.set(position.column, false)
        case 3: tabStops.clearAll()
        default: break
        }
    }

    private mutating func setMargins() {
        let bottom = parser.parameters[1] == 0 ? rows : min(parser.parameters[1], rows)
        if grid.setMargins(top: parser.parameters.count(at: 0) - 1, bottom: bottom - 1) { moveTo(row: 0, column: 0) }
    }

    private mutating func protect(_ parameter: Int) {
        switch parameter {
        case 1: style.attributes.insert(.protected)
        case 0, 2: style.attributes.remove(.protected)
        default: break
        }
    }

    /// XTWINOPS: the size is told, the title is kept and given back; what would move the window is left alone.
    private mutating func windowOperation(_ operation: Int) {
        let part = parser.parameters[1]
        switch operation {
        case 18: respond("\u{1B}[8;\(rows);\(columns)t")
        case 19: respond("\u{1B}[9;\(rows);\(columns)t")
        case 22 where part == 0 || part == 2:
            if titleStack.count < Screen.titleStackLimit { titleStack.append(title) }
        case 23 where part == 0 || part == 2:
            if let former = titleStack.popLast() { setTitle(former) }
        default: break
        }
    }
}
