import Foundation
import SSHKeys
import Testing

/// Key files that were cut, changed, mistaken for others or made to hurt.
@Suite struct DamagedKeyFileTests {
    @Test(
        "things that are no private key are called what they are",
        arguments: [
            ("", "empty"), ("\n \n", "empty"), ("hello", "other text"),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== me", "a public key"),
            ("---- BEGIN SSH2 PUBLIC KEY ----\n", "a public key"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "CERTIFICATE"),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "PUBLIC KEY"),
        ])
    func mistakes(_ text: String, _ named: String) {
        let error = failure(Array(text.utf8))
        #expect(error?.code == .notAPrivateKey)
        #expect(error?.description.contains(named) == true)
    }

    @Test("a binary file and a huge file are no private keys")
    func binary() {
        #expect(failure([0xff, 0xfe, 0, 1])?.code == .notAPrivateKey)
        #expect(failure([UInt8](repeating: 0x41, count: 1 << 20))?.code == .notAPrivateKey)
    }

    @Test(
        "a file without its last line, with a stray character or a missing one is malformed",
        arguments: [[], ["-m", "PEM"]])
    func text(_ format: [String]) async throws {
        let bench = try Workbench()
        try await bench.keygen(.rsa, extra: format)
        let lines = try bench.text("key").split(separator: "\n").map(String.init)
        #expect(code(lines.dropLast()) == .malformed)
        #expect(code([lines[0]] + lines.dropFirst(2)) == .malformed)
        var stray = lines
        stray[3] = "#" + stray[3].dropFirst()
        #expect(code(stray) == .malformed)
        var short = lines
        short[3] = String(short[3].dropLast())
        #expect(code(short) == .malformed)
        #expect(code([lines[0], lines[lines.count - 1]]) == .malformed)
    }

    @Test("Windows line ends, leading blanks, a byte order mark and text around the key do not matter")
    func tolerance() async throws {
        let bench = try Workbench()
        try await bench.keygen(.ed25519)
        let lines = try bench.text("key").split(separator: "\n")
        for text in [
            lines.joined(separator: "\r\n"), "\u{feff}" + lines.joined(separator: "\n"),
            "\n\n" + lines.map { "   \($0)\t" }.joined(separator: "\n"),
            "my key:\n" + lines.joined(separator: "\n") + "\nthat was it\n",
        ] {
            #expect(failure(Array(text.utf8)) == nil)
        }
    }

    @Test("a flipped bit anywhere in an OpenSSH file gives an error or the same key, never a trap or another key")
    func flips() async throws {
        let bench = try Workbench()
        try await bench.keygen(.ed25519)
        let content = try content(try bench.text("key"))
        let original = try SSHPrivateKey(file: Self.file(content)).publicKey
        for bit in 0..<content.count * 8 {
            var damaged = content
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            let key = try? SSHPrivateKey(file: Self.file(damaged))
            #expect(key == nil || key?.publicKey == original)
        }
    }

    @Test("an OpenSSH file cut anywhere is malformed")
    func cuts() async throws {
        let bench = try Workbench()
        try await bench.keygen(.ecdsa[0])
        let content = try content(try bench.text("key"))
        for length in 1..<content.count {
            #expect(failure(Self.file(Array(content.prefix(length))))?.code == .malformed)
        }
        #expect(failure(Self.file(content + [0]))?.code == .malformed)
    }

    @Test(
        "a PKCS#8, PKCS#1 or SEC 1 file cut anywhere or with any byte changed never traps",
        arguments: [
            ("rsa", "PEM"), ("ecdsa", "PEM"), ("ecdsa", "PKCS8"), ("rsa", "PKCS8"),
        ])
    func asn1(_ type: String, _ format: String) async throws {
        let bench = try Workbench()
        let kind = try #require(KeyKind.all.first { $0.type == type })
        try await bench.keygen(kind, extra: ["-m", format])
        let text = try bench.text("key")
        #expect(!text.contains("OPENSSH"))
        let content = try content(text)
        let label = String(try #require(text.split(separator: "\n").first).dropFirst(11).dropLast(5))
        for length in stride(from: 1, to: content.count, by: content.count > 500 ? 13 : 1) {
            #expect(failure(Self.file(Array(content.prefix(length)), label))?.code == .malformed)
        }
        for index in stride(from: 0, to: content.count, by: content.count > 500 ? 29 : 1) {
            var damaged = content
            damaged[index] ^= 0x55
            _ = failure(Self.file(damaged, label))
        }
    }

    @Test(
        "bcrypt rounds that would take days are refused at once",
        arguments: [0, 2049, 0x7fff_ffff, 0xffff_ffff] as [UInt32])
    func rounds(_ rounds: UInt32) throws {
        var options = WireWriter()
        options.writeString([UInt8](repeating: 1, count: 16))
        options.writeUInt32(rounds)
        let error = failure(
            Self.file(Self.content(cipher: "aes256-ctr", kdf: "bcrypt", options: options.bytes)), passphrase: "x")
        #expect(error?.code == .unsupported)
        #expect(error?.description.contains("\(rounds)") == true)
    }

    @Test("an unknown passphrase function, contradicting headers, and two keys in a file are refused")
    func headers() {
        #expect(code(Self.content(cipher: "aes256-ctr", kdf: "argon2", options: [])) == .unsupported)
        #expect(code(Self.content(cipher: "3des-cbc", kdf: "bcrypt", options: [])) == .unsupported)
        #expect(code(Self.content(cipher: "none", kdf: "bcrypt", options: [])) == .malformed)
        #expect(code(Self.content(cipher: "none", kdf: "none", options: [1])) == .malformed)
        #expect(code(Self.content(cipher: "none", kdf: "none", options: [], count: 2)) == .unsupported)
        #expect(code(Self.content(cipher: "none", kdf: "none", options: [], count: .max)) == .unsupported)
    }

    @Test("wrong check numbers, wrong padding and halves that do not belong together are malformed")
    func privatePart() throws {
        let key = SSHPrivateKey.generateEd25519(comment: "")
        let content = try content(try key.openSSHFile(passphrase: nil, rounds: 1))
        // magic 15, "none" twice 16, empty options 4, count 4, blob 4 + 51, block length 4, then the check numbers.
        let check = 15 + 16 + 4 + 4 + 55 + 4
        var wrong = content
        wrong[check] ^= 1
        #expect(failure(Self.file(wrong))?.description.contains("check numbers") == true)
        wrong = content
        wrong[wrong.count - 1] ^= 1
        #expect(failure(Self.file(wrong))?.description.contains("padding") == true)
        wrong = content
        wrong[15 + 16 + 4 + 4 + 4 + 19 + 5] ^= 1
        #expect(failure(Self.file(wrong))?.description.contains("do not belong together") == true)
    }

    @Test("an encrypted file with a changed byte in its private part is not opened")
    func encryptedDamage() throws {
        let key = SSHPrivateKey.generateEd25519(comment: "")
        let passphrase = "open"
        let content = try content(try key.openSSHFile(passphrase: Array(passphrase.utf8), rounds: 1))
        var wrong = content
        wrong[wrong.count - 100] ^= 1
        #expect(failure(Self.file(wrong), passphrase: passphrase)?.code == .malformed)
    }

    @Test("an encrypted OpenSSH file cut anywhere or with any byte changed never traps on the way to its passphrase")
    func encryptedHeader() throws {
        let key = SSHPrivateKey.generateEd25519(comment: "")
        let content = try content(try key.openSSHFile(passphrase: [0x78], rounds: 1))
        for damaged in Damage.all(content) { _ = failure(Self.file(damaged)) }
    }

    // The format has no MAC: a changed byte in the last blocks of an Ed25519 key may well be another key.
    @Test("an encrypted PKCS#8 file cut anywhere is not opened, and with any byte changed never traps")
    func encryptedPKCS8() async throws {
        let bench = try Workbench()
        try await bench.require("openssl", ["genpkey", "-algorithm", "ed25519", "-out", "key"])
        for options in [["-iter", "1"], ["-scrypt", "-scrypt_N", "2", "-scrypt_r", "1", "-scrypt_p", "1"]] {
            try await bench.require(
                "openssl", ["pkcs8", "-topk8", "-in", "key", "-out", "new", "-passout", "pass:x"] + options)
            let content = try content(try bench.text("new"))
            for cut in Damage.cuts(content) {
                #expect(failure(Self.file(cut, "ENCRYPTED PRIVATE KEY"), passphrase: "x")?.code == .malformed)
            }
            for changed in Damage.flips(content) {
                _ = failure(Self.file(changed, "ENCRYPTED PRIVATE KEY"), passphrase: "x")
            }
        }
    }

    @Test(
        "scrypt that would take gigabytes is refused at once",
        arguments: [(1 << 24, 8, 1), (16384, 8, 1 << 20), (3, 8, 1), (0, 8, 1), (2, 0, 1), (2, 1, 0)])
    func scrypt(_ cost: Int, _ blockSize: Int, _ parallelism: Int) {
        func number(_ value: Int) -> [UInt8] {
            Self.der(0x02, [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) })
        }
        let options = Self.der(0x04, [1, 2, 3, 4, 5, 6, 7, 8]) + number(cost) + number(blockSize) + number(parallelism)
        let scrypt = Self.der(0x06, [0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b]) + Self.der(0x30, options)
        let cipher =
            Self.der(0x06, [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a])
            + Self.der(0x04, [UInt8](repeating: 0, count: 16))
        let scheme =
            Self.der(0x06, [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d])
            + Self.der(0x30, Self.der(0x30, scrypt) + Self.der(0x30, cipher))
        let file = Self.der(0x30, Self.der(0x30, scheme) + Self.der(0x04, [UInt8](repeating: 0, count: 16)))
        #expect(failure(Self.file(file, "ENCRYPTED PRIVATE KEY"), passphrase: "x")?.code == .unsupported)
    }

    @Test("an Ed25519 key that is a byte too short or too long in any of its parts is malformed", arguments: [31, 33])
    func shortKey(_ length: Int) {
        for (publicLength, privateLength) in [(length, 64), (32, 32 + length), (32, 0)] {
            var block = WireWriter()
            block.writeRaw([0, 0, 0, 1, 0, 0, 0, 1])
            block.writeString("ssh-ed25519")
            block.writeString([UInt8](repeating: 0, count: publicLength))
            block.writeString([UInt8](repeating: 0, count: privateLength))
            block.writeString("")
            for byte in 0..<UInt8((8 - block.bytes.count % 8) % 8) { block.writeUInt8(byte + 1) }
            var writer = WireWriter()
            writer.writeRaw("openssh-key-v1\0".utf8)
            for field in ["none", "none", ""] { writer.writeString(field) }
            writer.writeUInt32(1)
            writer.writeString(SSHPrivateKey.generateEd25519().publicKey.blob)
            writer.writeString(block.bytes)
            #expect(failure(Self.file(writer.bytes))?.code == .malformed)
        }
    }

    @Test("an RSA key of 1024 bits or of 64 kbit is unsupported, a DSA key too")
    func sizes() async throws {
        let bench = try Workbench()
        for arguments in [["-t", "rsa", "-b", "1024"], ["-t", "dsa", "-b", "1024"]] {
            for format in [[], ["-m", "PEM"]] {
                try? FileManager.default.removeItem(at: bench.directory.appending(path: "key"))
                try await bench.require("ssh-keygen", ["-q", "-N", "", "-f", "key"] + arguments + format)
                #expect(failure(try bench.read("key"))?.code == .unsupported)
            }
        }
        let giant: [UInt8] = [0x7f] + [UInt8](repeating: 0xff, count: 8191)
        let numbers = [[], giant, [1, 0, 1], giant, giant, giant, giant, giant, giant].map {
            Self.der(0x02, $0.isEmpty ? [0] : $0)
        }
        #expect(failure(Self.file(Self.der(0x30, Array(numbers.joined())), "RSA PRIVATE KEY"))?.code == .notAPrivateKey)
        let medium: [UInt8] = [0x7f] + [UInt8](repeating: 0xff, count: 2047)
        let fewer = [[], medium, [1, 0, 1], medium, medium, medium, medium, medium, medium].map {
            Self.der(0x02, $0.isEmpty ? [0] : $0)
        }
        #expect(failure(Self.file(Self.der(0x30, Array(fewer.joined())), "RSA PRIVATE KEY"))?.code == .unsupported)
    }

    private static func der(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        let length: [UInt8] =
            count < 128 ? [UInt8(count)] : [0x83, UInt8(count >> 16), UInt8(count >> 8 & 0xff), UInt8(count & 0xff)]
        return [tag] + length + content
    }

    private static func content(cipher: String, kdf: String, options: [UInt8], count: UInt32 = 1) -> [UInt8] {
        var writer = WireWriter()
        writer.writeRaw("openssh-key-v1\0".utf8)
        writer.writeString(cipher)
        writer.writeString(kdf)
        writer.writeString(options)
        writer.writeUInt32(count)
        writer.writeString(SSHPrivateKey.generateEd25519(comment: "").publicKey.blob)
        writer.writeString([UInt8](repeating: 0, count: 64))
        return writer.bytes
    }

    private static func file(_ content: [UInt8], _ label: String = "OPENSSH PRIVATE KEY") -> [UInt8] {
        let base64 = Data(content).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return Array("-----BEGIN \(label)-----\n\(base64)\n-----END \(label)-----\n".utf8)
    }

    private func content(_ text: String) throws -> [UInt8] {
        let base64 = text.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
        return Array(try #require(Data(base64Encoded: base64)))
    }

    private func code(_ lines: some Sequence<String>) -> SSHKeyError.Code? {
        failure(Array(lines.joined(separator: "\n").utf8))?.code
    }

    private func code(_ content: [UInt8]) -> SSHKeyError.Code? { failure(Self.file(content), passphrase: "x")?.code }

    private func failure(_ file: [UInt8], passphrase: String? = nil) -> SSHKeyError? {
        do throws(SSHKeyError) {
            _ = try SSHPrivateKey(file: file, passphrase: passphrase.map { Array($0.utf8) })
            return nil
        } catch { return error }
    }
}
