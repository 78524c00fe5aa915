/// One line of cells. Cells beyond the stored ones are blank, so that an empty line costs nothing and history stays small.
///
/// A wide character is always whole: whatever overwrites, erases or moves one half blanks the other.
struct Line: Sendable {
    private(set) var cells: [Cell] = []
    /// This line continues the one above it: the text ran over the right margin.
    var isWrapped = false

    init() {}

    init(_ cells: [Cell]) { self.cells = cells }

    /// Cells that are stored.
    var count: Int { cells.count }

    subscript(column: Int) -> Cell {
        column >= 0 && column < cells.count ? cells[column] : .blank()
    }

    /// The count of columns up to the last one that shows anything.
    var usedCount: Int {
        var count = cells.count
        while count > 0, cells[count - 1].isDefaultBlank { count -= 1 }
        return count
    }

    /// The count of columns up to the last character: a background alone is none.
    var textCount: Int {
        var count = cells.count
        while count > 0, cells[count - 1].isBlank { count -= 1 }
        return count
    }

    mutating func clear() {
        cells.removeAll(keepingCapacity: true)
        isWrapped = false
    }

    /// Writes printable ASCII in one style; the caller has checked that it fits into `columns`.
    mutating func write(_ text: Slice<UnsafeRawBufferPointer>, at column: Int, style: Style, columns: Int) {
        if cells.capacity < columns, cells.count < column + text.count { cells.reserveCapacity(columns) }
        pad(to: column)
        splitWide(at: column)
        let end = column + text.count
        if cells.count > end { splitWide(at: end) }
        pad(to: end)
        let text = UnsafeRawBufferPointer(rebasing: text)
        // One check that the storage is our own, instead of one for each cell.
        cells.withUnsafeMutableBufferPointer { cells in
            guard end <= cells.count else { return }
            for index in text.indices {
                cells[column + index] = Cell(scalar: UInt32(text[index]), width: 1, style: style)
            }
        }
    }

    /// Writes one narrow character again and again; the caller has checked that it fits.
    mutating func write(_ cell: Cell, repeated count: Int, at column: Int) {
        pad(to: column)
        splitWide(at: column)
        splitWide(at: column + count)
        let overwritten = min(cells.count - column, count)
        for index in column..<column + overwritten { cells[index] = cell }
        cells.append(contentsOf: repeatElement(cell, count: count - overwritten))
    }

    /// Writes one character of one or two columns.
    mutating func write(_ cell: Cell, at column: Int) {
        pad(to: column)
        splitWide(at: column)
        let width = max(cell.width, 1)
        splitWide(at: column + width)
        put(cell, at: column)
        if width == 2 { put(.tail(cell.style), at: column + 1) }
    }

    /// Replaces what a cell shows, without moving anything.
    mutating func update(at column: Int, _ body: (inout Cell) -> Void) {
        guard column >= 0 else { return }
        pad(to: column + 1)
        body(&cells[column])
    }

    mutating func erase(_ range: Range<Int>, background: Color, keepingProtected: Bool = false) {
        guard !range.isEmpty, range.lowerBound >= 0 else { return }
        if keepingProtected {
            for column in range where column < cells.count && !self[column].style.attributes.contains(.protected) {
                erase(column..<column + 1, background: background)
            }
            if background != .default, cells.count < range.upperBound {
                erase(max(cells.count, range.lowerBound)..<range.upperBound, background: background)
            }
            return
        }
        splitWide(at: range.lowerBound)
        splitWide(at: range.upperBound)
        if background == .default {
            if range.upperBound >= cells.count {
                if range.lowerBound < cells.count { cells.removeLast(cells.count - range.lowerBound) }
                return
            }
        } else {
            pad(to: range.upperBound)
        }
        for column in range { cells[column] = .blank(background) }
    }

    /// Shifts the cells from `column` on to the right; what passes the right edge is lost.
    mutating func insertBlanks(_ count: Int, at column: Int, columns: Int, background: Color) {
        guard count > 0, column >= 0, column < columns else { return }
        splitWide(at: column)
        let inserted = min(count, columns - column)
        if column < cells.count {
            cells.insert(contentsOf: repeatElement(.blank(background), count: inserted), at: column)
            truncate(to: columns)
        } else if background != .default {
            erase(column..<column + inserted, background: background)
        }
    }

    /// Shifts the cells behind the deleted ones to the left; blanks come in at the right edge.
    mutating func deleteCells(_ count: Int, at column: Int, columns: Int, background: Color) {
        guard count > 0, column >= 0, column < columns else { return }
        let deleted = min(count, columns - column)
        splitWide(at: column)
        splitWide(at: column + deleted)
        if column < cells.count { cells.removeSubrange(column..<min(column + deleted, cells.count)) }
        erase(columns - deleted..<columns, background: background)
    }

    /// Cuts the line; a wide character on the edge goes as a whole.
    mutating func truncate(to columns: Int) {
        guard cells.count > columns else { return }
        splitWide(at: columns)
        cells.removeLast(cells.count - columns)
    }

    /// Takes the cells of another line behind its own.
    mutating func adopt(_ other: Line, from start: Int, to end: Int) {
        guard start < min(end, other.cells.count) else { return }
        pad(to: start)
        cells += other.cells[start..<min(end, other.cells.count)]
    }

    private mutating func put(_ cell: Cell, at column: Int) {
        if column < cells.count { cells[column] = cell } else { cells.append(cell) }
    }

    private mutating func pad(to count: Int) {
        if cells.count < count { cells.append(contentsOf: repeatElement(.blank(), count: count - cells.count)) }
    }

    /// Makes `column` a boundary between characters.
    private mutating func splitWide(at column: Int) {
        guard column > 0, column < cells.count, cells[column].isTail else { return }
        cells[column - 1] = .blank(cells[column - 1].style.background)
        cells[column] = .blank(cells[column].style.background)
    }
}
