import Foundation
import SSHKeys
import Testing

/// Public keys in all their files, in both directions.
@Suite struct PublicKeyFileTests {
    @Test("the formats that ssh-keygen and puttygen export are read", arguments: KeyKind.all)
    func read(_ kind: KeyKind) async throws {
        let bench = try Workbench()
        try await bench.keygen(kind, comment: "ada \"at\" home")
        let line = try PublicKeyFile(file: try bench.read("key.pub"))
        #expect(line.comment == "ada \"at\" home")
        let formats: [(String, [String])] = [
            ("ssh-keygen", ["-e", "-f", "key.pub"]), ("puttygen", ["key", "-O", "public"]),
            ("puttygen", ["key", "-O", "public-openssh"]),
        ]
        for (program, arguments) in formats {
            let text = try await bench.require(program, arguments)
            let file = try PublicKeyFile(file: Array(text.utf8))
            #expect(file.identity == line.identity, "\(text)")
            #expect(!file.comment.isEmpty)
        }
        // ssh-keygen 9.2 exports no Ed25519 key in ASN.1; OpenSSL does.
        for format in kind.type == "ed25519" ? [] : ["PKCS8"] + (kind.type == "rsa" ? ["PEM"] : []) {
            let text = try await bench.require("ssh-keygen", ["-e", "-m", format, "-f", "key.pub"])
            #expect(try PublicKeyFile(file: Array(text.utf8)).identity == line.identity)
        }
    }

    @Test("what we write, ssh-keygen and OpenSSL read", arguments: KeyKind.all)
    func written(_ kind: KeyKind) async throws {
        let bench = try Workbench()
        try await bench.keygen(kind)
        let key = try SSHPrivateKey(file: try bench.read("key")).publicKey
        let long = String(repeating: "long comment \"with\" all \\ ", count: 9)
        try bench.write("rfc4716", Array(key.rfc4716File(comment: long).utf8))
        let line = try await bench.require("ssh-keygen", ["-i", "-f", "rfc4716"])
        #expect(try SSHPublicKey(authorizedKeysLine: line) == key)
        #expect(key.rfc4716File(comment: long).split(separator: "\n").allSatisfy { $0.utf8.count <= 72 })
        try bench.write("pkcs8", Array(try key.pkcs8File().utf8))
        try await bench.require("openssl", ["pkey", "-pubin", "-in", "pkcs8", "-noout"])
        for text in [key.rfc4716File(comment: "c"), try key.pkcs8File()] {
            #expect(try PublicKeyFile(file: Array(text.utf8)).identity == .key(key))
        }
        guard kind.type != "ed25519" else { return }
        let again = try await bench.require("ssh-keygen", ["-i", "-m", "PKCS8", "-f", "pkcs8"])
        #expect(try SSHPublicKey(authorizedKeysLine: again) == key)
    }

    @Test("OpenSSL's Ed25519 public key is read")
    func openssl() async throws {
        let bench = try Workbench()
        try await bench.require("openssl", ["genpkey", "-algorithm", "ed25519", "-out", "key"])
        let text = try await bench.require("openssl", ["pkey", "-in", "key", "-pubout"])
        let key = try SSHPrivateKey(file: try bench.read("key")).publicKey
        #expect(try PublicKeyFile(file: Array(text.utf8)).identity == .key(key))
        #expect(try key.pkcs8File() == text)
    }

    @Test("a certificate's file is a certificate")
    func certificate() async throws {
        let authority = try await Authority()
        let certificate = try await authority.sign(["-n", "ada"])
        let line = certificate.line(comment: "mine")
        let file = try PublicKeyFile(file: Array(line.utf8))
        #expect(file.identity == .certificate(certificate))
        #expect(file.comment == "mine")
        #expect(
            refusal { _ = try PublicKeyFile(file: Array(line.replacing("ssh-ed25519-", with: "ssh-rsa-").utf8)) }?.code
                == .malformed)
    }

    @Test("files cut anywhere or with any byte changed never trap")
    func damage() throws {
        let key = SSHPrivateKey.generateEd25519().publicKey
        for text in [key.authorizedKeysLine(comment: "c"), key.rfc4716File(comment: "c"), try key.pkcs8File()] {
            for damaged in Damage.all(Array(text.utf8)) { _ = try? PublicKeyFile(file: damaged) }
        }
        for text in [
            "", "\n#\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "---- BEGIN SSH2 PUBLIC KEY",
        ] {
            #expect(refusal { _ = try PublicKeyFile(file: Array(text.utf8)) } != nil)
        }
    }
}
