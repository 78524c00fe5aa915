// Channels that a program carries from one connection to another, unchanged.

public import NIOCore
public import SSHProtocol

/// One channel of any kind with everything that may pass on it, in either role: data of both streams, requests with their
/// answers, how a program ended. What joins two of them carries a channel through, as if there were one connection.
///
/// Loop-bound: every method must be called on `eventLoop`. Calls on a channel that is already closed do nothing.
public final class SSHRelayChannel: Sendable {
    /// What it was opened for.
    public let request: ChannelOpenRequest
    /// The loop of its connection.
    public let eventLoop: any EventLoop
    let id: ChannelID
    private let boundDriver: NIOLoopBound<ConnectionDriver>
    /// Keeps a client's connection alive for as long as somebody holds the channel.
    private let keeper: SSHConnection?

    private var driver: ConnectionDriver { boundDriver.value }

    init(
        _ request: ChannelOpenRequest, id: ChannelID, driver: NIOLoopBound<ConnectionDriver>, keeper: SSHConnection?
    ) {
        self.request = request
        self.id = id
        self.keeper = keeper
        boundDriver = driver
        eventLoop = driver.eventLoop
    }

    /// Queues bytes; they leave as the peer's window and the socket allow, the two streams in the order written.
    ///
    /// - Returns: false, with nothing taken, when the queue would grow beyond its limit of 8 MiB or the channel takes no
    ///   more data. A writer that heeds `isWritable` never sees it for the first reason.
    @discardableResult
    public func write(_ data: ByteBuffer, stream: SSHDataStream) -> Bool {
        driver.write(data, stream: stream, on: id)
    }

    /// Whether the outbound queue is below its mark of 256 KiB. Changes are told to the delegate.
    public var isWritable: Bool { driver.isWritable(id) }

    /// Whether our half of the data is still open.
    public var takesData: Bool { driver.takesInput(id) }

    /// Gives window back: `bytes` that were received are dealt with.
    public func consumed(_ bytes: Int) { driver.consumed(bytes, on: id) }

    /// Ends our half of the data, after everything queued has left (RFC 4254 §5.3).
    public func sendEOF() { driver.sendEOF(on: id) }

    /// Tells the peer that nobody reads its data any more (eow@openssh.com).
    public func sendEndOfWrite() { driver.sendEndOfWrite(on: id) }

    /// Sends a request that wants no answer, or tells how a program ended (RFC 4254 §5.4).
    public func tell(_ request: SessionRequest) { driver.send(request, on: id) }

    /// Sends a request that wants an answer.
    ///
    /// - Returns: Fails with `request_refused` when the peer says no, `channel_closed` or the connection's error.
    public func ask(_ request: SessionRequest) -> EventLoopFuture<Void> {
        driver.request(request, on: id, name: "what was asked for")
    }

    /// Answers a request of the peer; answers leave in the order of the requests.
    public func answer(_ request: InboundChannelRequest, success: Bool) {
        driver.answer(request, success: success, on: id)
    }

    /// Closes the channel, after everything queued has left. The delegate's `closed` comes when the peer has closed too.
    public func close() { driver.close(id) }

    /// Gives the channel, which must stand, to an owner of another kind: whatever comes from now on goes there.
    func handOver(_ make: (SSHChannel) -> any SSHChannelDelegate) {
        let channel = SSHChannel(request, id: id, driver: boundDriver, keeper: keeper)
        driver.adopt(id, owner: RawChannelOwner(channel, make(channel)))
    }

    /// Closes the channel at once, also one that is not confirmed yet; what is queued is dropped, and the delegate's
    /// `closed` comes without waiting.
    public func abort() { driver.abort(id) }
}

/// The owner of one end of a channel that is carried through. Every call is on the connection's event loop, in the order in
/// which the peer sent things. The connection keeps it until `relay(_:closed:)`, which comes exactly once and last.
public protocol SSHRelayDelegate: AnyObject {
    /// Bytes from the peer. The window is given back only by `SSHRelayChannel.consumed(_:)`.
    func relay(_ channel: SSHRelayChannel, received data: ByteBuffer, stream: SSHDataStream)

