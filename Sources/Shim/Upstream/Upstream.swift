// One host: its connections, what waits for one, and what the host is asked to listen on.

import NIOCore
import SSH

/// Loop-bound: its connections and those of the local clients are on one loop, so that a byte goes through without a hop.
final class Upstream {
    let target: ShimUpstream
    let limits: UpstreamLimits
    let eventLoop: any EventLoop
    let tell: @Sendable (ShimEvent) -> Void
    /// Completes when the first connection stands (nil), or the first attempt has failed.
    let firstAttempt: EventLoopPromise<UpstreamFailure?>

    private(set) var pool: LinkPool
    private(set) var links: [LinkPool.LinkID: UpstreamLink] = [:]
    var listeners: [ObjectIdentifier: RemoteListener] = [:]

    private var reconnection: Reconnection
    private var lastFailure: UpstreamFailure?
    private var timer: Scheduled<Void>?
    private var growthDelay: Scheduled<Void>?
    /// The host lets us in no second time.
    private var isGrowthFutile = false
    private var idleTimer: (deadline: NIODeadline, task: Scheduled<Void>)?
    /// What is under way in tasks, by a number of its own.
    private var tasks: [Int: Task<Void, Never>] = [:]
    private var waiting = CircularBuffer<Opening>()
    /// Openings whose answer from the host is awaited, and those that wait, by their local connection.
    private var openings: [ObjectIdentifier: Opening] = [:]
    private var count = 0
    private var isServing = false

    init(
        _ target: ShimUpstream, _ limits: UpstreamLimits, on eventLoop: any EventLoop,
        tell: @escaping @Sendable (ShimEvent) -> Void
    ) {
        self.target = target
        self.limits = limits
        self.eventLoop = eventLoop
        self.tell = tell
        firstAttempt = eventLoop.makePromise(of: UpstreamFailure?.self)
        reconnection = Reconnection(limits.backOff)
        pool = LinkPool(maximumLinks: limits.maximumConnections, idleTime: TimeAmount(limits.idleTime))
    }

    var bound: NIOLoopBound<Upstream> { NIOLoopBound(self, eventLoop: eventLoop) }

    /// The connection that has the remote forwards.
    var home: UpstreamLink? { pool.home.flatMap { links[$0] } }

    // MARK: The connection

    func start() { perform(reconnection.start()) }

    func tryNow() {
        isGrowthFutile = false
        perform(reconnection.tryNow())
    }

    /// Ends everything.
    ///
    /// - Returns: The connections that stand, to be closed in order.
    func stop() -> [SSHConnection] {
        perform(reconnection.stop())
        for task in tasks.values { task.cancel() }
        idleTimer?.task.cancel()
        idleTimer = nil
        growthDelay?.cancel()
        for listener in Array(listeners.values) { end(listener) }
        firstAttempt.succeed(lastFailure)
        return links.values.map(\.connection)
    }

    private func perform(_ actions: [Reconnection.Action]) {
        for action in actions {
            switch action {
            case .connect:
                tell(.connecting(upstream: target.name))
                connect(isFirst: true)
            case .wait(let delay):
                if let lastFailure { tell(.waiting(upstream: target.name, lastFailure, delay)) }
                let bound = bound
                timer = eventLoop.scheduleTask(in: TimeAmount(delay)) {
                    let upstream = bound.value
                    upstream.perform(upstream.reconnection.delayPassed())
                }
            case .stopWaiting:
                timer?.cancel()
                timer = nil
            case .serve:
                tell(.connected(upstream: target.name))
                firstAttempt.succeed(nil)
                restoreListeners()
                serve()
            case .refuse(let failure):
                if reconnection.state != .stopped { tell(.failed(upstream: target.name, failure)) }
                refuseAll(failure)
            }
        }
    }

    /// - Parameter isFirst: There is no connection; otherwise it is a further one.
    private func connect(isFirst: Bool) {
        let (connect, eventLoop) = (target.connect, eventLoop)
        inTask { () -> Result<SSHConnection, UpstreamFailure> in
            do {
                return .success(try await connect(eventLoop))
            } catch let failure as UpstreamFailure {
                return .failure(failure)
            } catch let error as SSHError {
                return .failure(UpstreamFailure(error))
            } catch {
                return .failure(UpstreamFailure("\(error)", hint: "It is tried again.", isFinal: false))
            }
        } then: {
            $0.attempted(isFirst: isFirst, $1)
        }
    }

