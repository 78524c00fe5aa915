import SSH
import SSHApplications

/// The Game of Life on the whole terminal; without one, a generation as text.
struct Life: SSHApplication {
    func run(_ visit: ApplicationVisit) async throws -> CommandResult.Exit {
        let words = visit.arguments ?? []
        let name = words.first ?? "gun"
        guard words.count <= 2, name == "random" || Board.patterns[name] != nil,
            let generations = words.count > 1 ? Int(words[1]) : 0, (0...10_000).contains(generations)
        else {
            throw ApplicationFailure.usage(
                "Life does not know this beginning.",
                hint:
                    "ssh -t life@host [\(Board.patterns.keys.sorted().joined(separator: " | ")) | random] [GENERATIONS]"
            )
        }
        guard let terminal = visit.terminal else {
            try await print(name, generations, visit)
            return .status(0)
        }
        let game = Game(Self.board(name, columns: terminal.columns, rows: (terminal.rows - 1) * 2), generations)
        try await visit.fullScreen(every: .milliseconds(100)) { screen in try await play(game, on: screen) }
        return .status(0)
    }

    private static func board(_ name: String, columns: Int, rows: Int) -> Board {
        var board = Board(columns: columns, rows: rows)
        if let pattern = Board.patterns[name] {
            board.put(pattern, column: 1, row: 1)
        } else {
            var generator = SystemRandomNumberGenerator()
            board.scatter(&generator)
        }
        return board
    }

    private func print(_ name: String, _ generations: Int, _ visit: ApplicationVisit) async throws {
        var board = Self.board(name, columns: 40, rows: 20)
        for _ in 0..<generations { board = board.next }
        for line in board.lines { try await visit.print(line) }
    }

    private struct Game: Sendable {
        var board: Board
        var generation = 0
        var isPaused = false

        init(_ board: Board, _ generations: Int) {
            self.board = board
            for _ in 0..<generations { step() }
        }

        mutating func step() {
            board = board.next
            generation += 1
        }

        var lines: [String] {
            let state = isPaused ? "paused" : "running"
            return board.lines + [
                "\u{1b}[7m generation \(generation) · \(board.population) alive · \(state) "
                    + "· space, n: step, r: random, q \u{1b}[0m"
            ]
        }
    }

    private func play(_ game: Game, on screen: FullScreen) async throws {
        var game = game
        try await screen.show(game.lines)
        for await event in screen.events {
            switch event {
            case .tick:
                guard !game.isPaused else { continue }
                game.step()
            case .key(.character(" ")): game.isPaused.toggle()
            case .key(.character("n")): game.step()
            case .key(.character("r")):
                var generator = SystemRandomNumberGenerator()
                game.board.scatter(&generator)
                game.generation = 0
            case .resized(let terminal):
                game.board = game.board.resized(columns: terminal.columns, rows: (terminal.rows - 1) * 2)
            case .key(.character("q")), .key(.control("c")), .key(.escape), .endOfInput: return
            case .key: continue
            }
            try await screen.show(game.lines)
        }
    }
}
