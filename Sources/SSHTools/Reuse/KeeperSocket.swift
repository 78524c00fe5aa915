import CLocalCalls
import Crypto
import SSH

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Where the process that keeps a connection listens: a unix socket in a folder that is its user's alone.
enum KeeperSocket {
    /// Lines that say nothing about which connection it is.
    private static let passing: Set<String> = [
        "batchmode", "clearallforwardings", "connectionattempts", "connecttimeout", "dynamicforward",
        "enableescapecommandline", "escapechar", "exitonforwardfailure", "forkafterauthentication", "forwardagent",
        "forwardx11", "forwardx11timeout", "forwardx11trusted", "gatewayports", "localcommand", "localforward",
        "loglevel", "numberofpasswordprompts", "permitlocalcommand", "remotecommand", "remoteforward", "requesttty",
        "sendenv", "sessiontype", "setenv", "stdinnull", "visualhostkey",
    ]

    /// One socket for each host, user and way there, whatever name the host was called by.
    static func path(_ configuration: SSHConfiguration) throws(Failure) -> String {
        var hash = SHA256()
        for line in configuration.lines where !line.hasPrefix("host ") {
            if !passing.contains(String(line.prefix { $0 != " " })) { hash.update(data: Array((line + "\n").utf8)) }
        }
        let name = hash.finalize().prefix(12).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        return try folder() + "/ssh-\(name)"
    }

    private static func folder() throws(Failure) -> String {
        let runtime = getenv("XDG_RUNTIME_DIR").map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
        let folder = runtime.map { $0 + "/copilot" } ?? "/tmp/copilot-\(geteuid())"
        mkdir(folder, 0o700)
        var status = stat()
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
            status.st_mode & 0o077 == 0, folder.utf8.count <= 70
        else {
            throw Failure(
                "\(folder) is no folder of yours alone, so that no connection can be kept there.",
                hint: "Check XDG_RUNTIME_DIR, and the folder's owner and mode (0700).", status: .connection)
        }
        return folder
    }

    /// A connection to who listens there; nil when nobody does who is ourselves.
    static func connect(_ path: String) -> Int32? {
        let socket = makeSocket()
        guard socket >= 0 else { return nil }
        guard withAddress(path, { systemConnect(socket, $0, $1) }) == 0, isOwn(socket) else {
            close(socket)
            return nil
        }
        return socket
    }

    /// Listens there, in the place of whoever did before: a process that ended without a word, or one that is as good.
    static func listen(_ path: String) throws(Failure) -> Int32 {
        let socket = makeSocket()
        let temporary = path + ".\(getpid())"
        unlink(temporary)
        // Nobody can connect before the mode is right: the folder is ours alone.
        guard socket >= 0, withAddress(temporary, { bind(socket, $0, $1) }) == 0, chmod(temporary, 0o600) == 0,
            systemListen(socket, 64) == 0, rename(temporary, path) == 0
        else {
            let why = String(cString: strerror(errno))
            if socket >= 0 { close(socket) }
            unlink(temporary)
            throw Failure("\(path) cannot be listened on: \(why).", hint: "", status: .connection)
        }
        return socket
    }

    /// Whether the process at the other end is this user's.
    static func isOwn(_ socket: Int32) -> Bool {
        var user: UInt32 = 0
        return peer_user(socket, &user) == 0 && user == geteuid()
    }

    private static func makeSocket() -> Int32 {
        #if canImport(Glibc)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #else
        let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        return descriptor
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard bytes.count < room.count else { return false }
            room.copyBytes(from: bytes)
            return true
        }
        guard fits else { return -1 }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func systemConnect(_ socket: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32
    {
        #if canImport(Glibc)
        Glibc.connect(socket, address, length)
        #else
        Darwin.connect(socket, address, length)
        #endif
    }

    private static func systemListen(_ socket: Int32, _ backlog: Int32) -> Int32 {
        #if canImport(Glibc)
        Glibc.listen(socket, backlog)
        #else
        Darwin.listen(socket, backlog)
        #endif
    }
}
