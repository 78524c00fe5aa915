import NIOCore
import SSH

/// Whoever of this machine uses the connections to a host, for what the host opens towards it: forwarded connections, its
/// agent, its display. Loop-bound.
protocol ShimVisitor: AnyObject {
    /// Accepts or refuses a channel of the host, and tells the upstream when it has one and when that is over.
    func take(_ incoming: SSHIncomingChannel, in upstream: Upstream, _ link: LinkPool.LinkID)

    /// Takes a display connection whose cookie is this visitor's.
    ///
    /// - Parameter ended: To be told once, when it is over.
    func take(_ sorted: DisplaySorter, ended: @escaping () -> Void)
}

/// A client of the endpoint: the same channel is opened there, and the two are joined.
extension SSHServerConnection: ShimVisitor {
    func take(_ incoming: SSHIncomingChannel, in upstream: Upstream, _ link: LinkPool.LinkID) {
        let bridge = ChannelBridge()
        let opened = makeRelay(incoming.request) { channel in
            bridge.near.channel = channel
            return bridge.near
        }
        opened.assumeIsolated().whenComplete { result in
            switch result {
            case .success:
                upstream.received(link)
                bridge.far.ended = { upstream.ended(link, isSession: false) }
                incoming.acceptRelay { channel in
                    bridge.far.channel = channel
                    return bridge.far
                }
            case .failure(let error):
                bridge.discard()
                let refusal = (error as? SSHError)?.refusal
                incoming.refuse(refusal?.reason ?? .connectFailed, refusal?.words ?? "the client is gone")
            }
        }
    }

    func take(_ sorted: DisplaySorter, ended: @escaping () -> Void) {
        let bridge = ChannelBridge()
        bridge.far.ended = ended
        let opened = makeRelay(sorted.request) { channel in
            bridge.near.channel = channel
            return bridge.near
        }
        opened.assumeIsolated().whenComplete { result in
            guard case .success = result else {
                bridge.discard()
                return sorted.giveUp(ended)
            }
            sorted.hand(to: bridge.far)
        }
    }
}
