import Terminal

extension Screen {
    init(columns: Int, rows: Int) { self.init(columns: columns, rows: rows, scrollbackLimit: 0) }

    func rowText(_ row: Int) -> String { row < text.count ? text[row] : "" }
    var firstRow: String { rowText(0) }
    var cursorColumn: Int { cursor.column }
}
