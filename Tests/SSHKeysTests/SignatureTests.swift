import Foundation
import SSHCrypto
import SSHKeys
import Testing

@Suite struct SignatureTests {
    static let message = Array("what is signed".utf8)

    @Test("what we sign we verify, and nothing else", arguments: KeyKind.all)
    func roundTrip(_ kind: KeyKind) async throws {
        let key = try await Self.key(kind)
        let other = try await Self.key(kind)
        for algorithm in key.publicKey.signatureAlgorithms {
            let signature = try key.sign(Self.message, algorithm: algorithm)
            #expect(try key.publicKey.verify(signature: signature, over: Self.message, algorithm: algorithm))
            #expect(try !key.publicKey.verify(signature: signature, over: Self.message + [0], algorithm: algorithm))
            #expect(try !key.publicKey.verify(signature: signature, over: [], algorithm: algorithm))
            #expect(try !other.publicKey.verify(signature: signature, over: Self.message, algorithm: algorithm))
        }
    }

    @Test("ssh-keygen -Y verify accepts our signatures", arguments: KeyKind.all)
    func keygenVerifiesOurs(_ kind: KeyKind) async throws {
        let bench = try Workbench()
        let key = try await Self.key(kind, bench)
        let line = key.publicKey.authorizedKeysLine()
        try bench.write("allowed", Array("me@here \(line)\n".utf8))
        // ssh-keygen itself signs RSA with SHA-512 alone, but verifies both.
        for algorithm in key.publicKey.signatureAlgorithms {
            let signature = try key.sign(SSHSIG.signedData(Self.message), algorithm: algorithm)
            try bench.write("signature", SSHSIG.file(key.publicKey, signature))
            let outcome = try await bench.run(
                "ssh-keygen", ["-Y", "verify", "-f", "allowed", "-I", "me@here", "-n", "file", "-s", "signature"],
                input: Self.message)
            #expect(outcome.status == 0, "\(outcome.output)")
        }
    }

