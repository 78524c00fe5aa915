/// Conway's Game of Life on a board whose edges meet.
struct Board: Hashable {
    let columns: Int
    let rows: Int
    private var cells: [Bool]

    init(columns: Int, rows: Int) {
        self.columns = max(columns, 1)
        self.rows = max(rows, 1)
        cells = Array(repeating: false, count: self.columns * self.rows)
    }

    subscript(column: Int, row: Int) -> Bool {
        get { cells[index(column, row)] }
        set { cells[index(column, row)] = newValue }
    }

    private func index(_ column: Int, _ row: Int) -> Int {
        let (x, y) = (column % columns, row % rows)
        return (y < 0 ? y + rows : y) * columns + (x < 0 ? x + columns : x)
    }

    var population: Int { cells.count { $0 } }

    /// A cell with three living neighbours lives, and one with two lives on.
    var next: Board {
        var next = self
        for row in 0..<rows {
            for column in 0..<columns {
                let neighbours = neighbours(column, row)
                next[column, row] = neighbours == 3 || neighbours == 2 && self[column, row]
            }
        }
        return next
    }

    private func neighbours(_ column: Int, _ row: Int) -> Int {
        var count = 0
        for y in -1...1 {
            for x in -1...1 where (x, y) != (0, 0) && self[column + x, row + y] { count += 1 }
        }
        return count
    }

    /// The same cells on a board of another size, as far as they have room there.
    func resized(columns: Int, rows: Int) -> Board {
        var board = Board(columns: columns, rows: rows)
        for row in 0..<min(rows, self.rows) {
            for column in 0..<min(columns, self.columns) { board[column, row] = self[column, row] }
        }
        return board
    }

    /// Two rows of cells in each line.
    var lines: [String] {
        stride(from: 0, to: rows, by: 2).map { row in
            String(
                (0..<columns).map { column -> Character in
                    switch (self[column, row], row + 1 < rows && self[column, row + 1]) {
                    case (true, true): "█"
                    case (true, false): "▀"
                    case (false, true): "▄"
                    case (false, false): " "
                    }
                })
        }
    }

    // MARK: Beginnings

    static let patterns: [String: [String]] = [
        "glider": [".#.", "..#", "###"],
        "acorn": [".#.....", "...#...", "##..###"],
        "gun": [
            "........................#...........", "......................#.#...........",
            "............##......##............##", "...........#...#....##............##",
            "##........#.....#...##..............", "##........#...#.##....#.#...........",
            "..........#.....#.......#...........", "...........#...#....................",
            "............##......................",
        ],
    ]

    /// Puts a pattern with its upper left corner there.
    mutating func put(_ pattern: [String], column: Int, row: Int) {
        for (y, line) in pattern.enumerated() {
            for (x, cell) in line.enumerated() where cell == "#" { self[column + x, row + y] = true }
        }
    }

    mutating func scatter(_ generator: inout some RandomNumberGenerator) {
        for index in cells.indices { cells[index] = Int.random(in: 0..<4, using: &generator) == 0 }
    }
}
