import NIOCore

@testable import SSHKeys

extension FuzzTarget {
    static let keys: [FuzzTarget] = [
        FuzzTarget("private-keys", seeds: { KeySamples.privateKeys }) { try readPrivateKey($0) },
        FuzzTarget("public-keys", seeds: { KeySamples.publicKeys }) { try readPublicKey($0) },
        FuzzTarget("signatures", seeds: { KeySamples.signatures }) { try verify($0) },
        FuzzTarget("certificates", seeds: { [KeySamples.certificate.blob] }) { try readCertificate($0) },
        FuzzTarget("revocation-list", seeds: { KeySamples.revocationLists }) { try readRevocationList($0) },
        FuzzTarget("authorized-keys", seeds: { KeySamples.authorizedKeys }) { try readAuthorizedKeys($0) },
        FuzzTarget("known-hosts", seeds: { KeySamples.knownHosts }) { try readKnownHosts($0) },
    ]

    @Sendable private static func readPrivateKey(_ bytes: [UInt8]) throws {
        var key = try? SSHPrivateKey(file: bytes)
        if key == nil, PassphraseCost.isSmall(bytes) {
            key = try? SSHPrivateKey(file: bytes, passphrase: Array("secret".utf8))
        }
        guard let key, let algorithm = key.publicKey.signatureAlgorithms.first else { return }
        // RSA that is made of noise costs milliseconds; its fields were checked when it was read.
        guard !algorithm.hasPrefix("rsa") else { return }
        guard let signature = try? key.sign([1, 2, 3], algorithm: algorithm) else { return }
        let isGood = (try? key.publicKey.verify(signature: signature, over: [1, 2, 3], algorithm: algorithm)) ?? false
        try hold(isGood, "A key does not verify its own signature")
    }

    @Sendable private static func readPublicKey(_ bytes: [UInt8]) throws {
        if let identity = try? PublicIdentity(wire: bytes) { try checkIdentity(identity) }
        if let file = try? PublicKeyFile(file: bytes) {
            try checkIdentity(file.identity)
            if case .key(let key) = file.identity {
                _ = try? key.pkcs8File()
                let text = Array(key.rfc4716File(comment: "c").utf8)
                try hold((try? PublicKeyFile(file: text))?.identity == file.identity, "RFC 4716 changes a key")
            }
        }
        let line = String(decoding: bytes, as: UTF8.self)
        if let key = try? SSHPublicKey(authorizedKeysLine: line) { try checkIdentity(.key(key)) }
    }

    private static func checkIdentity(_ identity: PublicIdentity) throws {
        try hold((try? PublicIdentity(wire: identity.blob)) == identity, "A key changes when it is written and read")
        try hold(!identity.signatureAlgorithms.isEmpty, "A key can sign with nothing")
        _ = identity.publicKey.fingerprint
    }

    /// A signature over known data, by one of the keys that the first byte chooses.
    @Sendable private static func verify(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        guard let sample = input.element(of: KeySamples.signed) else { return }
        let signature = Array(input.rest)
        for algorithm in sample.key.signatureAlgorithms + ["ssh-rsa", "none"] {
            guard let isGood = try? sample.key.verify(signature: signature, over: [1, 2, 3], algorithm: algorithm)
            else {
                continue
            }
            // ECDSA can be signed anew by who has the key alone; what stands here came from no such one.
            try hold(!isGood || signature == sample.signature || sample.isMalleable, "A forged signature verifies")
        }
        _ = try? PublicIdentity.key(sample.key).verifyDetailed(
            signature: signature, over: [1, 2, 3], algorithm: sample.key.algorithm)
    }

    @Sendable private static func readCertificate(_ bytes: [UInt8]) throws {
        guard let certificate = try? SSHCertificate(wire: bytes) else { return }
        try hold(certificate.blob == bytes, "A certificate's bytes change")
        for type in [CertificateType.user, .host] {
            try? certificate.check(
                as: type, principal: "ada", now: 1_700_000_000, isTrusted: { _ in true },
                revoked: KeySamples.revoked, sourceAddress: "10.0.0.1")
        }
        _ = try? certificate.permissions
        _ = certificate.description
    }

