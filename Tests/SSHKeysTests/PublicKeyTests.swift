import SSHKeys
import Testing

@Suite struct PublicKeyTests {
    @Test("fingerprints, sizes and randomart are those of ssh-keygen", arguments: KeyKind.all)
    func fingerprints(_ kind: KeyKind) async throws {
        let bench = try Workbench()
        for index in 0..<(kind.type == "rsa" ? 2 : 8) {
            try await bench.keygen(kind, "key\(index)")
            let line = try bench.text("key\(index).pub")
            let key = try SSHPublicKey(authorizedKeysLine: line)
            // ssh-keygen -lv: "256 SHA256:… comment (ED25519)", then the picture.
            let shown = try await bench.require("ssh-keygen", ["-lv", "-f", "key\(index).pub"])
            let rows = shown.split(separator: "\n")
            #expect(rows.first == "\(key.bits) \(key.fingerprint) test (\(key.typeName))")
            #expect(rows.dropFirst().joined(separator: "\n") == key.randomart)
            let old = try await bench.require("ssh-keygen", ["-l", "-E", "md5", "-f", "key\(index).pub"])
            #expect(old.hasPrefix("\(key.bits) \(key.md5Fingerprint) "))
            #expect(key.authorizedKeysLine(comment: "test") + "\n" == line)
        }
    }

    @Test("a blob that is read is written again as it was", arguments: KeyKind.all)
    func blobs(_ kind: KeyKind) async throws {
        let bench = try Workbench()
        try await bench.keygen(kind)
        let key = try SSHPublicKey(authorizedKeysLine: try bench.text("key.pub"))
        #expect(try SSHPublicKey(wire: key.blob) == key)
        #expect(key.signatureAlgorithms == (kind.type == "rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [key.algorithm]))
    }

    @Test("a blob that is cut anywhere, or goes on, is refused", arguments: [KeyKind.ed25519, .ecdsa[0], .rsa])
    func cutBlobs(_ kind: KeyKind) async throws {
        let bench = try Workbench()
        try await bench.keygen(kind)
        let blob = try SSHPublicKey(authorizedKeysLine: try bench.text("key.pub")).blob
        for length in 0..<blob.count {
            #expect(throws: SSHKeyError.self) { try SSHPublicKey(wire: Array(blob.prefix(length))) }
        }
        #expect(throws: SSHKeyError.self) { try SSHPublicKey(wire: blob + [0]) }
    }

    @Test("an Ed25519 key of another length than 32 bytes is malformed", arguments: [0, 1, 31, 33, 64])
    func ed25519Lengths(_ length: Int) {
        #expect(refusal(["ssh-ed25519"], [[UInt8](repeating: 1, count: length)]) == .malformed)
    }

    @Test("an ECDSA point off its curve, compressed, at infinity or of another curve is malformed")
    func ecdsaPoints() async throws {
        let bench = try Workbench()
        try await bench.keygen(.ecdsa[0])
        guard case .ecdsa(_, let point) = try SSHPublicKey(authorizedKeysLine: try bench.text("key.pub")) else {
            Issue.record("not an ECDSA key")
            return
        }
        let name = Array("nistp256".utf8)
        var offCurve = point
        offCurve[64] ^= 1
        let wrong: [[UInt8]] = [
            [], [0], offCurve, [2] + point[1...32], [3] + point.dropFirst(), point + [0], Array(point.dropLast()),
        ]
        for point in wrong {
            #expect(refusal(["ecdsa-sha2-nistp256"], [name, point]) == .malformed)
        }
        #expect(refusal(["ecdsa-sha2-nistp384"], [name, point]) == .malformed)
        #expect(refusal(["ecdsa-sha2-nistp256"], [Array("nistp384".utf8), point]) == .malformed)
        #expect(refusal(["ecdsa-sha2-nistp192"], [name, point]) == .unsupported)
    }

