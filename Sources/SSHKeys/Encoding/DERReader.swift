/// Reads the part of DER (X.690) that private keys are made of: one element after the other, definite lengths, tags of
/// one byte.
struct DERReader {
    enum Tag: UInt8 {
        case integer = 0x02
        case bitString = 0x03
        case octetString = 0x04
        case null = 0x05
        case objectIdentifier = 0x06
        case sequence = 0x30
        /// [0], [1] of SEC 1 and PKCS#8, constructed.
        case context0 = 0xa0
        case context1 = 0xa1
    }

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    /// The content of the next element, which must be a `tag`.
    mutating func read(_ tag: Tag) throws(SSHKeyError) -> [UInt8] {
        guard position < bytes.count, bytes[position] == tag.rawValue else {
            throw .malformed("an element of its ASN.1 structure is missing")
        }
        position += 1
        let length = try readLength()
        guard length <= bytes.count - position else { throw .malformed("its ASN.1 structure is cut off") }
        defer { position += length }
        return Array(bytes[position..<position + length])
    }

    /// The content of the next element if it is a `tag`.
    mutating func readIfPresent(_ tag: Tag) throws(SSHKeyError) -> [UInt8]? {
        guard position < bytes.count, bytes[position] == tag.rawValue else { return nil }
        return try read(tag)
    }

    /// A reader of the next element's content.
    mutating func enter(_ tag: Tag) throws(SSHKeyError) -> DERReader { DERReader(try read(tag)) }

    /// An INTEGER that is not negative, big-endian without leading zeros; empty for zero.
    mutating func unsignedInteger() throws(SSHKeyError) -> [UInt8] {
        let content = try read(.integer)
        guard let first = content.first, first < 0x80 else { throw .malformed("an ASN.1 number is empty or negative") }
        return Array(content.drop { $0 == 0 })
    }

    /// An INTEGER that fits into 31 bits.
    mutating func smallInteger() throws(SSHKeyError) -> Int {
        let content = try unsignedInteger()
        guard content.count <= 4, (content.first ?? 0) < 0x80 || content.count < 4 else {
            throw .malformed("an ASN.1 number is too large")
        }
        return content.reduce(0) { $0 << 8 | Int($1) }
    }

    func expectEnd() throws(SSHKeyError) {
        guard isAtEnd else { throw .malformed("bytes follow the end of its ASN.1 structure") }
    }

    private mutating func readLength() throws(SSHKeyError) -> Int {
        let first = try readByte()
        guard first >= 0x80 else { return Int(first) }
        let count = Int(first & 0x7f)
        // DER: definite, and in key files never above 3 bytes.
        guard (1...3).contains(count) else { throw .malformed("its ASN.1 structure has an impossible length") }
        var length = 0
        for _ in 0..<count { length = length << 8 | Int(try readByte()) }
        return length
    }

    private mutating func readByte() throws(SSHKeyError) -> UInt8 {
        guard position < bytes.count else { throw .malformed("its ASN.1 structure is cut off") }
        defer { position += 1 }
        return bytes[position]
    }
}

/// Object identifiers of RFC 8410, 5480, 7914, 8017, 8018 and NIST's AES arc, as their DER content.
enum ObjectIdentifier {
    static let ed25519: [UInt8] = [0x2b, 0x65, 0x70]
    static let ecPublicKey: [UInt8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]
    static let rsaEncryption: [UInt8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01]
    static let prime256v1: [UInt8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]
    static let secp384r1: [UInt8] = [0x2b, 0x81, 0x04, 0x00, 0x22]
    static let secp521r1: [UInt8] = [0x2b, 0x81, 0x04, 0x00, 0x23]
    static let pbes2: [UInt8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d]
    static let pbkdf2: [UInt8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c]
    static let hmacSHA1: [UInt8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x07]
    static let hmacSHA256: [UInt8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09]
    static let hmacSHA384: [UInt8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0a]
    static let scrypt: [UInt8] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b]
    static let hmacSHA512: [UInt8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0b]
    static let aes128CBC: [UInt8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02]
    static let aes192CBC: [UInt8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x16]
    static let aes256CBC: [UInt8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a]

    static func identifier(of curve: ECDSACurve) -> [UInt8] {
        switch curve {
        case .p256: prime256v1
        case .p384: secp384r1
        case .p521: secp521r1
        }
    }

    static func curve(_ identifier: [UInt8]) throws(SSHKeyError) -> ECDSACurve {
        switch identifier {
        case prime256v1: .p256
        case secp384r1: .p384
        case secp521r1: .p521
        default: throw .unsupported("The elliptic curve of this key")
        }
    }
}
