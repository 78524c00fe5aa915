import NIOCore
import Testing

@testable import Gateway

struct CommandOutputTests {
    @Test("what fits is kept whole")
    func whole() {
        var output = CommandOutput(limit: 100)
        output.append(ByteBuffer(string: "hello ").readableBytesView)
        output.append(ByteBuffer(string: "world").readableBytesView)
        let shown = output.shown(first: 50, last: 50)
        #expect(String(decoding: shown.head, as: UTF8.self) == "hello world" && shown.omitted == nil)
        #expect(output.sha256 == "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9")
    }

    @Test(
        "of a flood the beginning and the end are kept, and the rest is counted exactly", arguments: [1, 7, 64, 1000])
    func flood(piece: Int) {
        var output = CommandOutput(limit: 400)
        var all: [UInt8] = []
        while all.count < 10_000 {
            let bytes = (0..<piece).map { UInt8(truncatingIfNeeded: all.count + $0) & 0x3F | 0x40 }
            all += bytes
            output.append(ByteBuffer(bytes: bytes).readableBytesView)
        }
        #expect(output.total == all.count && !output.isComplete && output.keptBytes == 400)
        let shown = output.shown(first: 100, last: 300)
        #expect(shown.head == Array(all.prefix(100)) && shown.tail == Array(all.suffix(300)))
        #expect(shown.omitted == 100..<(all.count - 300))
        #expect(output.bytes(from: all.count - 50, limit: 20) == Array(all[(all.count - 50)..<(all.count - 30)]))
        #expect(output.bytes(from: 5000, limit: 10) == nil)
        #expect(output.sha256 == nil)
    }

    @Test("a cut never goes through a character", arguments: 1...12)
    func characters(first: Int) {
        var output = CommandOutput(limit: 4000)
        output.append(ByteBuffer(string: String(repeating: "€", count: 1000)).readableBytesView)
        let shown = output.shown(first: first, last: first + 1)
        let text = String(decoding: shown.head, as: UTF8.self) + String(decoding: shown.tail, as: UTF8.self)
        #expect(!text.unicodeScalars.contains("\u{FFFD}"))
        let omitted = shown.omitted ?? 0..<0
        #expect(shown.count + omitted.count == 3000)
    }

    @Test("data with NUL or much that is no text is binary, text with a stray byte is not")
    func binary() {
        #expect(CommandOutput.isBinary([0x7F, 0x45, 0x4C, 0x46, 0]))
        #expect(CommandOutput.isBinary(Array(repeating: 0xFE, count: 40)))
        #expect(!CommandOutput.isBinary(Array("a long line of plain text".utf8) + [0xFE]))
        #expect(!CommandOutput.isBinary([]))
    }
}
