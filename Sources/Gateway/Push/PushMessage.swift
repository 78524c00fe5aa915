import Crypto
import Foundation

/// Where a browser takes push messages, and how they are encrypted for it (the Push API's `PushSubscription`).
public struct PushSubscription: Sendable, Hashable, Codable {
    /// The push service's address for this browser. Whoever knows it and the keys can send: it is kept as a secret.
    public let endpoint: String
    /// The browser's public key, an uncompressed point on P-256, 65 bytes.
    public let publicKey: [UInt8]
    /// Shared with the browser alone, 16 bytes.
    public let authenticationSecret: [UInt8]

    public init(endpoint: String, publicKey: [UInt8], authenticationSecret: [UInt8]) throws(GatewayError) {
        guard (try? P256.KeyAgreement.PublicKey(x963Representation: publicKey)) != nil else {
            throw .invalid("keys.p256dh", "This is not a public key of P-256.", hint: "Send what the browser gave.")
        }
        guard authenticationSecret.count == 16 else {
            throw .invalid("keys.auth", "The authentication secret has 16 bytes.", hint: "Send what the browser gave.")
        }
        self.endpoint = endpoint
        self.publicKey = publicKey
        self.authenticationSecret = authenticationSecret
    }

    /// As a browser's `PushSubscription.toJSON()` spells it: base64url.
    public init(endpoint: String, p256dh: String, auth: String) throws(GatewayError) {
        try self.init(
            endpoint: endpoint, publicKey: Base64URL.bytes(p256dh) ?? [],
            authenticationSecret: Base64URL.bytes(auth) ?? [])
    }
}

/// Encryption of a push message for one browser: RFC 8291 on the aes128gcm coding of RFC 8188. The push service
/// carries what it can't read.
enum PushMessage {
    /// One record holds any message that a push service must accept (RFC 8030 §7.2: 4096 bytes).
    private static let recordSize: UInt32 = 4096
    /// What fits: the record without its header of 86 bytes, the delimiter and the tag.
    static let longest = 3993

    /// The body of the request to the push service.
    ///
    /// - Parameters:
    ///   - salt: 16 random bytes; given by tests alone.
    ///   - sender: a key for this one message; given by tests alone.
    static func seal(
        _ text: [UInt8], for subscription: PushSubscription,
        salt: [UInt8] = (0..<16).map { _ in UInt8.random(in: .min ... .max) },
        sender: P256.KeyAgreement.PrivateKey = .init()
    ) throws -> [UInt8] {
        let receiver = try P256.KeyAgreement.PublicKey(x963Representation: subscription.publicKey)
        let secret = try sender.sharedSecretFromKeyAgreement(with: receiver)
        let senderPoint = Array(sender.publicKey.x963Representation)
        // RFC 8291 §3.4: the secret of the two keys, mixed with what only browser and application know.
        let keyInfo = Array("WebPush: info\0".utf8) + subscription.publicKey + senderPoint
        let inputKey = secret.hkdfDerivedSymmetricKey(
            using: SHA256.self, salt: subscription.authenticationSecret, sharedInfo: keyInfo, outputByteCount: 32)
        // RFC 8188 §2.2 and §2.3: the content key and the nonce of the only record.
        let pseudoRandom = HKDF<SHA256>.extract(inputKeyMaterial: inputKey, salt: salt)
        let key = HKDF<SHA256>.expand(
            pseudoRandomKey: pseudoRandom, info: Array("Content-Encoding: aes128gcm\0".utf8), outputByteCount: 16)
        let nonce = HKDF<SHA256>.expand(
            pseudoRandomKey: pseudoRandom, info: Array("Content-Encoding: nonce\0".utf8), outputByteCount: 12)
        // The last record ends with 2 (RFC 8188 §2).
        let sealed = try AES.GCM.seal(
            text + [2], using: key, nonce: nonce.withUnsafeBytes { try AES.GCM.Nonce(data: $0) })
        let size = withUnsafeBytes(of: recordSize.bigEndian, Array.init)
        return salt + size + [UInt8(senderPoint.count)] + senderPoint + sealed.ciphertext + sealed.tag
    }
}

/// How this copilot shows a push service who it is: RFC 8292.
struct PushIdentity: Sendable {
    private let key: P256.Signing.PrivateKey
    /// For the operator of a push service: where this copilot is (RFC 8292 §2.1).
    let contact: String

    init(key: P256.Signing.PrivateKey, contact: String) {
        self.key = key
        self.contact = contact
    }

    /// What a page hands to its browser as `applicationServerKey`: the point in base64url.
    var publicKey: String { Base64URL.text(Array(key.publicKey.x963Representation)) }

    /// The value of the Authorization field for a push service.
    /// - Parameter audience: the origin of the endpoint, such as `https://push.example.net`.
    func authorization(audience: String, now: Date = Date()) throws -> String {
        struct Claims: Encodable {
            let aud: String
            let exp: Int
            let sub: String
        }
        // At most 24 hours (RFC 8292 §2); half of it leaves room for clocks that differ.
        let claims = Claims(aud: audience, exp: Int(now.timeIntervalSince1970) + 12 * 3600, sub: contact)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        let head = Base64URL.text(Array(#"{"alg":"ES256","typ":"JWT"}"#.utf8))
        let body = Base64URL.text(Array(try encoder.encode(claims)))
        let signature = try key.signature(for: Data("\(head).\(body)".utf8))
        return "vapid t=\(head).\(body).\(Base64URL.text(Array(signature.rawRepresentation))), k=\(publicKey)"
    }
}

/// RFC 4648 §5 without padding.
enum Base64URL {
    static func text(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }

    /// Nil when the text is not base64url, with padding or without.
    static func bytes(_ text: String) -> [UInt8]? {
        guard text.utf8.count <= 4096 else { return nil }
        let plain = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
            .replacingOccurrences(of: "=", with: "")
        let padding = String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
        return Data(base64Encoded: plain + padding).map { Array($0) }
    }
}
