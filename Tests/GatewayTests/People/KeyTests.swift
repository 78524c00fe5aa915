import Foundation
import Logging
import NIOPosix
import SSHDispatch
import SSHKeys
import Storage
import Testing

@testable import Gateway

@Suite struct KeyTests {
    private func key() throws -> SSHPublicKey { try SSHPrivateKey.generate(.ed25519).publicKey }

    private func file(_ key: SSHPublicKey, comment: String = "laptop") -> [UInt8] {
        Array(key.authorizedKeysLine(comment: comment).utf8)
    }

    @Test("a registered key tells its owner, until it is removed or the account is disabled")
    func owner() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let bob = try await domain.person(admin, "bob", role: "guest")
        let (first, second) = (try key(), try key())
        let added = try await domain.people.addKey(admin, username: "Bob", file: file(first))
        #expect(added.username == "bob" && added.fingerprint == first.fingerprint && added.comment == "laptop")
        try await domain.people.addKey(bob, username: "bob", file: file(second))
        #expect(try await domain.people.owner(of: first)?.username == "bob")
        #expect(try await domain.people.owner(of: try key()) == nil)
        try await domain.people.removeKey(bob, username: "bob", fingerprint: first.fingerprint)
        #expect(try await domain.people.owner(of: first) == nil)
        _ = try await domain.people.update(admin, id: bob.userID, disabled: true)
        #expect(try await domain.people.owner(of: second) == nil)
        #expect(try await domain.actions().filter { $0.hasPrefix("user.key.") }.count == 3)
    }

    @Test("nobody touches another person's keys without the permission")
    func permission() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let bob = try await domain.person(admin, "bob", role: "devops")
        let ada = try key()
        try await domain.people.addKey(admin, username: "ada", file: file(ada))
        for username in ["ada", "nobody"] {
            let refusals = [
                await domain.code { try await domain.people.addKey(bob, username: username, file: file(try key())) },
                await domain.code { try await domain.people.keys(bob, username: username) },
                await domain.code {
                    try await domain.people.removeKey(bob, username: username, fingerprint: ada.fingerprint)
                },
            ]
            #expect(refusals == Array(repeating: "not_permitted", count: 3))
        }
        #expect(try await domain.people.keys(bob) == [])
        #expect(try await domain.people.keys(admin).map(\.username) == ["ada"])
    }

    @Test("a key stands for one person, and what is no key is refused")
    func refusals() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        _ = try await domain.person(admin, "bob", role: "guest")
        let key = try key()
        try await domain.people.addKey(admin, username: "ada", file: file(key))
        #expect(
            await domain.code { try await domain.people.addKey(admin, username: "bob", file: file(key)) } == "key_taken"
        )
        #expect(
            await domain.code { try await domain.people.addKey(admin, username: "ada", file: file(key)) } == "key_taken"
        )
        for text in ["", "x", "command=\"x\" \(key.authorizedKeysLine())", "ssh-ed25519 AAAA"] {
            let code = await domain.code {
                try await domain.people.addKey(admin, username: "ada", file: Array(text.utf8))
            }
            #expect(code == "invalid")
        }
        let missing = await domain.code {
            try await domain.people.removeKey(admin, username: "ada", fingerprint: "SHA256:x")
        }
        #expect(missing == "not_found")
    }

    @Test("the lookup socket answers whoever may ask, and with nothing but a name")
    func socket() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let key = try key()
        try await domain.people.addKey(admin, username: "ada", file: file(key))
        let folder = FileManager.default.temporaryDirectory.path + "/lookup-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/lookup.sock"
        let socket = try await KeyLookupSocket.listen(
            at: path, people: domain.people, accounts: ["nobody"], on: MultiThreadedEventLoopGroup.singleton,
            logger: .init(label: "test"))
        let lookup = KeySocket(path: path)
        #expect(try await onThread { try lookup.owner(of: key)?.description } == "ada")
        #expect(try await onThread { try lookup.owner(of: try SSHPrivateKey.generate(.ed25519).publicKey) } == nil)
        #expect(
            await domain.code {
                try await KeyLookupSocket.listen(
                    at: path, people: domain.people, accounts: [], on: MultiThreadedEventLoopGroup.singleton,
                    logger: .init(label: "test"))
            } == "lookup_socket")
        await socket.close()
        await #expect(throws: DispatchError.self) { try await onThread { try lookup.owner(of: key) } }
    }

    private func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive(body)
    }
}
