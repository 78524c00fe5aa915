// The answer to a host's key, from the files and the mode that the configuration names.

public import SSHKeys

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension SSHConfiguration {
    /// The known hosts of the user and of the system. Blocks. Throws for a file that is there and cannot be read.
    public func knownHosts() throws -> KnownHosts {
        var hosts = KnownHosts()
        for path in try userKnownHostsFiles() + globalKnownHostsFiles() {
            guard let lines = try ConfigurationFile.contentIfPresent(path, limit: KnownHostsFile.maximumLength) else {
                continue
            }
            hosts.add(file: lines, path: path)
        }
        return hosts
    }

    /// A decision about host keys as `StrictHostKeyChecking` says: what is known is accepted; what is new is refused,
    /// asked about or recorded; what was changed or revoked is refused.
    ///
    /// Unlike OpenSSH with `StrictHostKeyChecking no`, a changed key is refused in every mode: nothing here could withhold
    /// the password from whoever shows it.
    ///
    /// - Parameter ask: Shows a new key to a person; only in the mode `ask`.
    /// - Returns: For `SSHClientConfiguration`. It reads the files now, and writes a new key into the user's first one.
    public func hostKeyVerification(
        ask: @escaping @Sendable (HostKeyQuestion) async -> Bool
    ) throws -> @Sendable (HostKeyQuestion) async -> HostKeyAnswer {
        let hosts = try knownHosts()
        let revoked = try revokedHostKeys()
        let file = try userKnownHostsFiles().first.map { KnownHostsFile(path: $0) }
        let (mode, isHashed, trustsLocalhost) = (hostKeyChecking, hashesKnownHosts, !checksLocalhostKey)
        // An alias stands alone in the file, without a port.
        let isAlias = place(of: .hostKeyAlias) != nil
        let (name, port) = (hostKeyName, isAlias ? 22 : self.port)
        return { question in
            if trustsLocalhost, ["127.0.0.1", "::1"].contains(question.remoteAddress) { return .accept }
            if revoked.contains(question.identity) {
                return .refuse(reason: "The host key of \(name) is revoked: RevokedHostKeys names it.")
            }
            let now = UInt64(max(time(nil), 0))
            let verdict = hosts.lookup(host: name, port: port, offered: question.identity, now: now)
            switch verdict {
            case .known, .certified: return .accept
            case .changed, .revoked, .badCertificate:
                return .refuse(reason: verdict.explanation ?? "The host key is not the one that is known.")
            case .unknown: break
            }
            switch mode {
            case .strict:
                return .refuse(reason: "The host key of \(name) is not known, and StrictHostKeyChecking is on.")
            case .ask:
                guard await ask(question) else { return .refuse(reason: "The host key of \(name) was not accepted.") }
            case .acceptNew, .off: break
            }
            // As in OpenSSH, a file that cannot be written does not keep anybody out: the next time asks again.
            try? file?.add(host: name, port: port, key: question.publicKey, isHashed: isHashed)
            return .accept
        }
    }

    /// What `RevokedHostKeys` names; empty without it. Blocks. Throws for a list that cannot be read.
    public func revokedHostKeys() throws -> RevokedHostKeys {
        guard let path = revokedHostKeysFile else { return RevokedHostKeys() }
        // A list that was named and cannot be read must stop the connection: it may hold this very key.
        return try RevokedHostKeys(file: ConfigurationFile.content(path, limit: KnownHostsFile.maximumLength))
    }
}

/// The file of `RevokedHostKeys`: a key revocation list, or public keys line by line.
public struct RevokedHostKeys: Sendable {
    private var list: KeyRevocationList?
    private var keys: Set<SSHPublicKey> = []

    init() {}

    init(file: [UInt8]) throws(SSHKeyError) {
        if file.starts(with: "SSHKRL\n".utf8) {
            list = try KeyRevocationList(file: file)
            return
        }
        for line in String(decoding: file, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let text = line.drop { $0 == " " || $0 == "\t" }
            if text.isEmpty || text.hasPrefix("#") { continue }
            keys.insert(try SSHPublicKey(authorizedKeysLine: String(text)))
        }
    }

    /// Whether it names the key, the certificate, or the authority that signed it.
    public func contains(_ identity: PublicIdentity) -> Bool {
        if list?.contains(identity) == true { return true }
        return keys.contains(identity.publicKey) || identity.certificate.map { keys.contains($0.signatureKey) } ?? false
    }
}
