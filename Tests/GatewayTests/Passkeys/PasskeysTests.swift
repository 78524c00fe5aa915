import Crypto
import Foundation
import Testing

@testable import Gateway

/// An authenticator of our own: one key, a counter, and whatever mistakes a test wants.
private struct Authenticator {
    let key = P256.Signing.PrivateKey()
    let id = SecretToken.randomBytes(16)
    var count: UInt32 = 0

    static let origin = "http://localhost:3000"

    func data(place: String = "localhost", flags: UInt8 = 0x05, isNew: Bool = false) -> [UInt8] {
        var data = Array(SHA256.hash(data: Data(place.utf8))) + [isNew ? flags | 0x40 : flags]
        data += withUnsafeBytes(of: count.bigEndian, Array.init)
        if isNew { data += [UInt8](repeating: 0, count: 16) + [0, UInt8(id.count)] + id }
        return data
    }

    func client(_ type: String, _ challenge: String, origin: String = origin) -> [UInt8] {
        Array(#"{"type":"\#(type)","challenge":"\#(challenge)","origin":"\#(origin)","crossOrigin":false}"#.utf8)
    }

    func new(_ challenge: String, flags: UInt8 = 0x05) throws -> NewPasskey {
        try decode([
            "name": "laptop", "clientDataJSON": Base64URL.text(client("webauthn.create", challenge)),
            "authenticatorData": Base64URL.text(data(flags: flags, isNew: true)),
            "publicKey": Base64URL.text(Array(key.publicKey.derRepresentation)),
        ])
    }

    mutating func answer(
        _ challenge: String, place: String = "localhost", origin: String = origin, flags: UInt8 = 0x05,
        type: String = "webauthn.get", counts: Bool = true
    ) throws -> PasskeyProof {
        if counts { count += 1 }
        let (client, data) = (client(type, challenge, origin: origin), data(place: place, flags: flags))
        let signature = try key.signature(for: data + Array(SHA256.hash(data: client))).derRepresentation
        let assertion: PasskeyAssertion = try decode([
            "credentialId": Base64URL.text(id), "clientDataJSON": Base64URL.text(client),
            "authenticatorData": Base64URL.text(data), "signature": Base64URL.text(Array(signature)),
        ])
        return PasskeyProof(assertion, origin: Self.origin)
    }
}

private func decode<Value: Decodable>(_ fields: [String: String]) throws -> Value {
    try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(fields))
}

struct PasskeysTests {
    private let none = PasskeyProof(nil, origin: Authenticator.origin)

    private func start() async throws -> (Passkeys, Caller, Authenticator) {
        let domain = try await DomainFixture()
        let ada = try await domain.firstAdmin()
        let passkeys = Passkeys(store: domain.store, audit: domain.audit, tenant: "t1")
        let key = Authenticator()
        let wanted = try await passkeys.creation(ada, origin: Authenticator.origin)
        _ = try await passkeys.add(try key.new(wanted.challenge), none, caller: ada)
        return (passkeys, ada, key)
    }

