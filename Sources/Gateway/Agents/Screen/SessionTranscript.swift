import NIOCore
import Terminal

/// The clean text of a terminal as a growing list of lines.
///
/// A line enters when its line feed comes, as the screen model shows it at that moment: carriage returns, backspaces,
/// cursor moves and wrapping have been obeyed, and what a full-screen program draws on the alternate screen never
/// enters. A line's number never changes and no line is left out, so that a reader who remembers "I have the first n
/// lines" loses nothing and sees nothing twice. The line that has no end yet is not in the list.
struct SessionTranscript: Sendable {
    /// Lines and bytes of them that are kept at most.
    static let lineLimit = 20_000
    static let byteLimit = 4 << 20
    /// Bytes of one line; what a program writes beyond that without a line feed is cut off here, and only here.
    static let longestLine = 64 << 10

    struct Kept: Sendable {
        let text: String
        /// Where the output stream stands behind this line's feed.
        let end: UInt64
    }

    private var kept = CircularBuffer<Kept>()
    private var bytes = 0
    /// The number of the oldest line that is kept.
    private(set) var first: Int
    /// Where the output stream stood at the first line ever.
    let start: UInt64
    /// The number of the first line ever: more than 0 where an earlier terminal's lines were counted before.
    let origin: Int

    init(from start: UInt64, firstLine: Int = 0) {
        self.start = start
        origin = firstLine
        first = firstLine
    }

    /// The number that the next line will get: how many there were.
    var count: Int { first + kept.count }

    /// Where in the output stream the line of this number begins; nil when it is no longer known.
    func offset(of line: Int) -> UInt64? {
        if line <= origin { return start }
        guard line > first, line <= count else { return nil }
        return kept[offset: line - first - 1].end
    }

    /// The lines from this number on, at most `limit` of them from the beginning.
    func lines(from number: Int, limit: Int = .max) -> [String] {
        let from = max(number, first) - first
        guard from < kept.count else { return [] }
        let to = limit < kept.count - from ? from + limit : kept.count
        return (from..<to).map { kept[offset: $0].text }
    }

    /// Feeds the screen, and takes in every line that ends meanwhile.
    mutating func feed(_ output: UnsafeRawBufferPointer, into screen: inout Screen, from offset: UInt64) {
        var begin = 0
        while begin < output.count {
            let rest = UnsafeRawBufferPointer(rebasing: output[begin...])
            guard let feed = rest.firstIndex(of: 0x0A) else {
                screen.feed(rest)
                return
            }
            if feed > 0 { screen.feed(UnsafeRawBufferPointer(rebasing: rest[..<feed])) }
            if !screen.isAlternate { append(screen.cursorLogicalLine(), end: offset + UInt64(begin + feed + 1)) }
            screen.feed(UnsafeRawBufferPointer(rebasing: rest[feed...feed]))
            begin += feed + 1
        }
    }

    private mutating func append(_ line: String, end: UInt64) {
        let text = line.utf8.count > Self.longestLine ? Self.cut(line) : line
        kept.append(Kept(text: text, end: end))
        bytes += text.utf8.count
        while kept.count > Self.lineLimit || bytes > Self.byteLimit, let oldest = kept.popFirst() {
            bytes -= oldest.text.utf8.count
            first += 1
        }
    }

    private static func cut(_ line: String) -> String {
        String(decoding: CompleteText.prefix(Array(line.utf8.prefix(longestLine))), as: UTF8.self)
    }
}

/// Cuts of UTF-8 that never go through a character.
enum CompleteText {
    /// Without a character at the end that is not all there.
    static func prefix(_ bytes: some RandomAccessCollection<UInt8>) -> [UInt8] {
        var bytes = Array(bytes)
        var back = 0
        // A character has at most three continuation bytes.
        while back < 4, back < bytes.count {
            let byte = bytes[bytes.count - 1 - back]
            if byte & 0xC0 == 0x80 {
                back += 1
                continue
            }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            if length > back + 1 { bytes.removeLast(back + 1) }
            return bytes
        }
        return bytes
    }

    /// Without the continuation bytes at the beginning, whose character began before.
    static func suffix(_ bytes: some RandomAccessCollection<UInt8>) -> [UInt8] {
        Array(bytes.drop { $0 & 0xC0 == 0x80 })
    }
}
