import Foundation
import SSHKeys
import Testing

@Suite struct PrivateKeyTests {
    static let passphrase = "correct horse"

    /// How ssh-keygen stores a key: `-m FORMAT`, and the cipher of its own format.
    static let formats: [[String]] = [[], ["-m", "PEM"], ["-m", "PKCS8"]]
    static let ciphers = [
        "aes256-ctr", "aes192-ctr", "aes128-ctr", "aes256-cbc", "aes128-cbc", "aes256-gcm@openssh.com",
        "aes128-gcm@openssh.com",
    ]

    @Test("every kind of key is read from every format that ssh-keygen writes", arguments: KeyKind.all, formats)
    func plain(_ kind: KeyKind, _ format: [String]) async throws {
        let bench = try Workbench()
        try await bench.keygen(kind, extra: format)
        let key = try SSHPrivateKey(file: try bench.read("key"))
        #expect(key.publicKey == (try SSHPublicKey(authorizedKeysLine: try bench.text("key.pub"))))
        try expectToSign(key)
        let again = try SSHPrivateKey(file: try bench.read("key"), passphrase: Array("not needed".utf8))
        #expect(again.publicKey == key.publicKey)
    }

    @Test(
        "encrypted keys of every format open with their passphrase and tell missing from wrong", arguments: KeyKind.all,
        formats)
    func encrypted(_ kind: KeyKind, _ format: [String]) async throws {
        let bench = try Workbench()
        try await bench.keygen(kind, passphrase: Self.passphrase, extra: format)
        try expectEncrypted(try bench.read("key"), try bench.text("key.pub"))
    }

    @Test("every cipher of OpenSSH's format opens", arguments: ciphers)
    func everyCipher(_ cipher: String) async throws {
        let bench = try Workbench()
        try await bench.keygen(.ed25519, passphrase: Self.passphrase, extra: ["-Z", cipher])
        try expectEncrypted(try bench.read("key"), try bench.text("key.pub"))
    }

    @Test("a key encrypted with ssh-keygen's default of 16 rounds opens")
    func defaultRounds() async throws {
        let bench = try Workbench()
        try await bench.require("ssh-keygen", ["-q", "-t", "ed25519", "-N", Self.passphrase, "-f", "key"])
        let key = try SSHPrivateKey(file: try bench.read("key"), passphrase: Array(Self.passphrase.utf8))
        #expect(key.publicKey == (try SSHPublicKey(authorizedKeysLine: try bench.text("key.pub"))))
    }

    @Test("the cipher that we do not have is named, with the command that helps")
    func chachaFile() async throws {
        let bench = try Workbench()
        try await bench.keygen(.ed25519, passphrase: "x", extra: ["-Z", "chacha20-poly1305@openssh.com"])
        let error = failure(try bench.read("key"), passphrase: "x")
        #expect(error?.code == .unsupported)
        #expect(error?.description.contains("chacha20-poly1305") == true)
        #expect(error?.hint.contains("ssh-keygen -p") == true)
    }

    @Test(
        "keys that openssl writes are read",
        arguments: [
            "genpkey -algorithm ed25519", "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521",
            "ecparam -name secp384r1 -genkey -noout", "ecparam -name secp384r1 -genkey",
        ])
    func openssl(_ command: String) async throws {
        let bench = try Workbench()
        try await bench.require("openssl", command.split(separator: " ").map(String.init) + ["-out", "key"])
        let file = try bench.text("key")
        let key = try SSHPrivateKey(text: file)
        try expectToSign(key)
    }

    @Test(
        "openssl's PBES2 variants open",
        arguments: [
            ["-v2", "aes-128-cbc"], ["-v2", "aes-192-cbc"], ["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"],
            ["-v2prf", "hmacWithSHA1"], ["-v2prf", "hmacWithSHA384"], ["-iter", "10000"], ["-scrypt"],
            ["-scrypt", "-scrypt_N", "1024", "-scrypt_r", "4", "-scrypt_p", "2"],
        ])
    func pbes2(_ options: [String]) async throws {
        let bench = try Workbench()
        try await bench.keygen(.rsa, extra: ["-m", "PEM"])
        try await bench.require(
            "openssl",
            ["pkcs8", "-topk8", "-in", "key", "-out", "new", "-passout", "pass:\(Self.passphrase)"] + options)
        try expectEncrypted(try bench.read("new"), try bench.text("key.pub"))
    }

