// Where a shim keeps what is its own: a host key, a key for its owner, and the line that makes clients trust the first.

public import SSHKeys

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The shim's own folder, which only its owner may look into.
public struct ShimFolder: Sendable, Hashable {
    public let path: String

    public init(path: String) { self.path = path }

    /// `$XDG_DATA_HOME/copilot/shim`, or `~/.local/share/copilot/shim`.
    public init(environment: [String: String], home: String) {
        let data = environment["XDG_DATA_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? home + "/.local/share"
        self.init(path: data + "/copilot/shim")
    }

    /// The private key that lets its owner in, for `ssh -i`.
    public var userKeyPath: String { path + "/id_ed25519" }
    public var hostKeyPath: String { path + "/host_ed25519" }
    /// For `UserKnownHostsFile`.
    public var knownHostsPath: String { path + "/known_hosts" }

    /// Where OpenSSH's clients find the connection to a host without a key exchange of their own: the control socket beside
    /// a port of this machine. nil where the path would be longer than a socket's may be.
    public func controlPath(host: String, address: String, port: Int) -> String? {
        let place = address == "127.0.0.1" ? "\(port)" : "\(port)@\(address)"
        let path = "\(self.path)/\(host).\(place)"
        // A process number is added while it is made.
        return path.utf8.count <= 96 ? path : nil
    }

    /// Makes sure that nobody else may enter.
    public func prepareForSockets() throws(ShimError) {
        try make()
        guard chmod(path, 0o700) == 0 else {
            throw ShimError(
                .keyFile, "Others may enter the folder \(path).", hint: "Run: chmod 700 \(path)")
        }
    }

    /// The key that lets the owner in, made at first use.
    public func userKey() throws(ShimError) -> SSHPrivateKey {
        try make()
        return try Self.key(at: userKeyPath, kind: .ed25519, comment: "copilot shim, for its owner")
    }

    /// The key of the local endpoint, made at first use.
    public func hostKey() throws(ShimError) -> SSHPrivateKey {
        try make()
        return try Self.key(at: hostKeyPath, kind: .ed25519, comment: "copilot shim, host key")
    }

    /// Has clients trust these keys under `alias`; what another shim of this person wrote stays.
    public func writeKnownHosts(_ keys: [SSHPublicKey], alias: String) throws(ShimError) {
        let old = String(decoding: try PrivateFile.read(knownHostsPath) ?? [], as: UTF8.self)
        var lines = old.split(separator: "\n").map(String.init)
        for line in keys.map({ "\(alias) \($0.authorizedKeysLine())" }) where !lines.contains(line) {
            lines.append(line)
        }
        let text = lines.suffix(64).map { $0 + "\n" }.joined()
        guard text != old else { return }
        try PrivateFile.replace(knownHostsPath, with: Array(text.utf8))
    }

    private func make() throws(ShimError) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/" + part
            guard mkdir(made, 0o700) == 0 || errno == EEXIST else {
                throw ShimError(
                    .keyFile, "The folder \(made) cannot be made: \(String(cString: strerror(errno))).",
                    hint: "Name another place with XDG_DATA_HOME.")
            }
        }
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_uid == geteuid(), facts.st_mode & 0o022 == 0 else {
            throw ShimError(
                .keyFile, "The folder \(path) can be changed by others.", hint: "Run: chmod 700 \(path)")
        }
    }

    /// A private key file that only its owner may read; made where there is none.
    public static func key(
        at path: String, kind: SSHKeyKind, comment: String
    ) throws(ShimError) -> SSHPrivateKey {
        if let content = try PrivateFile.read(path) { return try read(content, path) }
        do throws(SSHKeyError) {
            let key = try SSHPrivateKey.generate(kind, comment: comment)
            let text = try key.openSSHFile()
            try? PrivateFile.create(path, with: Array(text.utf8))
            try? PrivateFile.replace(
                path + ".pub", with: Array((key.publicKey.authorizedKeysLine(comment: comment) + "\n").utf8))
        } catch {
            throw ShimError(.keyFile, error.description, hint: error.hint)
        }
        // What stands there now counts: another shim may have been first.
        guard let content = try PrivateFile.read(path) else {
            throw ShimError(
                .keyFile, "The key file \(path) cannot be written.", hint: "Check the folder and its permissions.")
        }
        return try read(content, path)
    }

    private static func read(_ content: [UInt8], _ path: String) throws(ShimError) -> SSHPrivateKey {
        do throws(SSHKeyError) {
            return try SSHPrivateKey(file: content)
        } catch {
            throw ShimError(.keyFile, "\(path): \(error.description)", hint: error.hint)
        }
    }
}

/// Files that hold secrets: mode 0600, whole or not there.
enum PrivateFile {
    /// nil where there is none. Throws for one that others may read, or change.
    static func read(_ path: String) throws(ShimError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw ShimError(
                .keyFile, "The file \(path) cannot be read: \(String(cString: strerror(errno))).",
                hint: "Check its owner and permissions.")
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_uid == geteuid() || facts.st_uid == 0,
            facts.st_mode & 0o077 == 0
        else {
            throw ShimError(
                .keyFile, "Others may read the key file \(path).", hint: "Run: chmod 600 \(path)")
        }
        return contents(of: descriptor, limit: SSHPrivateKey.maximumFileLength)
    }

    static func contents(of descriptor: Int32, limit: Int) -> [UInt8] {
        var content: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 * 1024)
        while content.count <= limit {
            let count = systemRead(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            content += piece.prefix(count)
        }
        return content
    }

    /// Fails where there is one already.
    static func create(_ path: String, with content: [UInt8]) throws(ShimError) {
        let temporary = try write(content, beside: path)
        defer { unlink(temporary) }
        guard link(temporary, path) == 0 else { throw failed(path) }
    }

    static func replace(_ path: String, with content: [UInt8]) throws(ShimError) {
        let temporary = try write(content, beside: path)
        guard rename(temporary, path) == 0 else {
            unlink(temporary)
            throw failed(path)
        }
    }

    private static func write(_ content: [UInt8], beside path: String) throws(ShimError) -> String {
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max))"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failed(path) }
        defer { close(descriptor) }
        var rest = content[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                unlink(temporary)
                throw failed(path)
            }
            rest = rest.dropFirst(count)
        }
        return temporary
    }

    private static func failed(_ path: String) -> ShimError {
        ShimError(
            .keyFile, "The file \(path) cannot be written: \(String(cString: strerror(errno))).",
            hint: "Check the folder, its owner and its permissions.")
    }
}

private func systemRead(_ descriptor: Int32, _ base: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, base, count)
}

private func systemWrite(_ descriptor: Int32, _ base: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, base, count)
}
