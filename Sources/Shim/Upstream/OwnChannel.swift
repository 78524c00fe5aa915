// Channels that end in this process: sessions and connections of the control socket's clients.

import NIOCore
import SSH

extension Upstream {
    /// Opens a session on one of the connections, now or when there is a place for it.
    ///
    /// - Parameters:
    ///   - wants: What the session will ask for that lets the host's programs reach back to the visitor.
    ///   - visitor: Whoever it is for; `left` with it gives the opening up.
    /// - Returns: Fails with `channel_refused`, in the host's words or the shim's.
    func openSession(
        _ delegate: any SessionChannelDelegate, wants: [SessionRequest], for visitor: any ShimVisitor
    ) -> EventLoopFuture<SSHSessionChannel> {
        let seeker = SessionSeeker(delegate, wants, eventLoop.makePromise())
        take(Opening(seeker, visitor))
        return seeker.opened.futureResult
    }

    /// Opens a channel of any other kind, as `openSession`.
    func openChannel(
        _ request: ChannelOpenRequest, _ delegate: any SSHChannelDelegate, for visitor: any ShimVisitor
    ) -> EventLoopFuture<SSHChannel> {
        let seeker = ConnectionSeeker(request, delegate, eventLoop.makePromise())
        take(Opening(seeker, visitor))
        return seeker.opened.futureResult
    }
}

/// Loop-bound.
private final class SessionSeeker: ChannelSeeker {
    let opened: EventLoopPromise<SSHSessionChannel>
    private let delegate: any SessionChannelDelegate
    private let wants: [SessionRequest]
    private var channel: SSHSessionChannel?

    init(
        _ delegate: any SessionChannelDelegate, _ wants: [SessionRequest], _ opened: EventLoopPromise<SSHSessionChannel>
    ) {
        self.delegate = delegate
        self.wants = wants
        self.opened = opened
    }

    var isSession: Bool { true }

    func ask(_ link: UpstreamLink, ended: @escaping () -> Void) -> EventLoopFuture<Void> {
        let key = ObjectIdentifier(self)
        let counted = CountedSession(delegate) {
            link.revoke(key)
            ended()
        }
        return link.connection.makeSession(delegate: counted).assumeIsolated().map { self.channel = $0 }.nonisolated()
    }

    func agreed(_ link: UpstreamLink, _ visitor: any ShimVisitor, isWanted: Bool) {
        guard let channel else { return }
        guard isWanted else {
            channel.abort()
            return opened.fail(SSHError.nobodyWaits)
        }
        for request in wants { link.grant(request, ObjectIdentifier(self), visitor) }
        opened.succeed(channel)
    }

    func refused(_ refusal: SSHChannelRefusal, isHosts: Bool) { opened.fail(SSHError(refusal, isHosts: isHosts)) }

    func giveUp() { if channel == nil { opened.fail(SSHError.nobodyWaits) } }
}

/// Loop-bound.
private final class ConnectionSeeker: ChannelSeeker {
    let opened: EventLoopPromise<SSHChannel>
    private let request: ChannelOpenRequest
    private let delegate: any SSHChannelDelegate
    private var channel: SSHChannel?

    init(
        _ request: ChannelOpenRequest, _ delegate: any SSHChannelDelegate, _ opened: EventLoopPromise<SSHChannel>
    ) {
        self.request = request
        self.delegate = delegate
        self.opened = opened
    }

    var isSession: Bool { false }

    func ask(_ link: UpstreamLink, ended: @escaping () -> Void) -> EventLoopFuture<Void> {
        link.connection.makeChannel(request, delegate: CountedChannel(delegate, ended)).assumeIsolated()
            .map { self.channel = $0 }.nonisolated()
    }

    func agreed(_ link: UpstreamLink, _ visitor: any ShimVisitor, isWanted: Bool) {
        guard let channel else { return }
        guard isWanted else {
            channel.abort()
            return opened.fail(SSHError.nobodyWaits)
        }
        opened.succeed(channel)
    }

    func refused(_ refusal: SSHChannelRefusal, isHosts: Bool) { opened.fail(SSHError(refusal, isHosts: isHosts)) }

    func giveUp() { if channel == nil { opened.fail(SSHError.nobodyWaits) } }
}

extension SSHError {
    fileprivate init(_ refusal: SSHChannelRefusal, isHosts: Bool) {
        let words = DisplayText.neutralise(refusal.words, limit: 400)
        self.init(
            .channelRefused,
            isHosts ? "copilot shim: the host refused it\(words.isEmpty ? "" : ": " + words)" : words, hint: "")
    }

    fileprivate static let nobodyWaits = SSHError(.channelClosed, "The client is gone.", hint: "")
}

/// Tells when a session is over, and passes everything on. Loop-bound.
private final class CountedSession: SessionChannelDelegate {
    private let delegate: any SessionChannelDelegate
    private let ended: () -> Void

    init(_ delegate: any SessionChannelDelegate, _ ended: @escaping () -> Void) {
        self.delegate = delegate
        self.ended = ended
    }

    func channel(_ channel: SSHSessionChannel, received data: ByteBuffer, stream: SSHDataStream) {
        delegate.channel(channel, received: data, stream: stream)
    }

    func channel(_ channel: SSHSessionChannel, exited status: UInt32) { delegate.channel(channel, exited: status) }

    func channel(_ channel: SSHSessionChannel, exited signal: ExitSignal) { delegate.channel(channel, exited: signal) }

    func channelEndOfFile(_ channel: SSHSessionChannel) { delegate.channelEndOfFile(channel) }

    func channelEndOfWrite(_ channel: SSHSessionChannel) { delegate.channelEndOfWrite(channel) }

    func channel(_ channel: SSHSessionChannel, writabilityChanged isWritable: Bool) {
        delegate.channel(channel, writabilityChanged: isWritable)
    }

    func channel(_ channel: SSHSessionChannel, closed error: SSHError?) {
        delegate.channel(channel, closed: error)
        ended()
    }
}

/// Tells when a channel is over, and passes everything on. Loop-bound.
private final class CountedChannel: SSHChannelDelegate {
    private let delegate: any SSHChannelDelegate
    private let ended: () -> Void

    init(_ delegate: any SSHChannelDelegate, _ ended: @escaping () -> Void) {
        self.delegate = delegate
        self.ended = ended
    }

    func channel(_ channel: SSHChannel, received data: ByteBuffer) { delegate.channel(channel, received: data) }

    func channelEndOfFile(_ channel: SSHChannel) { delegate.channelEndOfFile(channel) }

    func channel(_ channel: SSHChannel, writabilityChanged isWritable: Bool) {
        delegate.channel(channel, writabilityChanged: isWritable)
    }

    func channel(_ channel: SSHChannel, closed error: SSHError?) {
        delegate.channel(channel, closed: error)
        ended()
    }
}
