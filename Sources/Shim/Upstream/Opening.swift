// What somebody of this machine wants of the host, until the host has answered.

import NIOCore
import SSH

/// Somebody who wants one channel at the host. Loop-bound.
protocol ChannelSeeker: AnyObject {
    var isSession: Bool { get }

    /// Asks one connection for it; another one later, when this one has no room.
    ///
    /// - Parameter ended: To be told once, when a channel that stood is over.
    func ask(_ link: UpstreamLink, ended: @escaping () -> Void) -> EventLoopFuture<Void>

    /// The host agreed.
    ///
    /// - Parameter isWanted: Its visitor is still there.
    func agreed(_ link: UpstreamLink, _ visitor: any ShimVisitor, isWanted: Bool)

    /// There will be none.
    ///
    /// - Parameter isHosts: The host itself said so; otherwise the words are the shim's.
    func refused(_ refusal: SSHChannelRefusal, isHosts: Bool)

    /// Nobody waits for it any more: what the host is asked for is given up.
    func giveUp()
}

/// A channel that is wanted, until the host has answered. Loop-bound.
final class Opening {
    let seeker: any ChannelSeeker
    let visitor: any ShimVisitor
    var isSession: Bool { seeker.isSession }
    /// The host's answer is awaited.
    var isAsking = false
    var patience: Scheduled<Void>?
    /// What the host said on the connections that were full.
    var refusal: SSHChannelRefusal?
    private(set) var isOver = false

    init(_ seeker: any ChannelSeeker, _ visitor: any ShimVisitor) {
        self.seeker = seeker
        self.visitor = visitor
    }

    /// The client is gone.
    func giveUp() {
        isOver = true
        patience?.cancel()
        seeker.giveUp()
    }
}

/// A channel of a client of the endpoint, which is carried through unchanged. Loop-bound.
final class CarriedChannel: ChannelSeeker {
    private let incoming: SSHIncomingChannel
    private let visitor: SSHServerConnection
    private let title: String
    private var bridge: ChannelBridge?
    /// While the host is asked.
    private var far: SSHRelayChannel?

    init(_ incoming: SSHIncomingChannel, of visitor: SSHServerConnection, title: String) {
        self.incoming = incoming
        self.visitor = visitor
        self.title = title
    }

    var isSession: Bool { incoming.request == .session }

    func ask(_ link: UpstreamLink, ended: @escaping () -> Void) -> EventLoopFuture<Void> {
        bridge?.discard()
        let bridge = ChannelBridge()
        self.bridge = bridge
        let title = title
        bridge.epitaph = { error in
            "copilot shim: the connection to \(title) was lost, and this session with it. \(error.description)"
        }
        bridge.far.ended = ended
        return link.connection.makeRelay(incoming.request) { channel in
            bridge.far.channel = channel
            far = channel
            return bridge.far
        }
    }

    func agreed(_ link: UpstreamLink, _ visitor: any ShimVisitor, isWanted: Bool) {
        guard let bridge else { return }
        (self.bridge, far) = (nil, nil)
        if isSession {
            let key = ObjectIdentifier(bridge.near)
            bridge.near.granted = { link.grant($0, key, visitor) }
            bridge.near.ended = { link.revoke(key) }
        }
        incoming.acceptRelay { channel in
            bridge.near.channel = channel
            return bridge.near
        }
    }

    func refused(_ refusal: SSHChannelRefusal, isHosts: Bool) {
        bridge?.discard()
        (bridge, far) = (nil, nil)
        if isHosts {
            incoming.refuse(refusal.reason, refusal.words)
        } else {
            RefusedSession.refuse(incoming, refusal.reason, refusal.words)
        }
    }

    func giveUp() { far?.abort() }
}
