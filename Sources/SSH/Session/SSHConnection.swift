import NIOConcurrencyHelpers
public import NIOCore
public import SSHProtocol

/// An authenticated connection to a host.
///
/// It lives as long as somebody holds it or one of its session channels; then it closes by itself.
public final class SSHConnection: Sendable {
    /// The loop on which everything of this connection happens.
    public let eventLoop: any EventLoop
    /// The address that was vetted and connected to; through a jump host, that of the first host on the way.
    public let remoteAddress: SocketAddress
    /// The host's identification, such as "SSH-2.0-OpenSSH_9.2p1". Printable ASCII.
    public let serverIdentification: String
    /// Completes when the connection is over, with why; nil when its owner closed it. Never fails.
    public let closed: EventLoopFuture<SSHError?>

    let boundDriver: NIOLoopBound<ConnectionDriver>
    let boundOwner: NIOLoopBound<ClientConnectionOwner>
    private let wire: WireHandle
    private let shared: ConnectionDriver.Shared

    init(_ handshake: Handshake, serverIdentification: String) {
        eventLoop = handshake.wire.eventLoop
        wire = handshake.wire
        boundDriver = handshake.driver
        boundOwner = handshake.owner
        shared = handshake.shared
        remoteAddress = handshake.address
        self.serverIdentification = serverIdentification
        closed = handshake.shared.closed.futureResult
    }

    deinit {
        let driver = boundDriver
        eventLoop.execute { driver.value.close() }
    }

    /// What the latest key exchange agreed on.
    public var negotiated: NegotiatedAlgorithms { shared.algorithms.withLockedValue { $0 } }

    /// Whether the connection still stands, as far as is known. May be read from anywhere.
    public var isOpen: Bool { shared.isOpen.withLockedValue { $0 } }

    /// Opens a session channel. The delegate is handed over to the connection's event loop.
    ///
    /// - Throws: `channel_refused` when the host says no, `too_many_channels`, or why the connection ended.
    public func openSession(delegate: sending any SessionChannelDelegate) async throws(SSHError) -> SSHSessionChannel {
        let box = UncheckedHandover(delegate)
        return try await opening { connection, cancellation in
            connection.makeSession(delegate: box.value, cancellation: cancellation)
        }
    }

    /// `openSession(delegate:)` for callers that are on the event loop already; the delegate may be loop-bound.
    public func makeSession(delegate: any SessionChannelDelegate) -> EventLoopFuture<SSHSessionChannel> {
        makeSession(delegate: delegate, cancellation: nil)
    }

    func makeSession(
        delegate: any SessionChannelDelegate, cancellation: OpeningCancellation?
    ) -> EventLoopFuture<SSHSessionChannel> {
        var made: SSHSessionChannel?
        let opened = boundDriver.value.open(.session, name: "a session") { id in
            let channel = SSHSessionChannel(connection: self, id: id, driver: boundDriver)
            made = channel
            return SessionOwner(channel, delegate)
        }
        guard let made else { return opened.flatMapThrowing { throw SSHError.channelClosed } }
        cancellation?.adopt { made.connection.eventLoop.execute { made.abort() } }
        return opened.map { made }
    }

    /// Opens a channel of any kind. The delegate is handed over to the connection's event loop.
    ///
    /// - Throws: `channel_refused` when the host says no, `too_many_channels`, or why the connection ended.
    public func openChannel(
        _ request: ChannelOpenRequest, delegate: sending any SSHChannelDelegate
    ) async throws(SSHError) -> SSHChannel {
        let box = UncheckedHandover(delegate)
        return try await opening { connection, cancellation in
            connection.makeChannel(request, delegate: box.value, cancellation: cancellation)
        }
    }

    /// `openChannel(_:delegate:)` for callers that are on the event loop already; the delegate may be loop-bound.
    public func makeChannel(
        _ request: ChannelOpenRequest, delegate: any SSHChannelDelegate
    ) -> EventLoopFuture<SSHChannel> {
        makeChannel(request, delegate: delegate, cancellation: nil)
    }

    func makeChannel(
        _ request: ChannelOpenRequest, delegate: any SSHChannelDelegate, cancellation: OpeningCancellation?
    ) -> EventLoopFuture<SSHChannel> {
        var made: SSHChannel?
        let opened = boundDriver.value.open(request, name: request.words) { id in
            let channel = SSHChannel(request, id: id, driver: boundDriver, keeper: self)
            made = channel
            return RawChannelOwner(channel, delegate)
        }
        guard let made else { return opened.flatMapThrowing { throw SSHError.channelClosed } }
        cancellation?.adopt { made.eventLoop.execute { made.abort() } }
        return opened.map { made }
    }

    /// Promises the host to open no more sessions (no-more-sessions@openssh.com): what takes this connection over later
    /// cannot start a program with it.
    public func sendNoMoreSessions() {
        let driver = boundDriver
        eventLoop.execute { driver.value.sendNoMoreSessions() }
    }

    /// Time for a request to the host and back (keepalive@openssh.com).
    public func ping() async throws(SSHError) -> Duration {
        try await perform { connection in
            let start = NIODeadline.now()
            return connection.boundDriver.value.ping().map { .nanoseconds((NIODeadline.now() - start).nanoseconds) }
        }
    }

    /// Begins a key exchange now, instead of when the policy would (RFC 4253 §9). Data goes on by itself afterwards.
    public func rekey() async {
        let driver = boundDriver
        try? await eventLoop.submit { driver.value.rekey() }.get()
    }

    /// Begins to close, without waiting for the end. May be called from anywhere.
    public func beginClosing() {
        let driver = boundDriver
        eventLoop.execute { driver.value.close() }
    }

    /// Says goodbye, closes the socket, and returns when it is closed. Open channels end with an orderly close.
    public func close() async {
        beginClosing()
        try? await wire.closed.get()
    }

    /// Waits until the connection is over and says why; nil when its owner closed it.
    public func waitUntilClosed() async -> SSHError? {
        // The future never fails.
        (try? await closed.get()) ?? nil
    }

    /// Runs `body` on the event loop and waits for its future, with this module's error.
    func perform<T: Sendable>(
        _ body: @escaping @Sendable (SSHConnection) -> EventLoopFuture<T>
    ) async throws(SSHError) -> T {
        try await outcome(body).get()
    }

    /// `perform` for the opening of a channel, which a cancelled task gives up.
    func opening<T: Sendable>(
        _ body: @escaping @Sendable (SSHConnection, OpeningCancellation) -> EventLoopFuture<T>
    ) async throws(SSHError) -> T {
        let cancellation = OpeningCancellation()
        let open = { () async -> Result<T, SSHError> in await self.outcome { body($0, cancellation) } }
        let opened = await withTaskCancellationHandler(operation: open) { cancellation.cancel() }
        if cancellation.isCancelled { throw .gaveUp }
        return try opened.get()
    }

    /// `perform` as a value, for callers that cannot name what they throw.
    func outcome<T: Sendable>(
        _ body: @escaping @Sendable (SSHConnection) -> EventLoopFuture<T>
    ) async -> Result<T, SSHError> {
        do {
            return .success(try await eventLoop.flatSubmit { body(self) }.get())
        } catch {
            return .failure(SSHError(any: error))
        }
    }
}

/// Carries a value that its caller has given away (`sending`) to the event loop. Unchecked because the compiler cannot
/// follow a `sending` parameter into an escaping closure; the initialiser takes ownership and `value` is read once.
struct UncheckedHandover<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: sending Value) { self.value = value }
}
