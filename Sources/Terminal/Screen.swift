/// A terminal's screen as a value: the bytes of a host go in, cells, cursor and modes come out.
///
/// It behaves like xterm with UTF-8 (VT500 control functions, ECMA-48), never traps on any bytes, needs time linear in
/// them and bounded memory. How the bytes are cut into calls of `feed` makes no difference.
///
///     var screen = Screen(columns: 80, rows: 24, scrollbackLimit: 1000)
///     screen.feed("\u{1B}[1mhello".utf8)
///     screen.text  // ["hello", "", …]
public struct Screen: Sendable {
    /// Columns are brought into this range.
    public static let columnLimits = 2...1000
    /// Rows are brought into this range.
    public static let rowLimits = 1...1000
    /// Bytes of answers that are kept for `takeResponses()`; an answer that does not fit is left out.
    public static let responseLimit = 4096
    /// Events that are kept for `takeEvents()`; the oldest go first.
    public static let eventLimit = 64
    /// Unicode scalars of a title.
    public static let titleLimit = 256

    public private(set) var columns: Int
    public private(set) var rows: Int

    /// The screen in use and the other one.
    var grid: Grid
    var otherGrid: Grid
    /// The program works on the alternate screen (modes 47, 1047, 1049), as editors and pagers do.
    public internal(set) var isAlternate = false

    var position = Cursor()
    var style = Style.plain
    var charsets = CharsetState()
    var modes = Modes()
    var tabStops: TabStops
    var palette = Palette()
    /// The window title: no control characters, at most 256 Unicode scalars. Host text: not to be trusted.
    public internal(set) var title = ""
    var titleStack: [String] = []

    /// The character that REP repeats: the one that was written just before; 0 for none.
    var lastScalar: UInt32 = 0
    var lastColumn = 0

    var parser = Parser()
    var decoder = UTF8Decoder()
    var links = InternTable<Hyperlink>(limit: 1024)
    var clusters = InternTable<[UInt32]>(limit: 65_536)
    /// Bytes fed, and that count at the last sweep of the tables.
    var consumed: UInt64 = 0
    var sweptAt: UInt64 = 0

    var responses: [UInt8] = []
    var events: [ScreenEvent] = []

    /// - Parameters:
    ///   - columns: brought into `columnLimits`.
    ///   - rows: brought into `rowLimits`.
    ///   - scrollbackLimit: lines that are kept when they leave at the top of the primary screen.
    public init(columns: Int, rows: Int, scrollbackLimit: Int) {
        self.columns = Screen.clamp(columns, Screen.columnLimits)
        self.rows = Screen.clamp(rows, Screen.rowLimits)
        grid = Grid(rows: self.rows, historyLimit: min(scrollbackLimit, 1_000_000))
        otherGrid = Grid(rows: self.rows, historyLimit: 0)
        tabStops = TabStops(columns: self.columns)
    }

    private static func clamp(_ value: Int, _ range: ClosedRange<Int>) -> Int {
        min(max(value, range.lowerBound), range.upperBound)
    }

    // MARK: Bytes in and out

