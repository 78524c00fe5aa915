import SSHCrypto
import SSHKeys

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The server's host key: read, or made at the first start, for this account's eyes alone.
enum HostKeyFile {
    /// Where it is kept unless somebody says otherwise.
    static func defaultPath(isRoot: Bool, home: String) -> String {
        isRoot
            ? "/var/lib/copilot/ssh-server/host_key"
            : "\(home)/.local/share/copilot/ssh-server/host_key"
    }

    /// - Throws: `unusable_file`.
    static func load(_ path: String) throws(StandaloneServerError) -> SSHPrivateKey {
        if let key = try read(path) { return key }
        try make(path)
        guard let key = try read(path) else {
            throw .file(path, "is gone again", hint: "Somebody else removes it.")
        }
        return key
    }

    private static func read(_ path: String) throws(StandaloneServerError) -> SSHPrivateKey? {
        let bytes: [UInt8]?
        do {
            bytes = try TrustedFile.read(path, owner: geteuid(), home: nil)
        } catch {
            throw .file(
                path, (error as? TrustedFile.Distrust)?.why ?? "cannot be read",
                hint: "The host key belongs to the server's account alone.")
        }
        guard let bytes else { return nil }
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_mode & 0o077 == 0 else {
            throw .file(path, "may be read by others", hint: "chmod 600 \(path)")
        }
        do {
            return try SSHPrivateKey(file: bytes)
        } catch {
            throw .file(path, "is not a host key: \(error.description)", hint: error.hint)
        }
    }

    private static func make(_ path: String) throws(StandaloneServerError) {
        try makeFolders(above: path)
        let key = SSHPrivateKey.generateEd25519(comment: "host key of copilot ssh-server")
        let text: String
        do { text = try key.openSSHFile() } catch {
            throw .file(path, "cannot be made: \(error.description)", hint: error.hint)
        }
        // Beside and then linked: another start at the same time sees a whole key or none, and the first one wins.
        let beside = "\(path).\(getpid()).new"
        unlink(beside)
        let descriptor = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw cannotWrite(path) }
        defer { unlink(beside) }
        let bytes = Array(text.utf8)
        let isWritten = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        guard close(descriptor) == 0, isWritten else { throw cannotWrite(path) }
        guard link(beside, path) == 0 || errno == EEXIST else { throw cannotWrite(path) }
    }

    private static func makeFolders(above path: String) throws(StandaloneServerError) {
        var missing: [String] = []
        var folder = path
        while let slash = folder.lastIndex(of: "/"), slash != folder.startIndex {
            folder = String(folder[..<slash])
            if access(folder, F_OK) == 0 { break }
            missing.append(folder)
        }
        for folder in missing.reversed() where mkdir(folder, 0o700) != 0 && errno != EEXIST {
            throw cannotWrite(path)
        }
    }

    private static func cannotWrite(_ path: String) -> StandaloneServerError {
        .file(
            path, "cannot be written: \(String(cString: strerror(errno)))",
            hint: "Name another place with --host-key-path.")
    }
}
