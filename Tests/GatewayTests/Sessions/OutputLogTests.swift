import NIOCore
import Testing

@testable import Gateway

@Suite("The output log")
struct OutputLogTests {
    private func text(_ pieces: [OutputLog.Piece]?) -> String {
        (pieces ?? []).map { piece in
            switch piece {
            case .output(_, let bytes): String(buffer: bytes)
            case .resize(let resize): "<\(resize.columns)x\(resize.rows)>"
            }
        }.joined()
    }

    @Test("a reader gets every byte once and in order, whatever the sizes of the appends")
    func order() {
        var log = OutputLog(capacity: 1 << 20)
        var expected = ""
        for number in 0..<5000 {
            let part = String(repeating: Character(UnicodeScalar(UInt8(97 + number % 26))), count: number % 61)
            expected += part
            log.append(ByteBuffer(string: part))
        }
        log.append(ByteBuffer(string: String(repeating: "Z", count: 9000)))
        expected += String(repeating: "Z", count: 9000)
        var cursor = OutputLog.Cursor(offset: 0, resize: 0)
        var seen = ""
        while !log.isAtEnd(cursor) { seen += text(log.read(&cursor, limit: 777)) }
        #expect(seen == expected)
        #expect(log.end == UInt64(expected.utf8.count))
    }

    @Test("a change of size stands between the bytes before it and the bytes after it")
    func resizes() {
        var log = OutputLog()
        log.append(ByteBuffer(string: "one"))
        log.resize(columns: 100, rows: 30)
        log.append(ByteBuffer(string: "two"))
        var cursor = OutputLog.Cursor(offset: 0, resize: 0)
        #expect(text(log.read(&cursor, limit: 1000)) == "one<100x30>two")
        #expect(log.isAtEnd(cursor))
    }

    @Test("a reader that resumes at an offset gets exactly what it misses")
    func resume() throws {
        var log = OutputLog()
        log.append(ByteBuffer(string: "hello "))
        log.append(ByteBuffer(string: "world"))
        var cursor = try #require(log.cursor(at: 8))
        #expect(text(log.read(&cursor, limit: 1000)) == "rld")
    }

    @Test("an offset that is not there yet, or no longer, gives no cursor")
    func outside() {
        var log = OutputLog(capacity: 8192)
        for _ in 0..<10 { log.append(ByteBuffer(repeating: 65, count: 4096)) }
        #expect(log.cursor(at: log.end + 1) == nil)
        #expect(log.cursor(at: 0) == nil)
        #expect(log.cursor(at: log.end) != nil)
    }

    @Test("a reader whose place was dropped is told so instead of getting a gap")
    func dropped() {
        var log = OutputLog(capacity: 8192)
        var cursor = OutputLog.Cursor(offset: 0, resize: 0)
        for _ in 0..<10 { log.append(ByteBuffer(repeating: 65, count: 4096)) }
        #expect(log.read(&cursor, limit: 10) == nil)
    }

    @Test("memory stays within the capacity and one segment")
    func bounded() {
        var log = OutputLog(capacity: 64 * 1024)
        for _ in 0..<100_000 { log.append(ByteBuffer(string: "a line of output\r\n")) }
        #expect(log.end - log.start <= UInt64(64 * 1024 + 16 * 1024))
    }

    @Test("a reader may hold its slices while the log goes on")
    func slicesStay() throws {
        var log = OutputLog()
        log.append(ByteBuffer(string: "abc"))
        var cursor = OutputLog.Cursor(offset: 0, resize: 0)
        let pieces = log.read(&cursor, limit: 100)
        log.append(ByteBuffer(string: "def"))
        #expect(text(pieces) == "abc")
        #expect(text(log.read(&cursor, limit: 100)) == "def")
    }
}