    /// Takes output of the host in, cut anywhere.
    public mutating func feed(_ bytes: some Sequence<UInt8>) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { feed(UnsafeRawBufferPointer($0)) }
        if done == nil { Array(bytes).withUnsafeBytes { feed($0) } }
    }

    /// Takes output of the host in, cut anywhere.
    public mutating func feed(_ bytes: UnsafeRawBufferPointer) {
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if parser.state == .ground, decoder.isIdle, let taken = feedWhole(byte, bytes, at: index) {
                consumed += UInt64(taken)
                index += taken
                continue
            }
            index += 1
            consumed += 1
            if byte < 0x80, decoder.isIdle { perform(parser.consume(UInt32(byte))) } else { decode(byte) }
        }
    }

    /// The fast ways, for what most output is made of: a run of printable ASCII, another character, and a control sequence,
    /// each when it is there as a whole. How many bytes it was; nil when it is something else.
    private mutating func feedWhole(_ byte: UInt8, _ bytes: UnsafeRawBufferPointer, at index: Int) -> Int? {
        if byte == 0x1B {
            guard let length = parser.controlSequence(bytes, at: index) else { return nil }
            perform(.control(final: bytes[index + length - 1]))
            return length
        }
        if byte >= 0xC2 {
            // U+0080 to U+009F are controls.
            guard let (scalar, length) = UTF8Decoder.whole(bytes, at: index), scalar >= 0xA0 else { return nil }
            print(charsets.current.map(scalar))
            return length
        }
        guard byte >= 0x20, byte < 0x7F else { return nil }
        let length = bytes.printableASCII(from: index)
        print(UnsafeRawBufferPointer(rebasing: bytes[index..<index + length]))
        return length
    }

    private mutating func decode(_ byte: UInt8) {
        switch decoder.push(byte) {
        case .incomplete: break
        case .scalar(let scalar): perform(parser.consume(scalar))
        case .invalid: perform(parser.consume(UTF8Decoder.replacement))
        case .invalidBefore:
            perform(parser.consume(UTF8Decoder.replacement))
            // The decoder is idle now, so that this goes no deeper.
            decode(byte)
        }
    }

    private mutating func perform(_ action: Parser.Action) {
        switch action {
        case .none: return
        case .print(let scalar):
            print(charsets.current.map(scalar))
            return
        case .control(let final) where final == 0x62 && parser.prefix == 0 && parser.intermediates == 0:
            repeatLast(parser.parameters.count(at: 0))
            return
        case .execute(let code): execute(code)
        case .escape(let final): escape(final)
        case .control(let final): control(final)
        case .operatingSystemCommand: operatingSystemCommand()
        case .deviceControl: deviceControl()
        }
        lastScalar = 0
    }

    /// The answers to the host's questions since the last call (device attributes, status reports, modes, colours), at
    /// most 4 KiB. They hold nothing that the host wrote.
    public mutating func takeResponses() -> [UInt8] {
        defer { responses.removeAll() }
        return responses
    }

    /// What the host said beside the screen since the last call, at most `eventLimit` events.
    public mutating func takeEvents() -> [ScreenEvent] {
        defer { events.removeAll() }
        return events
    }

    // MARK: Size

    /// Changes the size as xterm.js 5.5 does. On the primary screen a text that ran over the right margin is laid out
    /// anew, but for the one that the cursor stands in; on the alternate screen columns are cut or become blank at the
    /// right. Rows that do not fit go below the cursor first, then into the scrollback; the scroll region becomes the
    /// whole screen. Takes time linear in the cells that are kept.
    public mutating func resize(columns newColumns: Int, rows newRows: Int) {
        let newColumns = Screen.clamp(newColumns, Screen.columnLimits)
        let newRows = Screen.clamp(newRows, Screen.rowLimits)
        guard newColumns != columns || newRows != rows else { return }
        position.row = grid.resize(
            rows: newRows, columns: newColumns, from: columns, cursorRow: position.row, reflow: !isAlternate)
        otherGrid.restingRow = otherGrid.resize(
            rows: newRows, columns: newColumns, from: columns, cursorRow: otherGrid.restingRow, reflow: isAlternate)
        // Behind the last column the cursor is in the one after it, which there may be now.
        position.column = min(position.column + (position.pendingWrap ? 1 : 0), newColumns - 1)
        columns = newColumns
        rows = newRows
        tabStops.resize(columns: newColumns)
        position.pendingWrap = false
        lastScalar = 0
    }
}

extension UnsafeRawBufferPointer {
    /// How many bytes from here on are printable ASCII. Eight at a time: a byte that is none has its highest bit set, or
    /// gets it when 0x20 is taken away or 1 is added. Carries reach only bytes behind the first such one.
    fileprivate func printableASCII(from start: Int) -> Int {
        let highest: UInt64 = 0x8080_8080_8080_8080
        var index = start
        while index + 8 <= count {
            let word = UInt64(littleEndian: loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let others = (word | (word &- 0x2020_2020_2020_2020) | (word &+ 0x0101_0101_0101_0101)) & highest
            if others != 0 { return index + others.trailingZeroBitCount / 8 - start }
            index += 8
        }
        while index < count, self[index] >= 0x20, self[index] < 0x7F { index += 1 }
        return index - start
    }
}