    @Test("an Ed25519 key in encrypted PKCS#8 opens")
    func pbes2Ed25519() async throws {
        let bench = try Workbench()
        try await bench.require("openssl", ["genpkey", "-algorithm", "ed25519", "-out", "key"])
        try await bench.require(
            "openssl", ["pkcs8", "-topk8", "-in", "key", "-out", "new", "-passout", "pass:\(Self.passphrase)"])
        let line = try SSHPrivateKey(file: try bench.read("key")).publicKey.authorizedKeysLine()
        try expectEncrypted(try bench.read("new"), line)
    }

    @Test(
        "keys that puttygen converts to OpenSSH's formats are read",
        arguments: ["private-openssh-new", "private-openssh"])
    func puttygen(_ format: String) async throws {
        let bench = try Workbench()
        try await bench.keygen(.ecdsa[1])
        try await bench.require("puttygen", ["key", "-O", "private", "-o", "key.ppk"])
        try await bench.require("puttygen", ["key.ppk", "-O", format, "-o", "converted"])
        let key = try SSHPrivateKey(file: try bench.read("converted"))
        #expect(key.publicKey == (try SSHPublicKey(authorizedKeysLine: try bench.text("key.pub"))))
    }

    @Test("what we write, ssh-keygen reads: it gives the same public key", arguments: KeyKind.all, ["", passphrase])
    func written(_ kind: KeyKind, _ passphrase: String) async throws {
        let bench = try Workbench()
        try await bench.keygen(kind, comment: "Grüße von hier")
        let key = try SSHPrivateKey(file: try bench.read("key"))
        #expect(key.comment == "Grüße von hier")
        let file = try key.openSSHFile(passphrase: Array(passphrase.utf8), rounds: 2)
        try bench.write("ours", Array(file.utf8))
        let line = try await bench.require("ssh-keygen", ["-y", "-P", passphrase, "-f", "ours"])
        #expect(try SSHPublicKey(authorizedKeysLine: line) == key.publicKey)
        let again = try SSHPrivateKey(text: file, passphrase: Array(passphrase.utf8))
        #expect(again.publicKey == key.publicKey)
        #expect(again.comment == key.comment)
    }

    @Test("a key made here signs, and ssh-keygen reads its file and its comment")
    func generated() async throws {
        let bench = try Workbench()
        let key = SSHPrivateKey.generateEd25519(comment: "copilot@here")
        try expectToSign(key)
        try bench.write("key", Array(try key.openSSHFile(passphrase: nil, rounds: 16).utf8))
        #expect(
            try await bench.require("ssh-keygen", ["-y", "-f", "key"])
                == key.publicKey.authorizedKeysLine(comment: "copilot@here") + "\n")
        #expect(SSHPrivateKey.generateEd25519(comment: "").publicKey != key.publicKey)
    }

    @Test("rounds out of range are refused when writing", arguments: [Int.min, -1, 0, 2049, Int.max])
    func writtenRounds(_ rounds: Int) {
        #expect(throws: SSHKeyError.self) {
            try SSHPrivateKey.generateEd25519(comment: "").openSSHFile(passphrase: [1], rounds: rounds)
        }
    }

    @Test("neither description nor dump shows the secret part")
    func secrecy() throws {
        let key = SSHPrivateKey.generateEd25519(comment: "c")
        var text = ""
        dump(key, to: &text)
        #expect(text.contains(key.publicKey.fingerprint))
        #expect("\(key)" == "SSHPrivateKey(ssh-ed25519, \(key.publicKey.fingerprint))")
        #expect(!text.contains("PrivateKey.") && !text.contains("material"))
    }

    private func expectEncrypted(_ file: [UInt8], _ line: String) throws {
        let key = try SSHPrivateKey(file: file, passphrase: Array(Self.passphrase.utf8))
        #expect(key.publicKey == (try SSHPublicKey(authorizedKeysLine: line)))
        try expectToSign(key)
        #expect(failure(file, passphrase: nil) == .passphraseRequired)
        #expect(failure(file, passphrase: "") == .passphraseRequired)
        #expect(failure(file, passphrase: Self.passphrase + "!") == .wrongPassphrase)
    }

    private func expectToSign(_ key: SSHPrivateKey) throws {
        let algorithm = try #require(key.publicKey.signatureAlgorithms.first)
        let signature = try key.sign([1, 2, 3], algorithm: algorithm)
        #expect(try key.publicKey.verify(signature: signature, over: [1, 2, 3], algorithm: algorithm))
    }

    private func failure(_ file: [UInt8], passphrase: String?) -> SSHKeyError? {
        do throws(SSHKeyError) {
            _ = try SSHPrivateKey(file: file, passphrase: passphrase.map { Array($0.utf8) })
            return nil
        } catch { return error }
    }
}