    private func attempted(isFirst: Bool, _ result: Result<SSHConnection, UpstreamFailure>) {
        switch result {
        case .success(let connection):
            guard reconnection.state != .stopped else { return connection.beginClosing() }
            guard connection.eventLoop === eventLoop else {
                connection.beginClosing()
                return attemptFailed(
                    UpstreamFailure(
                        "The connection is on another event loop.", hint: "Please report this.", isFinal: true), isFirst
                )
            }
            let number = add(connection, isFurther: !isFirst)
            if isFirst {
                perform(reconnection.connected())
            } else {
                tell(.grown(upstream: target.name, connections: links.count))
                // The last one may have been lost while this one was made.
                if pool.home == number { restoreListeners() }
                serve()
            }
        case .failure(let failure):
            attemptFailed(failure, isFirst)
        }
    }

    private func attemptFailed(_ failure: UpstreamFailure, _ isFirst: Bool) {
        guard reconnection.state != .stopped else { return }
        guard isFirst else { return growthFailed(failure) }
        lastFailure = failure
        firstAttempt.succeed(failure)
        perform(reconnection.failed(failure, chance: .random(in: 0...1)))
    }

    private func add(_ connection: SSHConnection, isFurther: Bool) -> LinkPool.LinkID {
        count += 1
        let number = count
        let link = UpstreamLink(number, connection)
        links[number] = link
        pool.add(number, isFurther: isFurther, now: .now())
        let bound = bound
        connection.handleAgentChannels { bound.value.carryAgent($0, number) }
        connection.handleX11Channels { bound.value.carryDisplay($0, number) }
        connection.closed.assumeIsolated().whenSuccess { self.lost(number, $0) }
        watchIdle()
        return number
    }

    private func lost(_ number: Int, _ error: SSHError?) {
        guard let link = links.removeValue(forKey: number) else { return }
        let wasHome = pool.home == number
        pool.remove(number)
        guard reconnection.state != .stopped, !link.isRetired else { return }
        let failure = error.map { UpstreamFailure($0) } ?? .closedByHost
        tell(.lost(upstream: target.name, failure, remaining: links.count))
        if wasHome { forgetStanding(of: number) }
        if links.isEmpty {
            lastFailure = failure
            perform(reconnection.lost(failure, stood: link.hasStood, chance: .random(in: 0...1)))
        } else if wasHome {
            restoreListeners()
        }
    }

    // MARK: Channels of local clients

    /// Takes a channel that a local client opens: it is accepted when the host has accepted it.
    func take(_ incoming: SSHIncomingChannel, of visitor: SSHServerConnection) {
        take(Opening(CarriedChannel(incoming, of: visitor, title: target.title), visitor))
    }

    /// Takes what somebody wants of the host, now or when there is a place for it.
    func take(_ opening: Opening) {
        if case .failed(let failure) = reconnection.state { return refuse(opening, failure) }
        guard reconnection.state != .stopped, waiting.count < limits.maximumWaiting else {
            return opening.seeker.refused(
                SSHChannelRefusal(
                    reason: .resourceShortage, words: "copilot shim: too much waits for \(target.title)"),
                isHosts: false)
        }
        openings[ObjectIdentifier(opening)] = opening
        if !tryToPlace(opening) { wait(opening) }
    }

    /// A local client is gone: nothing of it waits any more.
    func left(_ visitor: any ShimVisitor) {
        for (key, opening) in openings where opening.visitor === visitor {
            // One that the host is asked for ends with the host's answer.
            if !opening.isAsking { openings[key] = nil }
            opening.giveUp()
        }
        waiting.removeAll { $0.isOver }
    }

    /// False when there is no place for it now.
    private func tryToPlace(_ opening: Opening) -> Bool {
        guard let id = pool.place(isSession: opening.isSession, now: .now()), let link = links[id] else { return false }
        open(opening, on: link)
        return true
    }

    private func wait(_ opening: Opening) {
        waiting.append(opening)
        grow()
        guard opening.patience == nil else { return }
        let bound = NIOLoopBound((self, opening), eventLoop: eventLoop)
        opening.patience = eventLoop.scheduleTask(in: TimeAmount(limits.patience)) {
            let (upstream, opening) = bound.value
            opening.patience = nil
            upstream.lostPatience(opening)
        }
    }

    private func lostPatience(_ opening: Opening) {
        guard let index = waiting.firstIndex(where: { $0 === opening }) else { return }
        waiting.remove(at: index)
        openings[ObjectIdentifier(opening)] = nil
        refuse(opening, lastFailure ?? .closedByHost)
    }

    /// Gives what waits its places, first come first served. Connections that take no session still take other kinds.
    private func serve() {
        guard !isServing else { return }
        isServing = true
        defer { isServing = false }
        var left = CircularBuffer<Opening>()
        var isFull = false
        while let opening = waiting.popFirst() {
            guard !opening.isOver else { continue }
            if isFull, opening.isSession {
                left.append(opening)
            } else if !tryToPlace(opening) {
                isFull = isFull || opening.isSession
                left.append(opening)
            }
        }
        waiting = left
        grow()
    }