    /// The peer asks for something; to be answered by `SSHRelayChannel.answer`, when it suits.
    func relay(_ channel: SSHRelayChannel, asked request: InboundChannelRequest)

    /// How the program ended: `exitStatus` or `exitSignal` (RFC 4254 §6.10).
    func relay(_ channel: SSHRelayChannel, told request: SessionRequest)

    /// The peer will send no more data (RFC 4254 §5.3).
    func relayEndOfFile(_ channel: SSHRelayChannel)

    /// The peer reads nothing more of what is sent (eow@openssh.com).
    func relayEndOfWrite(_ channel: SSHRelayChannel)

    /// The outbound queue passed its upper mark (false) or fell below its lower one (true).
    func relay(_ channel: SSHRelayChannel, writabilityChanged isWritable: Bool)

    /// The channel is over. nil after an orderly close by either side, else why the connection ended.
    func relay(_ channel: SSHRelayChannel, closed error: SSHError?)
}

/// Tells an `SSHRelayDelegate` what its channel's events mean. Loop-bound.
private final class RelayOwner: ChannelOwner {
    private let channel: SSHRelayChannel
    private let delegate: any SSHRelayDelegate

    init(_ channel: SSHRelayChannel, _ delegate: any SSHRelayDelegate) {
        self.channel = channel
        self.delegate = delegate
    }

    func channelEvent(_ event: SessionChannelEvent) {
        switch event {
        case .data(let stream, let bytes): delegate.relay(channel, received: bytes, stream: stream)
        case .request(let request): delegate.relay(channel, asked: request)
        case .exitStatus(let status): delegate.relay(channel, told: .exitStatus(status))
        case .exitSignal(let signal): delegate.relay(channel, told: .exitSignal(signal))
        case .endOfFile: delegate.relayEndOfFile(channel)
        case .endOfWrite: delegate.relayEndOfWrite(channel)
        case .writabilityChanged(let isWritable): delegate.relay(channel, writabilityChanged: isWritable)
        case .opened, .refused, .answered, .closed: break
        }
    }

    func channelClosed(_ error: SSHError?) { delegate.relay(channel, closed: error) }
}

extension SSHIncomingChannel {
    /// Accepts a channel that is carried on, on the event loop. `make` is given the channel and returns its owner.
    public func acceptRelay(_ make: (SSHRelayChannel) -> any SSHRelayDelegate) {
        let channel = SSHRelayChannel(request, id: id, driver: driver, keeper: keeper)
        driver.value.confirm(id)
        driver.value.adopt(id, owner: RelayOwner(channel, make(channel)))
    }
}

extension ConnectionDriver {
    fileprivate func openRelay(
        _ request: ChannelOpenRequest, _ bound: NIOLoopBound<ConnectionDriver>, keeper: SSHConnection?,
        _ make: (SSHRelayChannel) -> any SSHRelayDelegate
    ) -> EventLoopFuture<Void> {
        open(request, name: request.words) { id in
            let channel = SSHRelayChannel(request, id: id, driver: bound, keeper: keeper)
            return RelayOwner(channel, make(channel))
        }
    }
}

extension SSHConnection {
    /// Opens a channel of any kind that is carried on, on the event loop. `make` is given the channel before the host has
    /// confirmed it, so that it can be given up, and returns its owner; it is not called when no channel can be opened.
    ///
    /// - Returns: Fails with `channel_refused` (see `SSHError.refusal`), `too_many_channels`, or why the connection ended.
    public func makeRelay(
        _ request: ChannelOpenRequest, _ make: (SSHRelayChannel) -> any SSHRelayDelegate
    ) -> EventLoopFuture<Void> {
        boundDriver.value.openRelay(request, boundDriver, keeper: self, make)
    }
}

extension SSHServerConnection {
    /// As `SSHConnection.makeRelay`, towards the client: for what the host of a carried connection opens.
    public func makeRelay(
        _ request: ChannelOpenRequest, _ make: (SSHRelayChannel) -> any SSHRelayDelegate
    ) -> EventLoopFuture<Void> {
        boundDriver.value.openRelay(request, boundDriver, keeper: nil, make)
    }
}
