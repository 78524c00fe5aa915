import Crypto
import Foundation
import Testing

@testable import Gateway

/// The example of RFC 8291, section 5 and appendix A.
private enum Example {
    static let text = "When I grow up, I want to be a watermelon"
    static let sender = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
    static let receiver = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    static let receiverPrivate = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
    static let secret = "BTBZMqHH6r4Tts7J_aSIgg"
    static let salt = "DGv6ra1nlYgDCS1FRnbzlw"
    static let body =
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
        + "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
}

struct PushMessageTests {
    private func subscription(_ publicKey: [UInt8], secret: [UInt8]) throws -> PushSubscription {
        try PushSubscription(endpoint: "https://push.example.net/x", publicKey: publicKey, authenticationSecret: secret)
    }

    @Test("the example of RFC 8291 comes out byte for byte")
    func example() throws {
        let salt = try #require(Base64URL.bytes(Example.salt))
        let key = try #require(Base64URL.bytes(Example.sender))
        let target = try PushSubscription(
            endpoint: "https://push.example.net/x", p256dh: Example.receiver, auth: Example.secret)
        let body = try PushMessage.seal(
            Array(Example.text.utf8), for: target, salt: salt,
            sender: P256.KeyAgreement.PrivateKey(rawRepresentation: key))
        #expect(Base64URL.text(body) == Example.body)
    }

    @Test("two messages share neither salt nor key, and the longest fits into what a service must take")
    func fresh() throws {
        let target = try PushSubscription(
            endpoint: "https://push.example.net/x", p256dh: Example.receiver, auth: Example.secret)
        let first = try PushMessage.seal([1], for: target)
        let second = try PushMessage.seal([1], for: target)
        #expect(first.prefix(16) != second.prefix(16))
        #expect(first[21..<86] != second[21..<86])
        let longest = try PushMessage.seal(Array(repeating: 7, count: PushMessage.longest), for: target)
        #expect(longest.count == 4096)
    }

    @Test("a key that is no point and a secret of another length are refused", arguments: [0, 15, 17])
    func wrongKeys(length: Int) throws {
        let good = try #require(Base64URL.bytes(Example.receiver))
        #expect(throws: GatewayError.self) { try subscription(good, secret: Array(repeating: 1, count: length)) }
        #expect(throws: GatewayError.self) {
            try subscription([4] + Array(repeating: 9, count: 64), secret: Array(repeating: 1, count: 16))
        }
        #expect(throws: GatewayError.self) { try subscription([], secret: Array(repeating: 1, count: 16)) }
    }

    @Test("the identity is a token of ES256 for the service's origin, good for less than a day")
    func identity() throws {
        let key = P256.Signing.PrivateKey()
        let identity = PushIdentity(key: key, contact: "https://copilot.example.org")
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        let value = try identity.authorization(audience: "https://push.example.net", now: now)
        let parts = value.replacing("vapid t=", with: "").split(separator: ", k=").map(String.init)
        #expect(parts.count == 2 && parts[1] == identity.publicKey)
        let token = parts[0].split(separator: ".").map(String.init)
        #expect(token.count == 3)
        let claims = try #require(Base64URL.bytes(token[1]))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(claims)) as? [String: Any])
        #expect(object["aud"] as? String == "https://push.example.net")
        #expect(object["sub"] as? String == "https://copilot.example.org")
        #expect(object["exp"] as? Int == 1_800_000_000 + 12 * 3600)
        let signature = try P256.Signing.ECDSASignature(
            rawRepresentation: Data(try #require(Base64URL.bytes(token[2]))))
        #expect(key.publicKey.isValidSignature(signature, for: Data("\(token[0]).\(token[1])".utf8)))
    }
}
