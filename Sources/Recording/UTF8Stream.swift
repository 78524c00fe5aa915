/// Decodes UTF-8 that arrives in pieces cut anywhere: an unfinished character waits for its rest, and what is not UTF-8
/// becomes U+FFFD, one for each maximal wrong part as Unicode recommends (§3.9, U+FFFD substitution).
struct UTF8Stream: Sendable {
    private var held: [UInt8] = []

    /// Whether nothing waits for its rest.
    var isEmpty: Bool { held.isEmpty }

    /// Whether the bytes are whole characters and nothing else.
    static func isWhole(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let text = bytes.assumingMemoryBound(to: UInt8.self)
        // Eight bytes of ASCII at a time: terminals show little else.
        var index = 0
        while index + 8 <= bytes.count {
            guard bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 else {
                break
            }
            index += 8
        }
        return text[index...].allSatisfy { $0 < 0x80 } || String(validating: text[index...], as: UTF8.self) != nil
    }

    /// The characters that are finished now.
    mutating func decode(_ bytes: [UInt8]) -> String {
        guard !held.isEmpty || bytes.last.map({ $0 >= 0x80 }) ?? false else {
            return String(decoding: bytes, as: UTF8.self)
        }
        var whole = held + bytes
        let rest = Self.unfinished(whole)
        held = Array(whole.suffix(rest))
        whole.removeLast(rest)
        return String(decoding: whole, as: UTF8.self)
    }

    /// What is left at the end of the stream.
    mutating func finish() -> String {
        defer { held = [] }
        return held.isEmpty ? "" : String(decoding: held, as: UTF8.self)
    }

    /// How many bytes at the end may still become a character.
    private static func unfinished(_ bytes: [UInt8]) -> Int {
        for (count, byte) in bytes.suffix(3).reversed().enumerated() {
            let length = count + 1
            switch byte {
            case 0x80...0xBF: continue
            case 0xC2...0xDF: return length < 2 ? length : 0
            case 0xE0...0xEF: return length < 3 ? length : 0
            case 0xF0...0xF4: return length < 4 ? length : 0
            default: return 0
            }
        }
        return 0
    }
}

/// JSON strings and numbers, written straight into bytes: an export writes hundreds of megabytes of them.
enum JSONText {
    static func append(_ text: String, to bytes: inout [UInt8]) {
        var text = text
        text.withUTF8 { append(wellFormed: UnsafeRawBufferPointer($0), to: &bytes) }
    }

    /// - Parameter text: UTF-8 without any fault.
    static func append(wellFormed text: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        var plain = 0
        for index in text.indices {
            let byte = text[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F else {
                continue
            }
            // What needs no escape goes over in one piece.
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[plain..<index]))
            plain = index + 1
            escape(byte, &bytes)
        }
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[plain...]))
        bytes.append(UInt8(ascii: "\""))
    }

    private static func escape(_ byte: UInt8, _ bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        default:
            bytes.append(contentsOf: "u00".utf8)
            for digit in [byte >> 4, byte & 15] { bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
        }
    }

    /// Microseconds as seconds with six decimals: exact, without the rounding of a floating-point number.
    static func append(seconds microseconds: Int64, to bytes: inout [UInt8]) {
        let time = max(0, microseconds)
        let fraction = String(time % 1_000_000)
        bytes.append(contentsOf: Array("\(time / 1_000_000).".utf8))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 6 - fraction.utf8.count))
        bytes.append(contentsOf: Array(fraction.utf8))
    }
}
