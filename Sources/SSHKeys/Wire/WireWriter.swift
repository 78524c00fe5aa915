/// Writes the data types of RFC 4251 §5.
public struct WireWriter: Sendable {
    /// What was written so far.
    public private(set) var bytes: [UInt8] = []

    public init() {}

    /// Reserves room for `capacity` bytes.
    public init(capacity: Int) { bytes.reserveCapacity(capacity) }

    /// Bytes as they are.
    public mutating func writeRaw(_ raw: some Sequence<UInt8>) { bytes.append(contentsOf: raw) }

    public mutating func writeUInt8(_ value: UInt8) { bytes.append(value) }

    public mutating func writeBoolean(_ value: Bool) { bytes.append(value ? 1 : 0) }

    public mutating func writeUInt32(_ value: UInt32) {
        for shift: UInt32 in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    public mutating func writeUInt64(_ value: UInt64) {
        writeUInt32(UInt32(truncatingIfNeeded: value >> 32))
        writeUInt32(UInt32(truncatingIfNeeded: value))
    }

    /// A length of four bytes and the bytes.
    public mutating func writeString(_ content: [UInt8]) {
        writeUInt32(UInt32(truncatingIfNeeded: content.count))
        bytes.append(contentsOf: content)
    }

    /// A string of the text's UTF-8 bytes.
    public mutating func writeString(_ text: String) { writeString(Array(text.utf8)) }

    /// An mpint of the unsigned big-endian number in `magnitude`, in its shortest form.
    public mutating func writeMPInt(_ magnitude: some Sequence<UInt8>) {
        var content = Array(magnitude.drop { $0 == 0 })
        if let first = content.first, first >= 0x80 { content.insert(0, at: 0) }
        writeString(content)
    }

    /// Names separated by commas.
    public mutating func writeNameList(_ names: [String]) { writeString(names.joined(separator: ",")) }
}
