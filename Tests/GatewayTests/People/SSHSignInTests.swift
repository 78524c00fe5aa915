import SSHKeys
import Testing

@testable import Gateway

@Suite("People who come by SSH")
struct SSHSignInTests {
    @Test("a key lets its owner in, with the owner's role and a sign-in that can be ended")
    func key() async throws {
        let domain = try await DomainFixture()
        let ada = try await domain.firstAdmin()
        let key = SSHPrivateKey.generateEd25519(comment: "ada").publicKey
        try await domain.people.addKey(ada, username: "ada", file: Array(key.authorizedKeysLine().utf8))
        let caller = try await domain.people.signIn(key: key, address: "10.0.0.1")
        #expect(caller.userID == ada.userID && caller.role == "admin" && caller.address == "10.0.0.1")
        let known = try await domain.people.caller(
            userID: caller.userID, signInID: caller.signInID, address: caller.address)
        #expect(known == caller)
        await domain.people.connectionEnded(caller)
        #expect(
            await domain.code {
                try await domain.people.caller(userID: caller.userID, signInID: caller.signInID, address: "")
            } == "not_signed_in")
    }

    @Test("an unknown key, another person's key and a disabled person's are refused alike")
    func refused() async throws {
        let domain = try await DomainFixture()
        let ada = try await domain.firstAdmin()
        let bob = try await domain.person(ada, "bob", role: "devops")
        let key = SSHPrivateKey.generateEd25519(comment: "bob").publicKey
        try await domain.people.addKey(ada, username: "bob", file: Array(key.authorizedKeysLine().utf8))
        let stranger = SSHPrivateKey.generateEd25519(comment: "x").publicKey
        var errors = [
            await domain.error { try await domain.people.signIn(key: stranger, address: "10.0.0.1") },
            await domain.error { try await domain.people.signIn(key: key, of: ada.userID, address: "10.0.0.1") },
        ]
        _ = try await domain.people.update(ada, id: bob.userID, disabled: true)
        errors.append(await domain.error { try await domain.people.signIn(key: key, address: "10.0.0.1") })
        #expect(Set(errors.map { $0?.code }) == ["wrong_credentials"] && Set(errors).count == 1)
    }

    @Test("a key that is removed ends what it let in, and nothing else")
    func removed() async throws {
        let domain = try await DomainFixture()
        let ada = try await domain.firstAdmin()
        let keys = (0..<2).map { SSHPrivateKey.generateEd25519(comment: "\($0)").publicKey }
        for key in keys {
            try await domain.people.addKey(ada, username: "ada", file: Array(key.authorizedKeysLine().utf8))
        }
        let first = try await domain.people.signIn(key: keys[0], address: "10.0.0.1")
        let second = try await domain.people.signIn(key: keys[1], address: "10.0.0.1")
        let (revoked, sink) = AsyncStream<Revocation>.makeStream()
        domain.people.onRevoked { sink.yield($0) }
        try await domain.people.removeKey(ada, username: "ada", fingerprint: keys[0].fingerprint)
        var announced = revoked.makeAsyncIterator()
        #expect(await announced.next() == .signIn(id: first.signInID, userID: ada.userID))
        _ = try await domain.people.caller(userID: second.userID, signInID: second.signInID, address: "")
        #expect(
            await domain.code {
                try await domain.people.caller(userID: first.userID, signInID: first.signInID, address: "")
            } == "not_signed_in")
    }

    @Test("passwords by SSH and on the page share one count of attempts, and keys that nobody has count too")
    func throttled() async throws {
        let domain = try await DomainFixture()
        _ = try await domain.firstAdmin()
        for _ in 0..<30 { await domain.people.refusedAtSSH(address: "10.0.0.9", fingerprints: ["SHA256:x"]) }
        #expect(await domain.code { try await domain.signIn("ada", from: "10.0.0.9") } == "too_many_attempts")
        #expect(
            await domain.code {
                try await domain.people.signInOverSSH(
                    username: "ada", password: DomainFixture.password, address: "10.0.0.9")
            } == "too_many_attempts")
        _ = try await domain.people.signInOverSSH(
            username: "ada", password: DomainFixture.password, address: "10.0.0.10")
    }
}
