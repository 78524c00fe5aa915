import NIOConcurrencyHelpers
import SSH
import SSHKeys
import SSHProtocol

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A private key file that the configuration names, as far as it can be read without its passphrase.
struct IdentityFile: Sendable {
    let path: String
    /// Known before the file is opened; nil where only the passphrase would show it.
    let publicKey: SSHPublicKey?
    /// The certificate that lies beside it.
    let certificate: SSHCertificate?
    /// The file's content; nil where only the public part is there, whose private part an agent may have.
    private let content: [UInt8]?
    /// Opened already: it has no passphrase.
    let openKey: SSHPrivateKey?

    /// nil when there is nothing at the path that could be used.
    init?(path: String, log: ConnectionLog) {
        self.path = path
        let content = LocalFile.read(path, limit: SSHPrivateKey.maximumFileLength)
        certificate = Self.identity(path + "-cert.pub")?.certificate
        let shownKey = Self.identity(path + ".pub")?.publicKey
        guard let content else {
            guard let shownKey else {
                log.debug("identity file \(path): nothing there")
                return nil
            }
            (publicKey, openKey, self.content) = (shownKey, nil, nil)
            return
        }
        if let identity = (try? PublicKeyFile(file: content))?.identity {
            // A public key in the place of a private one says which of the agent's keys is meant.
            (publicKey, openKey, self.content) = (identity.publicKey, nil, nil)
            return
        }
        guard Self.isPrivate(path, log) else { return nil }
        do throws(SSHKeyError) {
            let key = try SSHPrivateKey(file: content)
            (publicKey, openKey, self.content) = (key.publicKey, key, content)
        } catch {
            guard error.code == .passphraseRequired else {
                log.say("Load key \"\(path)\": \(error.description)")
                return nil
            }
            (publicKey, openKey, self.content) = (SSHPrivateKey.publicKey(inFile: content) ?? shownKey, nil, content)
        }
        log.debug("identity file \(path): \(publicKey.map { "\($0.typeName) \($0.fingerprint)" } ?? "encrypted")")
    }

    var isOpenable: Bool { content != nil }

    /// The private key, with a passphrase that is asked for up to three times. nil when nobody knows it.
    func open(_ questions: any PersonQuestions, isBatch: Bool, _ log: ConnectionLog) async -> SSHPrivateKey? {
        if let openKey { return openKey }
        guard let content, !isBatch else { return nil }
        for _ in 1...3 {
            let prompt = PersonPrompt(.passphrase, "Enter passphrase for key '\(path)': ", isShown: false)
            guard let answer = await questions.answer(prompt), !answer.isEmpty else { return nil }
            do throws(SSHKeyError) {
                return try SSHPrivateKey(file: content, passphrase: Array(answer.utf8))
            } catch {
                guard error.code == .wrongPassphrase else {
                    log.say("Load key \"\(path)\": \(error.description)")
                    return nil
                }
            }
        }
        log.say("Load key \"\(path)\": no passphrase opened it")
        return nil
    }

    static func identity(_ path: String) -> PublicIdentity? {
        LocalFile.read(path, limit: PublicKeyFile.maximumLength).flatMap { try? PublicKeyFile(file: $0) }?.identity
    }

    /// A key that others can read is no secret: it is not used, as its owner would want to know.
    private static func isPrivate(_ path: String, _ log: ConnectionLog) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0, status.st_uid == getuid(), status.st_mode & 0o077 != 0 else { return true }
        let mode = String(status.st_mode & 0o777, radix: 8)
        log.say(
            """
            WARNING: UNPROTECTED PRIVATE KEY FILE!
            Permissions 0\(mode) for '\(path)' are too open: others can read it.
            This private key will be ignored. Make it yours alone: chmod 600 \(path)
            """, .error)
        return false
    }
}

/// Reading small files of this machine.
enum LocalFile {
    /// nil when it cannot be read or is longer than `limit` bytes.
    static func read(_ path: String, limit: Int) -> [UInt8]? {
        // A pipe in the place of a file must not hold everything up.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while content.count <= limit {
            let count = systemRead(descriptor, &chunk)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { return content }
            content += chunk[..<count]
        }
        return nil
    }

    private static func systemRead(_ descriptor: Int32, _ chunk: inout [UInt8]) -> Int {
        #if canImport(Glibc)
        Glibc.read(descriptor, &chunk, chunk.count)
        #else
        Darwin.read(descriptor, &chunk, chunk.count)
        #endif
    }
}
