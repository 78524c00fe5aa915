import Crypto
import Foundation
import NIOCore

/// What a command wrote to one of its streams: the beginning and the end of it within a limit, and exact counts of the
/// rest. Memory never grows beyond the limit however much a command writes.
struct CommandOutput: Sendable {
    /// Bytes that are kept unless a caller wants more, and at most.
    static let usual = 1 << 20
    static let most = 16 << 20

    /// Bytes of the beginning and of the end that are kept.
    private(set) var headLimit: Int
    private(set) var tailLimit: Int
    private(set) var total = 0
    private(set) var head: [UInt8] = []
    /// The newest bytes, as a ring once it is full.
    private var tail: [UInt8] = []
    private var tailStart = 0

    init(limit: Int) {
        headLimit = limit / 4
        tailLimit = limit - limit / 4
    }

    /// Bytes that are kept in any case.
    static let least = 16 << 10

    /// Keeps no more than now, however much was wanted: the newest bytes take the place of those before.
    mutating func freeze() {
        headLimit = min(headLimit, head.count)
        tailLimit = min(tailLimit, max(tail.count, Self.least))
    }

    mutating func append(_ bytes: ByteBufferView) {
        total += bytes.count
        var rest = bytes[...]
        if head.count < headLimit {
            let taken = rest.prefix(headLimit - head.count)
            head.append(contentsOf: taken)
            rest = rest.dropFirst(taken.count)
        }
        guard !rest.isEmpty, tailLimit > 0 else { return }
        if rest.count >= tailLimit {
            tail = Array(rest.suffix(tailLimit))
            tailStart = 0
            return
        }
        let room = tailLimit - tail.count
        tail.append(contentsOf: rest.prefix(room))
        rest = rest.dropFirst(room)
        // Whole pieces, not bytes: a flood comes in megabytes.
        while !rest.isEmpty {
            let start = tailStart
            let piece = rest.prefix(tailLimit - start)
            tail.withUnsafeMutableBytes { ring in
                UnsafeMutableRawBufferPointer(rebasing: ring[start..<(start + piece.count)]).copyBytes(from: piece)
            }
            tailStart = (start + piece.count) % tailLimit
            rest = rest.dropFirst(piece.count)
        }
    }

    /// Whether everything is still here.
    var isComplete: Bool { total == head.count + tail.count }

    /// Where the kept end begins.
    var tailOffset: Int { total - tail.count }

    var keptBytes: Int { head.count + tail.count }

    private var orderedTail: [UInt8] { tailBytes(0..<tail.count) }

    /// Bytes of the kept end, counted from its beginning: only what is asked for is copied.
    private func tailBytes(_ range: Range<Int>) -> [UInt8] {
        let first = tail.count - tailStart
        guard range.upperBound > first else {
            return Array(tail[(range.lowerBound + tailStart)..<(range.upperBound + tailStart)])
        }
        let begin = max(0, range.lowerBound - first)
        let old = range.lowerBound < first ? tail[(range.lowerBound + tailStart)...] : []
        return Array(old) + tail[begin..<(range.upperBound - first)]
    }

    /// The bytes from `offset` on, at most `limit`; nil where they were not kept.
    func bytes(from offset: Int, limit: Int) -> [UInt8]? {
        guard offset >= 0, offset <= total else { return nil }
        let end = offset + min(limit, total - offset)
        if offset < head.count {
            let begin = Array(head[offset..<min(end, head.count)])
            return isComplete && end > head.count ? begin + tailBytes(0..<(end - head.count)) : begin
        }
        guard offset >= tailOffset else { return nil }
        return tailBytes((offset - tailOffset)..<(end - tailOffset))
    }

    /// As much as a reader wants to see, from the beginning and from the end, with what is left out in between.
    struct Shown: Sendable {
        var head: [UInt8]
        var tail: [UInt8]
        var omitted: Range<Int>?

        var count: Int { head.count + tail.count }
    }

    /// - Parameters:
    ///   - first: bytes of the beginning, where not everything fits into both together.
    ///   - last: bytes of the end.
    func shown(first: Int, last: Int) -> Shown {
        if isComplete, total <= first + last { return Shown(head: head + orderedTail, tail: [], omitted: nil) }
        let begin = CompleteText.prefix(bytes(from: 0, limit: first) ?? [])
        let from = max(begin.count, total - min(last, isComplete ? total : tail.count))
        let end = CompleteText.suffix(bytes(from: from, limit: total - from) ?? [])
        let resume = total - end.count
        guard resume > begin.count else { return Shown(head: begin + end, tail: [], omitted: nil) }
        return Shown(head: begin, tail: end, omitted: begin.count..<resume)
    }

    /// Binary data is told, not shown: it has a NUL, or a tenth of it is no UTF-8.
    static func isBinary(_ bytes: [UInt8]) -> Bool {
        if bytes.contains(0) { return true }
        guard !bytes.isEmpty else { return false }
        let text = String(decoding: bytes, as: UTF8.self)
        let broken = text.unicodeScalars.count { $0 == "\u{FFFD}" }
        return broken * 10 > bytes.count
    }

    /// SHA-256 of everything, in hexadecimal; nil when not everything was kept.
    var sha256: String? {
        guard isComplete else { return nil }
        return SHA256.hash(data: Data(head + orderedTail)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
