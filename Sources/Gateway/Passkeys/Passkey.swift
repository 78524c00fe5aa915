import Crypto
import Foundation
import Storage

/// A passkey as its owner sees it.
public struct PasskeyView: Sendable, Encodable {
    public let id: String
    public let name: String
    /// The name of this copilot under which it was made: it works under no other (Web Authentication §5.4.2, `rp.id`).
    public let place: String
    public let createdAt: String
    @Nullable public var lastUsedAt: String?
}

/// A passkey in the store: a public key that an authenticator keeps the private half of.
struct Passkey: Sendable {
    /// The credential's identifier, base64url.
    let id: String
    let userID: String
    let name: String
    let place: String
    let key: PasskeyKey
    /// Grows with each use where the authenticator counts; 0 where it does not.
    let count: Int64
    let created: Timestamp
    let lastUsed: Timestamp?

    init(_ row: SQLRow) throws {
        id = try row.text("id")
        userID = try row.text("person")
        name = try row.text("name")
        place = try row.text("place")
        key = try PasskeyKey(subjectPublicKeyInfo: try row.bytes("public_key"))
        count = try row.integer("use_count")
        created = try row.time("created")
        lastUsed = try row.optionalTime("last_used")
    }

    var view: PasskeyView {
        PasskeyView(
            id: id, name: name, place: place, createdAt: created.iso8601, lastUsedAt: lastUsed?.iso8601)
    }
}

/// The two kinds of keys that are taken: ECDSA on P-256 with SHA-256 and Ed25519 (COSE −7 and −8, RFC 9053 §2).
enum PasskeyKey: Sendable {
    case p256(P256.Signing.PublicKey)
    case ed25519(Curve25519.Signing.PublicKey)

    /// RFC 8410 §4: a public key of Ed25519 is these bytes and 32 more.
    private static let ed25519Prefix: [UInt8] = [
        0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
    ]

    /// - Parameter bytes: DER, as browsers give it (`getPublicKey()`).
    init(subjectPublicKeyInfo bytes: [UInt8]) throws(GatewayError) {
        if bytes.count == 44, bytes.starts(with: Self.ed25519Prefix),
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes.suffix(32))
        {
            self = .ed25519(key)
        } else if bytes.count < 200, let key = try? P256.Signing.PublicKey(derRepresentation: bytes) {
            self = .p256(key)
        } else {
            throw .invalid(
                "publicKey", "This authenticator's key is of a kind that can't be checked here.",
                hint: "Use one with ECDSA on P-256 or Ed25519: nearly all have the first.")
        }
    }

    func isValid(_ signature: [UInt8], for data: [UInt8]) -> Bool {
        switch self {
        case .p256(let key):
            guard let parsed = try? P256.Signing.ECDSASignature(derRepresentation: signature) else { return false }
            return key.isValidSignature(parsed, for: data)
        case .ed25519(let key): return key.isValidSignature(signature, for: data)
        }
    }
}

/// What the browser says about one use of an authenticator (Web Authentication §5.8.1).
struct PasskeyClientData: Decodable {
    let type: String
    let challenge: String
    let origin: String
    let crossOrigin: Bool?

    init(_ bytes: [UInt8]) throws(GatewayError) {
        guard bytes.count <= 4096, let parsed = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else {
            throw .passkeyWrong("The browser's part of the answer can't be read.")
        }
        self = parsed
    }
}

/// What the authenticator says and signs (Web Authentication §6.1): for which server, whether a person was there, how often
/// it was used.
struct AuthenticatorData {
    /// SHA-256 of the server's name.
    let placeHash: ArraySlice<UInt8>
    let isPersonPresent: Bool
    let count: UInt32
    /// Of a new key: its identifier.
    let credential: ArraySlice<UInt8>?

    init(_ bytes: [UInt8]) throws(GatewayError) {
        guard (37...8192).contains(bytes.count) else {
            throw .passkeyWrong("The authenticator's part of the answer has a wrong length.")
        }
        placeHash = bytes[..<32]
        let flags = bytes[32]
        isPersonPresent = flags & 0x01 != 0
        count = bytes[33..<37].reduce(0) { $0 << 8 | UInt32($1) }
        guard flags & 0x40 != 0 else {
            credential = nil
            return
        }
        // 16 bytes name the model, two the length of the identifier.
        guard bytes.count >= 55 else { throw .passkeyWrong("The authenticator's new key is cut off.") }
        let length = Int(bytes[53]) << 8 | Int(bytes[54])
        guard (1...1023).contains(length), bytes.count >= 55 + length else {
            throw .passkeyWrong("The authenticator's new key is cut off.")
        }
        credential = bytes[55..<(55 + length)]
    }
}

extension GatewayError {
    static func passkeyWrong(_ sentence: String) -> GatewayError {
        GatewayError("passkey_wrong", status: 403, sentence, hint: "Try it again, with the passkey of this copilot.")
    }
}
