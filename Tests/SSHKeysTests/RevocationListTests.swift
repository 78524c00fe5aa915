import Foundation
import SSHKeys
import Testing

/// Revocation lists in both directions between us and ssh-keygen.
@Suite struct RevocationListTests {
    @Test("a list that ssh-keygen -k writes is read: serials, ranges, bitmaps, key ids, keys and digests")
    func read() async throws {
        let authority = try await Authority()
        try await authority.bench.keygen(.rsa, "other")
        try await authority.bench.keygen(.ecdsa[0], "third")
        // Single numbers far apart make a list, neighbours a bitmap, long runs a range.
        let lines =
            ["serial: 1000000000000", "serial: 100-5000", "id: stolen laptop", "serial: 18446744073709551615"]
            + stride(from: 10_001, through: 10_100, by: 3).map { "serial: \($0)" } + [
                "hash: \(try digest(authority, "other"))"
            ]
        try authority.bench.write("spec", Array((lines.joined(separator: "\n") + "\n").utf8))
        try await authority.bench.require(
            "ssh-keygen", ["-k", "-q", "-f", "krl", "-s", "ca.pub", "-z", "7", "spec", "third.pub"])
        let list = try KeyRevocationList(file: try authority.bench.read("krl"))
        #expect(list.version == 7)
        #expect(list.generated > 1_700_000_000)
        for (serial, isRevoked) in [
            (1, false), (99, false), (100, true), (5000, true), (5001, false), (10_000, false), (10_001, true),
            (10_002, false), (10_100, true), (10_103, false), (1_000_000_000_000, true), (.max, true),
            (.max - 1, false),
        ] as [(UInt64, Bool)] {
            let certificate = try await authority.sign(["-n", "ada", "-z", "\(serial)"])
            #expect(list.contains(.certificate(certificate)) == isRevoked, "serial \(serial)")
        }
        let stolen = try await authority.bench.require(
            "ssh-keygen", ["-q", "-s", "ca", "-I", "stolen laptop", "-n", "ada", "-z", "2", "key.pub"])
        #expect(stolen.isEmpty)
        let certificate = try Authority.certificate(try authority.bench.text("key-cert.pub"))
        #expect(list.contains(.certificate(certificate)))
        #expect(list.contains(.key(try authority.privateKey("other").publicKey)))
        #expect(list.contains(.key(try authority.privateKey("third").publicKey)))
        #expect(!list.contains(.key(try authority.privateKey("key").publicKey)))
        #expect(try KeyRevocationList(file: list.file).contains(.certificate(certificate)))
    }

    private func digest(_ authority: Authority, _ name: String) throws -> String {
        try authority.privateKey(name).publicKey.fingerprint
    }

    @Test("a SHA-1 digest in ssh-keygen's list revokes its key")
    func sha1() async throws {
        let bench = try Workbench()
        try await bench.keygen(.ed25519)
        try bench.write("spec", Array("sha1: \(try bench.text("key.pub"))".utf8))
        try await bench.require("ssh-keygen", ["-k", "-q", "-f", "krl", "spec"])
        let list = try KeyRevocationList(file: try bench.read("krl"))
        let key = try SSHPrivateKey(file: try bench.read("key")).publicKey
        #expect(list.contains(.key(key)))
        #expect(!list.contains(.key(SSHPrivateKey.generateEd25519().publicKey)))
        #expect(try KeyRevocationList(file: list.file) == list)
    }

