import ArgumentParser
import Foundation
import SSHKeys
import SSHTools

/// Known hosts, certificates and revocation lists.
extension KeygenCommand {
    private var now: UInt64 { UInt64(max(Date().timeIntervalSince1970, 0)) }

    func knownHosts() throws {
        let home = ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory()
        let lines = HostKeyLines(path: key.file ?? HostKeyLines.defaultPath(home: home))
        if let host = action.findHost {
            let found = try lines.find(host)
            if json { try JSONOutput.print(found.map { FoundHost($0) }) } else { show(found, host) }
            if found.isEmpty { throw ExitCode(Failure.Status.foundWrong.rawValue) }
        } else if let host = action.removeHost {
            let count = try lines.remove(host)
            guard count > 0 else {
                PersonTerminal.error("Host \(host) not found in \(lines.file.path)")
                throw ExitCode(Failure.Status.foundWrong.rawValue)
            }
            if !quiet {
                PersonTerminal.print("\(lines.file.path) updated: \(count) line\(count == 1 ? "" : "s") removed.")
                PersonTerminal.print("Original contents retained as \(lines.file.path).old")
            }
        } else {
            try lines.hash()
            if !quiet {
                PersonTerminal.print("\(lines.file.path) updated.")
                PersonTerminal.print("Original contents retained as \(lines.file.path).old")
                PersonTerminal.error(
                    "WARNING: \(lines.file.path).old shows the names of the hosts: delete it to hide them.")
            }
        }
    }

    private struct FoundHost: Encodable {
        let line: Int
        let marker: String
        let key: KeyDescription

        init(_ entry: KnownHosts.Entry) {
            line = entry.line
            marker = entry.marker.rawValue
            key = KeyDescription(.key(entry.key), comment: entry.comment)
        }
    }

    private func show(_ found: [KnownHosts.Entry], _ host: String) {
        for entry in found {
            if action.fingerprint {
                PersonTerminal.print("\(host) " + KeyDescription(.key(entry.key), comment: entry.comment).line)
                continue
            }
            if !quiet {
                let note =
                    switch entry.marker {
                    case .none: ""
                    case .certificateAuthority: " CA"
                    case .revoked: " REVOKED"
                    }
                PersonTerminal.print("# Host \(host) found: line \(entry.line)\(note)")
            }
            PersonTerminal.print(HostKeyLines.text(entry))
        }
    }

    // MARK: Certificates

    func sign() throws {
        guard let path = certificate.authority, let keyID = certificate.keyID, !keyID.isEmpty else {
            throw ValidationError("A certificate needs an id for the logs of servers: -I ID.")
        }
        guard !files.isEmpty else { throw ValidationError("Name the public keys to certify.") }
        let authority = try KeyFiles.privateKey(path, passphrase: secrets.old)
        let validity = try certificate.validity.map { try CertificateValidity($0, now: now) } ?? .unlimited
        let (first, counts) = try firstSerial()
        for (index, file) in files.enumerated() {
            let found = try KeyFiles.publicKey(file, passphrase: secrets.old)
            let (serial, overflows) = first.addingReportingOverflow(counts ? UInt64(index) : 0)
            guard !overflows else { throw Failure("There is no serial number after the last.", hint: "Begin lower.") }
            let order = CertificateOrder(
                type: certificate.isHost ? .host : .user, keyID: keyID,
                principals: certificate.principals?.split(separator: ",").map(String.init) ?? [], validity: validity,
                serial: serial, options: certificate.option, algorithm: key.type)
            let made = try order.issue(for: found.identity.publicKey, signedBy: authority)
            let target = CertificateOrder.path(of: file)
            let line = made.line(comment: found.comment) + "\n"
            try KeyFiles.write(Array(line.utf8), to: target, mode: 0o644, mayReplace: try mayReplace(target))
            guard !quiet else { continue }
            PersonTerminal.print(
                "Signed \(certificate.isHost ? "host" : "user") key \(target): id \"\(keyID)\" serial \(serial) for "
                    + "\(made.principals.joined(separator: ",")) valid \(validity.text)")
        }
    }

    private func firstSerial() throws -> (UInt64, counts: Bool) {
        guard let text = certificate.serial else { return (0, false) }
        let counts = text.hasPrefix("+")
        guard let number = UInt64(counts ? text.dropFirst() : text[...]) else {
            throw ValidationError("'\(text)' is no serial number.")
        }
        return (number, counts)
    }

    /// A certificate is renewed in its place without a question, as ssh-keygen does; nothing else is.
    private func mayReplace(_ target: String) throws(Failure) -> Bool {
        guard KeyFiles.exists(target), !force else { return true }
        guard try KeyFiles.publicKey(target).identity.certificate == nil else { return true }
        return PersonTerminal.confirms("\(target) is no certificate. Overwrite it?")
    }

    // MARK: Revocation

    func revoke() throws {
        guard let path = key.file else { throw ValidationError("Name the revocation list with -f.") }
        var list: RevocationFile
        if certificate.updates {
            list = try RevocationFile(path: path)
        } else {
            list = RevocationFile(newAt: path, comment: key.comment ?? "")
        }
        var authority: SSHPublicKey?
        if let named = certificate.authority, named != "none" {
            authority = try KeyFiles.publicKey(named, passphrase: secrets.old).identity.publicKey
        }
        for file in files {
            try list.revoke(
                from: file, authority: authority, mayNameCertificates: certificate.authority != nil)
        }
        if let text = certificate.serial {
            guard let version = UInt64(text) else { throw ValidationError("'\(text)' is no version of a list.") }
            list.list.version = version
        } else if certificate.updates, list.list.version < .max {
            list.list.version += 1
        }
        list.list.generated = now
        let mayReplace =
            !KeyFiles.exists(path) || force || certificate.updates
            || PersonTerminal.confirms("\(path) already exists. Overwrite?")
        try list.write(mayReplace: mayReplace)
        if !quiet { PersonTerminal.print("\(path): \(list.list.items.count) entries") }
    }

    func query() throws {
        guard let path = key.file else { throw ValidationError("Name the revocation list with -f.") }
        let list = try RevocationFile(path: path)
        if action.fingerprint { list.listing().forEach { PersonTerminal.print($0) } }
        var isRevoked = false
        for file in files {
            for found in try KeyFiles.publicLines(file) {
                let isListed = list.list.contains(found.identity)
                isRevoked = isRevoked || isListed
                let comment = found.comment.isEmpty ? "" : " (\(found.comment))"
                PersonTerminal.print("\(file)\(comment): \(isListed ? "REVOKED" : "ok")")
            }
        }
        if isRevoked { throw ExitCode(Failure.Status.foundWrong.rawValue) }
    }
}
