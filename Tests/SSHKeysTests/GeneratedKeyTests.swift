import Foundation
import SSHKeys
import Testing

/// Keys that are made here.
@Suite struct GeneratedKeyTests {
    static let kinds: [SSHKeyKind] =
        [.ed25519, .rsa(bits: 2048), .rsa(bits: 3072)] + ECDSACurve.allCases.map { .ecdsa($0) }

    @Test("every kind is made, signs, and its file is read by ssh-keygen", arguments: kinds, ["", "secret"])
    func made(_ kind: SSHKeyKind, _ passphrase: String) async throws {
        let bench = try Workbench()
        let key = try SSHPrivateKey.generate(kind, comment: "made here")
        try bench.write("key", Array(try key.openSSHFile(passphrase: Array(passphrase.utf8), rounds: 1).utf8))
        let line = try await bench.require("ssh-keygen", ["-y", "-P", passphrase, "-f", "key"])
        #expect(try SSHPublicKey(authorizedKeysLine: line) == key.publicKey)
        for algorithm in key.publicKey.signatureAlgorithms {
            let signature = try key.sign([1, 2], algorithm: algorithm)
            #expect(try key.publicKey.verify(signature: signature, over: [1, 2], algorithm: algorithm))
        }
    }

    @Test(
        "RSA sizes that are too small, too large or odd are refused",
        arguments: [Int.min, 0, 1024, 2047, 2049, 8200, .max])
    func sizes(_ bits: Int) {
        #expect(refusal { _ = try SSHPrivateKey.generate(.rsa(bits: bits)) }?.code == .unsupported)
    }

    @Test("RSA with SHA-1 signs and verifies only where it is allowed by name")
    func legacy() throws {
        let key = try SSHPrivateKey.generate(.rsa(bits: 2048))
        #expect(refusal { _ = try key.sign([1], algorithm: "ssh-rsa") }?.code == .algorithmMismatch)
        let signature = try key.sign([1], algorithm: "ssh-rsa", allowingLegacy: true)
        #expect(try key.publicKey.verify(signature: signature, over: [1], algorithm: "ssh-rsa", allowingLegacy: true))
        #expect(
            !(try key.publicKey.verify(signature: signature, over: [2], algorithm: "ssh-rsa", allowingLegacy: true)))
        #expect(
            refusal { _ = try key.publicKey.verify(signature: signature, over: [1], algorithm: "ssh-rsa") }?.code
                == .algorithmMismatch)
        let new = try key.sign([1], algorithm: "rsa-sha2-256")
        #expect(
            refusal {
                _ = try key.publicKey.verify(signature: new, over: [1], algorithm: "ssh-rsa", allowingLegacy: true)
            }?.code == .algorithmMismatch)
        #expect(SSHPrivateKey.generateEd25519().publicKey.legacySignatureAlgorithms.isEmpty)
    }
}
