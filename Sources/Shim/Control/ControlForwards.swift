// The forwards that clients of a control socket asked for: this process listens, or has the host listen.

import NIOCore
import SSH

/// Loop-bound.
final class ControlForwards {
    enum Answer {
        case stands
        /// The port that the host chose.
        case port(UInt32)
        case failed(String)
    }

    /// Loop-bound.
    private final class Entry {
        let asked: ControlForward
        let guest: ControlGuest
        /// The clients that it is for; it ends with the last one.
        var owners: Set<ControlReader.ClientID>
        /// Somebody asked for it and went away on purpose (`ssh -O forward`): it stays until it is cancelled.
        var isKept = false
        var isOver = false
        var answer: Answer?
        var asking: [(Answer) -> Void]
        var listener: SSHForward?
        var remote: RemoteListener?

        init(
            _ asked: ControlForward, _ guest: ControlGuest, _ owner: ControlReader.ClientID,
            _ done: @escaping (Answer) -> Void
        ) {
            self.asked = asked
            self.guest = guest
            owners = [owner]
            asking = [done]
        }

        /// Where it listens: with the port that was chosen.
        var place: SSHForwardEndpoint { remote?.granted ?? asked.listener }
    }

    /// At once.
    static let maximum = 1024

    private let upstream: Upstream
    private var entries: [Entry] = []

    init(_ upstream: Upstream) { self.upstream = upstream }

    // MARK: Opening

    /// Opens a forward for a client, or lends it one that stands already.
    func open(_ forward: ControlForward, for owner: ControlReader.ClientID, _ done: @escaping (Answer) -> Void) {
        if forward.listener.port != 0, let entry = entries.first(where: { $0.asked == forward }) {
            entry.owners.insert(owner)
            if let answer = entry.answer { done(answer) } else { entry.asking.append(done) }
            return
        }
        guard entries.count < Self.maximum else { return done(.failed("there are too many forwards")) }
        let target = forward.kind == .remote ? forward.target.map { ControlGuest.Target.endpoint($0) } ?? .socks : nil
        let entry = Entry(forward, ControlGuest(target: target), owner, done)
        entries.append(entry)
        if forward.kind == .remote { listenThere(entry) } else { listenHere(entry, forward.listener) }
    }

    private func listenHere(_ entry: Entry, _ place: SSHForwardEndpoint) {
        let eventLoop = upstream.eventLoop
        let bound = NIOLoopBound((upstream, entry.guest), eventLoop: eventLoop)
        let target = entry.asked.target
        eventLoop.makeFutureWithTask { () -> Result<SSHForward, SSHError> in
            do throws(SSHError) {
                return .success(
                    try await SSHForward.listen(on: place, to: target, eventLoop: eventLoop) { request, delegate in
                        let (upstream, guest) = bound.value
                        return upstream.openChannel(request, delegate, for: guest)
                    })
            } catch {
                return .failure(error)
            }
        }.assumeIsolated().whenSuccess { result in
            switch result {
            case .success(let listener):
                entry.listener = listener
                // Dropping it ends it.
                if entry.isOver { entry.listener = nil }
                self.answered(entry, .stands)
            case .failure where place == .tcp(host: "::", port: place.port ?? 0):
                // A machine without IPv6.
                self.listenHere(entry, .tcp(host: "0.0.0.0", port: place.port ?? 0))
            case .failure(let error): self.answered(entry, .failed(error.description))
            }
        }
    }

    private func listenThere(_ entry: Entry) {
        let (remote, granted) = upstream.listen(on: entry.asked.listener, for: entry.guest)
        entry.remote = remote
        granted.assumeIsolated().whenSuccess { granted in
            guard let granted else {
                return self.answered(entry, .failed("the host does not listen on \(entry.asked.listener)"))
            }
            let port = granted.port.map { UInt32(clamping: $0) }
            self.answered(entry, entry.asked.listener.port == 0 ? .port(port ?? 0) : .stands)
        }
    }

    private func answered(_ entry: Entry, _ answer: Answer) {
        let asking = entry.asking
        entry.asking = []
        entry.answer = answer
        if case .failed = answer { end(entry) }
        for done in asking { done(answer) }
    }

    // MARK: Ending

    /// Ends the forward that listens there, whoever asked for it. False when there is none.
    func close(_ forward: ControlForward) -> Bool {
        let ending = entries.filter {
            $0.asked.kind == forward.kind && ($0.asked.listener == forward.listener || $0.place == forward.listener)
        }
        for entry in ending { end(entry) }
        return !ending.isEmpty
    }

    /// A client is gone.
    ///
    /// - Parameter keeps: What it asked for stays: it came for nothing else.
    func left(_ owner: ControlReader.ClientID, keeps: Bool) {
        for entry in entries where entry.owners.remove(owner) != nil {
            if keeps { entry.isKept = true }
            if entry.owners.isEmpty, !entry.isKept { end(entry) }
        }
    }

    func endAll() { for entry in entries { end(entry) } }

    /// A line for each, as `~#` shows them.
    var lines: [String] {
        entries.map { entry in
            "  \(entry.asked.kind) forwarding: \(entry.place) -> \(entry.asked.target?.description ?? "by SOCKS")"
        }
    }

    private func end(_ entry: Entry) {
        guard !entry.isOver else { return }
        entry.isOver = true
        entries.removeAll { $0 === entry }
        // Dropping it ends it.
        entry.listener = nil
        if let remote = entry.remote { upstream.end(remote) }
        upstream.left(entry.guest)
        entry.guest.end()
    }
}
