/// A stretch of a row that looks alike: what is shown there, and how.
public struct StyledRun: Hashable, Sendable {
    /// A colour as a program chose it.
    public enum Colour: Hashable, Sendable {
        /// The terminal's own.
        case standard
        /// One of the 256 of the palette.
        case indexed(UInt8)
        case rgb(UInt8, UInt8, UInt8)
    }

    /// What a program asked for beside the colours.
    public struct Look: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        public static let bold = Look(rawValue: 1)
        public static let faint = Look(rawValue: 2)
        public static let italic = Look(rawValue: 4)
        public static let underline = Look(rawValue: 8)
        public static let strikethrough = Look(rawValue: 16)
        public static let inverse = Look(rawValue: 32)
        public static let invisible = Look(rawValue: 64)
    }

    /// Host text without control characters. Blanks are spaces.
    public var text: String
    /// How many columns it takes.
    public var columns: Int
    public let foreground: Colour
    public let background: Colour
    public let look: Look
}

/// A line that left the screen at the top.
public struct ScrolledLine: Hashable, Sendable {
    /// Host text without control characters and without trailing blanks.
    public let text: String
    /// The text ran over the right margin of the line before.
    public let isContinued: Bool
}

extension Screen {
    /// A visible row in stretches of the same look, without trailing blanks. Nothing for a row that is not there.
    public func runs(row: Int) -> [StyledRun] {
        guard row >= 0, row < rows else { return [] }
        let line = grid[row]
        var runs: [StyledRun] = []
        var bytes: [UInt8] = []
        var columns = 0
        var style = Style.plain
        func end() {
            guard columns > 0 else { return }
            runs.append(style.run(String(decoding: bytes, as: UTF8.self), columns: columns))
            bytes.removeAll(keepingCapacity: true)
            columns = 0
        }
        for column in 0..<line.usedCount {
            let cell = line[column]
            guard !cell.isTail else { continue }
            if cell.style != style {
                end()
                style = cell.style
            }
            appendCharacter(of: cell, to: &bytes)
            columns += max(1, cell.width)
        }
        end()
        return runs
    }

    /// Whether the text of a visible row continues that of the row above.
    public func isContinued(row: Int) -> Bool { row >= 0 && row < rows && grid[row].isWrapped }

    /// Takes out the lines that scrolled off the primary screen since the last call, oldest first. At most
    /// `scrollbackLimit` lines wait here: older ones are gone.
    public mutating func takeScrollback() -> [ScrolledLine] {
        let history = primaryGrid.history
        let lines = (0..<history.count).map {
            ScrolledLine(text: text(of: history[$0]), isContinued: history[$0].isWrapped)
        }
        if isAlternate { otherGrid.history.removeAll() } else { grid.history.removeAll() }
        return lines
    }
}

extension Style {
    fileprivate func run(_ text: String, columns: Int) -> StyledRun {
        var look: StyledRun.Look = []
        let pairs: [(Attributes, StyledRun.Look)] = [
            (.bold, .bold), (.faint, .faint), (.italic, .italic), (.strikethrough, .strikethrough),
            (.inverse, .inverse), (.invisible, .invisible),
        ]
        for (attribute, part) in pairs where attributes.contains(attribute) { look.insert(part) }
        if underline != .none { look.insert(.underline) }
        return StyledRun(
            text: text, columns: columns, foreground: foreground.shown, background: background.shown, look: look)
    }
}

extension Color {
    fileprivate var shown: StyledRun.Colour {
        switch kind {
        case .default: .standard
        case .indexed(let index): .indexed(index)
        case .rgb(let red, let green, let blue): .rgb(red, green, blue)
        }
    }
}
