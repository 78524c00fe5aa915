import NIOConcurrencyHelpers
public import NIOCore
public import SSHProtocol

/// One client's connection to a server, from its first byte. It lives by itself; holding it keeps nothing alive.
public final class SSHServerConnection: Sendable, Identifiable {
    /// Counts the connections of a server, from 1.
    public let id: Int
    /// The loop on which everything of this connection happens.
    public let eventLoop: any EventLoop
    /// nil for a stream that is not a socket.
    public let remoteAddress: SocketAddress?
    public let localAddress: SocketAddress?
    /// Completes when the connection is over, with why; nil when this end closed it. Never fails.
    public let closed: EventLoopFuture<SSHError?>

    let boundDriver: NIOLoopBound<ConnectionDriver>
    private let shared: ConnectionDriver.Shared
    private let facts = NIOLockedValueBox(Facts())

    struct Facts: Sendable {
        var user: AuthenticatedUser?
        var identification = ""
    }

    init(
        _ id: Int, driver: NIOLoopBound<ConnectionDriver>, shared: ConnectionDriver.Shared, remote: SocketAddress?,
        local: SocketAddress?
    ) {
        self.id = id
        self.shared = shared
        boundDriver = driver
        eventLoop = driver.eventLoop
        closed = shared.closed.futureResult
        remoteAddress = remote
        localAddress = local
    }

    /// Who was let in; nil before that.
    public var user: AuthenticatedUser? { facts.withLockedValue { $0.user } }

    /// The client's identification, such as "SSH-2.0-OpenSSH_9.2p1". Printable ASCII.
    public var clientIdentification: String { facts.withLockedValue { $0.identification } }

    /// What the latest key exchange agreed on.
    public var negotiated: NegotiatedAlgorithms { shared.algorithms.withLockedValue { $0 } }

    public var isOpen: Bool { shared.isOpen.withLockedValue { $0 } }

    func learned(_ change: @Sendable (inout Facts) -> Void) { facts.withLockedValue { change(&$0) } }

    /// Begins to close, without waiting for the end. May be called from anywhere.
    public func close() {
        let driver = boundDriver
        eventLoop.execute { driver.value.close() }
    }

    /// Opens a channel towards the client: for a forwarded connection, its agent or its display. On the event loop.
    public func makeChannel(
        _ request: ChannelOpenRequest, delegate: any SSHChannelDelegate
    ) -> EventLoopFuture<SSHChannel> {
        var made: SSHChannel?
        let opened = boundDriver.value.open(request, name: request.words) { id in
            let channel = SSHChannel(request, id: id, driver: boundDriver, keeper: nil)
            made = channel
            return RawChannelOwner(channel, delegate)
        }
        guard let made else { return opened.flatMapThrowing { throw SSHError.channelClosed } }
        return opened.map { made }
    }

    /// Opens a channel towards the client as a stream.
    public func openStream(_ request: ChannelOpenRequest) async throws(SSHError) -> SSHChannelStream {
        let mailbox = ChannelMailbox(on: eventLoop)
        do {
            let channel = try await eventLoop.flatSubmit {
                let owner = StreamOwner(nil, mailbox)
                return self.makeChannel(request, delegate: owner).assumeIsolated().map { channel in
                    owner.adopt(channel)
                    return channel
                }.nonisolated()
            }.get()
            return SSHChannelStream(channel, mailbox)
        } catch {
            throw SSHError(any: error)
        }
    }
}
