import Foundation
import Gateway
import SSHKeys

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A private key of the copilot's own in a file for its account's eyes alone: read, or made at first use.
enum DoorKeyFile {
    /// - Parameters:
    ///   - path: The folder above it is made, mode 0700, where it is missing.
    ///   - comment: Stands in a new file.
    static func loadOrCreate(_ path: String, comment: String) throws(GatewayError) -> SSHPrivateKey {
        if let key = try read(path) { return key }
        try create(path, comment: comment)
        guard let key = try read(path) else { throw failure(path, "is gone again", hint: "Somebody else removes it.") }
        return key
    }

    private static func read(_ path: String) throws(GatewayError) -> SSHPrivateKey? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure(path, "can't be read: \(String(cString: strerror(errno)))", hint: "Check its owner and mode.")
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw failure(path, "is no file", hint: "Move it away: a new one is made.")
        }
        guard facts.st_mode & 0o077 == 0, facts.st_uid == geteuid() else {
            throw failure(path, "may be read by others", hint: "It must be this account's alone: chmod 600 '\(path)'")
        }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= 64 * 1024 {
            let count = Self.read(descriptor, &piece)
            guard count > 0 else { break }
            bytes += piece.prefix(count)
        }
        do throws(SSHKeyError) {
            return try SSHPrivateKey(file: bytes)
        } catch {
            throw failure(path, "holds no private key: \(error.description)", hint: error.hint)
        }
    }

    private static func read(_ descriptor: Int32, _ piece: inout [UInt8]) -> Int {
        while true {
            let count = piece.withUnsafeMutableBytes { systemRead(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            return count
        }
    }

    private static func create(_ path: String, comment: String) throws(GatewayError) {
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try? FileManager.default.createDirectory(
                atPath: String(path[..<slash]), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        }
        let text: String
        do throws(SSHKeyError) {
            text = try SSHPrivateKey.generateEd25519(comment: comment).openSSHFile()
        } catch {
            throw failure(path, "can't be made: \(error.description)", hint: error.hint)
        }
        // Beside and then linked: whoever starts at the same time sees a whole key or none, and the first one wins.
        let beside = "\(path).\(getpid()).new"
        unlink(beside)
        let descriptor = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw unwritable(path) }
        defer { unlink(beside) }
        let bytes = Array(text.utf8)
        let isWritten = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        guard close(descriptor) == 0, isWritten, link(beside, path) == 0 || errno == EEXIST else {
            throw unwritable(path)
        }
    }

    private static func unwritable(_ path: String) -> GatewayError {
        failure(path, "can't be written: \(String(cString: strerror(errno)))", hint: "Check the folder and the disk.")
    }

    private static func failure(_ path: String, _ what: String, hint: String) -> GatewayError {
        GatewayError("ssh_key_file", status: 500, "The key file \(path) \(what).", hint: hint)
    }
}

private func systemRead(_ descriptor: Int32, _ base: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, base, count)
}