    /// Connects as often as what waits needs, as far as that is allowed.
    private func grow() {
        while growthDelay == nil, !isGrowthFutile, pool.grow(waiting: waiting.count) { connect(isFirst: false) }
    }

    /// A further connection failed. What waits has patience.
    private func growthFailed(_ failure: UpstreamFailure) {
        pool.growthFailed()
        tell(.growthFailed(upstream: target.name, failure))
        guard !failure.isFinal else {
            // A credential that is good once, for example: no further session is to be paid for with a refused login.
            isGrowthFutile = true
            return refuseWaiting(failure)
        }
        guard growthDelay == nil else { return }
        let bound = bound
        growthDelay = eventLoop.scheduleTask(in: .seconds(1)) {
            bound.value.growthDelay = nil
            bound.value.grow()
        }
    }

    private func open(_ opening: Opening, on link: UpstreamLink) {
        opening.isAsking = true
        let (id, isSession) = (link.id, opening.isSession)
        let asked = opening.seeker.ask(link) { self.ended(id, isSession: isSession) }
        asked.assumeIsolated().whenComplete { result in
            opening.isAsking = false
            switch result {
            case .success:
                self.finish(opening)
                self.pool.opened(id, isSession: isSession)
                link.hasServed = true
                opening.seeker.agreed(link, opening.visitor, isWanted: !opening.isOver)
            case .failure(let error): self.notOpened(opening, link, error)
            }
        }
    }

    private func notOpened(_ opening: Opening, _ link: UpstreamLink, _ error: any Error) {
        let isSession = opening.isSession
        guard let error = error as? SSHError, !opening.isOver else {
            finish(opening)
            pool.abandoned(link.id, isSession: isSession, now: .now())
            if !opening.isOver { refuse(opening, .closedByHost) }
            return
        }
        switch error.code {
        case .channelRefused:
            let refusal = error.refusal ?? SSHChannelRefusal(reason: .connectFailed, words: error.description)
            guard pool.refused(link.id, isSession: isSession, now: .now()) else {
                finish(opening)
                opening.seeker.refused(refusal, isHosts: true)
                return serve()
            }
            opening.refusal = refusal
        case .tooManyChannels:
            pool.overflowed(link.id, isSession: isSession, now: .now())
        default:
            // The connection is over; the channel waits for the next one.
            pool.abandoned(link.id, isSession: isSession, now: .now())
            pool.ended(link.id)
        }
        if !tryToPlace(opening) { wait(opening) }
    }

    private func finish(_ opening: Opening) {
        opening.patience?.cancel()
        opening.patience = nil
        openings[ObjectIdentifier(opening)] = nil
    }

    /// A channel of a connection is over.
    func ended(_ id: LinkPool.LinkID, isSession: Bool) {
        pool.closed(id, isSession: isSession, now: .now())
        watchIdle()
        if !waiting.isEmpty { serve() }
    }

    func received(_ id: LinkPool.LinkID) { pool.received(id) }

    /// Does something in a task of its own, which the end cancels; `then` follows on the loop.
    func inTask<Value: Sendable>(
        _ body: @escaping @Sendable () async -> Value, then: @escaping @Sendable (Upstream, Value) -> Void
    ) {
        count += 1
        let (number, bound, eventLoop) = (count, bound, eventLoop)
        tasks[number] = Task {
            let result = await body()
            eventLoop.execute {
                bound.value.tasks[number] = nil
                then(bound.value, result)
            }
        }
    }

    // MARK: Refusing

    /// What the host itself refused gets its words, the rest ours.
    private func refuse(_ opening: Opening, _ failure: UpstreamFailure) {
        if let refusal = opening.refusal { return opening.seeker.refused(refusal, isHosts: true) }
        let words = "copilot shim: no connection to \(target.title): \(failure.description)"
        opening.seeker.refused(SSHChannelRefusal(reason: .connectFailed, words: words), isHosts: false)
    }

    private func refuseAll(_ failure: UpstreamFailure) {
        refuseWaiting(failure)
        for listener in Array(listeners.values) where listener.answer != nil { end(listener) }
    }

    private func refuseWaiting(_ failure: UpstreamFailure) {
        let all = waiting
        waiting = []
        for opening in all where !opening.isOver {
            finish(opening)
            refuse(opening, failure)
        }
    }

    // MARK: Connections that nobody needs

    private func watchIdle() {
        guard let deadline = pool.nextIdle else { return }
        if let idleTimer, idleTimer.deadline <= deadline { return }
        idleTimer?.task.cancel()
        let bound = bound
        let task = eventLoop.scheduleTask(deadline: deadline) {
            let upstream = bound.value
            upstream.idleTimer = nil
            for id in upstream.pool.takeIdle(now: .now()) {
                upstream.links[id]?.isRetired = true
                upstream.links[id]?.connection.beginClosing()
            }
            upstream.watchIdle()
        }
        idleTimer = (deadline, task)
    }
}