    @Sendable private static func readRevocationList(_ bytes: [UInt8]) throws {
        guard let list = try? KeyRevocationList(file: bytes) else { return }
        let isRevoked = list.contains(.certificate(KeySamples.certificate))
        // What was read can be written, and says the same.
        guard let again = try? KeyRevocationList(file: list.file) else {
            throw FuzzFinding("A revocation list that we write we do not read")
        }
        try hold(
            again.contains(.certificate(KeySamples.certificate)) == isRevoked, "A revocation list says something else")
    }

    @Sendable private static func readAuthorizedKeys(_ bytes: [UInt8]) throws {
        let keys = AuthorizedKeys(file: bytes)
        for identity in [PublicIdentity.key(KeySamples.ed25519.publicKey), .certificate(KeySamples.certificate)] {
            _ = keys.decide(
                KeyLogin(
                    identity: identity, username: "ada", address: "10.0.0.1", hostname: "host.example",
                    now: 1_700_000_000, signature: nil, revoked: KeySamples.revoked))
        }
        for entry in keys.entries {
            _ = keys.decide(
                KeyLogin(
                    identity: .key(entry.key), username: "ada", address: "::1", now: 1_700_000_000, signature: nil))
        }
        _ = AuthorizedPrincipals(file: bytes)
        _ = try? KeyOptions(field: String(decoding: bytes, as: UTF8.self))
    }

    @Sendable private static func readKnownHosts(_ bytes: [UInt8]) throws {
        let hosts = KnownHosts(file: bytes, path: "known_hosts")
        let offered = [PublicIdentity.key(KeySamples.ed25519.publicKey), .certificate(KeySamples.certificate)]
        for identity in offered {
            for port in [22, 2222] {
                _ = hosts.lookup(
                    host: "host.example", port: port, address: "10.0.0.1", offered: identity, now: 1_700_000_000)
            }
        }
        _ = hosts.preferring(["ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com"], host: "host.example", port: 22)
        _ = try? DestinationConstraint("ada@host.example>root@10.0.0.1", knownHosts: hosts)
        let hashed = KnownHosts(file: KnownHosts.hashing(bytes))
        try hold(
            hashed.entries.count >= hosts.entries.count, "Hashing loses \(hosts.entries.count - hashed.entries.count)")
    }
}

/// Whether the function that a file's passphrase goes through is cheap enough to be tried thousands of times. The limits
/// of what a file may ask for are the tests' concern.
enum PassphraseCost {
    static func isSmall(_ file: [UInt8]) -> Bool {
        if PuTTYPrivateKey.isOne(file) { return isSmallPuTTY(file) }
        guard let block = try? PEMBlock(file: file) else { return false }
        switch block.label {
        case "OPENSSH PRIVATE KEY": return isSmallOpenSSH(block.content)
        case "ENCRYPTED PRIVATE KEY": return isSmallPBES2(block.content)
        default: return true
        }
    }

    private static func isSmallPuTTY(_ file: [UInt8]) -> Bool {
        let numbers = String(decoding: file, as: UTF8.self).split(whereSeparator: \.isNewline)
            .filter { $0.hasPrefix("Argon2-") }.compactMap { Int($0.drop { $0 != " " }.dropFirst()) }
        return numbers.allSatisfy { $0 <= 64 }
    }

    private static func isSmallOpenSSH(_ content: [UInt8]) -> Bool {
        var reader = WireReader(Array(content.dropFirst("openssh-key-v1\0".utf8.count)))
        guard (try? reader.string()) != nil, (try? reader.string()) != nil, let options = try? reader.string() else {
            return true
        }
        var inner = WireReader(options)
        guard (try? inner.string()) != nil, let rounds = try? inner.uint32() else { return true }
        return rounds <= 2
    }

    /// PBKDF2's iterations, or scrypt's numbers.
    private static func isSmallPBES2(_ content: [UInt8]) -> Bool {
        var file = DERReader(content)
        guard var info = try? file.enter(.sequence), var scheme = try? info.enter(.sequence),
            (try? scheme.read(.objectIdentifier)) != nil, var parameters = try? scheme.enter(.sequence),
            var kdf = try? parameters.enter(.sequence), (try? kdf.read(.objectIdentifier)) != nil,
            var options = try? kdf.enter(.sequence), (try? options.read(.octetString)) != nil
        else { return true }
        while let number = try? options.smallInteger() {
            guard number <= 128 else { return false }
        }
        return true
    }
}
