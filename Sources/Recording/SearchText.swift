/// A text to look for: as it stands, small and capital letters alike. No pattern language, so no text takes longer than
/// its length (Knuth, Morris and Pratt's way).
public struct SearchText: Sendable, Hashable {
    /// Characters of a text to look for.
    public static let limit = 200

    private let needle: [UInt8]
    /// For each prefix of the needle the length of its longest border: where to go on after a mismatch.
    private let borders: [Int]
    private let isASCII: Bool

    /// `nil` for what cannot be looked for: nothing, blanks alone, or more than `limit` characters.
    public init?(_ text: String) {
        let trimmed = String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        guard !trimmed.isEmpty, trimmed.unicodeScalars.count <= Self.limit else { return nil }
        needle = Array(trimmed.lowercased().utf8)
        isASCII = needle.allSatisfy { $0 < 0x80 }
        var borders = [0]
        var length = 0
        for byte in needle.dropFirst() {
            while length > 0, needle[length] != byte { length = borders[length - 1] }
            if needle[length] == byte { length += 1 }
            borders.append(length)
        }
        self.borders = borders
    }

    /// Where the text ends for the first time in `line`, in bytes of UTF-8; `nil` when it is not there.
    func end(in line: String) -> Int? {
        if isASCII {
            var line = line
            return line.withUTF8 { end(in: $0) }
        }
        return Array(line.lowercased().utf8).withUnsafeBufferPointer { end(in: $0) }
    }

    private func end(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        var length = 0
        for (index, byte) in bytes.enumerated() {
            let folded = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            while length > 0, needle[length] != folded { length = borders[length - 1] }
            if needle[length] == folded { length += 1 }
            if length == needle.count { return index + 1 }
        }
        return nil
    }

    public func isIn(_ line: String) -> Bool { end(in: line) != nil }
}