    @Test("ssh-keygen -Q reads our list and says of each key and certificate what we say")
    func written() async throws {
        let authority = try await Authority()
        try await authority.bench.keygen(.ecdsa[1], "key2")
        try await authority.bench.keygen(.rsa, "key3")
        try await authority.bench.keygen(.ed25519, "key4")
        let signer = try authority.privateKey().publicKey
        var list = KeyRevocationList(version: 3, generated: now, comment: "ours")
        for range in [1...1, 5...5, 9...9, 11...13, 30...30, 1000...9000, 100_000...100_000] as [ClosedRange<UInt64>] {
            list.revoke(serials: range, authority: signer)
        }
        list.revoke(keyID: "lost", authority: signer)
        list.revoke(try authority.privateKey("key2").publicKey)
        try list.revoke(fingerprint: try authority.privateKey("key3").publicKey.fingerprint)
        try authority.bench.write("krl", list.file)
        #expect(try KeyRevocationList(file: list.file).file == list.file)

        for serial in [1, 2, 5, 9, 10, 11, 13, 14, 30, 999, 1000, 9000, 9001, 100_000, 100_001] as [UInt64] {
            let certificate = PublicIdentity.certificate(try await authority.sign(["-n", "ada", "-z", "\(serial)"]))
            #expect(
                try await isRevoked("key-cert.pub", authority.bench) == list.contains(certificate), "serial \(serial)")
        }
        try await authority.bench.require("ssh-keygen", ["-q", "-s", "ca", "-I", "lost", "-n", "ada", "key.pub"])
        #expect(try await isRevoked("key-cert.pub", authority.bench))
        #expect(try await isRevoked("key2.pub", authority.bench))
        #expect(try await isRevoked("key3.pub", authority.bench))
        #expect(!(try await isRevoked("key4.pub", authority.bench)))
        #expect(try await authority.bench.require("ssh-keygen", ["-Q", "-l", "-f", "krl"]).contains("KRL version 3"))
    }

    private func isRevoked(_ file: String, _ bench: Workbench) async throws -> Bool {
        let outcome = try await bench.run("ssh-keygen", ["-Q", "-f", "krl", file])
        #expect(outcome.output.contains("ok") || outcome.output.contains("REVOKED"), "\(outcome.output)")
        return outcome.status != 0
    }

    @Test("an authority's numbers are its own; those of no authority are everybody's; zero can't be revoked")
    func scopes() throws {
        let first = SSHPrivateKey.generateEd25519()
        let second = SSHPrivateKey.generateEd25519()
        func certificate(_ signer: SSHPrivateKey, _ serial: UInt64) throws -> PublicIdentity {
            .certificate(
                try SSHCertificate.issue(
                    CertificateContents(
                        publicKey: second.publicKey, type: .user, keyID: "x", principals: ["ada"], serial: serial),
                    signedBy: signer))
        }
        var list = KeyRevocationList()
        list.revoke(serials: 0...4, authority: first.publicKey)
        list.revoke(serials: 9...9, authority: nil)
        #expect(list.contains(try certificate(first, 4)))
        #expect(!list.contains(try certificate(second, 4)))
        #expect(try list.contains(certificate(first, 9)) && list.contains(certificate(second, 9)))
        #expect(!list.contains(try certificate(first, 0)))
        guard case .certificate(let nameless) = try certificate(second, 0) else { return }
        list.revoke(nameless)
        #expect(list.contains(.certificate(nameless)))
    }

    @Test(
        "only a whole SHA-256 fingerprint is taken for one",
        arguments: [
            "", "SHA256:", "SHA256:AAAA", "MD5:00", String(repeating: "A", count: 43),
            "SHA256:" + String(repeating: "A", count: 44),
        ])
    func fingerprints(_ text: String) {
        var list = KeyRevocationList()
        #expect(refusal { try list.revoke(fingerprint: text) }?.code == .malformed)
    }

    @Test("a text of public keys is a revocation list too; one line that can't be read spoils it")
    func text() throws {
        let key = SSHPrivateKey.generateEd25519().publicKey
        let text = "# lost\n\n\(key.authorizedKeysLine(comment: "x"))\n"
        #expect(try KeyRevocationList(file: Array(text.utf8)).contains(.key(key)))
        #expect(try KeyRevocationList(file: []).contains(.key(key)) == false)
        #expect(refusal { _ = try KeyRevocationList(file: Array((text + "ssh-ed25519 AAAA\n").utf8)) } != nil)
        #expect(refusal { _ = try KeyRevocationList(file: [0xff, 0xfe]) }?.code == .malformed)
    }

    @Test("a list cut anywhere or with any byte changed never traps; cut inside of a section it is malformed")
    func damage() async throws {
        let authority = try await Authority()
        try authority.bench.write("spec", Array("serial: 1\nserial: 3\nserial: 5-900\nid: x\n".utf8))
        try await authority.bench.require("ssh-keygen", ["-k", "-q", "-f", "krl", "-s", "ca.pub", "spec", "key.pub"])
        let file = try authority.bench.read("krl")
        for damaged in Damage.flips(file) { _ = try? KeyRevocationList(file: damaged).file }
        let whole = try KeyRevocationList(file: file)
        for cut in Damage.cuts(file) where !cut.isEmpty {
            let list = try? KeyRevocationList(file: cut)
            #expect(list != whole)
        }
    }

    @Test("a bitmap that names sixteen million numbers, or begins at the last one, takes no more than its own bytes")
    func bitmaps() throws {
        let authority = SSHPrivateKey.generateEd25519().publicKey
        func file(offset: UInt64, _ bitmap: [UInt8]) -> [UInt8] {
            var part = WireWriter()
            part.writeUInt64(offset)
            part.writeMPInt(bitmap)
            var section = WireWriter()
            section.writeString(authority.blob)
            section.writeString([])
            section.writeUInt8(0x22)
            section.writeString(part.bytes)
            var writer = WireWriter()
            writer.writeRaw(KeyRevocationList().file)
            writer.writeUInt8(1)
            writer.writeString(section.bytes)
            return writer.bytes
        }
        let large = try KeyRevocationList(file: file(offset: 1, [UInt8](repeating: 0xff, count: 2 << 20)))
        #expect(try KeyRevocationList(file: large.file) == large)
        let last = try KeyRevocationList(file: file(offset: .max, [0xff, 0xff]))
        #expect(try KeyRevocationList(file: last.file) == last)
    }

    @Test("numbers at the ends of the range are revoked, written and read like others")
    func ends() throws {
        let authority = SSHPrivateKey.generateEd25519().publicKey
        for ranges in [
            [0...(.max)], [(.max - 1)...(.max), 0...1],
            [(.max)...(.max), (.max - 3)...(.max - 3), 1...1, 3...3, 5...5, 7...7],
            [(.max)...(.max), (.max - 2)...(.max - 2), (.max - 4)...(.max - 4), (.max - 6)...(.max - 6)],
        ] as [[ClosedRange<UInt64>]] {
            var list = KeyRevocationList()
            for range in ranges { list.revoke(serials: range, authority: authority) }
            #expect(try KeyRevocationList(file: list.file).file == list.file)
        }
    }

    @Test("an extension that is critical makes the list unusable, another is skipped")
    func extensions() throws {
        func file(isCritical: Bool) -> [UInt8] {
            var body = WireWriter()
            body.writeString("future@example.org")
            body.writeBoolean(isCritical)
            body.writeString([1, 2])
            var writer = WireWriter()
            writer.writeRaw(KeyRevocationList().file)
            writer.writeUInt8(255)
            writer.writeString(body.bytes)
            return writer.bytes
        }
        #expect(try KeyRevocationList(file: file(isCritical: false)) == KeyRevocationList())
        #expect(refusal { _ = try KeyRevocationList(file: file(isCritical: true)) }?.code == .unsupported)
    }
}
