import CLocalCalls
import NIOCore

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A unix socket for programs of this user alone, and the descriptors that come over it.
package enum OwnerSocket {
    /// A connection to who listens there; nil when nobody does who is ourselves.
    package static func connect(_ path: String) -> Int32? {
        let socket = makeSocket()
        guard socket >= 0 else { return nil }
        guard withAddress(path, { systemConnect(socket, $0, $1) }) == 0, isOwn(socket) else {
            close(socket)
            return nil
        }
        return socket
    }

    /// Listens there, in the place of whoever did before: a process that ended without a word, or one that is as good.
    package static func listen(_ path: String) throws(Failure) -> Int32 {
        let socket = makeSocket()
        let temporary = path + ".\(getpid())"
        unlink(temporary)
        // Nobody can connect before the mode is right: the folder is ours alone.
        guard socket >= 0, withAddress(temporary, { bind(socket, $0, $1) }) == 0, chmod(temporary, 0o600) == 0,
            systemListen(socket, 512) == 0, rename(temporary, path) == 0
        else {
            let why = String(cString: strerror(errno))
            if socket >= 0 { close(socket) }
            unlink(temporary)
            throw Failure("\(path) cannot be listened on: \(why).", hint: "", status: .connection)
        }
        return socket
    }

    /// The next caller, who may be anybody; -1 with errno.
    package static func accept(_ listener: Int32) -> Int32 {
        let socket = systemAccept(listener)
        if socket >= 0 { _ = fcntl(socket, F_SETFD, FD_CLOEXEC) }
        return socket
    }

    /// Whether the process at the other end is this user's.
    package static func isOwn(_ socket: Int32) -> Bool {
        var user: UInt32 = 0
        return peer_user(socket, &user) == 0 && user == geteuid()
    }

    /// Takes what has come, once.
    ///
    /// - Parameter descriptors: Those that came are added; they are the caller's to close.
    /// - Returns: The number of bytes, 0 at the end, -1 with errno.
    package static func receive(_ socket: Int32, _ input: inout ByteBuffer, _ descriptors: inout [Int32]) -> Int {
        var brought: [Int32] = [-1, -1, -1]
        var count: Int32 = 0
        var received = 0
        input.writeWithUnsafeMutableBytes(minimumWritableBytes: 16 * 1024) { room in
            received = descriptors_receive(socket, room.baseAddress, UInt(room.count), &brought, &count)
            return max(received, 0)
        }
        descriptors += brought.prefix(Int(count))
        return received
    }

    /// Sends bytes, and up to three descriptors with them.
    ///
    /// - Returns: False when not all of it went out at once.
    package static func send(_ socket: Int32, _ bytes: ByteBuffer, descriptors: [Int32] = []) -> Bool {
        let sent = bytes.withUnsafeReadableBytes { room in
            descriptors_send(socket, room.baseAddress, UInt(room.count), descriptors, Int32(descriptors.count))
        }
        return sent == bytes.readableBytes
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
        guard fits else {
            errno = ENAMETOOLONG
            return -1
        }
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

    private static func systemAccept(_ listener: Int32) -> Int32 {
        #if canImport(Glibc)
        Glibc.accept(listener, nil, nil)
        #else
        Darwin.accept(listener, nil, nil)
        #endif
    }
}
