import Foundation
import SSH
import Testing

@testable import Shim

@Suite("Who comes in at a shim, and where they get to") struct DoorTests {
    @Test("only the owner's keys are let in")
    func keys() async throws {
        let server = try await UpstreamServer()
        let shim = try await ShimOfTest([server.upstream()])
        #expect(try await shim.connect(as: "whoever").run("echo in").text == "in")
        await #expect(throws: SSHError.self) { _ = try await shim.connect(key: .generateEd25519()) }
        await shim.shim.close()
    }

    @Test("a public key counts only beside its private one, and when nobody else may change it")
    func folder() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("shim-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func put(_ name: String, private hasPrivate: Bool, mode: Int = 0o644) throws -> SSHPublicKey {
            let key = SSHPrivateKey.generateEd25519()
            let path = folder.appendingPathComponent(name).path
            try key.publicKey.authorizedKeysLine(comment: name).write(
                toFile: path + ".pub", atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path + ".pub")
            if hasPrivate { try key.openSSHFile().write(toFile: path, atomically: true, encoding: .utf8) }
            return key.publicKey
        }
        let own = try put("id_own", private: true)
        let colleague = try put("colleague", private: false)
        let open = try put("id_open", private: true, mode: 0o666)
        let keys = OwnerKeys(ownKeys: [], folder: folder.path, agentSocket: nil)
        #expect(await keys.contains(.key(own)))
        #expect(await !keys.contains(.key(colleague)))
        #expect(await !keys.contains(.key(open)))
    }

    @Test("the user name picks the host, a door of its own needs none, and an unknown name is told the others")
    func names() async throws {
        let (one, two) = (try await UpstreamServer(), try await UpstreamServer())
        let shim = try await ShimOfTest([one.upstream("one"), two.upstream("two")], doors: [nil, "two"])
        #expect(try await shim.connect(as: "one").run("echo 1").text == "1")
        #expect((one.logins, two.logins) == (1, 1))
        try await one.cut()
        #expect(try await shim.connect(as: "two").run("echo 2").text == "2")
        #expect(try await shim.connect(as: "any", door: 1).run("echo 3").text == "3")
        let refused = try await shim.connect(as: "three").run("echo 4")
        #expect(refused.errors == "copilot shim: there is no upstream three; there are: one, two\r\n")
        #expect(refused.exit == .status(255))
        await shim.shim.close()
    }

    @Test("an open door beyond loopback, a name twice and a name with a slash are refused before anything listens")
    func mistakes() async throws {
        let source = try await UpstreamServer().upstream()
        func configuration(_ names: [String], _ door: ShimDoor) -> ShimConfiguration {
            ShimConfiguration(
                upstreams: names.map { ShimUpstream(name: $0, title: $0) { try await source.connect($0) } },
                doors: [door], hostKeys: [.generateEd25519()])
        }
        let open = ShimDoor(.tcp(host: "0.0.0.0", port: 0), admits: .anyLocalUser)
        let good = ShimDoor(.tcp(host: "127.0.0.1", port: 0), admits: .anyLocalUser)
        for (names, door, code) in [
            (["a"], open, ShimError.Code.insecure), (["a", "a"], good, .upstreamName), (["a/b"], good, .upstreamName),
        ] {
            do {
                _ = try await Shim.start(configuration(names, door))
                Issue.record("\(names) was taken")
            } catch {
                #expect(error.code == code)
            }
        }
    }

    @Test("keys are made once, for their owner alone, and one that others may read is refused")
    func ownFolder() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("shim-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = ShimFolder(environment: ["XDG_DATA_HOME": path], home: "/nowhere")
        #expect(folder.path == path + "/copilot/shim")
        let key = try folder.userKey().publicKey
        #expect(try folder.userKey().publicKey == key)
        #expect(try folder.hostKey().publicKey != key)
        let mode = try FileManager.default.attributesOfItem(atPath: folder.userKeyPath)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.userKeyPath)
        #expect(throws: ShimError.self) { try folder.userKey() }
    }

    @Test("a block for ssh_config names the key, the file of the host key, and the upstream where there are several")
    func snippet() {
        let lines = ShimSnippet(
            host: "web.shim", address: "127.0.0.1", port: 2222, user: "web", identityFile: "/home/a b/id",
            knownHostsFile: "/k/known_hosts"
        ).lines
        #expect(lines.first == "Host web.shim")
        for line in [
            "    HostName 127.0.0.1", "    Port 2222", "    User web", "    IdentityFile \"/home/a b/id\"",
            "    IdentitiesOnly yes", "    UserKnownHostsFile /k/known_hosts", "    HostKeyAlias copilot-shim",
        ] { #expect(lines.contains(line)) }
    }
}
