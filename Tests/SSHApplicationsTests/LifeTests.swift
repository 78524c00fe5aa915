import Testing

@testable import example_life

@Suite struct LifeTests {
    @Test("a glider is one cell further after four generations, across the edges too")
    func glider() throws {
        let glider = try #require(Board.patterns["glider"])
        for place in [1, 6] {
            var board = Board(columns: 8, rows: 8)
            board.put(glider, column: place, row: place)
            var moved = Board(columns: 8, rows: 8)
            moved.put(glider, column: place + 1, row: place + 1)
            #expect(board.next.next.next.next == moved)
        }
    }

    @Test("a block stays, and a smaller board keeps what it has room for")
    func block() {
        var board = Board(columns: 6, rows: 5)
        board.put(["##", "##"], column: 1, row: 1)
        #expect(board.next == board)
        #expect(board.resized(columns: 2, rows: 2).population == 1)
        #expect(board.lines == [" ▄▄   ", " ▀▀   ", "      "])
    }
}
