/// Decodes UTF-8 byte by byte over any number of chunks. Each maximal part of an ill-formed sequence becomes one U+FFFD
/// (Unicode 15 §3.9, the practice of the WHATWG Encoding Standard), as a browser's streaming `TextDecoder` does it.
struct UTF8Decoder: Hashable, Sendable {
    static let replacement: UInt32 = 0xFFFD

    private var scalar: UInt32 = 0
    private var needed: UInt8 = 0
    /// The range that the next byte must be in: it excludes overlong forms, surrogates and what is above U+10FFFF.
    private var lower: UInt8 = 0x80
    private var upper: UInt8 = 0xBF
    /// The bytes of the unfinished sequence, at most three.
    private(set) var pending: [UInt8] = []

    var isIdle: Bool { needed == 0 }

    enum Step: Equatable {
        case incomplete
        case scalar(UInt32)
        /// An ill-formed sequence ended; the byte belongs to it.
        case invalid
        /// An ill-formed sequence ended before this byte, which must be decoded again.
        case invalidBefore
    }

    /// A scalar of two bytes or more that is there as a whole, and its length; nil when it is cut off or ill-formed.
    static func whole(_ bytes: UnsafeRawBufferPointer, at index: Int) -> (scalar: UInt32, length: Int)? {
        let first = bytes[index]
        let (length, least): (Int, UInt32) = first < 0xE0 ? (2, 0x80) : first < 0xF0 ? (3, 0x800) : (4, 0x1_0000)
        guard (0xC2...0xF4).contains(first), bytes.count - index >= length else { return nil }
        var scalar = UInt32(first) & 0xFF >> UInt32(length + 1)
        for byte in bytes[index + 1..<index + length] {
            guard byte & 0xC0 == 0x80 else { return nil }
            scalar = scalar << 6 | UInt32(byte & 0x3F)
        }
        guard scalar >= least, Unicode.Scalar(scalar) != nil else { return nil }
        return (scalar, length)
    }

    mutating func push(_ byte: UInt8) -> Step {
        guard needed > 0 else { return start(byte) }
        guard byte >= lower, byte <= upper else {
            reset()
            return .invalidBefore
        }
        lower = 0x80
        upper = 0xBF
        scalar = scalar << 6 | UInt32(byte & 0x3F)
        needed -= 1
        if needed > 0 {
            pending.append(byte)
            return .incomplete
        }
        let complete = scalar
        reset()
        return .scalar(complete)
    }

    private mutating func start(_ byte: UInt8) -> Step {
        switch byte {
        case 0x00...0x7F: return .scalar(UInt32(byte))
        case 0xC2...0xDF: begin(byte, needed: 1, mask: 0x1F)
        case 0xE0...0xEF:
            begin(byte, needed: 2, mask: 0x0F)
            if byte == 0xE0 { lower = 0xA0 }
            if byte == 0xED { upper = 0x9F }
        case 0xF0...0xF4:
            begin(byte, needed: 3, mask: 0x07)
            if byte == 0xF0 { lower = 0x90 }
            if byte == 0xF4 { upper = 0x8F }
        default: return .invalid
        }
        return .incomplete
    }

    private mutating func begin(_ byte: UInt8, needed count: UInt8, mask: UInt8) {
        needed = count
        scalar = UInt32(byte & mask)
        pending.append(byte)
    }

    private mutating func reset() {
        needed = 0
        scalar = 0
        lower = 0x80
        upper = 0xBF
        pending.removeAll(keepingCapacity: true)
    }
}

/// The UTF-8 bytes of a scalar; what is no scalar becomes U+FFFD.
func appendUTF8(_ scalar: UInt32, to bytes: inout [UInt8]) {
    if scalar < 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: scalar))
    } else {
        bytes.append(contentsOf: String(Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8)
    }
}