    private func challenge(_ passkeys: Passkeys, _ action: String, _ caller: Caller) async throws -> String {
        let error = await #expect(throws: GatewayError.self) {
            try await passkeys.require(action, PasskeyProof(nil, origin: Authenticator.origin), caller)
        }
        #expect(error?.code == "passkey_needed")
        guard case .string(let text)? = error?.details["challenge"] else { throw GatewayError.notFound("challenge") }
        return text
    }

    private func refused(_ passkeys: Passkeys, _ action: String, _ proof: PasskeyProof, _ caller: Caller) async {
        let error = await #expect(throws: GatewayError.self) { try await passkeys.require(action, proof, caller) }
        #expect(error?.code == "passkey_wrong", "\(String(describing: error))")
    }

    @Test("an answer decides what was asked, once, and whoever has no passkey needs none")
    func decides() async throws {
        var (passkeys, ada, key) = try await start()
        var grace = ada
        grace.userID = "usr_other"
        #expect(try await passkeys.require("x", none, grace) == nil)
        let proof = try key.answer(try await challenge(passkeys, "run ls", ada))
        #expect(try await passkeys.require("run ls", proof, ada) == Base64URL.text(key.id))
        await refused(passkeys, "run ls", proof, ada)
        #expect(try await passkeys.list(ada).first?.lastUsedAt != nil)
    }

    @Test("an answer for one thing is none for another, and none for another person")
    func bound() async throws {
        var (passkeys, ada, key) = try await start()
        await refused(passkeys, "run rm", try key.answer(try await challenge(passkeys, "run ls", ada)), ada)
        let text = try await challenge(passkeys, "run ls", ada)
        #expect(Base64URL.bytes(text)?.suffix(32) == ArraySlice(SHA256.hash(data: Data("run ls".utf8))))
        await refused(passkeys, "run ls", try key.answer(Base64URL.text(SecretToken.randomBytes(48))), ada)
    }

    @Test("another page, another server, another purpose and nobody's touch are refused")
    func surroundings() async throws {
        var (passkeys, ada, key) = try await start()
        func next() async throws -> String { try await challenge(passkeys, "x", ada) }
        await refused(passkeys, "x", try key.answer(try await next(), origin: "http://evil.example"), ada)
        await refused(passkeys, "x", try key.answer(try await next(), place: "evil.example"), ada)
        await refused(passkeys, "x", try key.answer(try await next(), type: "webauthn.create"), ada)
        await refused(passkeys, "x", try key.answer(try await next(), flags: 0x04), ada)
        _ = try await passkeys.require("x", try key.answer(try await next()), ada)
        await refused(passkeys, "x", try key.answer(try await next(), counts: false), ada)
        var other = Authenticator()
        await refused(passkeys, "x", try other.answer(try await next()), ada)
    }

    @Test("the demand can't be turned off by whoever has the sign-in alone")
    func kept() async throws {
        var (passkeys, ada, key) = try await start()
        let id = Base64URL.text(key.id)
        let error = await #expect(throws: GatewayError.self) { try await passkeys.remove(id, none, caller: ada) }
        #expect(error?.code == "passkey_needed")
        let second = Authenticator()
        let wanted = try await passkeys.creation(ada, origin: Authenticator.origin)
        let new = try second.new(wanted.challenge)
        let needed = await #expect(throws: GatewayError.self) { try await passkeys.add(new, none, caller: ada) }
        #expect(needed?.code == "passkey_needed")
        let proof = try key.answer(try await challenge(passkeys, "add the passkey \(Base64URL.text(second.id))", ada))
        _ = try await passkeys.add(new, proof, caller: ada)
        try await passkeys.remove(
            id, try key.answer(try await challenge(passkeys, "remove the passkey \(id)", ada)), caller: ada)
        #expect(try await passkeys.list(ada).map(\.id) == [Base64URL.text(second.id)])
        try await passkeys.removeAll(userID: ada.userID, caller: ada)
        #expect(try await passkeys.require("x", none, ada) == nil)
    }

    @Test("what is no answer of an authenticator is refused", arguments: [0, 1, 36, 54, 56])
    func damaged(length: Int) throws {
        let whole = Authenticator().data(isNew: true)
        #expect(throws: GatewayError.self) { try AuthenticatorData(Array(whole.prefix(length))) }
        #expect(throws: GatewayError.self) { try PasskeyClientData(Array("{".utf8)) }
        #expect(throws: GatewayError.self) { try PasskeyKey(subjectPublicKeyInfo: Array(whole.prefix(length))) }
    }

    @Test("a key of Ed25519 is taken, too")
    func edwards() throws {
        let key = Curve25519.Signing.PrivateKey()
        let prefix: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
        let found = try PasskeyKey(subjectPublicKeyInfo: prefix + key.publicKey.rawRepresentation)
        #expect(found.isValid(Array(try key.signature(for: [1, 2, 3])), for: [1, 2, 3]))
        #expect(!found.isValid(Array(try key.signature(for: [1, 2, 3])), for: [1, 2, 4]))
    }

    @Test("an address makes no passkey")
    func address() async throws {
        let (passkeys, ada, _) = try await start()
        for origin in ["http://127.0.0.1:3000", "https://[::1]:8080"] {
            let error = await #expect(throws: GatewayError.self) { try await passkeys.creation(ada, origin: origin) }
            #expect(error?.code == "passkey_place")
        }
    }
}
