public import NIOCore
public import SSHProtocol

/// One channel of any kind (RFC 4254 §5), in either role: bytes both ways with flow control of its own.
///
/// Loop-bound: every method must be called on `eventLoop`; a caller elsewhere hops first, or uses `SSHChannelStream`.
/// Calls on a channel that is already closed do nothing.
public final class SSHChannel: Sendable {
    /// What it was opened for.
    public let request: ChannelOpenRequest
    /// The loop of its connection.
    public let eventLoop: any EventLoop
    let id: ChannelID
    let boundDriver: NIOLoopBound<ConnectionDriver>
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

    /// Queues bytes; they leave as the peer's window and the socket allow.
    ///
    /// - Returns: false, with nothing taken, when the queue would grow beyond its limit of 8 MiB or the channel takes no
    ///   more input. A writer that heeds `isWritable` never sees it for the first reason.
    @discardableResult
    public func write(_ data: ByteBuffer, isUrgent: Bool = false) -> Bool {
        driver.write(data, isUrgent: isUrgent, on: id)
    }

    /// Whether the outbound queue is below its mark of 256 KiB. Changes are told to the delegate.
    public var isWritable: Bool { driver.isWritable(id) }

    /// Whether our half of the data is still open.
    var takesInput: Bool { driver.takesInput(id) }

    /// Bytes given to `write` that have not left yet.
    public var queuedBytes: Int { driver.queuedBytes(id) }

    /// What the peer may have under way to us, in bytes: it grows with the link, see `ChannelLimits`.
    public var receiveWindow: Int { driver.receiveWindow(id) }

    /// Puts this channel before those that only carry data, for keystrokes and the like.
    public func setInteractive(_ isInteractive: Bool) { driver.setInteractive(isInteractive, on: id) }

    /// Ends our half of the data, after everything queued has left (RFC 4254 §5.3).
    public func sendEOF() { driver.sendEOF(on: id) }

    /// Gives window back: `bytes` that were received are dealt with. More than was received is ignored.
    public func consumed(_ bytes: Int) { driver.consumed(bytes, on: id) }

    /// Closes the channel, after everything queued has left. The delegate's `closed` comes when the peer has closed too.
    public func close() { driver.close(id) }

    /// Closes the channel at once; what is queued is dropped, and the delegate's `closed` comes without waiting.
    public func abort() { driver.abort(id) }
}

/// The owner of one channel. Every call is on the connection's event loop, in the order in which the peer sent things.
/// The connection keeps the delegate until `channel(_:closed:)`, which comes exactly once and last.
public protocol SSHChannelDelegate: AnyObject {
    /// Bytes from the peer. The window is given back only by `SSHChannel.consumed(_:)`, so an owner that stops consuming
    /// stops its own channel and no other.
    ///
    /// The buffer is a slice of the connection's own: copy it when it is to be kept for long.
    func channel(_ channel: SSHChannel, received data: ByteBuffer)

    /// The peer will send no more data (RFC 4254 §5.3).
    func channelEndOfFile(_ channel: SSHChannel)

    /// The outbound queue passed its upper mark (false) or fell below its lower one (true).
    func channel(_ channel: SSHChannel, writabilityChanged isWritable: Bool)

    /// The channel is over. nil after an orderly close by either side, else why the connection ended.
    func channel(_ channel: SSHChannel, closed error: SSHError?)
}

extension SSHChannelDelegate {
    public func channelEndOfFile(_ channel: SSHChannel) {}
    public func channel(_ channel: SSHChannel, writabilityChanged isWritable: Bool) {}
}

/// Tells an `SSHChannelDelegate` what its channel's events mean. Loop-bound.
final class RawChannelOwner: ChannelOwner {
    private let channel: SSHChannel
    private let delegate: any SSHChannelDelegate

    init(_ channel: SSHChannel, _ delegate: any SSHChannelDelegate) {
        self.channel = channel
        self.delegate = delegate
    }

    func channelEvent(_ event: SessionChannelEvent) {
        switch event {
        case .data(_, let bytes): delegate.channel(channel, received: bytes)
        case .endOfFile: delegate.channelEndOfFile(channel)
        case .writabilityChanged(let isWritable): delegate.channel(channel, writabilityChanged: isWritable)
        // Such a channel knows no requests; whoever sends one all the same gets a no.
        case .request(let request): channel.boundDriver.value.answer(request, success: false, on: channel.id)
        default: break
        }
    }

    func channelClosed(_ error: SSHError?) { delegate.channel(channel, closed: error) }
}

extension ChannelOpenRequest {
    /// What is opened, for the sentence of an error.
    var words: String {
        switch self {
        case .session: "a session"
        case .directTCPIP(let target, _): "a connection to \(DisplayText.neutralise(target.description, limit: 260))"
        case .directStreamLocal(let path): "a connection to \(DisplayText.neutralise(path, limit: 120))"
        case .forwardedTCPIP, .forwardedStreamLocal: "a forwarded connection"
        case .agent: "a connection to the agent"
        case .x11: "a connection to the display"
        }
    }
}
