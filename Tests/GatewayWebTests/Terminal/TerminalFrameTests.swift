import NIOCore
import Testing

@testable import GatewayWeb

@Suite("Frames of copilot.term.v1")
struct TerminalFrameTests {
    private func decode(_ bytes: [UInt8]) throws -> (channel: UInt64, TerminalFrame.Request) {
        try TerminalFrame.decode(ByteBuffer(bytes: bytes))
    }

    @Test("ATTACH carries the session, the offset that the terminal has, the size and the tab")
    func attach() throws {
        let bytes: [UInt8] =
            [0x41, 7, 3] + Array("ses".utf8) + [0xAD, 0x02, 80, 24, 2] + Array("ab".utf8) + [5] + Array("phone".utf8)
        let (channel, request) = try decode(bytes)
        #expect(channel == 7)
        #expect(
            request == .attach(.init(session: "ses", have: 300, columns: 80, rows: 24, clientID: "ab", device: "phone"))
        )
    }

    @Test("an offset of zero plus one is told from nothing at all")
    func haveNothing() throws {
        let nothing: [UInt8] = [0x41, 1, 1, 0x61, 0, 80, 24, 1, 0x62, 1, 0x63]
        let zero: [UInt8] = [0x41, 1, 1, 0x61, 1, 80, 24, 1, 0x62, 1, 0x63]
        #expect(
            try decode(nothing).1
                == .attach(.init(session: "a", have: nil, columns: 80, rows: 24, clientID: "b", device: "c")))
        #expect(
            try decode(zero).1
                == .attach(.init(session: "a", have: 0, columns: 80, rows: 24, clientID: "b", device: "c")))
    }

    @Test("IN carries its sequence number and the rest of the frame")
    func input() throws {
        #expect(try decode([0x42, 1, 5, 0x6c, 0x73, 0x0d]).1 == .input(sequence: 5, ByteBuffer(string: "ls\r")))
    }

    @Test("NOTE carries its kind and its JSON, and is refused when it is too long")
    func note() throws {
        let bytes: [UInt8] = [0x4B, 1, 1, 0x61, 2, 0x7B, 0x7D]
        #expect(try decode(bytes).1 == .note(kind: "a", json: "{}"))
        #expect(throws: TerminalFrame.Malformed.tooLong("json")) { try decode([0x4B, 1, 1, 0x61, 0x81, 0x20]) }
        #expect(throws: TerminalFrame.Malformed.tooLong("kind")) { try decode([0x4B, 1, 65]) }
    }

    @Test("input over its limit is refused")
    func inputLimit() {
        #expect(throws: TerminalFrame.Malformed.tooLong("input")) {
            try decode([0x42, 1, 1] + [UInt8](repeating: 65, count: TerminalFrame.inputLimit + 1))
        }
    }

    @Test(
        "what is cut short, too long, unknown or not UTF-8 is refused with its reason",
        arguments: [
            ([], TerminalFrame.Malformed.empty),
            ([0x01, 0], .unknownType(0x01)),
            ([0x41], .truncated),
            ([0x41, 1, 200, 1], .tooLong("session")),
            ([0x41, 1, 5, 0x61], .truncated),
            ([0x41, 1, 1, 0xff, 0, 80, 24, 0, 0], .notUTF8),
            ([0x43, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], .numberTooLarge),
            ([0x43, 1, 0x80], .truncated),
            ([0x45, 1, 0], .trailingBytes),
            ([0x4A, 1], .truncated),
        ] as [([UInt8], TerminalFrame.Malformed)])
    func malformed(bytes: [UInt8], reason: TerminalFrame.Malformed) {
        #expect(throws: reason) { try decode(bytes) }
    }

    @Test("every byte string is decoded or refused, and none traps")
    func garbage() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0..<24)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if !bytes.isEmpty { bytes[0] = UInt8.random(in: 0x40...0x4B) }
            _ = try? decode(bytes)
        }
    }

    @Test("varints of 1 to 10 bytes come back as they were", arguments: [0, 127, 128, 16_383, 16_384, UInt64.max])
    func varints(value: UInt64) throws {
        var buffer = ByteBuffer(bytes: [0x43, 0])
        buffer.writeVarint(value)
        #expect(try TerminalFrame.decode(buffer).1 == .acknowledge(offset: value))
    }
}
