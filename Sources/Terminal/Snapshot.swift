extension Screen {
    /// The bytes that bring a fresh terminal of the same size into this state: contents with attributes and wraps, both
    /// screens, cursor with a pending wrap, saved cursors, modes, scroll region, tab stops, character sets, colours,
    /// title, and the beginning of a sequence or character that the stream has not finished yet, so that the stream can
    /// go on right behind it.
    ///
    /// Terminals for which it is written: xterm.js 5.5 with the width table of this module, and `Screen` itself.
    /// - Parameter lines: how many lines of the scrollback go before the screen.
    public func snapshot(scrollback lines: Int) -> [UInt8] {
        var writer = SnapshotWriter(screen: self)
        return writer.snapshot(scrollback: lines)
    }
}

/// Writes a snapshot. The order matters: what moves the cursor comes before its final place, and what changes how
/// characters are written comes after them.
struct SnapshotWriter {
    private let screen: Screen
    private var bytes: [UInt8] = []
    private var style = Style.plain

    init(screen: Screen) { self.screen = screen }

    mutating func snapshot(scrollback lines: Int) -> [UInt8] {
        titles()
        palette()
        let primary = screen.primaryGrid
        let history = primary.history
        let kept = (max(0, history.count - max(0, lines))..<history.count).map { history[$0] }
        contents(kept + primary.lines, isScrolled: !kept.isEmpty)
        tabStops()
        if screen.isAlternate {
            saved(primary)
            margins(primary)
            move(row: primary.restingRow, column: 0)
            setStyle(.plain)
            write("\u{1B}[?47h\u{1B}[H")
            contents(screen.grid.lines, isScrolled: false)
            tabStops()
        } else if screen.otherGrid.saved != SavedCursor() {
            setStyle(.plain)
            write("\u{1B}[?47h")
            saved(screen.otherGrid)
            write("\u{1B}[?47l")
        }
        saved(screen.grid)
        margins(screen.grid)
        if screen.modes.origin { write("\u{1B}[?6h") }
        cursor()
        bytes += screen.parser.pending
        bytes += screen.decoder.pending
        return bytes
    }

    private mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

    // MARK: Contents

    private mutating func contents(_ lines: [Line], isScrolled: Bool) {
        // Without scrollback the terminal is blank already, and blank lines at the end need not be written.
        var count = lines.count
        if !isScrolled {
            while count > 0, lines[count - 1].usedCount == 0, !lines[count - 1].isWrapped { count -= 1 }
        }
        for index in 0..<count {
            if index > 0 {
                if lines[index].isWrapped {
                    wrap(from: lines[index - 1])
                } else {
                    setStyle(.plain)
                    write("\r\n")
                }
            }
            cells(of: lines[index], 0..<lines[index].usedCount)
        }
    }

    /// Gets to the next line so that it continues the one before, and leaves it blank.
    private mutating func wrap(from line: Line) {
        let last = line[screen.columns - 1]
        if last.isBlank {
            // A wide character in the last column wraps and leaves the column blank.
            setStyle(Style(background: last.style.background))
            write("\u{1B}[\(screen.columns)G\u{3000}")
            setStyle(.plain)
            write("\r\u{1B}[\(screen.columns)X")
        } else {
            setStyle(.plain)
            write(" \r\u{1B}[X")
        }
    }

    private mutating func cells(of line: Line, _ range: Range<Int>) {
        var column = range.lowerBound
        while column < range.upperBound {
            let cell = line[column]
            guard cell.isBlank else {
                if !cell.isTail {
                    setStyle(cell.style)
                    screen.appendCharacter(of: cell, to: &bytes)
                }
                column += 1
                continue
            }
            var end = column + 1
            while end < range.upperBound, line[end] == cell { end += 1 }
            if cell.style.background != .default {
                setStyle(Style(background: cell.style.background))
                write("\u{1B}[\(end - column)X")
            }
            if end < range.upperBound { write("\u{1B}[\(end - column)C") }
            column = end
        }
    }

    // MARK: Attributes

    private mutating func setStyle(_ new: Style) {
        guard new != style else { return }
        if new.link != style.link {
            if let link = screen.hyperlink(of: new) {
                let parameters = link.identifier.isEmpty ? "" : "id=\(link.identifier)"
                write("\u{1B}]8;\(parameters);\(link.address)\u{1B}\\")
            } else {
                write("\u{1B}]8;;\u{1B}\\")
            }
        }
        setRendition(new)
        if style.attributes.contains(.protected), !new.attributes.contains(.protected) { write("\u{1B}[0\"q") }
        style = new
    }

