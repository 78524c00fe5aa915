import Gateway
import NIOCore
import SSH

/// The connections to hosts that a visit's commands, files and tunnels share. Loop-bound.
///
/// A host takes ten sessions on one connection as a rule (sshd's MaxSessions): beyond a few another one is made. One that
/// nobody uses any more waits a little for the next command, as a client's own master connection does.
final class HostLinks {
    private static let channelsEach = 8
    private static let patience = TimeAmount.seconds(60)

    private let eventLoop: any EventLoop
    private var links: [HostLink] = []

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// A connection with room for one more channel; to be given back by ``giveBack(_:)``.
    func lease(_ host: SessionHost, caller: Caller, sessions: Sessions) -> HostLink {
        if let link = links.first(where: { $0.hostID == host.id && !$0.isLost && $0.channels < Self.channelsEach }) {
            link.channels += 1
            link.timer?.cancel()
            return link
        }
        let promise = eventLoop.makePromise(of: SSHConnection.self)
        let link = HostLink(host.id, promise.futureResult)
        links.append(link)
        let eventLoop = eventLoop
        promise.completeWithTask { try await sessions.connection(to: host, caller: caller, on: eventLoop) }
        promise.futureResult.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let connection):
                connection.closed.assumeIsolated().whenComplete { _ in self.lost(link) }
            case .failure: self.lost(link)
            }
        }
        return link
    }

    func giveBack(_ link: HostLink) {
        link.channels -= 1
        guard link.channels == 0, !link.isLost else { return }
        let (links, idle) = (NIOLoopBound(self, eventLoop: eventLoop), NIOLoopBound(link, eventLoop: eventLoop))
        link.timer = eventLoop.scheduleTask(in: Self.patience) {
            guard idle.value.channels == 0 else { return }
            links.value.lost(idle.value)
            idle.value.close()
        }
    }

    private func lost(_ link: HostLink) {
        link.isLost = true
        links.removeAll { $0 === link }
    }

    /// The visit is over.
    func end() {
        for link in links {
            link.isLost = true
            link.timer?.cancel()
            link.close()
        }
        links = []
    }
}

/// One of them. Loop-bound.
final class HostLink {
    let hostID: String
    let connection: EventLoopFuture<SSHConnection>
    fileprivate(set) var channels = 1
    fileprivate(set) var isLost = false
    fileprivate var timer: Scheduled<Void>?

    fileprivate init(_ hostID: String, _ connection: EventLoopFuture<SSHConnection>) {
        self.hostID = hostID
        self.connection = connection
    }

    fileprivate func close() { connection.whenSuccess { $0.beginClosing() } }
}
