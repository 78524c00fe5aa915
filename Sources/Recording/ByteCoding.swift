/// Appends the primitive fields of the recording format: big-endian integers, LEB128 numbers, counted bytes.
extension Array where Element == UInt8 {
    mutating func append(bigEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func append(counted text: String) {
        let utf8 = text.utf8
        append(varint: UInt64(utf8.count))
        append(contentsOf: utf8)
    }
}

/// Reads the same fields; every read is checked, and a short buffer is an error instead of a trap.
struct ByteCursor {
    struct Exhausted: Error {}

    let bytes: [UInt8]
    private(set) var position: Int
    let end: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        position = 0
        end = bytes.count
    }

    private init(_ bytes: [UInt8], from position: Int, to end: Int) {
        self.bytes = bytes
        self.position = position
        self.end = end
    }

    var isAtEnd: Bool { position >= end }
    var remaining: Int { end - position }

    mutating func byte() throws(Exhausted) -> UInt8 {
        guard position < end else { throw Exhausted() }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func bigEndian<Value: FixedWidthInteger>(_: Value.Type) throws(Exhausted) -> Value {
        var value: Value = 0
        for _ in 0..<(Value.bitWidth / 8) { value = value << 8 | Value(truncatingIfNeeded: try byte()) }
        return value
    }

    mutating func varint() throws(Exhausted) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64 {
            let next = try byte()
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
        }
        throw Exhausted()
    }

    mutating func take(_ count: Int) throws(Exhausted) -> [UInt8] {
        guard count >= 0, count <= remaining else { throw Exhausted() }
        defer { position += count }
        return Array(bytes[position..<(position + count)])
    }

    mutating func integer() throws(Exhausted) -> Int {
        guard let value = Int(exactly: try varint()) else { throw Exhausted() }
        return value
    }

    mutating func text() throws(Exhausted) -> String {
        String(decoding: try take(try integer()), as: UTF8.self)
    }

    mutating func rest() throws(Exhausted) -> [UInt8] { try take(remaining) }

    /// A cursor over the next `count` bytes, which this one skips.
    mutating func slice(_ count: Int) throws(Exhausted) -> ByteCursor {
        guard count >= 0, count <= remaining else { throw Exhausted() }
        defer { position += count }
        return ByteCursor(bytes, from: position, to: position + count)
    }
}
