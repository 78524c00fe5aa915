import Crypto
import Foundation

/// A token that is given out once and of which only the hash is kept: 32 random bytes, in base64url.
struct SecretToken: Sendable {
    let text: String

    /// A fresh one.
    init() {
        self.init(bytes: SymmetricKey(size: .bits256).withUnsafeBytes(Array.init))
    }

    /// The one that follows `token` in this sign-in: the same answer each time, and no secret has to be kept for it.
    /// Who knows the database alone, or the old token alone, cannot compute it.
    init(following token: String, key: [UInt8]) {
        let code = HMAC<SHA256>.authenticationCode(
            for: Data(("copilot/v1/refresh|" + token).utf8), using: SymmetricKey(data: key))
        self.init(bytes: Array(code))
    }

    private init(bytes: [UInt8]) {
        text = Data(bytes).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    var hash: [UInt8] { Self.hash(text) }

    /// What is kept. A plain hash is enough: the token has 256 random bits.
    static func hash(_ text: String) -> [UInt8] {
        Array(SHA256.hash(data: Data(text.utf8)))
    }

    static func randomBytes(_ count: Int) -> [UInt8] {
        SymmetricKey(size: SymmetricKeySize(bitCount: count * 8)).withUnsafeBytes(Array.init)
    }
}
