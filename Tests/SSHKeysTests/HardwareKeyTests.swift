import Crypto
import Foundation
import SSHKeys
import Testing

/// Public keys and signatures of FIDO tokens.
@Suite struct HardwareKeyTests {
    static func tokens() throws -> [HardwareToken] { [try .ed25519(), try .ecdsa()] }

    @Test("a signature with a touch is valid and tells its flags and counter")
    func touched() throws {
        for token in try Self.tokens() {
            let key = token.publicKey
            let signature = try token.sign([1, 2], flags: 5, counter: 9)
            #expect(try key.verify(signature: signature, over: [1, 2], algorithm: key.algorithm))
            #expect(
                try key.verifyDetailed(signature: signature, over: [1, 2], algorithm: key.algorithm)
                    == SignatureDetails(userPresent: true, userVerified: true, counter: 9))
            #expect(!(try key.verify(signature: signature, over: [1], algorithm: key.algorithm)))
        }
    }

    @Test("a signature without a touch is refused unless the caller asks for details")
    func untouched() throws {
        for token in try Self.tokens() {
            let key = token.publicKey
            let signature = try token.sign([1], flags: 0)
            #expect(!(try key.verify(signature: signature, over: [1], algorithm: key.algorithm)))
            let details = try #require(
                try key.verifyDetailed(signature: signature, over: [1], algorithm: key.algorithm))
            #expect(!details.userPresent && !details.userVerified)
            #expect(refusal { try LoginPermissions.all.checkPresence(details, of: key) }?.code == .presenceRequired)
            var free = LoginPermissions.all
            free.needsTouch = false
            #expect(refusal { try free.checkPresence(details, of: key) } == nil)
            free.needsVerification = true
            #expect(refusal { try free.checkPresence(details, of: key) }?.code == .presenceRequired)
        }
    }

    @Test("flags and counter are part of what is signed: a changed one makes the signature bad")
    func bound() throws {
        for token in try Self.tokens() {
            var signature = try token.sign([1], flags: 0)
            signature[signature.count - 5] = 1
            #expect(
                !(try token.publicKey.verify(signature: signature, over: [1], algorithm: token.publicKey.algorithm)))
            signature = try token.sign([1])
            signature[signature.count - 1] ^= 1
            #expect(
                !(try token.publicKey.verify(signature: signature, over: [1], algorithm: token.publicKey.algorithm)))
        }
    }

    @Test("a signature cut anywhere, or of the plain key, is no signature of a token")
    func damaged() throws {
        for token in try Self.tokens() {
            let key = token.publicKey
            let signature = try token.sign([1])
            for damaged in Damage.all(signature) + [signature + [0]] {
                #expect((try? key.verify(signature: damaged, over: [1], algorithm: key.algorithm)) != true)
            }
            let plain = try token.key.sign([1], algorithm: token.key.publicKey.algorithm)
            #expect((try? key.verify(signature: plain, over: [1], algorithm: key.algorithm)) != true)
        }
    }

    @Test("ssh-keygen gives a token's public key the same fingerprint and type")
    func listed() async throws {
        let bench = try Workbench()
        for token in try Self.tokens() {
            let line = token.publicKey.authorizedKeysLine(comment: "t")
            try bench.write("sk.pub", Array(line.utf8))
            let listing = try await bench.require("ssh-keygen", ["-l", "-f", "sk.pub"])
            #expect(listing == "256 \(token.publicKey.fingerprint) t (\(token.publicKey.typeName))\n")
            #expect(try SSHPublicKey(authorizedKeysLine: line) == token.publicKey)
        }
    }

    @Test("what we take for a good signature of a token, ssh-keygen takes for one too")
    func peer() async throws {
        let bench = try Workbench()
        for token in try Self.tokens() {
            try bench.write("signers", Array("ada \(token.publicKey.authorizedKeysLine())\n".utf8))
            // PROTOCOL.sshsig: what is signed names the namespace and the digest of the message.
            var signed = WireWriter()
            signed.writeRaw("SSHSIG".utf8)
            for field in ["file", "", "sha512"] { signed.writeString(field) }
            signed.writeString(Array(SHA512.hash(data: Array("message".utf8))))
            var file = WireWriter()
            file.writeRaw("SSHSIG".utf8)
            file.writeUInt32(1)
            file.writeString(token.publicKey.blob)
            for field in ["file", "", "sha512"] { file.writeString(field) }
            file.writeString(try token.sign(signed.bytes))
            let text = Data(file.bytes).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed])
            try bench.write("sig", Array("-----BEGIN SSH SIGNATURE-----\n\(text)\n-----END SSH SIGNATURE-----\n".utf8))
            let outcome = try await bench.run(
                "ssh-keygen", ["-Y", "verify", "-f", "signers", "-I", "ada", "-n", "file", "-s", "sig"],
                input: Array("message".utf8))
            #expect(outcome.status == 0, "\(outcome.output)")
        }
    }

    @Test("a token's key blob with a foreign application, curve or length is refused")
    func blobs() throws {
        for token in try Self.tokens() {
            let blob = token.publicKey.blob
            #expect(try SSHPublicKey(wire: blob) == token.publicKey)
            for cut in Damage.cuts(blob) { #expect((try? SSHPublicKey(wire: cut)) == nil) }
            for changed in Damage.flips(blob) { _ = try? SSHPublicKey(wire: changed) }
        }
        #expect(
            refusal {
                _ = try SSHPublicKey(
                    wire: SSHPublicKey.skEd25519(key: [UInt8](repeating: 1, count: 32), application: "ssh:é").blob)
            }?.code == .malformed)
    }

    @Test("a token's private key file is recognised, and the error names the agent")
    func privateFile() throws {
        var writer = WireWriter()
        writer.writeRaw("openssh-key-v1\0".utf8)
        for field in ["none", "none", ""] { writer.writeString(field) }
        writer.writeUInt32(1)
        writer.writeString(try HardwareToken.ed25519().publicKey.blob)
        writer.writeString([UInt8](repeating: 0, count: 64))
        let text = Data(writer.bytes).base64EncodedString()
        let error = refusal {
            _ = try SSHPrivateKey(
                text: "-----BEGIN OPENSSH PRIVATE KEY-----\n\(text)\n-----END OPENSSH PRIVATE KEY-----\n")
        }
        #expect(error?.code == .unsupported)
        #expect(error?.description.contains("agent") == true)
        #expect(error?.hint.contains("ssh-add") == true)
    }
}
