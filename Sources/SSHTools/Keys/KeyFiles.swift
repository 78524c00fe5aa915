import Foundation
import SSHCrypto
public import SSHKeys

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Key files on disk: read whole and with a limit, written so that nobody else can read them, never written over unasked.
public enum KeyFiles {
    /// The whole of a file; "-" is standard input.
    public static func read(_ path: String, limit: Int = SSHPrivateKey.maximumFileLength) throws(Failure) -> [UInt8] {
        if path == "-" { return try read(FileHandle.standardInput, "standard input", limit: limit) }
        var status = stat()
        guard stat(path, &status) == 0 else { throw failure(path, "cannot be read", errno) }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw Failure("\(path) is a folder.", hint: "Name the key file in it.")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "cannot be read", errno) }
        return try read(FileHandle(fileDescriptor: descriptor, closeOnDealloc: true), path, limit: limit)
    }

    private static func read(_ file: FileHandle, _ name: String, limit: Int) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let chunk: Data?
            do { chunk = try file.read(upToCount: 64 << 10) } catch {
                throw Failure("\(name) cannot be read: \(error).", hint: "Check its path and permissions.")
            }
            guard let chunk, !chunk.isEmpty else { return bytes }
            bytes += chunk
            guard bytes.count <= limit else {
                throw Failure("\(name) is longer than any such file.", hint: "Check that it is the right one.")
            }
        }
    }

    /// Whether something has that name; a link that leads nowhere counts.
    public static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Writes a file in one step: whoever reads meanwhile sees the old one, or the new one whole.
    ///
    /// - Parameters:
    ///   - content: its bytes.
    ///   - path: "-" is standard output.
    ///   - mode: of the new file, whatever the old one had.
    ///   - mayReplace: whether a file of that name may go. Without it such a file is an error.
    public static func write(
        _ content: [UInt8], to path: String, mode: mode_t, mayReplace: Bool
    ) throws(Failure) {
        if path == "-" { return PersonTerminal.write(content) }
        let target = mayReplace ? URL(filePath: path).resolvingSymlinksInPath().path : path
        let temporary = "\(target).\(UUID().uuidString)"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw failure(path, "cannot be written", errno) }
        let isWritten = fchmod(descriptor, mode) == 0 && writeAll(content, descriptor) && fsync(descriptor) == 0
        let reason = errno
        close(descriptor)
        guard isWritten else {
            unlink(temporary)
            throw failure(path, "cannot be written", reason)
        }
        // link(2) refuses a name that is taken; rename(2) would put the file in its place.
        let isNamed = mayReplace ? rename(temporary, target) : link(temporary, target)
        let error = errno
        if !mayReplace || isNamed != 0 { unlink(temporary) }
        guard isNamed == 0 else {
            guard error != EEXIST else {
                throw Failure(
                    "\(path) is there already.", hint: "Choose another name with -f; nothing is written over.")
            }
            throw failure(path, "cannot be written", error)
        }
    }

    private static func writeAll(_ content: [UInt8], _ descriptor: Int32) -> Bool {
        var rest = content[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { writeDescriptor(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Makes the folder that a file is to lie in, for its owner alone, if it is not there.
    public static func makeFolder(of path: String) throws(Failure) {
        let folder = URL(filePath: path).deletingLastPathComponent().path
        guard !exists(folder) else { return }
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure("\(folder) cannot be made.", hint: "Make it yourself, with mode 0700.")
        }
    }

    private static func failure(_ path: String, _ what: String, _ number: Int32) -> Failure {
        Failure(
            "\(path) \(what): \(String(cString: strerror(number))).",
            hint: number == ENOENT ? "Check the path." : "Check the file's owner and permissions: ls -l \(path)")
    }
}

extension KeyFiles {
    /// A private key; its passphrase is taken from `passphrase` if it has one.
    public static func privateKey(_ path: String, passphrase: PassphraseSource) throws(Failure) -> SSHPrivateKey {
        try unlock(path, passphrase: passphrase).key
    }

    /// A private key, and the passphrase that opened it; empty if it has none.
    public static func unlock(
        _ path: String, passphrase: PassphraseSource
    ) throws(Failure) -> (key: SSHPrivateKey, secret: [UInt8]) {
        var file = try read(path)
        defer { wipe(&file) }
        do throws(SSHKeyError) { return (try SSHPrivateKey(file: file), []) } catch {
            guard error.code == .passphraseRequired else { throw Failure(error, about: path) }
        }
        return try passphrase.open(path) { secret throws(SSHKeyError) in
            (try SSHPrivateKey(file: file, passphrase: secret), secret)
        }
    }

    /// A public key or a certificate, from a public key file or out of a private key.
    public static func publicKey(
        _ path: String, passphrase: PassphraseSource = .asked
    ) throws(Failure) -> (identity: PublicIdentity, comment: String) {
        let file = try read(path)
        do throws(SSHKeyError) {
            let found = try PublicKeyFile(file: file)
            return (found.identity, found.comment)
        } catch {
            guard looksPrivate(file) else { throw Failure(error, about: path) }
        }
        // What lies beside it says the same, with its comment, and asks for no passphrase.
        let beside = path + ".pub"
        if exists(beside), let found = try? PublicKeyFile(file: read(beside)) { return (found.identity, found.comment) }
        let key = try privateKey(path, passphrase: passphrase)
        return (.key(key.publicKey), key.comment)
    }

    static func looksPrivate(_ file: [UInt8]) -> Bool {
        let text = String(decoding: file.prefix(4096), as: UTF8.self)
        return text.contains("PRIVATE KEY-----") || text.contains("PuTTY-User-Key-File-")
    }

    /// Every public key and certificate of a file: `authorized_keys` and `known_hosts` too.
    public static func publicLines(_ path: String) throws(Failure) -> [(identity: PublicIdentity, comment: String)] {
        let file = try read(path, limit: KnownHostsFile.maximumLength)
        if let one = try? PublicKeyFile(file: file) {
            let lines = file.split(separator: UInt8(ascii: "\n"))
            guard lines.count > 1, lines.first?.starts(with: "----".utf8) == false else {
                return [(one.identity, one.comment)]
            }
        }
        if looksPrivate(file) { return [try publicKey(path)] }
        let lines = String(decoding: file, as: UTF8.self).split(whereSeparator: \.isNewline)
        let found = lines.compactMap { line -> (identity: PublicIdentity, comment: String)? in
            let text = line.drop { $0 == " " || $0 == "\t" }
            guard !text.isEmpty, text.first != "#" else { return nil }
            return identity(in: text)
        }
        guard !found.isEmpty else {
            throw Failure("\(path) holds no public key.", hint: "Name a key file, authorized_keys or known_hosts.")
        }
        return found
    }

    /// A key may stand behind options (authorized_keys) or the names of hosts (known_hosts).
    private static func identity(in line: Substring) -> (identity: PublicIdentity, comment: String)? {
        var rest = line
        for _ in 0..<64 {
            if let found = try? PublicKeyFile(file: Array(rest.utf8)) { return (found.identity, found.comment) }
            guard let blank = rest.firstIndex(where: { $0 == " " || $0 == "\t" }) else { return nil }
            rest = rest[rest.index(after: blank)...].drop { $0 == " " || $0 == "\t" }
        }
        return nil
    }
}

/// write(2), whose name a function of ours has.
private func writeDescriptor(_ descriptor: Int32, _ base: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, base, count)
}

extension Failure {
    /// - Parameter place: the file that it is about.
    init(_ error: SSHKeyError, about place: String) {
        self.init("\(place): \(error.description)", hint: error.hint)
    }
}
