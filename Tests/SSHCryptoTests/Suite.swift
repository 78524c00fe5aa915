import Testing

@testable import SSHCrypto

/// A cipher with its MAC, and a fixed set of keys for it.
struct Suite: Sendable, CustomTestStringConvertible {
    let cipher: CipherName
    let mac: MACName?

    /// Every combination that can be negotiated.
    static let all: [Suite] = CipherName.allCases.flatMap { cipher in
        cipher.isAEAD ? [Suite(cipher: cipher, mac: nil)] : MACName.allCases.map { Suite(cipher: cipher, mac: $0) }
    }

    var testDescription: String { cipher.rawValue + (mac.map { " " + $0.rawValue } ?? "") }
    var key: [UInt8] { (0..<cipher.keyLength).map { UInt8($0) } }
    var iv: [UInt8] { (0..<cipher.ivLength).map { UInt8(0xf0 - $0) } }
    var macKey: [UInt8] { (0..<(mac?.keyLength ?? 0)).map { UInt8(100 + $0) } }
    var tagLength: Int { mac?.tagLength ?? cipher.tagLength }

    /// Whether the length travels inside the same encryption as the rest.
    var hidesLength: Bool { mac?.isEncryptThenMAC == false }

    func sealer() throws -> PacketSealer {
        try PacketSealer(cipher: cipher, mac: mac, key: key, iv: iv, macKey: macKey)
    }

    func opener() throws -> PacketOpener {
        try PacketOpener(cipher: cipher, mac: mac, key: key, iv: iv, macKey: macKey)
    }
}
