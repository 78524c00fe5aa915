// Which of an upstream's connections takes a channel: a value that knows their numbers and nothing else.

import NIOCore

/// The connections of one upstream, oldest first. One is enough until the host refuses a session on it (MaxSessions).
struct LinkPool {
    typealias LinkID = Int

    struct Link: Hashable {
        let id: LinkID
        /// Sessions that stand.
        var sessions = 0
        /// Sessions whose answer is awaited.
        var opening = 0
        /// Channels of other kinds, those whose answer is awaited among them.
        var others = 0
        /// It had a session: one that it refuses now is one too many, and not one that it never takes.
        var hadSession = false
        /// It refused a session; it is not asked again before.
        var fullUntil: NIODeadline?
        /// Our own limit, once it was met.
        var ceiling = Int.max
        /// It is over, and will be removed in a moment.
        var isOver = false
        var idleSince: NIODeadline?

        var channels: Int { sessions + opening + others }
    }

    /// A host that refused a session is asked again after that, or when a session ends: the programs of sessions that were
    /// given up hold their places until they end, and nobody is told when they do.
    static let fullTime = TimeAmount.seconds(10)
    /// New connections under way at once: hosts limit those that have not authenticated (MaxStartups).
    static let maximumConnecting = 3

    private(set) var links: [Link] = []
    private(set) var connecting = 0
    /// The most sessions that stood on a connection when it refused one more.
    private(set) var sessionLimit: Int?
    let maximumLinks: Int
    /// Channels of all kinds on one connection.
    let channelLimit: Int
    /// Links beside the oldest that carry nothing for so long are closed.
    let idleTime: TimeAmount

    init(maximumLinks: Int = 32, channelLimit: Int = 250, idleTime: TimeAmount = .seconds(60)) {
        self.maximumLinks = maximumLinks
        self.channelLimit = channelLimit
        self.idleTime = idleTime
    }

    /// The oldest, which has the remote forwards.
    var home: LinkID? { links.first?.id }

    // MARK: Links

    /// - Parameter isFurther: It was wanted by `grow`.
    mutating func add(_ id: LinkID, isFurther: Bool, now: NIODeadline) {
        if isFurther { growthFailed() }
        links.append(Link(id: id, idleSince: now))
    }

    mutating func growthFailed() { connecting = max(connecting - 1, 0) }

    mutating func remove(_ id: LinkID) { links.removeAll { $0.id == id } }

    /// Links that have carried nothing for long, to be closed.
    mutating func takeIdle(now: NIODeadline) -> [LinkID] {
        let idle = links.dropFirst().filter { link in
            link.idleSince.map { $0 + idleTime <= now } ?? false
        }.map(\.id)
        links.removeAll { idle.contains($0.id) }
        return idle
    }

    /// When `takeIdle` may have something.
    var nextIdle: NIODeadline? { links.dropFirst().compactMap(\.idleSince).min().map { $0 + idleTime } }

    // MARK: Channels

    /// A place for one channel, which is taken with the answer; nil where none has room.
    mutating func place(isSession: Bool, now: NIODeadline) -> LinkID? {
        guard let index = links.firstIndex(where: { takes($0, isSession, now) }) else { return nil }
        if isSession { links[index].opening += 1 } else { links[index].others += 1 }
        links[index].idleSince = nil
        return links[index].id
    }

    /// Whether to connect once more: for as many channels as wait, and the connections under way will not take.
    mutating func grow(waiting: Int) -> Bool {
        guard !links.isEmpty, links.count + connecting < maximumLinks, connecting < Self.maximumConnecting,
            waiting > connecting * max(sessionLimit ?? 1, 1)
        else { return false }
        connecting += 1
        return true
    }

    private func takes(_ link: Link, _ isSession: Bool, _ now: NIODeadline) -> Bool {
        guard !link.isOver, link.channels < min(channelLimit, link.ceiling) else { return false }
        guard isSession else { return true }
        if let until = link.fullUntil, until > now { return false }
        // One more than was ever granted: what the host allows may have been more, with places lost to what was given up.
        guard let sessionLimit else { return true }
        return link.sessions + link.opening <= sessionLimit
    }

    mutating func opened(_ id: LinkID, isSession: Bool) {
        guard isSession else { return }
        change(id) { link in
            link.opening -= 1
            link.sessions += 1
            link.hadSession = true
        }
    }

    /// The host refused a channel.
    ///
    /// - Returns: Whether another connection may take it: the host takes no further session on this one.
    mutating func refused(_ id: LinkID, isSession: Bool, now: NIODeadline) -> Bool {
        var isFull = false
        var sessions = 0
        change(id) { link in
            guard isSession else {
                link.others -= 1
                link.markIdle(now)
                return
            }
            link.opening -= 1
            link.markIdle(now)
            guard link.hadSession else { return }
            isFull = true
            sessions = link.sessions
            link.fullUntil = now + Self.fullTime
        }
        if isFull, sessions > 0 { sessionLimit = max(sessionLimit ?? 0, sessions) }
        return isFull
    }

    /// Our own limit of channels was met on the connection.
    mutating func overflowed(_ id: LinkID, isSession: Bool, now: NIODeadline) {
        abandoned(id, isSession: isSession, now: now)
        change(id) { $0.ceiling = max($0.channels, 1) }
    }

    /// The connection takes nothing any more.
    mutating func ended(_ id: LinkID) { change(id) { $0.isOver = true } }

    /// An opening was given up before its answer.
    mutating func abandoned(_ id: LinkID, isSession: Bool, now: NIODeadline) {
        change(id) { link in
            if isSession { link.opening -= 1 } else { link.others -= 1 }
            link.markIdle(now)
        }
    }

    mutating func closed(_ id: LinkID, isSession: Bool, now: NIODeadline) {
        change(id) { link in
            if isSession {
                link.sessions -= 1
                link.fullUntil = nil
            } else {
                link.others -= 1
            }
            link.markIdle(now)
        }
    }

    /// A channel that the host opened towards us.
    mutating func received(_ id: LinkID) {
        change(id) { link in
            link.others += 1
            link.idleSince = nil
        }
    }

    private mutating func change(_ id: LinkID, _ body: (inout Link) -> Void) {
        guard let index = links.firstIndex(where: { $0.id == id }) else { return }
        body(&links[index])
    }
}

extension LinkPool.Link {
    fileprivate mutating func markIdle(_ now: NIODeadline) {
        if channels == 0 { idleSince = now }
    }
}
