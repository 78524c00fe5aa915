import Foundation
public import SSHKeys

/// A key revocation list on disk, as `ssh-keygen -k` makes and changes it.
public struct RevocationFile: Sendable {
    public let path: String
    public var list: KeyRevocationList

    /// A new list.
    public init(newAt path: String, comment: String = "") {
        self.path = path
        list = KeyRevocationList(comment: comment)
    }

    /// The list that is in a file: a list proper, or a text of public keys.
    public init(path: String) throws(Failure) {
        self.path = path
        let file = try KeyFiles.read(path, limit: KeyRevocationList.maximumFileLength)
        do throws(SSHKeyError) { list = try KeyRevocationList(file: file) } catch {
            throw Failure(error, about: path)
        }
    }

    /// Revokes what a file names: a public key, a certificate, or, failing that, the lines of a specification.
    ///
    /// - Parameters:
    ///   - source: its path.
    ///   - authority: whose certificates the specification's serial numbers and key ids are; nil for every authority's.
    ///   - mayNameCertificates: whether an authority was named at all.
    public mutating func revoke(
        from source: String, authority: SSHPublicKey?, mayNameCertificates: Bool
    ) throws(Failure) {
        let file = try KeyFiles.read(source, limit: KnownHostsFile.maximumLength)
        if KeyFiles.looksPrivate(file) || (try? PublicKeyFile(file: file)) != nil {
            // A file with several keys revokes them all.
            for found in try KeyFiles.publicLines(source) { revoke(found.identity) }
            return
        }
        let lines = String(decoding: file, as: UTF8.self)
            .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let text = line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
            guard !text.isEmpty else { continue }
            try revoke(
                specification: text, place: "\(source):\(index + 1)", authority: authority,
                mayNameCertificates: mayNameCertificates)
        }
    }

    private mutating func revoke(_ identity: PublicIdentity) {
        switch identity {
        case .key(let key): list.revoke(key)
        case .certificate(let certificate): list.revoke(certificate)
        }
    }

    /// One line: "serial: 17-20", "id: ada@laptop", "key: ssh-ed25519 AAAA…", "sha256: …", "sha1: …", "hash: SHA256:…", or
    /// a bare public key.
    private mutating func revoke(
        specification text: String, place: String, authority: SSHPublicKey?, mayNameCertificates: Bool
    ) throws(Failure) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts[0].lowercased()
        let value = parts.count == 2 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        if ["serial", "id"].contains(name), !mayNameCertificates {
            throw Failure(
                "\(place): certificates are revoked by \(name) for one authority.",
                hint: "Name it with -s CA.pub, or “-s none” for every authority.")
        }
        do throws(SSHKeyError) {
            switch name {
            case "serial": list.revoke(serials: try Self.serials(value, place), authority: authority)
            case "id": list.revoke(keyID: value, authority: authority)
            case "key": revoke(try PublicKeyFile(file: Array(value.utf8)).identity)
            case "sha256":
                try list.revoke(fingerprint: try PublicKeyFile(file: Array(value.utf8)).identity.publicKey.fingerprint)
            case "sha1": list.revoke(sha1Of: try PublicKeyFile(file: Array(value.utf8)).identity.publicKey)
            case "hash": try list.revoke(fingerprint: value)
            default: revoke(try PublicKeyFile(file: Array(text.utf8)).identity)
            }
        } catch { throw Failure(error, about: place) }
    }

    private static func serials(_ text: String, _ place: String) throws(SSHKeyError) -> ClosedRange<UInt64> {
        let ends = text.split(separator: "-", maxSplits: 1).map { part -> UInt64? in
            let number = part.trimmingCharacters(in: .whitespaces).lowercased()
            return number.hasPrefix("0x") ? UInt64(number.dropFirst(2), radix: 16) : UInt64(number)
        }
        guard let first = ends.first ?? nil, let last = ends.last ?? nil, first > 0, first <= last else {
            throw .malformed("“\(text)” is no serial number and no range of them")
        }
        return first...last
    }

    /// Writes the list. Its version and time are set by the caller.
    public func write(mayReplace: Bool) throws(Failure) {
        try KeyFiles.write(list.file, to: path, mode: 0o644, mayReplace: mayReplace)
    }

    /// What is on the list, one line for each thing, as `ssh-keygen -Q -l` does.
    public func listing() -> [String] {
        var lines = ["# KRL version \(list.version)", "# Generated at \(CertificateValidity.local(list.generated))"]
        if !list.comment.isEmpty { lines.append("# KRL comment: \(list.comment)") }
        lines.append("")
        var last: SSHPublicKey??
        func name(_ authority: SSHPublicKey?) {
            if case .some(let shown) = last, shown == authority { return }
            last = .some(authority)
            lines.append(authority.map { "# CA key \($0.typeName) \($0.fingerprint)" } ?? "# Wildcard CA")
        }
        for item in list.items {
            switch item {
            case .serials(let serials, let authority):
                name(authority)
                let isOne = serials.lowerBound == serials.upperBound
                lines.append("serial: \(serials.lowerBound)" + (isOne ? "" : "-\(serials.upperBound)"))
            case .scatteredSerials(let count, let within, let authority):
                name(authority)
                lines.append("# \(count) serials within \(within.lowerBound)-\(within.upperBound)")
            case .keyID(let id, let authority):
                name(authority)
                lines.append("id: \(id)")
            case .key(let key): lines.append("key: \(key.authorizedKeysLine())")
            case .unknownKey(let blob): lines.append("# a key of an unknown type, \(blob.count) bytes")
            case .fingerprint(let text): lines.append("hash: \(text)")
            case .sha1Digest(let digest):
                lines.append("# hash: SHA1:" + Data(digest).base64EncodedString().prefix { $0 != "=" })
            }
        }
        return lines
    }
}
