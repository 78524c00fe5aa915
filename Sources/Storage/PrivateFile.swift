#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What the system said when a file could not be used.
public struct FileFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was tried, such as `open`.
    public let operation: String
    public let path: String
    /// The system's error number.
    public let number: Int32

    init(_ operation: String, _ path: String, _ number: Int32 = errno) {
        (self.operation, self.path, self.number) = (operation, path, number)
    }

    /// The system's own words, such as `Permission denied`.
    public var reason: String { String(cString: strerror(number)) }

    public var description: String { "cannot \(operation) \(path): \(reason)" }
}

/// A file that only its owner may read: databases, keys, checkpoints. Plain POSIX calls, because modes, exclusive
/// creation and fsync are the point.
public struct PrivateFile: ~Copyable {
    public let path: String
    private let descriptor: Int32

    /// How a file is opened.
    public enum Access: Sendable {
        case read
        /// Reads and writes a file that exists.
        case readWrite
        /// Makes a new file with mode 0600 and fails when something is there, a symbolic link included.
        case create
        /// Makes the file when it is missing; each write goes to its end.
        case append

        fileprivate var flags: Int32 {
            switch self {
            case .read: O_RDONLY
            case .readWrite: O_RDWR
            case .create: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW
            case .append: O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW
            }
        }
    }

    public init(opening path: String, _ access: Access) throws(FileFault) {
        // O_NONBLOCK: a named pipe in the file's place must not hang the start.
        let descriptor = open(path, access.flags | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw FileFault("open", path) }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// What the file is now.
    public struct Status: Sendable {
        public let isRegular: Bool
        public let size: Int64
        /// The permission bits.
        public let mode: UInt32

        /// Whether the group or everybody may read or write.
        public var isOpenToOthers: Bool { mode & 0o077 != 0 }
    }

    public func status() throws(FileFault) -> Status {
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw FileFault("examine", path) }
        return Status(
            isRegular: information.st_mode & S_IFMT == S_IFREG, size: Int64(information.st_size),
            mode: UInt32(information.st_mode & 0o7777))
    }

    /// Takes all permissions from everybody but the owner.
    public func makePrivate() throws(FileFault) {
        guard fchmod(descriptor, 0o600) == 0 else { throw FileFault("protect", path) }
    }

    /// Waits until no other process holds the file, and holds it until this value ends.
    public func lock() throws(FileFault) {
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw FileFault("lock", path) }
        }
    }

    /// Where the next read begins.
    public func seek(to offset: Int64) throws(FileFault) {
        guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else { throw FileFault("read", path) }
    }

    /// Reads from where the last read ended, at most `limit` bytes.
    public func read(limit: Int) throws(FileFault) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(limit, 65_536))
        while bytes.count < limit {
            let count = chunk.withUnsafeMutableBytes { buffer in
                systemRead(descriptor, buffer.baseAddress, min(buffer.count, limit - bytes.count))
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileFault("read", path) }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return bytes
    }

    /// Writes everything.
    public func write(_ bytes: [UInt8]) throws(FileFault) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw FileFault("write", path) }
            rest = rest.dropFirst(count)
        }
    }

    /// Cuts the file, to take back a write that was only half done.
    public func truncate(to size: Int64) throws(FileFault) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw FileFault("cut", path) }
    }

    /// Returns when the bytes are on the disk.
    public func synchronize() throws(FileFault) {
        guard fsync(descriptor) == 0 else { throw FileFault("write", path) }
    }

    /// Makes a new file with these bytes, on the disk before this returns: file first, then its folder's entry.
    public static func create(_ path: String, _ bytes: [UInt8]) throws(FileFault) {
        let file = try PrivateFile(opening: path, .create)
        try file.write(bytes)
        try file.synchronize()
        try PrivateFile(opening: folder(of: path), .read).synchronize()
    }

    /// The folder that holds a file.
    public static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The mode of a folder, or nil when the path is no folder.
    public static func folderMode(_ path: String) throws(FileFault) -> UInt32? {
        var information = stat()
        guard stat(path, &information) == 0 else { throw FileFault("examine", path) }
        return information.st_mode & S_IFMT == S_IFDIR ? UInt32(information.st_mode & 0o7777) : nil
    }
}

#if canImport(Glibc)
private let systemRead = Glibc.read
private let systemWrite = Glibc.write
#else
private let systemRead = Darwin.read
private let systemWrite = Darwin.write
#endif
