/// One line of cells. Cells beyond the stored ones are blank, so that an empty line costs nothing and history stays small.
///
/// A wide character is always whole: whatever overwrites, erases or moves one half blanks the other.
struct Line: Sendable {
    /// What is behind `count` is left over from earlier text, so that a line that is used again need not be filled.
    private var storage: [Cell] = []
    private var used: Int32 = 0
    /// This line continues the one above it: the text ran over the right margin.
    var isWrapped = false

    init() {}

    init(_ cells: [Cell]) {
        storage = cells
        used = Int32(clamping: cells.count)
    }

    /// The cells that are stored.
    var cells: ArraySlice<Cell> { storage[..<count] }

    /// Cells that are stored.
    private(set) var count: Int {
        get { Int(used) }
        set { used = Int32(clamping: newValue) }
    }

    subscript(column: Int) -> Cell {
        column >= 0 && column < count ? storage[column] : .blank()
    }

    /// The count of columns up to the last one that shows anything.
    var usedCount: Int {
        var count = count
        while count > 0, storage[count - 1].isDefaultBlank { count -= 1 }
        return count
    }

    /// The count of columns up to the last character: a background alone is none.
    var textCount: Int {
        var count = count
        while count > 0, storage[count - 1].isBlank { count -= 1 }
        return count
    }

    mutating func clear() {
        used = 0
        isWrapped = false
    }

    /// Writes printable ASCII in one style; the caller has checked that it fits into `columns`.
    mutating func write(_ text: UnsafeRawBufferPointer, at column: Int, style: Style, columns: Int) {
        if storage.count < columns { grow(to: columns) }
        overwrite(column..<column + text.count) { cells in
            var cell = Cell(scalar: 0, width: 1, style: style)
            for index in cells.indices {
                cell.setASCII(text[index])
                cells[index] = cell
            }
        }
    }

    /// Writes one narrow character again and again; the caller has checked that it fits.
    mutating func write(_ cell: Cell, repeated count: Int, at column: Int) {
        overwrite(column..<column + count) { $0.update(repeating: cell) }
    }

    /// Writes one character of one or two columns.
    mutating func write(_ cell: Cell, at column: Int) {
        overwrite(column..<column + max(cell.width, 1)) { cells in
            cells[0] = cell
            if cells.count > 1 { cells[1] = .tail(cell.style) }
        }
    }

    /// Lets `body` write all cells of the range, with one check that the storage is our own instead of one for each cell.
    private mutating func overwrite(_ range: Range<Int>, _ body: (UnsafeMutableBufferPointer<Cell>) -> Void) {
        guard !range.isEmpty, range.lowerBound >= 0 else { return }
        if storage.count < range.upperBound { grow(to: range.upperBound) }
        let former = count
        count = max(former, range.upperBound)
        storage.withUnsafeMutableBufferPointer { cells in
            if former < range.lowerBound { cells[former..<range.lowerBound].update(repeating: .blank()) }
            Line.split(cells[..<former], at: range.lowerBound)
            Line.split(cells[..<former], at: range.upperBound)
            body(UnsafeMutableBufferPointer(rebasing: cells[range]))
        }
    }

    /// Replaces what a cell shows, without moving anything.
    mutating func update(at column: Int, _ body: (inout Cell) -> Void) {
        guard column >= 0 else { return }
        pad(to: column + 1)
        body(&storage[column])
    }

    mutating func erase(_ range: Range<Int>, background: Color, keepingProtected: Bool = false) {
        guard !range.isEmpty, range.lowerBound >= 0 else { return }
        if keepingProtected {
            for column in range where column < count && !self[column].style.attributes.contains(.protected) {
                erase(column..<column + 1, background: background)
            }
            if background != .default, count < range.upperBound {
                erase(max(count, range.lowerBound)..<range.upperBound, background: background)
            }
            return
        }
        splitWide(at: range.lowerBound)
        splitWide(at: range.upperBound)
        if background == .default {
            if range.upperBound >= count {
                count = min(count, range.lowerBound)
                return
            }
        } else {
            pad(to: range.upperBound)
        }
        storage.withUnsafeMutableBufferPointer { $0[range].update(repeating: .blank(background)) }
    }

    /// Shifts the cells from `column` on to the right; what passes the right edge is lost.
    mutating func insertBlanks(_ count: Int, at column: Int, columns: Int, background: Color) {
        guard count > 0, column >= 0, column < columns else { return }
        splitWide(at: column)
        let inserted = min(count, columns - column)
        if column < self.count {
            dropLeftovers()
            storage.insert(contentsOf: repeatElement(.blank(background), count: inserted), at: column)
            self.count = storage.count
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
        if column < self.count {
            dropLeftovers()
            storage.removeSubrange(column..<min(column + deleted, storage.count))
            self.count = storage.count
        }
        erase(columns - deleted..<columns, background: background)
    }

    /// Cuts the line; a wide character on the edge goes as a whole.
    mutating func truncate(to columns: Int) {
        guard count > columns else { return }
        splitWide(at: columns)
        count = columns
        dropLeftovers()
    }

    /// Takes the cells of another line behind its own.
    mutating func adopt(_ other: Line, from start: Int, to end: Int) {
        guard start < min(end, other.count) else { return }
        pad(to: start)
        dropLeftovers()
        storage += other.storage[start..<min(end, other.count)]
        count = storage.count
    }

    private mutating func pad(to count: Int) {
        let former = self.count
        guard former < count else { return }
        if storage.count < count { grow(to: count) }
        storage.withUnsafeMutableBufferPointer { $0[former..<count].update(repeating: .blank()) }
        self.count = count
    }

    private mutating func grow(to count: Int) {
        storage.append(contentsOf: repeatElement(.blank(), count: count - storage.count))
    }

    private mutating func dropLeftovers() {
        storage.removeLast(storage.count - count)
    }

    /// Makes `column` a boundary between characters.
    private mutating func splitWide(at column: Int) {
        guard column > 0, column < count, storage[column].isTail else { return }
        storage.withUnsafeMutableBufferPointer { Line.split($0[...], at: column) }
    }

    private static func split(_ cells: Slice<UnsafeMutableBufferPointer<Cell>>, at column: Int) {
        guard column > 0, column < cells.count, cells[column].isTail else { return }
        cells.base[column - 1] = .blank(cells[column - 1].style.background)
        cells.base[column] = .blank(cells[column].style.background)
    }
}
