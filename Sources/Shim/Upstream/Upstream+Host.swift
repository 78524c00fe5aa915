// What the host opens towards the local clients: forwarded connections, their agents, their displays.

import NIOCore
import SSH

/// Something that a local client wants the host to listen on. It outlives the connection that it was asked on. Loop-bound.
final class RemoteListener {
    let asked: SSHForwardEndpoint
    let visitor: any ShimVisitor
    /// As the host granted it: a port that it chose is asked for again by its number.
    var granted: SSHForwardEndpoint?
    var standing: (forward: SSHForward, link: LinkPool.LinkID)?
    var isAsking = false
    var isWanted = true
    /// Until the client has its answer: whether the host listens, and where.
    var answer: EventLoopPromise<SSHForwardEndpoint?>?
    var patience: Scheduled<Void>?
    /// Refusals in a row after a loss: the host may not know yet that the old connection is gone.
    var refusals = 0

    init(_ asked: SSHForwardEndpoint, _ visitor: any ShimVisitor, _ answer: EventLoopPromise<SSHForwardEndpoint?>) {
        self.asked = asked
        self.visitor = visitor
        self.answer = answer
    }
}

extension Upstream {
    // MARK: Listening

    /// Has the host listen for a local client. The future brings where, nil when it does not.
    func listen(
        on endpoint: SSHForwardEndpoint, for visitor: any ShimVisitor
    ) -> (RemoteListener, EventLoopFuture<SSHForwardEndpoint?>) {
        let answer = eventLoop.makePromise(of: SSHForwardEndpoint?.self)
        let listener = RemoteListener(endpoint, visitor, answer)
        listeners[ObjectIdentifier(listener)] = listener
        let bound = NIOLoopBound((self, listener), eventLoop: eventLoop)
        listener.patience = eventLoop.scheduleTask(in: TimeAmount(limits.patience)) {
            let (upstream, listener) = bound.value
            upstream.end(listener)
        }
        if let home { ask(listener, home) }
        return (listener, answer.futureResult)
    }

    /// The client wants it no more, or is gone, or gets no for an answer.
    func end(_ listener: RemoteListener) {
        listener.isWanted = false
        listeners[ObjectIdentifier(listener)] = nil
        listener.patience?.cancel()
        // Dropping it tells the host.
        listener.standing = nil
        listener.answer?.succeed(nil)
        listener.answer = nil
    }

    /// After a loss: all that stood is asked for again, at the oldest connection.
    func restoreListeners() {
        guard let home else { return }
        for listener in listeners.values where listener.standing == nil && !listener.isAsking { ask(listener, home) }
    }

    func forgetStanding(of link: LinkPool.LinkID) {
        for listener in listeners.values where listener.standing?.link == link { listener.standing = nil }
    }

    private func ask(_ listener: RemoteListener, _ link: UpstreamLink) {
        listener.isAsking = true
        let bound = NIOLoopBound(listener, eventLoop: eventLoop)
        let upstream = self.bound
        let (connection, id) = (link.connection, link.id)
        let endpoint = listener.granted ?? listener.asked
        // A task for each: none waits for another one, and nothing waits for them but their clients.
        inTask { () -> Result<SSHForward, UpstreamFailure> in
            do throws(SSHError) {
                return .success(
                    try await connection.listen(on: endpoint) { incoming in
                        bound.value.visitor.take(incoming, in: upstream.value, id)
                    })
            } catch {
                return .failure(UpstreamFailure(error))
            }
        } then: {
            $0.answered(bound.value, id, $1)
        }
    }

    private func answered(
        _ listener: RemoteListener, _ link: LinkPool.LinkID, _ result: Result<SSHForward, UpstreamFailure>
    ) {
        listener.isAsking = false
        guard listener.isWanted else { return }
        // The connection that was asked is gone: another one is, or will be, there.
        guard links[link] != nil else {
            if let home { ask(listener, home) }
            return
        }
        switch result {
        case .success(let forward):
            let isRestored = listener.granted != nil
            listener.granted = forward.listening
            listener.standing = (forward, link)
            listener.refusals = 0
            listener.patience?.cancel()
            listener.answer?.succeed(forward.listening)
            listener.answer = nil
            if isRestored { tell(.forwardRestored(upstream: target.name, forward.listening)) }
        case .failure(let failure):
            guard let granted = listener.granted else { return end(listener) }
            tell(.forwardMissing(upstream: target.name, granted, failure))
            askLater(listener)
        }
    }

    /// The old connection's listener may stand until the host notices that its client is gone.
    private func askLater(_ listener: RemoteListener) {
        let delay = limits.backOff.delay(listener.refusals, chance: 1)
        listener.refusals += 1
        let bound = NIOLoopBound((self, listener), eventLoop: eventLoop)
        eventLoop.scheduleTask(in: TimeAmount(delay)) {
            let (upstream, listener) = bound.value
            guard listener.isWanted, listener.standing == nil, !listener.isAsking, let home = upstream.home else {
                return
            }
            upstream.ask(listener, home)
        }
    }

    // MARK: Carrying what the host opens

    func carryAgent(_ incoming: SSHIncomingChannel, _ id: LinkPool.LinkID) {
        guard let client = links[id]?.agent else {
            return incoming.refuse(.administrativelyProhibited, "no client forwards its agent")
        }
        client.take(incoming, in: self, id)
    }

    func carryDisplay(_ incoming: SSHIncomingChannel, _ id: LinkPool.LinkID) {
        let displays = links[id]?.displays ?? []
        guard let last = displays.last else {
            return incoming.refuse(.administrativelyProhibited, "no client forwards its display")
        }
        guard displays.contains(where: { $0.client !== last.client }) else {
            return last.client.take(incoming, in: self, id)
        }
        // Several clients: the cookie that the program brings says whose display it means.
        received(id)
        incoming.acceptRelay { channel in
            DisplaySorter(channel, displays) { sorted in self.join(sorted, id) }
        }
    }

    /// A display connection whose client is known now, nil for one that nobody knows the cookie of.
    private func join(_ sorted: DisplaySorter, _ id: LinkPool.LinkID) {
        let ended = { self.ended(id, isSession: false) }
        guard let client = sorted.client else { return sorted.giveUp(ended) }
        client.take(sorted, ended: ended)
    }
}
