import NIOCore

@testable import SSHKeys

/// Keys and what is made of them, once for each process.
enum KeySamples {
    static let ed25519 = SSHPrivateKey.generateEd25519(comment: "fuzz")
    static let ecdsa = (try? SSHPrivateKey.generate(.ecdsa(.p256))) ?? ed25519

    static let certificate: SSHCertificate = {
        do {
            return try SSHCertificate.issue(
                CertificateContents(
                    publicKey: ed25519.publicKey, type: .user, keyID: "id", principals: ["ada"], serial: 7,
                    criticalOptions: [.forceCommand("ls"), .sourceAddresses(["10.0.0.0/8"])],
                    extensions: [.init(name: "permit-pty")]),
                signedBy: ecdsa)
        } catch { preconditionFailure("The sample certificate cannot be issued: \(error)") }
    }()

    static let revoked: KeyRevocationList = {
        var list = KeyRevocationList(version: 1, generated: 2, comment: "c")
        list.revoke(ecdsa.publicKey)
        list.revoke(serials: 5...9, authority: ecdsa.publicKey)
        list.revoke(serials: 100...100_000, authority: nil)
        list.revoke(serials: 200_000...200_001, authority: nil)
        list.revoke(keyID: "gone", authority: nil)
        return list
    }()

    static var revocationLists: [[UInt8]] { [KeyRevocationList().file, revoked.file] }

    static var privateKeys: [[UInt8]] {
        [ed25519, ecdsa].flatMap { key in
            [try? key.openSSHFile(), try? key.openSSHFile(passphrase: Array("secret".utf8), rounds: 1)]
        }.compactMap { $0 }.map { Array($0.utf8) }
    }

    static var publicKeys: [[UInt8]] {
        let keys = [ed25519.publicKey, ecdsa.publicKey]
        return keys.map(\.blob) + keys.map { Array($0.authorizedKeysLine(comment: "c").utf8) }
            + keys.map { Array($0.rfc4716File(comment: "c").utf8) }
            + keys.compactMap { try? Array($0.pkcs8File().utf8) }
            + [certificate.blob, Array(certificate.line().utf8), hardware.blob]
    }

    /// A key of a security key's kind.
    static let hardware: SSHPublicKey = {
        guard case .ed25519(let bytes) = ed25519.publicKey else { return ed25519.publicKey }
        return .skEd25519(key: bytes, application: "ssh:")
    }()

    struct Signed: Sendable {
        var key: SSHPublicKey
        var signature: [UInt8]
        /// Whether other signatures than this one may be good, too.
        var isMalleable = false
    }

    static let signed: [Signed] = {
        var signed = [ed25519, ecdsa].compactMap { key in
            (try? key.sign([1, 2, 3], algorithm: key.publicKey.algorithm)).map {
                Signed(key: key.publicKey, signature: $0)
            }
        }
        // (r, -s) is as good as (r, s).
        signed[1].isMalleable = true
        signed.append(Signed(key: hardware, signature: []))
        return signed
    }()

    static var signatures: [[UInt8]] {
        signed.enumerated().map { [UInt8(truncatingIfNeeded: $0.offset)] + $0.element.signature }
    }

    static var authorizedKeys: [[UInt8]] {
        let (key, authority) = (ed25519.publicKey.authorizedKeysLine(), ecdsa.publicKey.authorizedKeysLine())
        return [
            "# keys\n\(key)\ncert-authority,principals=\"ada,root\" \(authority)\n",
            "from=\"10.0.0.0/8,!10.9.*,*.example\",command=\"a \\\"b\\\"\",no-pty,permitopen=\"h:*\" \(key)\n",
            "environment=\"A=b\",expiry-time=\"20300102Z\",permitlisten=\"[::1]:80\",restrict,pty,tunnel=\"0\" \(key)\n",
        ].map { Array($0.utf8) }
    }

    static var knownHosts: [[UInt8]] {
        let (key, authority) = (ed25519.publicKey.authorizedKeysLine(), ecdsa.publicKey.authorizedKeysLine())
        let plain = Array(
            "host.example,10.0.0.1 \(key)\n[host.example]:2222 \(key)\n@cert-authority *.example,!bad.* \(authority)\n@revoked * \(authority)\n"
                .utf8)
        return [plain, KnownHosts.hashing(plain)]
    }
}
