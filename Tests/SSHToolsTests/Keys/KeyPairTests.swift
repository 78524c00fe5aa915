import Foundation
import SSHKeys
import SSHTools
import Testing

/// A folder of its own for one test, removed at the end.
final class KeyFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "keys-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: file(name), atomically: true, encoding: .utf8)
        return file(name)
    }

    func mode(_ name: String) throws -> Int? {
        (try FileManager.default.attributesOfItem(atPath: file(name))[.posixPermissions] as? NSNumber)?.intValue
    }
}

@Suite("Key pairs on disk")
struct KeyPairTests {
    private let folder: KeyFolder
    private let key = SSHPrivateKey.generateEd25519(comment: "ada@laptop")

    init() throws { folder = try KeyFolder() }

    @Test("the private file is its owner's alone, the public one everybody's")
    func modes() throws {
        try KeyPair(key, at: folder.file("k")).write(passphrase: [], mayReplace: false)
        #expect(try folder.mode("k") == 0o600)
        #expect(try folder.mode("k.pub") == 0o644)
        let read = try KeyFiles.privateKey(folder.file("k"), passphrase: .none)
        #expect(read.publicKey == key.publicKey)
        #expect(read.comment == "ada@laptop")
    }

    @Test("nothing is written over, neither the private file nor the public one", arguments: ["k", "k.pub"])
    func taken(name: String) throws {
        _ = try folder.write("mine", to: name)
        #expect(throws: Failure.self) {
            try KeyPair(key, at: folder.file("k")).write(passphrase: [], mayReplace: false)
        }
        #expect(try String(contentsOfFile: folder.file(name), encoding: .utf8) == "mine")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [name])
    }

    @Test("a file that is replaced gets the mode that a key must have")
    func replaced() throws {
        _ = try folder.write("old", to: "k")
        try KeyPair(key, at: folder.file("k")).write(passphrase: [], mayReplace: true)
        #expect(try folder.mode("k") == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["k", "k.pub"])
    }

    @Test("each format opens again with its passphrase", arguments: PrivateKeyFormat.allCases, ["", "secret"])
    func formats(format: PrivateKeyFormat, passphrase: String) throws {
        let key = try SSHPrivateKey.generate(.ecdsa(.p384))
        guard format != .pem || passphrase.isEmpty else {
            #expect(throws: Failure.self) { try format.file(key, passphrase: Array(passphrase.utf8)) }
            return
        }
        let file = try format.file(key, passphrase: Array(passphrase.utf8), rounds: 1)
        let read = try SSHPrivateKey(file: file, passphrase: Array(passphrase.utf8))
        #expect(read.publicKey == key.publicKey)
    }

    @Test("an encrypted PKCS#8 file with a wrong passphrase says so")
    func wrongPassphrase() throws {
        let file = try key.pkcs8File(passphrase: Array("secret".utf8), iterations: 1000)
        #expect {
            try SSHPrivateKey(text: file, passphrase: Array("wrong".utf8))
        } throws: { error in
            (error as? SSHKeyError)?.code == .wrongPassphrase
        }
    }

    @Test("names of types are those of ssh-keygen, and weak ones are refused")
    func kinds() throws {
        #expect(try KeyPair.kind(named: "ED25519", bits: nil) == .ed25519)
        #expect(try KeyPair.kind(named: "rsa", bits: nil) == .rsa(bits: 3072))
        #expect(try KeyPair.kind(named: "ecdsa", bits: 521) == .ecdsa(.p521))
        for (name, bits) in [("dsa", nil), ("ecdsa", 512), ("ed25519-sk", nil), ("", nil)] as [(String, Int?)] {
            #expect(throws: Failure.self) { try KeyPair.kind(named: name, bits: bits) }
        }
    }

    @Test("a list of keys is read from authorized_keys and known_hosts too")
    func lists() throws {
        let line = key.publicKey.authorizedKeysLine(comment: "c d")
        let path = try folder.write(
            "# comment\nrestrict,command=\"echo a b\" \(line)\n\n[web-1]:2222 \(line)\n@revoked * \(line)\nnonsense\n",
            to: "list")
        let found = try KeyFiles.publicLines(path)
        #expect(found.count == 3)
        #expect(found.allSatisfy { $0.identity == .key(key.publicKey) && $0.comment == "c d" })
    }

    @Test("what is too long, missing or a folder is said")
    func unreadable() throws {
        #expect(throws: Failure.self) { try KeyFiles.read(folder.file("missing")) }
        #expect(throws: Failure.self) { try KeyFiles.read(folder.path) }
        let path = try folder.write(String(repeating: "x", count: 100), to: "long")
        #expect(throws: Failure.self) { try KeyFiles.read(path, limit: 99) }
    }
}

