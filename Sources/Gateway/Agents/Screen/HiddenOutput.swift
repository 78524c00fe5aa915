/// What people do at a terminal unseen by the agent: parts of its output, and the lines that they left on the screen. People see
/// all of it, and so does the recording.
struct HiddenOutput: Sendable {
    static let words = "[withheld: private]"
    private static let rowsKept = 2000
    private static let partsKept = 1000

    private struct Part {
        var lines: ClosedRange<Int>
        var bytes: Range<UInt64>
    }

    private var parts: [Part] = []
    private var begun: (line: Int, byte: UInt64)?
    /// Rows that came on the screen meanwhile.
    private var rows: Set<String> = []
    /// Rows that were there before: a prompt looks the same afterwards.
    private var known: Set<String> = []
    private var columns = 0
    /// When, in microseconds of the session.
    private var moments: [(from: Int64, to: Int64?)] = []

    var isOn: Bool { begun != nil }

    /// - Parameters:
    ///   - line: the number of the line that the cursor is in.
    ///   - screen: the rows as they are.
    mutating func begin(line: Int, byte: UInt64, screen: [String]) {
        guard begun == nil else { return }
        begun = (line, byte)
        if known.count > Self.rowsKept { known = [] }
        known.formUnion(screen.filter { !rows.contains($0) })
    }

    mutating func end(line: Int, byte: UInt64, screen: [String], columns: Int) {
        guard let begun else { return }
        self.begun = nil
        self.columns = columns
        parts.append(Part(lines: begun.line...max(begun.line, line), bytes: begun.byte..<max(begun.byte, byte)))
        if parts.count > Self.partsKept { parts.removeFirst() }
        let fresh = screen.filter { !$0.isEmpty && !known.contains($0) }
        rows.formUnion(fresh.prefix(max(0, Self.rowsKept - rows.count)))
    }

    mutating func begins(at moment: Int64) {
        if moments.last?.to != nil || moments.isEmpty { moments.append((moment, nil)) }
    }

    mutating func ends(at moment: Int64) {
        if let last = moments.indices.last, moments[last].to == nil { moments[last].to = moment }
    }

    /// Whether what was done at that moment was done unseen.
    func hides(moment: Int64) -> Bool {
        moments.contains { moment >= $0.from && moment <= $0.to ?? .max }
    }

    func hides(line: Int) -> Bool {
        if let begun, line >= begun.line { return true }
        return parts.contains { $0.lines.contains(line) }
    }

    /// Whether a row of the screen is a hidden one, or on a screen of another width since, a part of one.
    func hides(row: String, columns: Int) -> Bool {
        guard !row.isEmpty, !rows.isEmpty, !known.contains(row) else { return false }
        if rows.contains(row) { return true }
        return columns != self.columns && row.utf8.count >= 4 && rows.contains { $0.contains(row) || row.contains($0) }
    }

    /// Bytes of the output from `start` on, with as many others in the place of the hidden ones.
    func withheld(_ bytes: [UInt8], from start: UInt64) -> [UInt8] {
        guard !parts.isEmpty || isOn else { return bytes }
        var bytes = bytes
        let all = start..<(start + UInt64(bytes.count))
        for hidden in parts.map(\.bytes) + (begun.map { [$0.byte..<max($0.byte, all.upperBound)] } ?? []) {
            let common = hidden.clamped(to: all)
            guard !common.isEmpty else { continue }
            let (from, to) = (Int(common.lowerBound - start), Int(common.upperBound - start))
            let words = Array(Self.words.utf8.prefix(to - from))
            let filling = [UInt8](repeating: UInt8(ascii: " "), count: to - from - words.count)
            bytes.replaceSubrange(from..<to, with: words + filling)
        }
        return bytes
    }
}
