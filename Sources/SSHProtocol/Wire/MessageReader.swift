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
        var slice = try slice()
        if slice.readableBytes == 0 { return [] }
        // libssh up to 0.10, the one of Debian 12, ends its list of ciphers with a comma.
        if slice.readableBytes > 1, slice.readableBytesView.last == UInt8(ascii: ",") {
            slice.moveWriterIndex(to: slice.writerIndex - 1)
        }
        var names: [String] = []
        for part in slice.readableBytesView.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            guard !part.isEmpty, part.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw .malformed("The host sent a \(name) message with a malformed name-list.")
            }
            names.append(String(decoding: part, as: UTF8.self))
        }
        return names
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
