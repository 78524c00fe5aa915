import Crypto
import Foundation

/// A sealed value on paper:
/// ```
/// magic "CPVT" | version 1 | algorithm 1 (AES-256-GCM) | tenant key version, 4 bytes
/// wrapped data key: nonce 12 | ciphertext 32 | tag 16
/// value:            nonce 12 | ciphertext n  | tag 16        (absent in a wrapped key that stands alone)
/// ```
/// The associated data of both parts are the record's identity, a zero byte, what the part is, and the header: neither
/// the place, the part nor the header can be exchanged. A data key seals one value, so random nonces cannot collide.
struct Envelope {
    static let magic = Array("CPVT".utf8)
    static let headerLength = 10
    static let wrappedKeyLength = 12 + 32 + 16

    enum Part: String {
        case dataKey = "data-key"
        case value
    }

    let header: [UInt8]
    let wrappedKey: [UInt8]
    let value: [UInt8]

    static func header(tenantKeyVersion: UInt32) -> [UInt8] {
        magic + [1, 1] + withUnsafeBytes(of: tenantKeyVersion.bigEndian, Array.init)
    }

    init(_ bytes: [UInt8]) throws(VaultError) {
        guard bytes.count >= Self.headerLength + Self.wrappedKeyLength, Array(bytes.prefix(4)) == Self.magic else {
            throw .sealBroken("A sealed value")
        }
        guard bytes[4] == 1, bytes[5] == 1 else {
            throw VaultError(
                .unsupported, "A sealed value has a form that this program does not know (version \(bytes[4])).",
                hint: "It was written by a newer version: start that one.")
        }
        header = Array(bytes.prefix(Self.headerLength))
        wrappedKey = Array(bytes.dropFirst(Self.headerLength).prefix(Self.wrappedKeyLength))
        value = Array(bytes.dropFirst(Self.headerLength + Self.wrappedKeyLength))
    }

    var tenantKeyVersion: UInt32 {
        header.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    static func associatedData(_ identity: RecordIdentity, _ part: Part, header: [UInt8]) -> [UInt8] {
        identity.associatedData + [0] + Array(part.rawValue.utf8) + [0] + header
    }

    /// A fresh data key and its wrapped form, header included.
    static func makeDataKey(
        tenantKey: SymmetricKey, version: UInt32, identity: RecordIdentity
    ) throws -> (key: SymmetricKey, wrapped: [UInt8]) {
        let header = header(tenantKeyVersion: version)
        let key = SymmetricKey(size: .bits256)
        let wrapped = try key.withUnsafeBytes { raw in
            try seal(raw, with: tenantKey, authenticating: associatedData(identity, .dataKey, header: header))
        }
        return (key, header + wrapped)
    }

    func dataKey(tenantKey: SymmetricKey, identity: RecordIdentity) throws -> SymmetricKey {
        var raw = try Self.open(
            wrappedKey, with: tenantKey, authenticating: Self.associatedData(identity, .dataKey, header: header))
        defer { raw.resetBytes(in: raw.startIndex..<raw.endIndex) }
        return SymmetricKey(data: raw)
    }

    static func seal(
        _ bytes: UnsafeRawBufferPointer, with key: SymmetricKey, authenticating data: [UInt8]
    ) throws -> [UInt8] {
        let box = try AES.GCM.seal(bytes, using: key, authenticating: data)
        return Array(box.nonce) + Array(box.ciphertext) + Array(box.tag)
    }

    static func open(_ bytes: [UInt8], with key: SymmetricKey, authenticating data: [UInt8]) throws -> Data {
        try AES.GCM.open(AES.GCM.SealedBox(combined: bytes), using: key, authenticating: data)
    }
}
