// Names to addresses, kept apart from connecting, so that every address can be vetted before a packet goes to it and the
// name cannot mean something else a moment later (DNS rebinding).

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

enum AddressResolver {
    /// All stream addresses of the endpoint, in the system's order of preference, at most 16, none twice.
    static func resolve(
        _ endpoint: SSHEndpoint, deadline: NIODeadline, on eventLoop: any EventLoop
    ) async throws(SSHError) -> [SocketAddress] {
        guard (1...65535).contains(endpoint.port) else { throw .invalidPort(endpoint) }
        if let literal = try? SocketAddress(ipAddress: endpoint.host, port: endpoint.port) { return [literal] }
        // A name of the DNS is at most 253 characters; NUL would cut what getaddrinfo sees.
        guard (1...253).contains(endpoint.host.utf8.count), !endpoint.host.utf8.contains(0) else {
            throw .hostNotFound(endpoint, "the name is not a host name")
        }

        // getaddrinfo cannot be interrupted: past the deadline or after cancellation its result is dropped when it comes.
        let once = OncePromise(eventLoop.makePromise(of: [SocketAddress].self))
        let timer = eventLoop.scheduleTask(deadline: deadline) { once.fail(SSHError.resolutionTimeout(endpoint)) }
        NIOThreadPool.singleton.submit { state in
            guard case .active = state else { return once.fail(SSHError.shuttingDown) }
            once.complete(Result { () throws(SSHError) in try lookUp(endpoint) })
        }
        defer { timer.cancel() }
        do {
            return try await withTaskCancellationHandler {
                try await once.future.get()
            } onCancel: {
                once.fail(SSHError.cancelled)
            }
        } catch {
            throw SSHError(any: error)
        }
    }

    private static func lookUp(_ endpoint: SSHEndpoint) throws(SSHError) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
        hints.ai_socktype = SOCK_STREAM
        #endif
        hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        var status = getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list)
        if status == EAI_NONAME || status == EAI_BADFLAGS {
            // Without a configured network AI_ADDRCONFIG hides loopback names.
            hints.ai_flags = AI_NUMERICSERV
            status = getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list)
        }
        guard status == 0 else {
            throw .hostNotFound(endpoint, String(cString: gai_strerror(status)).lowercased())
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee, addresses.count < 16 {
            if let address = socketAddress(entry), !addresses.contains(address) { addresses.append(address) }
            next = entry.ai_next
        }
        guard !addresses.isEmpty else { throw .hostNotFound(endpoint, "the name has no IP address") }
        return addresses
    }

    private static func socketAddress(_ entry: addrinfo) -> SocketAddress? {
        guard let raw = UnsafeRawPointer(entry.ai_addr) else { return nil }
        switch entry.ai_family {
        case AF_INET where entry.ai_addrlen >= socklen_t(MemoryLayout<sockaddr_in>.size):
            return SocketAddress(raw.loadUnaligned(as: sockaddr_in.self))
        case AF_INET6 where entry.ai_addrlen >= socklen_t(MemoryLayout<sockaddr_in6>.size):
            return SocketAddress(raw.loadUnaligned(as: sockaddr_in6.self))
        default:
            return nil
        }
    }
}

/// A promise that several may complete; the first one counts.
private struct OncePromise<Value: Sendable>: Sendable {
    private let promise: NIOLockedValueBox<EventLoopPromise<Value>?>
    let future: EventLoopFuture<Value>

    init(_ promise: EventLoopPromise<Value>) {
        self.future = promise.futureResult
        self.promise = NIOLockedValueBox(promise)
    }

    func complete(_ result: Result<Value, SSHError>) {
        let taken = promise.withLockedValue { value in
            defer { value = nil }
            return value
        }
        switch result {
        case .success(let value): taken?.succeed(value)
        case .failure(let error): taken?.fail(error)
        }
    }

    func fail(_ error: SSHError) { complete(.failure(error)) }
}
