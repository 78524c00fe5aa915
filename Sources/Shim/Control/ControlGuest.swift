import NIOCore
import SSH

/// What of this machine a host's programs may reach for one client of a control socket, or for one of its forwards.
/// Loop-bound.
final class ControlGuest: ShimVisitor {
    /// Where a forwarded connection leads.
    enum Target {
        case endpoint(SSHForwardEndpoint)
        /// It says so itself.
        case socks
    }

    private let agent: String?
    private let display: SSHX11Forward?
    private let target: Target?
    private let tunnels = SSHTunnels()

    init(agent: String? = nil, display: SSHX11Forward? = nil, target: Target? = nil) {
        self.agent = agent
        self.display = display
        self.target = target
    }

    /// Nobody reaches anything any more.
    func end() { tunnels.end() }

    func take(_ incoming: SSHIncomingChannel, in upstream: Upstream, _ link: LinkPool.LinkID) {
        let ended = { upstream.ended(link, isSession: false) }
        switch incoming.request {
        case .agent:
            guard let agent else { return Self.refuse(incoming) }
            upstream.received(link)
            let bound = NIOLoopBound(upstream, eventLoop: upstream.eventLoop)
            incoming.serve(.socket(agent)) {
                bound.eventLoop.execute { bound.value.ended(link, isSession: false) }
            }
        case .x11:
            guard let display else { return Self.refuse(incoming) }
            upstream.received(link)
            tunnels.connect(incoming, to: display, ended: ended)
        default:
            guard let target else { return Self.refuse(incoming) }
            upstream.received(link)
            switch target {
            case .endpoint(let endpoint): tunnels.connect(incoming, to: endpoint, ended: ended)
            case .socks: tunnels.serveSocks(incoming, ended: ended)
            }
        }
    }

    private static func refuse(_ incoming: SSHIncomingChannel) {
        incoming.refuse(.administrativelyProhibited, "no client asked for it")
    }

    func take(_ sorted: DisplaySorter, ended: @escaping () -> Void) {
        guard let display else { return sorted.giveUp(ended) }
        tunnels.connect(sorted.channel, to: display, taken: { sorted.release() }, ended: ended)
    }
}
