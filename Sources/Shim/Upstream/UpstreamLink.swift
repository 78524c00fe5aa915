import NIOCore
import SSH

/// One connection to the host, and which local clients let it reach their agents and displays. Loop-bound.
final class UpstreamLink {
    let id: LinkPool.LinkID
    let connection: SSHConnection
    private let since = NIODeadline.now()
    /// The host opened a channel on it.
    var hasServed = false
    /// Nobody needed it any more: its end is no loss.
    var isRetired = false
    private var grants = ClientGrants<any ShimVisitor>()

    init(_ id: LinkPool.LinkID, _ connection: SSHConnection) {
        self.id = id
        self.connection = connection
    }

    /// Whether it was of use. A host that lets in and hangs up at once is to be left alone for longer and longer.
    var hasStood: Bool { hasServed || .now() - since >= .seconds(10) }

    /// The host agreed to what a session asked for.
    func grant(_ request: SessionRequest, _ session: ObjectIdentifier, _ visitor: any ShimVisitor) {
        switch request {
        case .agentForwarding: grants.addAgent(session, visitor)
        case .x11(let x11): grants.addDisplay(session, visitor, cookie: x11.cookie)
        default: break
        }
    }

    func revoke(_ session: ObjectIdentifier) { grants.remove(session) }

    var agent: (any ShimVisitor)? { grants.agent }

    var displays: [ClientGrants<any ShimVisitor>.Display] { grants.displays }
}

/// What sessions of one connection to the host may reach at the local clients. The host does not say for which session it
/// opens a channel to an agent or a display.
struct ClientGrants<Client> {
    struct Display {
        var session: ObjectIdentifier
        var client: Client
        /// In hexadecimal: each client makes its own, and lets nobody in without it.
        var cookie: String
    }

    private var agents: [(session: ObjectIdentifier, client: Client)] = []
    private(set) var displays: [Display] = []

    mutating func addAgent(_ session: ObjectIdentifier, _ client: Client) { agents.append((session, client)) }

    mutating func addDisplay(_ session: ObjectIdentifier, _ client: Client, cookie: String) {
        displays.append(Display(session: session, client: client, cookie: cookie.lowercased()))
    }

    mutating func remove(_ session: ObjectIdentifier) {
        agents.removeAll { $0.session == session }
        displays.removeAll { $0.session == session }
    }

    /// The agent of the session that asked last, as with a shared connection of OpenSSH's; all are the same person's.
    var agent: Client? { agents.last?.client }
}
