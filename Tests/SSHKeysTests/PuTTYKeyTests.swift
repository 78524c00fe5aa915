import Foundation
import SSHKeys
import Testing

/// Key files that puttygen writes.
@Suite struct PuTTYKeyTests {
    static let passphrase = "correct horse"

    /// `puttygen key -O private -o key.ppk --ppk-param …` of a key that ssh-keygen made.
    private func convert(_ bench: Workbench, _ parameters: String, passphrase: String? = nil) async throws {
        var arguments = ["key", "-O", "private", "-o", "key.ppk", "--ppk-param", parameters]
        if let passphrase {
            try bench.write("passphrase", Array(passphrase.utf8))
            arguments += ["-P", "--new-passphrase", "passphrase"]
        }
        try await bench.require("puttygen", arguments)
    }

    private func failure(_ file: [UInt8], _ passphrase: String? = nil) -> SSHKeyError? {
        refusal { _ = try SSHPrivateKey(file: file, passphrase: passphrase.map { Array($0.utf8) }) }
    }

    @Test("unencrypted files of versions 2 and 3 are read, for all key types", arguments: KeyKind.all, ["2", "3"])
    func plain(_ kind: KeyKind, _ version: String) async throws {
        let bench = try Workbench()
        try await bench.keygen(kind, comment: "ada at home")
        try await convert(bench, "version=\(version)")
        let key = try SSHPrivateKey(file: try bench.read("key.ppk"))
        #expect(key.publicKey == (try SSHPublicKey(authorizedKeysLine: try bench.text("key.pub"))))
        #expect(key.comment == "ada at home")
        let algorithm = key.publicKey.signatureAlgorithms[0]
        let signature = try key.sign([1], algorithm: algorithm)
        #expect(try key.publicKey.verify(signature: signature, over: [1], algorithm: algorithm))
    }

    @Test(
        "encrypted files open with their passphrase and tell missing from wrong",
        arguments: [
            "version=2", "version=3,kdf=argon2id,memory=256,passes=2", "version=3,kdf=argon2i,memory=256,passes=2",
            "version=3,kdf=argon2d,memory=256,passes=2", "version=3,memory=256,passes=1,parallelism=4",
        ])
    func encrypted(_ parameters: String) async throws {
        let bench = try Workbench()
        for kind in [KeyKind.ed25519, .rsa] {
            try? FileManager.default.removeItem(at: bench.directory.appending(path: "key"))
            try await bench.keygen(kind)
            try await convert(bench, parameters, passphrase: Self.passphrase)
            let file = try bench.read("key.ppk")
            let key = try SSHPrivateKey(file: file, passphrase: Array(Self.passphrase.utf8))
            #expect(key.publicKey == (try SSHPublicKey(authorizedKeysLine: try bench.text("key.pub"))))
            #expect(failure(file) == .passphraseRequired)
            #expect(failure(file, "") == .passphraseRequired)
            #expect(failure(file, "wrong") == .wrongPassphrase)
        }
    }

    @Test("puttygen's default for a passphrase opens, and Windows line ends do not matter")
    func windows() async throws {
        let bench = try Workbench()
        try await bench.keygen(.ed25519)
        try await convert(bench, "version=3", passphrase: Self.passphrase)
        let text = try bench.text("key.ppk").replacing("\n", with: "\r\n")
        #expect(failure(Array(text.utf8), Self.passphrase) == nil)
    }

    @Test("a file cut anywhere is malformed; with any byte changed it gives an error or the same key")
    func damage() async throws {
        let bench = try Workbench()
        try await bench.keygen(.ed25519)
        for version in ["2", "3"] {
            try await convert(bench, "version=\(version)")
            let file = try bench.read("key.ppk")
            let original = try SSHPrivateKey(file: file).publicKey
            for cut in Damage.cuts(file.dropLast(2)) { #expect(failure(cut) != nil) }
            for changed in Damage.flips(file) {
                let key = try? SSHPrivateKey(file: changed)
                #expect(key == nil || key?.publicKey == original)
            }
        }
    }

    @Test(
        "Argon2 that would take gigabytes or hours is refused at once",
        arguments: [
            ("Argon2-Memory: 256", "Argon2-Memory: 4194304"), ("Argon2-Memory: 256", "Argon2-Memory: 4294967295"),
            ("Argon2-Passes: 1", "Argon2-Passes: 4294967295"), ("Argon2-Passes: 1", "Argon2-Passes: 999999999"),
            ("Argon2-Memory: 256", "Argon2-Memory: 0"), ("Argon2-Parallelism: 1", "Argon2-Parallelism: 1000000"),
            ("Argon2-Passes: 1", "Argon2-Passes: -1"), ("Argon2-Parallelism: 1", "Argon2-Parallelism: 0"),
        ])
    func limits(_ line: String, _ replacement: String) async throws {
        let bench = try Workbench()
        try await bench.keygen(.ed25519)
        try await convert(bench, "version=3,memory=256,passes=1", passphrase: Self.passphrase)
        let text = try bench.text("key.ppk")
        #expect(text.contains(line + "\n"))
        let error = failure(Array(text.replacing(line + "\n", with: replacement + "\n").utf8), Self.passphrase)
        #expect(error?.code == .unsupported || error?.code == .malformed)
    }

    @Test("version 1, another cipher and another passphrase function are named")
    func unknown() {
        #expect(failure(Array("PuTTY-User-Key-File-1: ssh-rsa\nEncryption: none\n".utf8))?.code == .unsupported)
        #expect(failure(Array("PuTTY-User-Key-File-3: ssh-rsa\nEncryption: des\n".utf8))?.code == .unsupported)
        #expect(failure(Array("PuTTY-User-Key-File-3: ssh-rsa\n".utf8))?.code == .malformed)
    }

    @Test("puttygen reads the OpenSSH files that we write", arguments: KeyKind.all)
    func written(_ kind: KeyKind) async throws {
        let bench = try Workbench()
        try await bench.keygen(kind)
        let key = try SSHPrivateKey(file: try bench.read("key"))
        try bench.write("ours", Array(try key.openSSHFile().utf8))
        let line = try await bench.require("puttygen", ["ours", "-L"])
        #expect(try SSHPublicKey(authorizedKeysLine: line) == key.publicKey)
    }
}
