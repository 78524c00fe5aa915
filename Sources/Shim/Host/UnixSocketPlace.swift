public import SSHTools

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A unix socket that is a door without a key: its folder is the wall.
public enum UnixSocketPlace {
    /// Throws for a place where others could come to; takes away a socket that nobody serves any more.
    static func prepare(_ path: String) throws(Failure) {
        guard path.hasPrefix("/"), path.utf8.count < 104, let slash = path.lastIndex(of: "/") else {
            throw Failure("\(path) is no place for a socket.", hint: "Give an absolute path of less than 104 bytes.")
        }
        let folder = slash == path.startIndex ? "/" : String(path[..<slash])
        var facts = stat()
        guard stat(folder, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else {
            throw Failure("The folder \(folder) is not there.", hint: "Make it: mkdir -m 700 \(folder)")
        }
        guard facts.st_uid == geteuid(), facts.st_mode & 0o077 == 0 else {
            throw Failure(
                "Others may enter \(folder), and could use your connection without a key.",
                hint: "Choose a folder of your own with mode 700.")
        }
        guard lstat(path, &facts) == 0 else { return }
        guard facts.st_mode & S_IFMT == S_IFSOCK else {
            throw Failure("\(path) is there already, and no socket.", hint: "Choose another path.")
        }
        guard !isServed(path) else {
            throw Failure("Something serves \(path) already.", hint: "Choose another path, or stop it.")
        }
        unlink(path)
    }

    private static func isServed(_ path: String) -> Bool {
        let descriptor = connected(path)
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0
    }

    /// A socket that is connected to the path, or -1.
    private static func connected(_ path: String) -> Int32 {
        #if canImport(Glibc)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #else
        let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0, path.utf8.count < 104 else { return -1 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else {
            close(descriptor)
            return -1
        }
        return descriptor
    }

    // MARK: The client's side

    /// Joins standard input and output to the socket, until the shim closes it: what `ProxyCommand` wants.
    public static func dial(_ path: String) throws(Failure) {
        let descriptor = connected(path)
        guard descriptor >= 0 else {
            throw Failure("No shim answers at \(path): \(String(cString: strerror(errno))).", hint: "Start it.")
        }
        defer { close(descriptor) }
        var waiting = [
            pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            guard poll(&waiting, nfds_t(waiting.count), -1) > 0 || errno == EINTR else { return }
            if waiting[1].revents != 0, !copy(from: descriptor, to: STDOUT_FILENO) { return }
            if waiting[0].revents != 0, !copy(from: STDIN_FILENO, to: descriptor) {
                shutdown(descriptor, Int32(SHUT_WR))
                // A negative descriptor is not looked at any more.
                waiting[0].fd = -1
            }
        }
    }

    /// Once; false at the end.
    private static func copy(from source: Int32, to target: Int32) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        let count = read(source, &buffer, buffer.count)
        if count < 0 { return errno == EINTR || errno == EAGAIN }
        guard count > 0 else { return false }
        PersonTerminal.write(Array(buffer.prefix(count)), to: target)
        return true
    }
}
