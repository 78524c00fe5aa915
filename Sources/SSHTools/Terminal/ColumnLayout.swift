import Terminal

/// Names in columns, as ls shows them.
public enum ColumnLayout {
    private static let gap = 2

    /// - Parameters:
    ///   - names: In order; they run down the columns.
    ///   - columns: Of the terminal.
    /// - Returns: Rows without line ends.
    public static func rows(_ names: [String], columns: Int) -> [String] {
        guard !names.isEmpty else { return [] }
        let widths = names.map { TextWidth.columns(of: $0) }
        let width = (widths.max() ?? 0) + gap
        let across = max(1, columns / max(1, width))
        let rows = (names.count + across - 1) / across
        return (0..<rows).map { row in
            var line = ""
            for place in stride(from: row, to: names.count, by: rows) {
                line += names[place]
                if place + rows < names.count { line += String(repeating: " ", count: width - widths[place]) }
            }
            return line
        }
    }
}
