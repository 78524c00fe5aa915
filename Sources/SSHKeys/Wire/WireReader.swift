/// Reads the data types of RFC 4251 §5 out of bytes that may be hostile.
///
/// Each method takes one value off the front, or throws `malformed` and leaves the position where it was. No length is
/// believed before that many bytes are there.
public struct WireReader: Sendable {
    private let bytes: [UInt8]
    private var position = 0

    /// Reads from the start of `bytes`.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Bytes that are left.
    public var remaining: Int { bytes.count - position }

    /// Whether everything was read.
    public var isAtEnd: Bool { remaining == 0 }

    /// `count` bytes as they are.
    public mutating func raw(_ count: Int) throws(SSHKeyError) -> [UInt8] {
        guard count >= 0, count <= remaining else {
            throw .malformed("\(count) bytes are announced where \(remaining) are left")
        }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    /// Everything that is left.
    public mutating func rest() -> [UInt8] {
        defer { position = bytes.count }
        return Array(bytes[position...])
    }

    /// One byte.
    public mutating func uint8() throws(SSHKeyError) -> UInt8 { UInt8(try integer(1)) }

    /// One byte; everything but zero is true.
    public mutating func boolean() throws(SSHKeyError) -> Bool { try uint8() != 0 }

    /// Four bytes, big-endian.
    public mutating func uint32() throws(SSHKeyError) -> UInt32 { UInt32(truncatingIfNeeded: try integer(4)) }

    /// Eight bytes, big-endian.
    public mutating func uint64() throws(SSHKeyError) -> UInt64 { try integer(8) }

    /// A length of four bytes and that many bytes.
    public mutating func string() throws(SSHKeyError) -> [UInt8] {
        let start = position
        let count = Int(try uint32())
        do throws(SSHKeyError) { return try raw(count) } catch {
            position = start
            throw error
        }
    }

    /// A string that must be valid UTF-8 (RFC 3629).
    public mutating func utf8String() throws(SSHKeyError) -> String {
        try restoring { reader throws(SSHKeyError) in
            guard let text = String(validating: try reader.string(), as: UTF8.self) else {
                throw .malformed("a text is not valid UTF-8")
            }
            return text
        }
    }

    /// An mpint that is not negative, as big-endian bytes without leading zeros; empty for zero.
    ///
    /// Throws for a negative number and for needless leading zeros, which RFC 4251 §5 forbids: two spellings of one key
    /// would have two fingerprints.
    public mutating func mpint() throws(SSHKeyError) -> [UInt8] {
        try restoring { reader throws(SSHKeyError) in
            let content = try reader.string()
            guard let first = content.first else { return [] }
            guard first < 0x80 else { throw .malformed("a number is negative") }
            guard first == 0 else { return content }
            guard content.count > 1, content[1] >= 0x80 else { throw .malformed("a number has needless leading zeros") }
            return Array(content.dropFirst())
        }
    }

    /// Names separated by commas; each printable US-ASCII and not empty (RFC 4251 §5 and §6). An empty list is `[]`.
    public mutating func nameList() throws(SSHKeyError) -> [String] {
        try restoring { reader throws(SSHKeyError) in
            let content = try reader.string()
            guard !content.isEmpty else { return [] }
            guard content.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                throw .malformed("a name list holds other than printable ASCII")
            }
            let names = content.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            guard names.allSatisfy({ !$0.isEmpty }) else { throw .malformed("a name list holds an empty name") }
            return names.map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Throws unless everything was read; `what` names the thing that was read, as "a public key".
    public func expectEnd(of what: String) throws(SSHKeyError) {
        guard isAtEnd else { throw .malformed("\(remaining) bytes follow the end of \(what)") }
    }

    private mutating func integer(_ count: Int) throws(SSHKeyError) -> UInt64 {
        guard count <= remaining else {
            throw .malformed("it ends in the middle of a number")
        }
        var value: UInt64 = 0
        for byte in bytes[position..<position + count] { value = value << 8 | UInt64(byte) }
        position += count
        return value
    }

    private mutating func restoring<Value>(
        _ read: (inout WireReader) throws(SSHKeyError) -> Value
    ) throws(SSHKeyError) -> Value {
        var copy = self
        let value = try read(&copy)
        self = copy
        return value
    }
}