    @Test(
        "an RSA key outside of 2048 to 8192 bits is refused before any arithmetic",
        arguments: [0, 128, 255, 1025, 8192])
    func rsaSizes(_ bytes: Int) {
        #expect(rsa([UInt8](repeating: 0x7f, count: bytes), [1, 0, 1]) == .unsupported)
    }

    @Test("an RSA key with an even modulus or an odd exponent's opposite is malformed")
    func rsaNumbers() {
        let modulus = [0x81] + [UInt8](repeating: 0x81, count: 255)
        #expect(rsa(modulus.dropLast() + [0x80], [1, 0, 1]) == .malformed)
        for exponent in [[], [1], [2], [1, 0, 0], [3, 0, 0, 0, 1], [UInt8](repeating: 0xff, count: 256)] {
            #expect(rsa(modulus, exponent) == .malformed)
        }
        #expect(rsa(modulus, [3]) == nil)
    }

    @Test(
        "other key types are unsupported by name, without their control characters",
        arguments: ["ssh-dss", "sk-ssh-rsa@openssh.com", "ssh-ed25519-cert-v01@openssh.com", "\u{1b}[31mred"])
    func otherTypes(_ type: String) {
        var writer = WireWriter()
        writer.writeString(type)
        do throws(SSHKeyError) {
            _ = try SSHPublicKey(wire: writer.bytes)
            Issue.record("it was accepted")
        } catch {
            #expect(error.code == .unsupported)
            #expect(!error.description.contains("\u{1b}"))
        }
    }

    @Test("a public key line with options, with another type than its blob's, or cut is refused")
    func lines() async throws {
        let bench = try Workbench()
        try await bench.keygen(.ed25519)
        let line = try bench.text("key.pub").trimmingSuffix { $0.isNewline }
        let base64 = String(line.split(separator: " ")[1])
        #expect(throws: Never.self) { try SSHPublicKey(authorizedKeysLine: "  \(line)  ") }
        #expect(throws: Never.self) { try SSHPublicKey(authorizedKeysLine: "ssh-ed25519\t\(base64)\r\n") }
        for wrong in [
            "", "ssh-ed25519", "ssh-ed25519 ", "restrict \(line)", "restrict \(base64)",
            "command=\"ls\" \(line)", "ssh-rsa \(base64) x", "ecdsa-sha2-nistp256 \(base64)",
            "ssh-ed25519 \(base64.dropLast(5))", "ssh-ed25519 \(base64)!", "ssh-ed25519\u{a0}\(base64)", "# \(line)",
        ] {
            #expect(throws: SSHKeyError.self, "\(wrong)") { try SSHPublicKey(authorizedKeysLine: String(wrong)) }
        }
    }

    @Test("a comment cannot break out of its line")
    func comments() throws {
        let key = SSHPrivateKey.generateEd25519().publicKey
        let line = key.authorizedKeysLine(comment: "a\nssh-ed25519 AAAA b\r\u{1b}")
        #expect(line.hasSuffix(" a?ssh-ed25519 AAAA b??"))
        #expect(try SSHPublicKey(authorizedKeysLine: line) == key)
        #expect(try SSHPublicKey(authorizedKeysLine: key.authorizedKeysLine()) == key)
    }

    private func rsa(_ modulus: [UInt8], _ exponent: [UInt8]) -> SSHKeyError.Code? {
        var writer = WireWriter()
        writer.writeString("ssh-rsa")
        writer.writeMPInt(exponent)
        writer.writeMPInt(modulus)
        return refusal(writer.bytes)
    }

    private func refusal(_ texts: [String], _ strings: [[UInt8]]) -> SSHKeyError.Code? {
        var writer = WireWriter()
        for text in texts { writer.writeString(text) }
        for string in strings { writer.writeString(string) }
        return refusal(writer.bytes)
    }

    private func refusal(_ blob: [UInt8]) -> SSHKeyError.Code? {
        do throws(SSHKeyError) {
            _ = try SSHPublicKey(wire: blob)
            return nil
        } catch { return error.code }
    }
}

extension String {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
        var slice = self[...]
        while let last = slice.last, predicate(last) { slice.removeLast() }
        return String(slice)
    }
}