@Suite("Revocation lists on disk")
struct RevocationFileTests {
    private let folder: KeyFolder
    private let key = SSHPrivateKey.generateEd25519().publicKey

    init() throws { folder = try KeyFolder() }

    private func list(_ specification: String, isAuthorityNamed: Bool = true) throws -> RevocationFile {
        var file = RevocationFile(newAt: folder.file("list"))
        let path = try folder.write(specification, to: "spec")
        try file.revoke(from: path, authority: key, mayNameCertificates: isAuthorityNamed)
        return file
    }

    @Test("a specification names serial numbers, ids, keys and fingerprints")
    func specification() throws {
        let other = SSHPrivateKey.generateEd25519().publicKey
        let list = try list(
            """
            # all kinds
            serial: 1
            serial: 0x10 - 0x1f
            id: ada@laptop
            key: \(other.authorizedKeysLine())
            sha256: \(key.authorizedKeysLine())
            sha1: \(key.authorizedKeysLine())
            hash: \(other.fingerprint)
            """
        ).list
        #expect(
            Set(list.items.map { "\($0)".prefix { $0 != "(" } })
                == ["serials", "keyID", "key", "fingerprint", "sha1Digest"])
        #expect(list.contains(.key(other)) && list.contains(.key(key)))
        #expect(try KeyRevocationList(file: list.file).items == list.items)
    }

    @Test(
        "a line that makes no sense is refused with its place",
        arguments: [
            "serial: 0", "serial: 5-4", "serial: x", "serial:", "hash: MD5:aa", "key: nonsense", "what: 1",
            "serial: 1-2-3",
        ])
    func refused(line: String) {
        #expect {
            try list("serial: 1\n" + line)
        } throws: { error in
            (error as? Failure)?.sentence.contains("spec:2") == true
        }
    }

    @Test("certificates are revoked for a named authority alone")
    func authority() {
        #expect(throws: Failure.self) { try list("serial: 1", isAuthorityNamed: false) }
    }
}

@Suite("Names of hosts to scan and to find")
struct HostNameTests {
    @Test(
        "a host may have a port",
        arguments: [
            ("web-1", "web-1", 22), ("web-1:2222", "web-1", 2222), ("[2001:db8::1]:2222", "2001:db8::1", 2222),
            ("2001:db8::1", "2001:db8::1", 22), ("[web-1]", "web-1", 22),
        ])
    func targets(text: String, host: String, port: Int) throws {
        let target = try KeyScan.Target(text, port: 22)
        #expect(target.endpoint.host == host)
        #expect(target.endpoint.port == port)
    }

    @Test(
        "what is no host is refused",
        arguments: ["", "web:", "web:0", "web:65536", "[]:22", "[a]:b", "a b", "a\u{1B}[m"])
    func refused(text: String) {
        #expect(throws: Failure.self) { try KeyScan.Target(text, port: 22) }
    }

    @Test("a list has addresses, names and comments")
    func list() throws {
        let targets = try KeyScan.Target.list("# x\n10.0.0.1,10.0.0.2 web,www # two\n\nweb-3\n", port: 2200)
        #expect(targets.map(\.endpoint.host) == ["10.0.0.1", "10.0.0.2", "web-3"])
        #expect(targets.map(\.names) == [["web", "www"], ["web", "www"], ["web-3"]])
        #expect(targets.allSatisfy { $0.endpoint.port == 2200 })
    }
}

@Suite("The place of an agent")
struct AgentPlaceTests {
    @Test("a folder of its own, below the first that may be used")
    func folder() throws {
        let made = try AgentPlace(path: nil, environment: ["XDG_RUNTIME_DIR": "/no/such/folder", "TMPDIR": "/tmp"])
        let folder = (made.socket as NSString).deletingLastPathComponent
        let attributes = try FileManager.default.attributesOfItem(atPath: folder)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
        made.remove()
        #expect(!FileManager.default.fileExists(atPath: folder))
    }

    @Test("what a shell evaluates is quoted")
    func quoting() {
        let lines = AgentShellLines.bourne.started(socket: "/tmp/a b'c;d", process: 7)
        #expect(lines[0] == "SSH_AUTH_SOCK='/tmp/a b'\\''c;d'; export SSH_AUTH_SOCK;")
        #expect(AgentShellLines.csh.started(socket: "/tmp/a", process: 7)[0] == "setenv SSH_AUTH_SOCK /tmp/a;")
        #expect(AgentShellLines(shell: "/bin/tcsh") == .csh)
        #expect(AgentShellLines(shell: "/bin/zsh") == .bourne)
    }
}