    @Test("we accept the signatures of ssh-keygen -Y sign", arguments: KeyKind.all)
    func weVerifyKeygens(_ kind: KeyKind) async throws {
        let bench = try Workbench()
        try await bench.keygen(kind)
        let key = try SSHPublicKey(authorizedKeysLine: try bench.text("key.pub"))
        for index in 0..<(kind.type == "ecdsa" ? 20 : 2) {
            try bench.write("message", Self.message + Array("\(index)".utf8))
            try? FileManager.default.removeItem(at: bench.directory.appending(path: "message.sig"))
            try await bench.require("ssh-keygen", ["-q", "-Y", "sign", "-f", "key", "-n", "file", "message"])
            let signature = try SSHSIG.signature(in: try bench.text("message.sig"))
            let data = SSHSIG.signedData(Self.message + Array("\(index)".utf8))
            #expect(
                try key.verify(signature: signature, over: data, algorithm: key.signatureAlgorithms[0]))
        }
    }

    @Test("openssl verifies our RSA signatures", arguments: ["256", "512"])
    func opensslVerifiesRSA(_ bits: String) async throws {
        let bench = try Workbench()
        try await bench.keygen(.rsa, extra: ["-m", "PEM"])
        let key = try SSHPrivateKey(file: try bench.read("key"))
        try await bench.require("openssl", ["rsa", "-in", "key", "-pubout", "-out", "public.pem"])
        var reader = WireReader(try key.sign(Self.message, algorithm: "rsa-sha2-\(bits)"))
        _ = try reader.string()
        try bench.write("signature", try reader.string())
        try bench.write("message", Self.message)
        try await bench.require(
            "openssl",
            ["dgst", "-sha\(bits)", "-verify", "public.pem", "-signature", "signature", "message"])
    }

    @Test("every flipped bit of a signature is refused", arguments: [KeyKind.ed25519, .ecdsa[0], .rsa])
    func bitFlips(_ kind: KeyKind) async throws {
        let key = try await Self.key(kind)
        let algorithm = key.publicKey.signatureAlgorithms[0]
        let signature = try key.sign(Self.message, algorithm: algorithm)
        for bit in 0..<signature.count * 8 {
            var damaged = signature
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            let valid = try? key.publicKey.verify(signature: damaged, over: Self.message, algorithm: algorithm)
            #expect(valid != true)
        }
    }

    @Test("a signature that is cut or goes on is malformed", arguments: [KeyKind.ed25519, .ecdsa[2], .rsa])
    func lengths(_ kind: KeyKind) async throws {
        let key = try await Self.key(kind)
        let algorithm = key.publicKey.signatureAlgorithms[0]
        let blob = try key.sign(Self.message, algorithm: algorithm)
        for length in 0..<blob.count {
            #expect(throws: SSHKeyError.self) {
                try key.publicKey.verify(
                    signature: Array(blob.prefix(length)), over: Self.message, algorithm: algorithm)
            }
        }
        #expect(throws: SSHKeyError.self) {
            try key.publicKey.verify(signature: blob + [0], over: Self.message, algorithm: algorithm)
        }
        var reader = WireReader(blob)
        _ = try reader.string()
        let inner = try reader.string()
        for wrong in [inner + [0], [0] + inner, Array(inner.dropLast()), Array(inner.dropFirst()), []] {
            #expect(throws: SSHKeyError.self) {
                try key.publicKey.verify(
                    signature: Self.blob(algorithm, wrong), over: Self.message, algorithm: algorithm)
            }
        }
    }

    @Test("a signature under another algorithm than the one agreed on is a mismatch, whatever it is")
    func algorithms() async throws {
        let rsa = try await Self.key(.rsa)
        let sha256 = try rsa.sign(Self.message, algorithm: "rsa-sha2-256")
        #expect(mismatch(rsa.publicKey, sha256, "rsa-sha2-512"))
        #expect(mismatch(rsa.publicKey, sha256, "ssh-rsa"))
        #expect(mismatch(rsa.publicKey, sha256, "ssh-ed25519"))
        #expect(mismatch(rsa.publicKey, sha256, ""))
        let ed25519 = SSHPrivateKey.generateEd25519()
        let signature = try ed25519.sign(Self.message, algorithm: "ssh-ed25519")
        #expect(mismatch(ed25519.publicKey, signature, "ssh-rsa"))
        #expect(mismatch(ed25519.publicKey, sha256, "ssh-ed25519"))
        for algorithm in ["ssh-rsa", "ssh-ed25519", "rsa-sha2-384", ""] {
            #expect(throws: SSHKeyError.self) { try rsa.sign(Self.message, algorithm: algorithm) }
        }
    }

    @Test("ECDSA halves that are zero, negative, too long or beyond the order are refused")
    func ecdsaHalves() async throws {
        let key = try await Self.key(.ecdsa[0])
        let one: [UInt8] = [1]
        let order: [UInt8] =
            [0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0] + [UInt8](repeating: 0xff, count: 8)
            + [0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51]
        let wrong: [[UInt8]] = [
            [], [0], [0x80], [0xff], order, [1] + [UInt8](repeating: 0, count: 32), [UInt8](repeating: 1, count: 4096),
        ]
        for half in wrong {
            for (r, s) in [(half, one), (one, half), (half, half)] {
                var writer = WireWriter()
                writer.writeString(r)
                writer.writeString(s)
                let blob = Self.blob("ecdsa-sha2-nistp256", writer.bytes)
                let valid = try? key.publicKey.verify(
                    signature: blob, over: Self.message, algorithm: "ecdsa-sha2-nistp256")
                #expect(valid != true)
            }
        }
    }

    @Test("an Ed25519 signature whose S was raised by the group order is refused (RFC 8032 §5.1.7)")
    func malleability() throws {
        let key = SSHPrivateKey.generateEd25519()
        let blob = try key.sign(Self.message, algorithm: "ssh-ed25519")
        // L = 2^252 + 27742317777372353535851937790883648493, little-endian.
        let order: [UInt8] =
            [
                0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
            ] + [UInt8](repeating: 0, count: 15) + [0x10]
        var raised = blob
        var carry = 0
        for index in 0..<32 {
            let position = blob.count - 32 + index
            let sum = Int(raised[position]) + Int(order[index]) + carry
            raised[position] = UInt8(sum & 0xff)
            carry = sum >> 8
        }
        #expect(try key.publicKey.verify(signature: blob, over: Self.message, algorithm: "ssh-ed25519"))
        #expect(try !key.publicKey.verify(signature: raised, over: Self.message, algorithm: "ssh-ed25519"))
    }

    @Test("a key put together by hand from nonsense throws when it is used")
    func handmade() {
        let keys: [SSHPublicKey] = [
            .ed25519([]), .ed25519([1, 2, 3]), .ecdsa(curve: .p256, point: []), .ecdsa(curve: .p521, point: [4, 1]),
            .rsa(modulus: [], exponent: []), .rsa(modulus: [UInt8](repeating: 0xff, count: 8192), exponent: [3]),
        ]
        for key in keys {
            let algorithm = key.signatureAlgorithms[0]
            let blob = Self.blob(algorithm, [UInt8](repeating: 0, count: 64))
            #expect(throws: SSHKeyError.self) { try key.verify(signature: blob, over: [], algorithm: algorithm) }
            #expect(!key.randomart.isEmpty)
        }
    }

    private func mismatch(_ key: SSHPublicKey, _ signature: [UInt8], _ algorithm: String) -> Bool {
        do throws(SSHKeyError) {
            _ = try key.verify(signature: signature, over: Self.message, algorithm: algorithm)
            return false
        } catch { return error.code == .algorithmMismatch }
    }

    private static func blob(_ algorithm: String, _ signature: [UInt8]) -> [UInt8] {
        var writer = WireWriter()
        writer.writeString(algorithm)
        writer.writeString(signature)
        return writer.bytes
    }

    private static func key(_ kind: KeyKind, _ bench: Workbench? = nil) async throws -> SSHPrivateKey {
        let bench = try bench ?? Workbench()
        try await bench.keygen(kind)
        return try SSHPrivateKey(file: try bench.read("key"))
    }
}

/// OpenSSH's PROTOCOL.sshsig: how ssh-keygen signs files.
enum SSHSIG {
    static func signedData(_ message: [UInt8], namespace: String = "file") -> [UInt8] {
        var writer = WireWriter()
        writer.writeRaw("SSHSIG".utf8)
        writer.writeString(namespace)
        writer.writeString("")
        writer.writeString("sha512")
        writer.writeString(ExchangeHash.sha512.digest(message))
        return writer.bytes
    }

    static func file(_ key: SSHPublicKey, _ signature: [UInt8]) -> [UInt8] {
        var writer = WireWriter()
        writer.writeRaw("SSHSIG".utf8)
        writer.writeUInt32(1)
        writer.writeString(key.blob)
        writer.writeString("file")
        writer.writeString("")
        writer.writeString("sha512")
        writer.writeString(signature)
        let base64 = Data(writer.bytes).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed])
        return Array("-----BEGIN SSH SIGNATURE-----\n\(base64)\n-----END SSH SIGNATURE-----\n".utf8)
    }

    static func signature(in file: String) throws -> [UInt8] {
        let base64 = file.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
        var reader = WireReader(Array(try #require(Data(base64Encoded: base64))))
        _ = try reader.raw(6)
        _ = try reader.uint32()
        for _ in 0..<4 { _ = try reader.string() }
        return try reader.string()
    }
}
