import SSHKeys
import Testing

@Suite struct WireTests {
    @Test("every type that is written is read back")
    func roundTrip() throws {
        var writer = WireWriter()
        writer.writeUInt8(200)
        writer.writeBoolean(true)
        writer.writeUInt32(0xdead_beef)
        writer.writeUInt64(0x0123_4567_89ab_cdef)
        writer.writeString([1, 2, 3])
        writer.writeString("Grüße")
        writer.writeMPInt([0, 0, 0x80, 1])
        writer.writeNameList(["a", "b@c"])
        writer.writeNameList([])
        writer.writeRaw([9, 8])
        var reader = WireReader(writer.bytes)
        #expect(try reader.uint8() == 200)
        #expect(try reader.boolean())
        #expect(try reader.uint32() == 0xdead_beef)
        #expect(try reader.uint64() == 0x0123_4567_89ab_cdef)
        #expect(try reader.string() == [1, 2, 3])
        #expect(try reader.utf8String() == "Grüße")
        #expect(try reader.mpint() == [0x80, 1])
        #expect(try reader.nameList() == ["a", "b@c"])
        #expect(try reader.nameList() == [])
        #expect(reader.remaining == 2)
        #expect(reader.rest() == [9, 8])
        #expect(reader.isAtEnd)
        try reader.expectEnd(of: "the test")
    }

    /// RFC 4251 §5 gives these (without its negative ones).
    @Test(
        "mpints have the bytes of RFC 4251 §5",
        arguments: [
            ([], [0, 0, 0, 0]),
            (
                [0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7],
                [0, 0, 0, 8, 0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7]
            ),
            ([0x80], [0, 0, 0, 2, 0, 0x80]),
        ] as [([UInt8], [UInt8])])
    func mpint(_ number: [UInt8], _ bytes: [UInt8]) throws {
        var writer = WireWriter()
        writer.writeMPInt(number)
        #expect(writer.bytes == bytes)
        var reader = WireReader(bytes)
        #expect(try reader.mpint() == number)
    }

    @Test(
        "a negative mpint and needless zeros are refused",
        arguments: [[0x80], [0xed, 0xcc], [0xff], [0], [0, 0x7f], [0, 0, 0x80]] as [[UInt8]])
    func mpintRefused(_ content: [UInt8]) {
        var writer = WireWriter()
        writer.writeString(content)
        var reader = WireReader(writer.bytes)
        #expect(throws: SSHKeyError.self) { try reader.mpint() }
        #expect(reader.remaining == writer.bytes.count)
    }

    @Test(
        "a name list with an empty name, a control character or other than ASCII is refused",
        arguments: ["a,,b", ",a", "a,", ",", "a b", "a\0", "a\u{7f}", "ä", "a\n"])
    func nameListRefused(_ list: String) {
        var writer = WireWriter()
        writer.writeString(list)
        var reader = WireReader(writer.bytes)
        #expect(throws: SSHKeyError.self) { try reader.nameList() }
    }

    @Test("text that is not UTF-8 is refused")
    func utf8() {
        var writer = WireWriter()
        writer.writeString([0xc3, 0x28])
        var reader = WireReader(writer.bytes)
        #expect(throws: SSHKeyError.self) { try reader.utf8String() }
    }

    @Test("a string cut at any place is refused and leaves the position where it was")
    func truncation() {
        var writer = WireWriter()
        writer.writeString([1, 2, 3, 4, 5])
        for length in 0..<writer.bytes.count {
            var reader = WireReader(Array(writer.bytes.prefix(length)))
            #expect(throws: SSHKeyError.self) { try reader.string() }
            #expect(reader.remaining == length)
        }
    }

    @Test("a length of four gigabytes costs nothing")
    func hugeLength() {
        var reader = WireReader([0xff, 0xff, 0xff, 0xff, 1, 2, 3])
        #expect(throws: SSHKeyError.self) { try reader.string() }
        #expect(throws: SSHKeyError.self) { try reader.raw(-1) }
        #expect(throws: SSHKeyError.self) { try reader.raw(Int.max) }
        #expect(throws: SSHKeyError.self) { try reader.uint64() }
        #expect(reader.remaining == 7)
    }
}
