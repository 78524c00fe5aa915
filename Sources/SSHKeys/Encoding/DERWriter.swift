/// Writes the part of DER (X.690) that public keys are made of.
enum DERWriter {
    static func element(_ tag: DERReader.Tag, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        var length: [UInt8] = []
        if count < 0x80 {
            length = [UInt8(count)]
        } else {
            var rest = count
            while rest > 0 {
                length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
                rest >>= 8
            }
            length.insert(0x80 | UInt8(length.count), at: 0)
        }
        return [tag.rawValue] + length + content
    }

    static func sequence(_ elements: [UInt8]...) -> [UInt8] { element(.sequence, Array(elements.joined())) }

    /// An INTEGER of a big-endian number that is not negative.
    static func integer(_ magnitude: [UInt8]) -> [UInt8] {
        let significant = Array(magnitude.drop { $0 == 0 })
        let needsZero = significant.first.map { $0 >= 0x80 } ?? true
        return element(.integer, (needsZero ? [0] : []) + significant)
    }

    /// A BIT STRING of whole bytes.
    static func bitString(_ content: [UInt8]) -> [UInt8] { element(.bitString, [0] + content) }
}
