#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file that decides who gets in. It counts only where nobody could have written it but those who may: sshd's
/// StrictModes. Blocks: for a thread pool.
enum TrustedFile {
    private static let maximumLength = 1 << 20

    /// Why a file does not count.
    struct Distrust: Error {
        var why: String
    }

    /// - Parameters:
    ///   - path: An absolute path.
    ///   - owner: Who may own it and the folders above it, beside root.
    ///   - home: Where the look at the folders above ends; nil: at the root of the file system.
    /// - Returns: nil when there is no such file.
    static func read(_ path: String, owner: UInt32, home: String?) throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let number = errno
            if number == ENOENT || number == ENOTDIR { return nil }
            throw Distrust(why: "cannot be read: \(String(cString: strerror(number)))")
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw Distrust(why: "is not a regular file")
        }
        try check(facts, owner, isFolder: false, "it")
        try checkFolders(above: path, owner, home)
        return try content(of: descriptor)
    }

    private static func check(_ facts: stat, _ owner: UInt32, isFolder: Bool, _ name: String) throws {
        guard facts.st_uid == 0 || facts.st_uid == owner else {
            throw Distrust(why: "does not count: \(name) belongs to somebody else")
        }
        // In a folder with the sticky bit nobody renames or removes what is somebody else's.
        if isFolder, facts.st_mode & S_ISVTX != 0 { return }
        guard facts.st_mode & 0o022 == 0 else {
            throw Distrust(
                why:
                    "does not count: \(name) may be written by others (mode \(String(facts.st_mode & 0o7777, radix: 8)))"
            )
        }
    }

    private static func checkFolders(above path: String, _ owner: UInt32, _ home: String?) throws {
        guard let resolved = canonical(path) else { throw Distrust(why: "has no path") }
        let end = home.flatMap(canonical)
        var folder = resolved
        while let slash = folder.lastIndex(of: "/"), folder != "/" {
            folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
            var facts = stat()
            guard lstat(folder, &facts) == 0 else { throw Distrust(why: "has a folder that cannot be looked at") }
            try check(facts, owner, isFolder: true, "the folder \(folder)")
            if folder == end { return }
        }
    }

    private static func canonical(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func content(of descriptor: Int32) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = systemRead(descriptor, &piece, piece.count)
            if count == 0 { return bytes }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Distrust(why: "cannot be read: \(String(cString: strerror(errno)))") }
            bytes += piece.prefix(count)
            guard bytes.count <= maximumLength else { throw Distrust(why: "is longer than 1 MiB") }
        }
    }
}

private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}
