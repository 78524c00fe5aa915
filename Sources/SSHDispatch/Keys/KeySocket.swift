public import SSHKeys

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The copilot's lookup socket, asked for one key.
public struct KeySocket: KeyLookup {
    public let path: String
    /// For the whole exchange: sshd waits, and a person with it.
    public let timeout: Duration

    public init(path: String, timeout: Duration = .seconds(2)) {
        self.path = path
        self.timeout = timeout
    }

    public func owner(of key: SSHPublicKey) throws(DispatchError) -> PersonName? {
        try checkFolder()
        let socket = try LookupConnection(path, timeout: timeout)
        try socket.send(LookupExchange.question(key) + "\n")
        switch LookupExchange.Answer(line: try socket.line()) {
        case .known(let name): return name
        case .unknown: return nil
        case .failed, nil: throw LookupConnection.failure(path, "it does not know at the moment")
        }
    }

    /// Whether a program listens there. A socket stays behind when its program is killed, and then nobody does.
    public static func isListening(at path: String) -> Bool {
        do throws(ConnectFault) {
            close(try LookupConnection.connected(path, .seconds(1)))
            return true
        } catch {
            return error.number != ECONNREFUSED && error.number != ENOENT
        }
    }

    /// In a folder where anybody may put a socket, anybody could answer for the copilot.
    private func checkFolder() throws(DispatchError) {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let folder = path[..<slash].isEmpty ? "/" : String(path[..<slash])
        var status = stat()
        guard stat(folder, &status) == 0 else {
            throw LookupConnection.failure(path, String(cString: strerror(errno)))
        }
        guard status.st_mode & 0o022 == 0 else {
            throw DispatchError(
                .configuration, "The folder of \(path) may be written by everybody or by a group.",
                hint: "Put the socket into a folder of the copilot's own: install -d -m 755 -o copilot /run/copilot")
        }
    }
}

/// What errno said.
private struct ConnectFault: Error {
    let number: Int32
}

/// One connection to the socket; its calls wait until the time is over.
private struct LookupConnection: ~Copyable {
    private let descriptor: Int32
    private let path: String

    deinit { close(descriptor) }

    init(_ path: String, timeout: Duration) throws(DispatchError) {
        do throws(ConnectFault) {
            descriptor = try Self.connected(path, timeout)
            self.path = path
        } catch {
            throw Self.failure(path, String(cString: strerror(error.number)))
        }
    }

    static func connected(_ path: String, _ timeout: Duration) throws(ConnectFault) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard !bytes.contains(0), bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw ConnectFault(number: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        #if os(Linux)
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        #else
        let kind = SOCK_STREAM
        #endif
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { throw ConnectFault(number: errno) }
        let (seconds, fraction) = timeout.components
        var limit = timeval(tv_sec: Int(seconds), tv_usec: .init(fraction / 1_000_000_000_000))
        for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout.size(ofValue: limit)))
        }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let number = errno
            close(descriptor)
            throw ConnectFault(number: number)
        }
        return descriptor
    }

    func send(_ text: String) throws(DispatchError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemSend(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure(path, "it takes no question") }
            rest = rest.dropFirst(count)
        }
    }

    /// One line without its end, up to the longest that there is.
    func line() throws(DispatchError) -> String {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 512)
        while line.count < LookupExchange.maximumLine {
            let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            line += buffer.prefix(count)
            if let end = line.firstIndex(of: UInt8(ascii: "\n")) {
                return String(decoding: line[..<end], as: UTF8.self)
            }
        }
        throw Self.failure(path, "it gave no answer in time")
    }

    static func failure(_ path: String, _ why: String) -> DispatchError {
        DispatchError(
            .temporary, "The copilot cannot be asked at \(path): \(why).",
            hint: "Is it running with --dispatch-socket, and is this account one of --dispatch-accounts?")
    }
}

private func systemSend(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    send(descriptor, buffer, count, Int32(MSG_NOSIGNAL))
}
