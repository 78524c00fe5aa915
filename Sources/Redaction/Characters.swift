enum Characters {
    static func isWord(_ byte: UInt8) -> Bool { table[Int(byte)] & 1 != 0 }

    /// What tokens are made of: letters, digits, `_` and `-`.
    static func isToken(_ byte: UInt8) -> Bool { table[Int(byte)] & 2 != 0 }

    /// What bearer tokens are made of (RFC 6750 §2.1): those, and `. ~ + / =`.
    static func isBearer(_ byte: UInt8) -> Bool { table[Int(byte)] & 4 != 0 }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Whether it ends a value that has no quotes.
    static func endsValue(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == 0x7F || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'")
            || byte == UInt8(ascii: "`")
    }

    static func lowercased(_ byte: UInt8) -> UInt8 { byte >= 65 && byte <= 90 ? byte + 32 : byte }

    private static let table: [UInt8] = (0...255).map { value -> UInt8 in
        let byte = UInt8(value)
        let isLetter = byte >= 48 && byte <= 57 || byte >= 65 && byte <= 90 || byte >= 97 && byte <= 122
        let isWord = isLetter || byte == 95
        let isToken = isWord || byte == 45
        let isBearer = isToken || [46, 126, 43, 47, 61].contains(byte)
        return (isWord ? 1 : 0) | (isToken ? 2 : 0) | (isBearer ? 4 : 0)
    }
}
