import NIOConcurrencyHelpers
import NIOCore
public import SSHProtocol

/// A forward that stands. It ends, with its listener and the connections that go through it, when it is closed, when nobody
/// holds it any more, or with its SSH connection.
public final class SSHForward: Sendable {
    /// Where it listens: the port that was chosen when 0 was asked for.
    public let listening: SSHForwardEndpoint
    private let end: @Sendable () -> EventLoopFuture<Void>

    init(_ listening: SSHForwardEndpoint, end: @escaping @Sendable () -> EventLoopFuture<Void>) {
        self.listening = listening
        self.end = end
    }

    deinit { _ = end() }

    /// Ends it and returns when nothing listens any more. A second time does nothing.
    public func close() async { try? await end().get() }
}

extension SSHConnection {
    /// Opens a connection from the host to somewhere else (direct-tcpip, RFC 4254 §7.2) as a stream.
    ///
    /// - Throws: `channel_refused` when the host cannot or may not connect, `cancelled`, or why the connection ended.
    public func openTCP(to endpoint: SSHEndpoint) async throws(SSHError) -> SSHChannelStream {
        guard (1...65535).contains(endpoint.port) else { throw .invalidPort(endpoint) }
        return try await openStream(.to(endpoint))
    }

    /// Opens a connection to a unix socket on the host (direct-streamlocal@openssh.com) as a stream.
    public func openUnixSocket(_ path: String) async throws(SSHError) -> SSHChannelStream {
        try await openStream(.directStreamLocal(path: path))
    }

    /// Opens a channel of any kind as a stream.
    public func openStream(_ request: ChannelOpenRequest) async throws(SSHError) -> SSHChannelStream {
        let mailbox = ChannelMailbox(on: eventLoop)
        let channel = try await opening { connection, cancellation in
            let owner = StreamOwner(nil, mailbox)
            return connection.makeChannel(request, delegate: owner, cancellation: cancellation).assumeIsolated()
                .map { channel in
                    owner.adopt(channel)
                    return channel
                }.nonisolated()
        }
        return SSHChannelStream(channel, mailbox)
    }

    /// Forwards connections (RFC 4254 §7) until the value that comes back is closed or dropped.
    ///
    /// ```swift
    /// let forward = try await connection.forward(
    ///     .local(from: .tcp(host: "127.0.0.1", port: 0), to: .tcp(host: "db.internal", port: 5432)))
    /// print("the database is at port \(forward.listening.port ?? 0)")
    /// ```
    ///
    /// - Throws: `listen_failed` when we cannot listen, `forward_refused` when the host does not, `cancelled`, or why the
    ///   connection ended.
    public func forward(_ rule: SSHForwardRule) async throws(SSHError) -> SSHForward {
        let forward =
            switch rule {
            case .local(let from, let to): try await listenHere(from, to: to)
            case .dynamic(let from): try await listenHere(from, to: nil)
            case .remote(let from, let to): try await forwardRemote(from, to)
            }
        guard !Task.isCancelled else {
            await forward.close()
            throw .gaveUp
        }
        return forward
    }

    /// `forward` for as long as `body` runs: at its end nothing listens any more and no connection goes through.
    public func withForward<Result>(
        _ rule: SSHForwardRule, isolation: isolated (any Actor)? = #isolation,
        _ body: (SSHForward) async throws -> Result
    ) async throws -> Result {
        let forward = try await forward(rule)
        do {
            let result = try await body(forward)
            await forward.close()
            return result
        } catch {
            await forward.close()
            throw error
        }
    }

    // MARK: We listen

    private func listenHere(
        _ from: SSHForwardEndpoint, to target: SSHForwardEndpoint?
    ) async throws(SSHError) -> SSHForward {
        guard isOpen else { throw .connectionClosed }
        // The forward keeps the connection alive, as an open channel does.
        let connection = self
        return try await SSHForward.listen(on: from, to: target, eventLoop: eventLoop, until: closed) {
            connection.makeChannel($0, delegate: $1)
        }
    }

    // MARK: The host listens

    private func forwardRemote(
        _ from: SSHForwardEndpoint, _ to: SSHForwardEndpoint
    ) async throws(SSHError) -> SSHForward {
        let tunnels = NIOLoopBoundBox.makeBoxSendingValue(TunnelSet(), eventLoop: eventLoop)
        return try await listenRemotely(
            on: from, ended: { tunnels.value.end() },
            accept: { SocketListener.answer($0, with: to, tunnels: tunnels.value) })
    }

    /// Asks the host to listen (tcpip-forward, RFC 4254 §7.1, or streamlocal-forward@openssh.com) and hands over what
    /// comes in, until the value that comes back is closed or dropped.
    ///
    /// - Parameters:
    ///   - endpoint: Where the host shall listen; port 0 leaves the choice to it.
    ///   - accept: Runs on the event loop for each connection, and accepts or refuses when it suits.
    public func listen(
        on endpoint: SSHForwardEndpoint, accept: @escaping @Sendable (SSHIncomingChannel) -> Void
    ) async throws(SSHError) -> SSHForward {
        try await listenRemotely(on: endpoint, ended: {}, accept: accept)
    }

    func listenRemotely(
        on from: SSHForwardEndpoint, ended: @escaping @Sendable () -> Void,
        accept: @escaping @Sendable (SSHIncomingChannel) -> Void
    ) async throws(SSHError) -> SSHForward {
        let granted = try await perform { connection in
            let owner = connection.boundOwner
            return connection.boundDriver.value.requestForward(from.remote).map { granted in
                // Registered before the next packet is read: a connection may come right behind the answer.
                if let granted { owner.value.setHandler(accept, of: granted) }
                return granted
            }
        }
        guard let granted else { throw .forwardRefused(from.description) }
        let once = NIOLockedValueBox<EventLoopFuture<Void>?>(nil)
        let (driver, owner, eventLoop) = (boundDriver, boundOwner, eventLoop)
        return SSHForward(SSHForwardEndpoint(granted)) {
            once.withLockedValue { done in
                if let done { return done }
                let future = eventLoop.flatSubmit {
                    owner.value.setHandler(nil, of: granted)
                    ended()
                    return driver.value.cancelForward(granted)
                }
                done = future
                return future
            }
        }
    }
}
