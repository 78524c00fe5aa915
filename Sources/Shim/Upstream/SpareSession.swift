// A session that is opened before somebody wants it, so that a command needs one round trip instead of two: a host is
// asked for a program only on a session that it has agreed to.

import NIOCore
import SSH

/// At most one for each connection, and only while no other session stands there: it never takes the place of one that is
/// wanted (MaxSessions). Loop-bound.
final class SpareSession {
    /// Hosts may limit for how long a session does nothing (ChannelTimeout); this is less than any of them would.
    static let age = TimeAmount.seconds(30)

    private let connection: SSHConnection
    private var standing: (channel: SSHSessionChannel, delegate: CountedSession)?
    private var isOpening = false
    private var isWanted = false
    /// The host refused one: it is not asked for another.
    private var isRefused = false
    private var expiry: Scheduled<Void>?

    init(_ connection: SSHConnection) { self.connection = connection }

    func prepare() {
        isWanted = true
        guard standing == nil, !isOpening, !isRefused, connection.isOpen else { return }
        isOpening = true
        let delegate = CountedSession()
        delegate.ended = { [weak self, weak delegate] in self?.ended(delegate) }
        connection.makeSession(delegate: delegate).assumeIsolated().whenComplete { result in
            self.isOpening = false
            switch result {
            case .success(let channel): self.opened(channel, delegate)
            case .failure: self.isRefused = true
            }
        }
    }

    func take() -> (channel: SSHSessionChannel, delegate: CountedSession)? {
        isWanted = false
        expiry?.cancel()
        defer { standing = nil }
        return standing
    }

    func drop() { take()?.channel.abort() }

    private func opened(_ channel: SSHSessionChannel, _ delegate: CountedSession) {
        guard isWanted else { return channel.abort() }
        standing = (channel, delegate)
        let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
        expiry = connection.eventLoop.scheduleTask(in: Self.age) { bound.value.drop() }
    }

    /// The host closed it before somebody wanted it. One that was given back is none of ours any more when it is closed.
    private func ended(_ delegate: CountedSession?) {
        guard let standing, standing.delegate === delegate else { return }
        expiry?.cancel()
        self.standing = nil
    }
}
