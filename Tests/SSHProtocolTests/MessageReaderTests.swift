import NIOCore
import Testing

@testable import SSHProtocol

/// RFC 4251 §5, read from hostile bytes.
@Suite struct MessageReaderTests {
    private func reader(_ bytes: [UInt8]) -> MessageReader { MessageReader(ByteBuffer(bytes: bytes), of: "test") }

    @Test("values are read as they are written")
    func values() throws {
        var reader = reader([7, 2, 0, 0, 1, 0, 0, 0, 0, 2, 0x68, 0x69])
        #expect(try reader.byte() == 7)
        #expect(try reader.boolean())
        #expect(try reader.uint32() == 256)
        #expect(try reader.text() == "hi")
        try reader.end()
    }

    @Test("a string longer than the message is refused before anything is allocated")
    func truncated() {
        for bytes: [UInt8] in [[], [0, 0, 0], [0, 0, 0, 1], [0xFF, 0xFF, 0xFF, 0xFF, 1], [0, 0, 0, 3, 1, 2]] {
            var reader = reader(bytes)
            #expect(throws: ProtocolError.self) { try reader.bytes() }
        }
    }

    @Test("bytes after the end of a message are refused")
    func trailing() throws {
        var reader = reader([1, 2])
        _ = try reader.byte()
        #expect(throws: ProtocolError.self) { try reader.end() }
    }

    @Test("a name-list has names of printable ASCII, none of them empty, and maybe libssh's comma at its end")
    func nameLists() throws {
        func list(_ text: [UInt8]) throws -> [String] {
            var reader = reader([0, 0, 0, UInt8(text.count)] + text)
            return try reader.nameList()
        }
        #expect(try list(Array("a,b".utf8)) == ["a", "b"])
        #expect(try list([]) == [])
        #expect(try list(Array("a,b,".utf8)) == ["a", "b"])
        for bad in ["a,,b", ",", "a,,", ",a", ",,", "a b", "é"] {
            #expect(throws: ProtocolError.self) { _ = try list(Array(bad.utf8)) }
        }
        #expect(throws: ProtocolError.self) { _ = try list([0x61, 0]) }
    }

    @Test("counts that the message cannot hold are refused")
    func counts() {
        var info = ByteBuffer()
        info.writeInteger(UInt32.max)
        #expect(throws: ProtocolError.self) { _ = try ExtensionInfo(info) }
        var request = ByteBuffer()
        for _ in 0..<3 { request.writeSSHString("") }
        request.writeInteger(UInt32.max)
        #expect(throws: ProtocolError.self) { _ = try UserAuthInfoRequest(request) }
    }

    @Test("every prefix of every message is refused or read, and never traps")
    func prefixes() {
        var offer = ByteBuffer(bytes: [UInt8](repeating: 0, count: 16))
        for _ in 0..<10 { offer.writeNameList(["a", "b"]) }
        offer.writeBytes([0, 0, 0, 0, 0])
        let messages: [(ByteBuffer, (ByteBuffer) throws -> Void)] = [
            (offer, { _ = try KeyExchangeInit($0) }),
            (.confirmation(1), { _ = try ChannelOpenConfirmation($0) }),
            (.data(1, [1, 2, 3]), { _ = try ChannelData($0, isExtended: false) }),
            (.data(1, [1, 2, 3], type: 1), { _ = try ChannelData($0, isExtended: true) }),
            (.userAuthFailure("a,b"), { _ = try UserAuthFailure($0) }),
            (.infoRequest([("q", true)]), { _ = try UserAuthInfoRequest($0) }),
            (.channelRequest(1, "exit-status", wantsReply: true, [0, 0, 0, 1]), { _ = try ChannelRequest($0) }),
        ]
        for (message, parse) in messages {
            for length in 0..<message.readableBytes {
                let prefix = message.getSlice(at: message.readerIndex, length: length) ?? ByteBuffer()
                _ = try? parse(prefix)
                _ = Disconnect(prefix)
            }
        }
    }
}
