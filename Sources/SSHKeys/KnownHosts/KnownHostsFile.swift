#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A known_hosts file on disk: read whole, added to at its end, rewritten by putting a new file in its place.
///
/// Whoever reads meanwhile sees the file before or after a change, never half of it. Calls block on the disk.
public struct KnownHostsFile: Sendable, Hashable {
    /// The largest file that is read, in bytes.
    public static let maximumLength = 16 << 20

    public let path: String

    public init(path: String) { self.path = path }

    /// Reads it; empty if there is none. Throws `fileFailure`.
    public func read() throws(SSHKeyError) -> KnownHosts { KnownHosts(file: try content(), path: path) }

    /// Adds a line for a host's key, and makes the file, for its owner alone, if there is none.
    public func add(
        host: String, port: Int, key: SSHPublicKey, isHashed: Bool = false, comment: String = ""
    ) throws(SSHKeyError) {
        let line = try KnownHosts.line(host: host, port: port, key: key, isHashed: isHashed, comment: comment)
        let existing = try content()
        // A file that some editor left without its last line feed would swallow the new line.
        let needsLineFeed = existing.last.map { $0 != UInt8(ascii: "\n") } ?? false
        try append(Array(((needsLineFeed ? "\n" : "") + line + "\n").utf8))
    }

    /// Removes the keys of a host. Returns how many lines went.
    @discardableResult
    public func remove(host: String, port: Int) throws(SSHKeyError) -> Int {
        let (file, removed) = KnownHosts.removing(host: host, port: port, from: try content())
        if removed > 0 { try replace(with: file) }
        return removed
    }

    /// Puts these keys in the place of those that the host had, in one step: after it proved that it holds them all
    /// (hostkeys-00@openssh.com).
    public func update(
        host: String, port: Int, keys: [SSHPublicKey], isHashed: Bool = false
    ) throws(SSHKeyError) {
        var file = KnownHosts.removing(host: host, port: port, from: try content()).file
        if let last = file.last, last != UInt8(ascii: "\n") { file.append(UInt8(ascii: "\n")) }
        for key in keys {
            file += Array(try KnownHosts.line(host: host, port: port, key: key, isHashed: isHashed).utf8)
            file.append(UInt8(ascii: "\n"))
        }
        try replace(with: file)
    }

    /// Hides the names of all hosts behind hashes.
    public func hash() throws(SSHKeyError) {
        let file = try content()
        let hashed = KnownHosts.hashing(file)
        if hashed != file { try replace(with: hashed) }
    }

    private func content() throws(SSHKeyError) -> [UInt8] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        guard let handle = open(path, flags: O_RDONLY | O_CLOEXEC) else { throw failure("read") }
        defer { close(handle) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = chunk.withUnsafeMutableBytes { Self.readSome(handle, $0) }
            guard count >= 0 else { throw failure("read") }
            guard count > 0 else { return bytes }
            bytes += chunk.prefix(count)
            guard bytes.count <= Self.maximumLength else {
                throw .malformed("\(Printable.text(path)) is longer than any file of known hosts")
            }
        }
    }

    /// One write at the end of the file: lines of two writers do not mix.
    private func append(_ bytes: [UInt8]) throws(SSHKeyError) {
        guard let handle = open(path, flags: O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC) else {
            throw failure("changed")
        }
        defer { close(handle) }
        guard Self.writeAll(handle, bytes) else { throw failure("changed") }
    }

    /// A new file with the old one's permissions, written out before it takes the old one's name. Where the name is a
    /// link the file behind it is replaced, not the link.
    private func replace(with bytes: [UInt8]) throws(SSHKeyError) {
        let target = URL(filePath: path).resolvingSymlinksInPath().path
        var status = stat()
        let mode = stat(target, &status) == 0 ? status.st_mode & 0o777 : 0o600
        let temporary = target + "." + UUID().uuidString
        guard let handle = open(temporary, flags: O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC) else {
            throw failure("changed")
        }
        let isWritten = fchmod(handle, mode) == 0 && Self.writeAll(handle, bytes) && fsync(handle) == 0
        close(handle)
        guard isWritten, rename(temporary, target) == 0 else {
            unlink(temporary)
            throw failure("changed")
        }
    }

    private func open(_ path: String, flags: Int32) -> Int32? {
        #if canImport(Darwin)
        let handle = Darwin.open(path, flags, 0o600)
        #elseif canImport(Musl)
        let handle = Musl.open(path, flags, 0o600)
        #else
        let handle = Glibc.open(path, flags, 0o600)
        #endif
        return handle >= 0 ? handle : nil
    }

    private static func readSome(_ handle: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            let count = systemRead(handle, buffer)
            if count >= 0 || errno != EINTR { return count }
        }
    }

    private static func systemRead(_ handle: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Darwin)
        Darwin.read(handle, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
        Musl.read(handle, buffer.baseAddress, buffer.count)
        #else
        Glibc.read(handle, buffer.baseAddress, buffer.count)
        #endif
    }

    private static func writeAll(_ handle: Int32, _ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let count = write(
                    handle, UnsafeRawBufferPointer(rebasing: buffer[written...]).baseAddress, buffer.count - written)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                written += count
            }
            return true
        }
    }

    private func failure(_ verb: String) -> SSHKeyError {
        SSHKeyError(
            .fileFailure, "\(Printable.text(path)) could not be \(verb): \(String(cString: strerror(errno))).",
            hint: "Check that the file and its folder belong to you: ls -l \(Printable.text(path))")
    }
}
