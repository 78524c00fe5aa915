import Foundation

/// What a script reads.
public enum JSONOutput {
    public static func print(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        PersonTerminal.write([UInt8](try encoder.encode(value)) + [UInt8(ascii: "\n")])
    }
}
