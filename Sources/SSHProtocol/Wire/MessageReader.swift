// Reads the data types of RFC 4251 §5 out of one packet. Every read is checked against what is left, and every count
// against what could still follow, before anything is allocated.

import NIOCore

struct MessageReader {
    private var buffer: ByteBuffer
    private let name: StaticString

    /// - Parameter payload: One packet's payload, positioned after the message number.
    init(_ payload: ByteBuffer, of name: StaticString) {
        self.buffer = payload
        self.name = name
    }

    private func truncated() -> ProtocolError { .malformed("The host sent a \(name) message that ends too early.") }

    mutating func byte() throws(ProtocolError) -> UInt8 {
        guard let value = buffer.readInteger(as: UInt8.self) else { throw truncated() }
        return value
    }

    /// RFC 4251 §5: all non-zero values are true.
    mutating func boolean() throws(ProtocolError) -> Bool { try byte() != 0 }

    mutating func uint32() throws(ProtocolError) -> UInt32 {
        guard let value = buffer.readInteger(as: UInt32.self) else { throw truncated() }
        return value
    }

    mutating func skip(_ count: Int) throws(ProtocolError) {
        guard buffer.readableBytes >= count else { throw truncated() }
        buffer.moveReaderIndex(forwardBy: count)
    }

    /// A string as a slice of the packet, without a copy.
    mutating func slice() throws(ProtocolError) -> ByteBuffer {
        let length = try uint32()
        guard length <= UInt32(clamping: buffer.readableBytes), let slice = buffer.readSlice(length: Int(length)) else {
            throw truncated()
        }
        return slice
    }

    mutating func bytes() throws(ProtocolError) -> [UInt8] { Array(try slice().readableBytesView) }

    /// A string as text. Invalid UTF-8 is repaired: a bad banner or message must not end a connection.
    mutating func text() throws(ProtocolError) -> String { String(buffer: try slice()) }

    /// A name (RFC 4251 §6): printable US-ASCII. Anything else is the peer's fault.
    mutating func asciiName() throws(ProtocolError) -> String {
        let slice = try slice()
        guard slice.readableBytesView.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .malformed("The host sent a \(name) message with a name that is not printable ASCII.")
        }
        return String(buffer: slice)
    }

    /// A name-list (RFC 4251 §5): comma-separated names, none of them empty; the list may be.
    mutating func nameList() throws(ProtocolError) -> [String] {
        let list = try slice()
        guard list.readableBytes > 0 else { return [] }
        guard let names = list.withUnsafeReadableBytes(Self.names) else {
            throw .malformed("The host sent a \(name) message with a malformed name-list.")
        }
        return names
    }

    /// The names between the commas; nil if one is empty or not printable ASCII. Eight lists come with each connection:
    /// they are read from the bytes, which costs a quarter of what a generic split does.
    private static func names(_ list: UnsafeRawBufferPointer) -> [String]? {
        var rest = list[...]
        // libssh up to 0.10, the one of Debian 12, ends its list of ciphers with a comma.
        if rest.count > 1, rest.last == UInt8(ascii: ",") { rest = rest.dropLast() }
        var names: [String] = []
        while true {
            let name = rest.prefix { $0 != UInt8(ascii: ",") }
            guard !name.isEmpty, name.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
            names.append(String(decoding: UnsafeRawBufferPointer(rebasing: name), as: UTF8.self))
            guard name.endIndex < rest.endIndex else { return names }
            rest = rest[(name.endIndex + 1)...]
        }
    }

    var remaining: Int { buffer.readableBytes }

    /// What is left, as a slice of the packet.
    var rest: ByteBuffer { buffer }

    /// Nothing may follow: trailing bytes hide what another implementation would read.
    func end() throws(ProtocolError) {
        guard buffer.readableBytes == 0 else {
            throw .malformed("The host sent a \(name) message with bytes after its end.")
        }
    }
}