    private mutating func setRendition(_ style: Style) {
        let parameters = style.renditionParameters
        write(parameters.isEmpty ? "\u{1B}[m" : "\u{1B}[0;\(parameters.joined(separator: ";"))m")
        // xterm.js takes the protection away with SGR 0, others do not.
        if style.attributes.contains(.protected) { write("\u{1B}[1\"q") }
    }

    private mutating func charsets(_ state: CharsetState) {
        for (level, set) in state.designated.enumerated() where set != .ascii {
            bytes += [0x1B, 0x28 + UInt8(level), set.rawValue]
        }
        switch state.level {
        case 1: bytes.append(0x0E)
        case 2: write("\u{1B}n")
        case 3: write("\u{1B}o")
        default: break
        }
    }

    private mutating func plainCharsets(after state: CharsetState) {
        for (level, set) in state.designated.enumerated() where set != .ascii {
            bytes += [0x1B, 0x28 + UInt8(level), Charset.ascii.rawValue]
        }
        if state.level != 0 { bytes.append(0x0F) }
    }

    // MARK: Cursor

    private mutating func move(row: Int, column: Int) { write("\u{1B}[\(row + 1);\(column + 1)H") }

    /// Comes before the margins are set, when the region is the whole screen: origin mode then moves nothing.
    private mutating func saved(_ grid: Grid) {
        let saved = grid.saved
        guard saved != SavedCursor() else { return }
        if saved.origin { write("\u{1B}[?6h") }
        move(row: saved.row, column: saved.column)
        setStyle(saved.style)
        charsets(saved.charsets)
        write("\u{1B}7")
        plainCharsets(after: saved.charsets)
        if saved.origin { write("\u{1B}[?6l") }
    }

    private mutating func margins(_ grid: Grid) {
        if grid.top != 0 || grid.bottom != screen.rows - 1 { write("\u{1B}[\(grid.top + 1);\(grid.bottom + 1)r") }
    }

    /// Puts the cursor to its place. A pending wrap, and the character that REP would repeat, exist only right after a
    /// character was written: the one that stands there is written again.
    private mutating func cursor() {
        let position = screen.position
        let line = screen.grid[position.row]
        let row = position.row - (screen.modes.origin ? screen.grid.top : 0)
        if screen.lastScalar != 0 {
            modes()
            charsets(screen.charsets)
            move(row: row, column: screen.lastColumn)
            let cell = line[screen.lastColumn]
            setStyle(screen.style)
            if screen.modes.insert { write("\u{1B}[\(max(cell.width, 1))P") }
            screen.appendCharacter(of: cell, to: &bytes)
            return
        }
        if position.pendingWrap {
            let first = line[position.column].isTail ? position.column - 1 : position.column
            move(row: row, column: first)
            cells(of: line, first..<screen.columns)
        } else {
            move(row: row, column: position.column)
        }
        modes()
        charsets(screen.charsets)
        setStyle(screen.style)
        // Any function ends the right to repeat the character that was written for the pending wrap.
        if position.pendingWrap { setRendition(screen.style) }
    }

    // MARK: State

    private mutating func titles() {
        for title in screen.titleStack { write("\u{1B}]2;\(title)\u{1B}\\\u{1B}[22;2t") }
        if !screen.title.isEmpty || !screen.titleStack.isEmpty { write("\u{1B}]2;\(screen.title)\u{1B}\\") }
    }

    private mutating func palette() {
        for (number, color) in screen.palette.changes.sorted(by: { $0.key < $1.key }) {
            let target = number < 256 ? "4;\(number)" : "\(number - 256 + 10)"
            write("\u{1B}]\(target);\(color.specification)\u{1B}\\")
        }
    }

    private mutating func tabStops() {
        guard !screen.tabStops.isDefault else { return }
        write("\u{1B}[3g")
        for column in screen.tabStops.columns { write("\u{1B}[\(column + 1)G\u{1B}H") }
    }

    /// Everything but origin mode, which moves the cursor.
    private mutating func modes() {
        let modes = screen.modes
        let fresh = Modes()
        for mode in [1, 5, 7, 12, 25, 45, 66, 1004, 2004, 2026] {
            guard let flag = Modes.privateFlag(mode), modes[keyPath: flag] != fresh[keyPath: flag] else { continue }
            write("\u{1B}[?\(mode)\(modes[keyPath: flag] ? "h" : "l")")
        }
        if modes.insert { write("\u{1B}[4h") }
        if modes.lineFeedNewLine { write("\u{1B}[20h") }
        if modes.mouseTracking != .off { write("\u{1B}[?\(modes.mouseTracking.rawValue)h") }
        if modes.mouseEncoding != .legacy { write("\u{1B}[?\(modes.mouseEncoding.rawValue)h") }
        if modes.cursorShape != 0 { write("\u{1B}[\(modes.cursorShape) q") }
    }
}
