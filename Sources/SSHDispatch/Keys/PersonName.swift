/// The name of a person, an account or an application that may stand in a command line and in authorized_keys: letters
/// and digits of ASCII, and `. _ - + @`. It has no blank, quote, backslash, line feed or zero byte, and is no option.
public struct PersonName: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// nil for any other text.
    public init?(_ text: some StringProtocol) {
        guard (1...64).contains(text.utf8.count), let first = text.utf8.first, Self.mayBegin(first),
            text.utf8.allSatisfy({ Self.mayBegin($0) || Array("._-+@".utf8).contains($0) })
        else { return nil }
        description = String(text)
    }

    private static func mayBegin(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
