import LocalProcess
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Unix sockets that are made, reached and removed with the rights of an account, so that root's server opens no door
/// which the account cannot open itself. Blocks: for a thread pool.
enum AccountSocket {
    struct Failure: Error {
        var number: Int32
    }

    /// - Returns: A descriptor that the caller owns.
    static func connect(to path: String, as account: LocalAccount) throws -> Int32 {
        try account.borrowingRights {
            try withSocket(path) { socket, address, length in systemConnect(socket, address, length) }
        }
    }

    /// Listens; the socket's file gets mode 0600, as OpenSSH has it.
    static func listen(at path: String, as account: LocalAccount) throws -> Int32 {
        try account.borrowingRights {
            let socket = try withSocket(path) { socket, address, length in systemBind(socket, address, length) }
            guard chmod(path, 0o600) == 0, systemListen(socket, 128) == 0 else {
                let number = errno
                unlink(path)
                close(socket)
                throw Failure(number: number)
            }
            return socket
        }
    }

    /// A folder of the account's own, which nobody else may enter.
    static func makeFolder(as account: LocalAccount) throws -> String {
        try account.borrowingRights {
            var template = Array("/tmp/ssh-XXXXXXXXXX".utf8CString)
            guard let path = mkdtemp(&template) else { throw Failure(number: errno) }
            return String(cString: path)
        }
    }

    static func remove(_ path: String, folder: String? = nil, as account: LocalAccount) {
        try? account.borrowingRights {
            unlink(path)
            if let folder { rmdir(folder) }
        }
    }

    private static func withSocket(
        _ path: String, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, !bytes.contains(0), bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Failure(number: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        #if canImport(Glibc)
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        #else
        let kind = SOCK_STREAM
        #endif
        let made = socket(AF_UNIX, kind, 0)
        guard made >= 0 else { throw Failure(number: errno) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body(made, $0, length) }
        }
        guard result == 0 else {
            let number = errno
            close(made)
            throw Failure(number: number)
        }
        return made
    }
}

private func systemConnect(_ socket: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32 {
    connect(socket, address, length)
}

private func systemBind(_ socket: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32 {
    bind(socket, address, length)
}

private func systemListen(_ socket: Int32, _ backlog: Int32) -> Int32 { listen(socket, backlog) }
