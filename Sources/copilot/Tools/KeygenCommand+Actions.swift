import ArgumentParser
import Foundation
import SSHKeys
import SSHTools

extension KeygenCommand {
    private var home: String { ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory() }
    private var usesMD5: Bool { key.fingerprintHash.lowercased() == "md5" }

    func perform() throws {
        if action.revokes { return try revoke() }
        if action.queries { return try query() }
        if action.findHost != nil || action.removeHost != nil || action.hashesHosts { return try knownHosts() }
        if certificate.authority != nil { return try sign() }
        if action.fingerprint { return try showFingerprints() }
        if action.showsPublic { return try showPublic() }
        if action.changePassphrase || action.changeComment { return try change() }
        if action.imports { return try importKey() }
        if action.exports { return try exportKey() }
        if action.listsCertificate { return try listCertificates() }
        try make()
    }

    // MARK: Making

    private func make() throws {
        let kind = try KeyPair.kind(named: key.type ?? "ed25519", bits: key.bits)
        let path = try newPath(kind)
        var mayReplace = force
        for taken in [path, path + ".pub"] where !mayReplace && KeyFiles.exists(taken) {
            PersonTerminal.error("\(taken) already exists.")
            guard PersonTerminal.confirms("Overwrite?") else {
                throw Failure(
                    "\(taken) stays as it is.", hint: "Choose another name with -f, or say --force.",
                    status: .foundWrong)
            }
            mayReplace = true
        }
        let format = try privateFormat()
        if !quiet, !json { PersonTerminal.print("Generating public/private \(key.type ?? "ed25519") key pair.") }
        let passphrase = try secrets.new(isChange: false).newSecret()
        let made = try SSHPrivateKey.generate(kind, comment: key.comment ?? KeyPair.defaultComment)
        let pair = KeyPair(made, at: path)
        if key.file == nil { try KeyFiles.makeFolder(of: path) }
        try pair.write(format: format, passphrase: passphrase, rounds: secrets.rounds, mayReplace: mayReplace)
        let description = KeyDescription(.key(made.publicKey), comment: made.comment, usesMD5: usesMD5)
        if json {
            struct Made: Encodable {
                let file: String
                let publicFile: String
                let key: KeyDescription
            }
            return try JSONOutput.print(Made(file: path, publicFile: pair.publicPath, key: description))
        }
        guard !quiet else { return }
        PersonTerminal.print("Your identification has been saved in \(path)")
        PersonTerminal.print("Your public key has been saved in \(pair.publicPath)")
        PersonTerminal.print("The key fingerprint is:")
        PersonTerminal.print("\(description.fingerprint) \(made.comment)")
        PersonTerminal.print("The key's randomart image is:")
        picture(made.publicKey)
    }

    private func newPath(_ kind: SSHKeyKind) throws(Failure) -> String {
        if let file = key.file { return file }
        let path = KeyPair.defaultPath(kind, home: home)
        guard PersonTerminal.asks else { return path }
        return PersonTerminal.typedLine("Enter file in which to save the key (\(path)): ") ?? path
    }

    private func privateFormat() throws(Failure) -> PrivateKeyFormat {
        guard let name = key.format else { return .openSSH }
        guard let format = PrivateKeyFormat(name: name) else {
            throw Failure("There is no format “\(name)” of private keys.", hint: "Choose OpenSSH, PKCS8 or PEM.")
        }
        return format
    }

    private func picture(_ key: SSHPublicKey) {
        key.randomart.split(separator: "\n").forEach { PersonTerminal.print(String($0)) }
    }

    // MARK: Showing

    /// The key file that an action is about; `ssh-keygen` asks for it.
    private func keyFile() throws(Failure) -> String {
        if let file = key.file { return file }
        for kind in [SSHKeyKind.ed25519, .ecdsa(.p256), .rsa(bits: 3072)] {
            let path = KeyPair.defaultPath(kind, home: home)
            if KeyFiles.exists(path) { return path }
        }
        throw Failure("There is no key in ~/.ssh.", hint: "Name one with -f.")
    }

    private func showFingerprints() throws {
        let found = try KeyFiles.publicLines(try keyFile())
        let descriptions = found.map { KeyDescription($0.identity, comment: $0.comment, usesMD5: usesMD5) }
        if json { return try JSONOutput.print(descriptions) }
        for (entry, description) in zip(found, descriptions) {
            PersonTerminal.print(description.line)
            if key.drawsPicture { picture(entry.identity.publicKey) }
        }
    }

    private func showPublic() throws {
        let found = try KeyFiles.privateKey(try keyFile(), passphrase: secrets.old)
        PersonTerminal.print(found.publicKey.authorizedKeysLine(comment: found.comment))
    }

    private func listCertificates() throws {
        let path = try keyFile()
        let certificates = try KeyFiles.publicLines(path).compactMap(\.identity.certificate)
        guard !certificates.isEmpty else {
            throw Failure("\(path) holds no certificate.", hint: "Name the file that ends in -cert.pub.")
        }
        for certificate in certificates {
            certificate.listing(name: path).split(separator: "\n").forEach { PersonTerminal.print(String($0)) }
        }
    }

    // MARK: Changing and converting

    private func change() throws {
        let path = try keyFile()
        let (found, kept) = try KeyFiles.unlock(path, passphrase: secrets.old)
        let pair = KeyPair(found, at: path)
        if action.changeComment {
            guard let comment = key.comment ?? PersonTerminal.typedLine("New comment: ") else {
                throw Failure("The new comment is missing.", hint: "Give it with -C.")
            }
            try pair.rewrite(comment: comment, passphrase: kept, rounds: secrets.rounds)
            if !quiet { PersonTerminal.print("Comment '\(comment)' applied") }
        } else {
            let passphrase = try secrets.new(isChange: true).newSecret()
            try pair.rewrite(format: try privateFormat(), passphrase: passphrase, rounds: secrets.rounds)
            if !quiet { PersonTerminal.print("Your identification has been saved with the new passphrase.") }
        }
    }

    private func importKey() throws {
        let path = try keyFile()
        let file = try KeyFiles.read(path)
        if let found = try? PublicKeyFile(file: file) {
            return PersonTerminal.print(found.identity.publicKey.authorizedKeysLine(comment: found.comment))
        }
        let found = try KeyFiles.privateKey(path, passphrase: secrets.old)
        guard key.format != nil else {
            return PersonTerminal.print(found.publicKey.authorizedKeysLine(comment: found.comment))
        }
        let passphrase = try secrets.new(isChange: true).newSecret()
        PersonTerminal.write(try privateFormat().file(found, passphrase: passphrase, rounds: secrets.rounds))
    }

    private func exportKey() throws {
        let found = try KeyFiles.publicKey(try keyFile(), passphrase: secrets.old)
        guard let format = PublicKeyFormat(name: key.format ?? "RFC4716") else {
            throw Failure(
                "There is no format “\(key.format ?? "")” of public keys.", hint: "Choose RFC4716, PKCS8 or PEM.")
        }
        PersonTerminal.write(Array(try format.text(found.identity.publicKey, comment: found.comment).utf8))
    }
}
