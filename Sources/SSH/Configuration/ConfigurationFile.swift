// Reading files with the checks that a file which may run commands needs.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

enum ConfigurationFile {
    /// A configuration of a thousand hosts has some 100 KiB.
    static let maximumLength = 4 << 20

    /// The lines of a file, or nil if there is none.
    ///
    /// - Parameter owner: The user whose own the file must be, or root's, with nobody else able to write; nil for no check.
    static func lines(_ path: String, owner: UInt32?) throws(SSHConfigurationError) -> [[UInt8]]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw unreadable(path, String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(path, String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw unreadable(path, "it is a folder") }
        if let owner {
            // Checked on the open file, so that nobody can put another one in its place.
            guard status.st_uid == 0 || status.st_uid == owner, status.st_mode & 0o022 == 0 else {
                throw SSHConfigurationError(
                    .unsafePermissions, "\(path) belongs to another user, or others may change it.",
                    hint: "Make it your own alone: chmod 600 \(path)")
            }
        }
        return try split(content(descriptor, path, limit: maximumLength))
    }

    /// The same, or nil if there is no such file.
    static func contentIfPresent(_ path: String, limit: Int) throws(SSHConfigurationError) -> [UInt8]? {
        guard access(path, F_OK) == 0 else { return nil }
        return try content(path, limit: limit)
    }

    /// The whole of a file of at most `limit` bytes.
    static func content(_ path: String, limit: Int) throws(SSHConfigurationError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(path, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        return try content(descriptor, path, limit: limit)
    }

    private static func content(_ descriptor: Int32, _ path: String, limit: Int) throws(SSHConfigurationError)
        -> [UInt8]
    {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 {
                guard errno == EINTR else { throw unreadable(path, String(cString: strerror(errno))) }
                continue
            }
            if count == 0 { return content }
            content += chunk[..<count]
            guard content.count <= limit else {
                throw SSHConfigurationError(
                    .limitExceeded, "\(path) is larger than \(limit) bytes.", hint: "Check that it is the right file.")
            }
        }
    }

    private static func split(_ content: [UInt8]) -> [[UInt8]] {
        content.split(separator: 0x0A, omittingEmptySubsequences: false).map { Array($0.prefix { $0 != 0 }) }
    }

    static func unreadable(_ path: String, _ why: String) -> SSHConfigurationError {
        SSHConfigurationError(
            .unreadableFile, "\(path) cannot be read: \(why).", hint: "Check the path and the file's permissions.")
    }

    /// The files that a pattern of `Include` stands for, in order. No match is no error.
    static func matching(_ pattern: String) -> [String] {
        var result = glob_t()
        defer { globfree(&result) }
        guard glob(pattern, 0, nil, &result) == 0, let paths = result.gl_pathv else { return [] }
        return (0..<Int(result.gl_pathc)).compactMap { paths[$0].map { String(cString: $0) } }
    }
}
