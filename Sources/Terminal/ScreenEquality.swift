extension Screen: Equatable {
    /// Whether both show the same and go on alike: everything but the limit of the scrollback and what waits in
    /// `takeResponses()` and `takeEvents()`.
    public static func == (a: Screen, b: Screen) -> Bool {
        a.difference(from: b) == nil
    }

    /// The name of the first part in which two screens differ.
    func difference(from other: Screen) -> String? {
        let parts: [(String, Bool)] = [
            ("size", columns == other.columns && rows == other.rows),
            ("which screen", isAlternate == other.isAlternate),
            ("cursor", position == other.position),
            ("style", isSame(style, other.style, in: other)),
            ("character sets", charsets == other.charsets),
            ("modes", modes == other.modes),
            ("tab stops", tabStops == other.tabStops),
            ("palette", palette == other.palette),
            ("title", title == other.title && titleStack == other.titleStack),
            (
                "repeated character",
                lastScalar == other.lastScalar && (lastScalar == 0 || lastColumn == other.lastColumn)
            ),
            ("parser", parser == other.parser),
            ("decoder", decoder == other.decoder),
            ("screen", isSame(grid, other.grid, in: other)),
            ("other screen", isSame(otherGrid, other.otherGrid, in: other)),
        ]
        return parts.first { !$0.1 }?.0
    }

    private func isSame(_ a: Style, _ b: Style, in other: Screen) -> Bool {
        var plain = b
        plain.link = a.link
        return a == plain && hyperlink(of: a) == other.hyperlink(of: b)
    }

    private func isSame(_ a: Grid, _ b: Grid, in other: Screen) -> Bool {
        guard a.rows == b.rows, a.history.count == b.history.count, a.top == b.top, a.bottom == b.bottom,
            a.saved == b.saved, a.restingRow == b.restingRow
        else { return false }
        let mine = (0..<a.history.count).map { a.history[$0] } + a.lines
        let theirs = (0..<b.history.count).map { b.history[$0] } + b.lines
        return zip(mine, theirs).enumerated().allSatisfy { index, pair in
            // The topmost line has nothing above it that it could continue.
            (index == 0 || pair.0.isWrapped == pair.1.isWrapped) && isSame(pair.0, pair.1, in: other)
        }
    }

    private func isSame(_ a: Line, _ b: Line, in other: Screen) -> Bool {
        let count = a.usedCount
        guard count == b.usedCount else { return false }
        return (0..<count).allSatisfy { column in
            let (mine, theirs) = (a[column], b[column])
            return mine.width == theirs.width && isSame(mine.style, theirs.style, in: other)
                && scalars(of: mine) == other.scalars(of: theirs)
        }
    }

    private func scalars(of cell: Cell) -> [UInt32] {
        switch cell.content {
        case .nothing: []
        case .scalar(let scalar): [scalar]
        case .cluster(let number): clusters[number] ?? []
        }
    }
}
