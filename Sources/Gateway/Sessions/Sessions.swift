import Audit
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Policy
import Recording
import SSH
import Storage
import Vault

/// The sessions of this copilot: starting, finding, sharing and ending them.
public final class Sessions: Sendable {
    /// Live sessions at most.
    static let limit = 1000

    /// What a person asks for.
    public struct Request: Sendable {
        public var hostID: String
        public var columns: Int
        public var rows: Int
        /// For whom, when not for the caller: needs a permission of its own.
        public var userID: String?
        /// A command instead of the login shell.
        public var command: String?
        /// Whether the host hears input only while a moderator watches, though the host does not demand it.
        public var isWatched: Bool

        public init(
            hostID: String, columns: Int, rows: Int, userID: String? = nil, command: String? = nil,
            isWatched: Bool = false
        ) {
            self.hostID = hostID
            self.columns = columns
            self.rows = rows
            self.userID = userID
            self.command = command
            self.isWatched = isWatched
        }
    }

    let services: Services
    let records: SessionStore
    let files: RecordingFiles
    let links = SessionLinks()
    private let loops: any EventLoopGroup
    private let logger: Logger
    private let table = NIOLockedValueBox<[String: LiveSession]>([:])
    private let closings = ClosingSessions()

    init(services: Services, files: RecordingFiles, loops: any EventLoopGroup, logger: Logger) {
        self.services = services
        self.records = SessionStore(store: services.store, tenant: services.tenant)
        self.files = files
        self.loops = loops
        self.logger = logger
    }

    /// The running session of this identifier.
    public func live(_ id: String) -> LiveSession? { table.withLockedValue { $0[id] } }

    var all: [LiveSession] { table.withLockedValue { Array($0.values) } }

    /// Live sessions on one host.
    public func count(hostID: String) -> Int {
        table.withLockedValue { $0.values.count { $0.origin.host.id == hostID } }
    }

    // MARK: Start

    /// Starts a session: authorised, recorded from its first byte, and in the audit log before anybody sees it.
    /// - Parameter loop: where the seat of the person who starts it lives. The session goes there, too: a key stroke
    ///   then meets the host's connection without a change of threads.
    public func start(
        _ request: Request, caller: Caller, near loop: (any EventLoop)? = nil
    ) async throws(GatewayError) -> SessionView {
        let host = try await services.hosts.sessionHost(request.hostID, caller: caller)
        try services.require(.sessionStart, caller, on: host.policyObject)
        let demand = try demand(of: request, host)
        let owner = try await owner(of: request, caller: caller)
        guard table.withLockedValue({ $0.count }) < Self.limit else {
            throw GatewayError(
                "too_many_sessions", status: 503, "\(Self.limit) sessions are running, the limit of this copilot.",
                hint: "End sessions that nobody needs.")
        }
        let size = LiveSession.clamped(columns: request.columns, rows: request.rows)
        let origin = LiveSession.Origin(
            id: Identifier.make("ses"), tenant: services.tenant,
            host: .init(id: host.id, alias: host.alias, environment: host.environment),
            owner: owner, startedBy: owner.id == caller.userID ? nil : .init(id: caller.userID, name: caller.name),
            startedAt: .now(), recordingID: Identifier.make("rec"), command: request.command)
        do throws(GatewayError) {
            return try await open(
                origin, size: size, host: host, demand: demand, caller: caller, on: loop ?? loops.next())
        } catch {
            await services.record(
                .init(
                    actor: caller.auditActor(for: owner), action: "session.start",
                    object: .init(kind: "host", id: host.id, name: host.alias), outcome: .failed,
                    details: ["code": error.code, "error": error.error], session: origin.id))
            throw error
        }
    }

    /// A host tagged `four-eyes` is worked on by two. A command runs at once, before anybody could watch: not there.
    private func demand(of request: Request, _ host: SessionHost) throws(GatewayError) -> SessionWatch.Demand? {
        let demand: SessionWatch.Demand? =
            host.policyObject.tags.contains(SessionWatch.hostTag) ? .host : request.isWatched ? .session : nil
        guard demand == nil || request.command == nil else {
            throw .conflict(
                "unwatched", "On \(host.alias) somebody has to watch what is run, and nobody could watch this command.",
                hint: "Start a shell, ask a moderator to watch, and run it there.")
        }
        return demand
    }

    private func owner(of request: Request, caller: Caller) async throws(GatewayError) -> SessionView.Person {
        guard let userID = request.userID, userID != caller.userID else {
            return .init(id: caller.userID, name: caller.name)
        }
        try services.require(.sessionStartForOthers, caller, on: nil)
        let user = try await services.people.user(id: userID)
        return .init(id: user.id, name: user.name)
    }

    private func open(
        _ origin: LiveSession.Origin, size: (columns: Int, rows: Int), host: SessionHost, demand: SessionWatch.Demand?,
        caller: Caller,
        on loop: any EventLoop
    ) async throws(GatewayError) -> SessionView {
        let connection = try await services.hosts.connect(host.id, caller: caller, on: loop)
        do throws(GatewayError) {
            let writer = try await files.create(origin, columns: size.columns, rows: size.rows)
            let session = LiveSession(
                origin: origin, columns: size.columns, rows: size.rows, access: access(to: host),
                limits: try await limits(), recorder: SessionRecorder(writer: writer, columns: size.columns),
                participants: [], demand: demand,
                eventLoop: connection.eventLoop)
            do throws(GatewayError) {
                let wire = try await HostWire.open(connection, for: session, size: size, command: origin.command)
                try await enter(session, wire: wire, caller: caller)
            } catch {
                await session.end(SessionEnding(reason: .failed, detail: error.error))
                await files.discard(origin.recordingID)
                throw error
            }
            return await session.view()
        } catch {
            await connection.close()
            throw error
        }
    }

    /// The session becomes known: stored and audited in one transaction, then live.
    private func enter(_ session: LiveSession, wire: HostWire, caller: Caller) async throws(GatewayError) {
        let view = await session.view()
        let origin = session.origin
        let event = AuditEvent(
            actor: caller.auditActor(for: origin.owner), action: "session.start",
            object: .init(kind: "host", id: origin.host.id, name: origin.host.alias), outcome: .succeeded,
            details: origin.command.map { ["command": $0] } ?? [:], session: origin.id)
        let records = records
        let audit = services.audit
        try await services.write { tx in
            try records.insert(
                view, command: origin.command, startedAt: origin.startedAt, in: tx)
            _ = try audit.append(event, in: tx)
        }
        table.withLockedValue { $0[origin.id] = session }
        closings.watch(session) { [weak self] ending in await self?.closed(session, ending) }
        await session.began(wire)
    }

    private func access(to host: SessionHost) -> SessionAccess {
        let services = services
        return SessionAccess(
            policy: services.policy, host: host.policyObject,
            keyboardChanged: { origin, holder in
                services.recordSoon(
                    .init(
                        actor: holder.map { AuditActor(kind: .user, id: $0.userId, name: $0.name) } ?? .copilot,
                        action: "session.keyboard",
                        object: .init(kind: "session", id: origin.id, name: origin.host.alias), outcome: .succeeded,
                        details: ["holder": holder?.name ?? "nobody"], session: origin.id))
            },
            watchChanged: { origin, isOpen in
                services.recordSoon(
                    .init(
                        actor: .copilot, action: isOpen ? "session.watched" : "session.unwatched",
                        object: .init(kind: "session", id: origin.id, name: origin.host.alias), outcome: .succeeded,
                        session: origin.id))
            })
    }

    private func limits() async throws(GatewayError) -> LiveSession.Limits {
        let settings = try await services.settings.current()
        return .init(seatlessSeconds: settings.seatlessMinutes * 60, idleSeconds: settings.idleMinutes * 60)
    }

    // MARK: End

    private func closed(_ session: LiveSession, _ ending: SessionEnding) async {
        table.withLockedValue { _ = $0.removeValue(forKey: session.id) }
        let view = await session.view()
        let endedAt = await session.endedAt ?? .now()
        let summary = await RecordingFiles.summary(session.recording)
        let origin = session.origin
        let event = AuditEvent(
            actor: .copilot, action: "session.end",
            object: .init(kind: "host", id: origin.host.id, name: origin.host.alias), outcome: .succeeded,
            details: ["reason": ending.reason.rawValue, "detail": ending.detail], session: origin.id)
        let records = records
        let audit = services.audit
        do throws(GatewayError) {
            try await services.write { tx in
                try records.finish(view, endedAt: endedAt, recording: summary, in: tx)
                _ = try audit.append(event, in: tx)
            }
        } catch {
            logger.error(
                "The end of a session could not be stored.",
                metadata: ["session": "\(origin.id)", "error": "\(error.error)"])
        }
    }

    /// Ends a session for its owner, or for somebody who may end any.
    public func end(_ id: String, caller: Caller) async throws(GatewayError) {
        let session = try await find(id, caller: caller)
        let isModerator = await (try? session.mode(of: caller)) == .moderate
        guard
            session.owner.id == caller.userID || isModerator || services.may(.sessionEndAny, caller, on: nil)
        else {
            throw .notPermitted(.sessionEndAny, "Only its owner may end this session.")
        }
        await session.end(SessionEnding(reason: .endedBy, detail: "\(caller.name) ended the session."))
        _ = try? await session.ended.get()
        await services.record(
            .init(
                actor: caller.auditActor, action: "session.end_request",
                object: .init(kind: "session", id: id, name: session.origin.host.alias), outcome: .succeeded,
                details: [:], session: id))
    }

    /// Ends all: the copilot stops. Returns when every recording is closed and stored.
    public func shutdown() async {
        for session in all {
            await session.end(SessionEnding(reason: .shutdown, detail: "The copilot was stopped."))
        }
        await closings.finish()
    }

    /// Sessions that an earlier run could not finish: their recordings play up to their last second.
    func recover() async throws {
        for var view in try await records.unfinished() {
            let summary = await files.recover(view.recordingId)
            view.ending = SessionEnding(reason: .shutdown, detail: "The copilot stopped while this session ran.")
            let finished = view
            let event = AuditEvent(
                actor: .copilot, action: "session.end",
                object: .init(kind: "host", id: view.host.id, name: view.host.alias),
                outcome: .failed,
                details: ["reason": "shutdown", "detail": "The copilot had stopped without ending it."],
                session: view.id)
            let records = records
            let audit = services.audit
            try await services.write { tx in
                try records.finish(finished, endedAt: .now(), recording: summary, in: tx)
                _ = try audit.append(event, in: tx)
            }
        }
    }

    // MARK: Find

    /// A live session that this person may see.
    func find(_ id: String, caller: Caller) async throws(GatewayError) -> LiveSession {
        guard let session = live(id) else {
            if let view = try await stored(id), maySee(view, caller) {
                throw .sessionEnded(view.recordingId)
            }
            throw .notFound("session")
        }
        guard await maySee(session, caller) else { throw .notFound("session") }
        return session
    }

    private func stored(_ id: String) async throws(GatewayError) -> SessionView? {
        do { return try await records.view(id) } catch { throw GatewayError(storage: error) }
    }

    /// One session, live or ended.
    public func session(_ id: String, caller: Caller) async throws(GatewayError) -> SessionView {
        if let session = live(id) {
            guard await maySee(session, caller) else { throw .notFound("session") }
            return await session.view()
        }
        guard let found = try await stored(id), maySee(found, caller) else { throw .notFound("session") }
        return found
    }

    /// The sessions this person takes part in, or all for those who may end any; the newest first.
    public func sessions(_ caller: Caller, live wantsLive: Bool, ended wantsEnded: Bool) async throws(GatewayError)
        -> [SessionView]
    {
        var views: [SessionView] = []
        if wantsLive {
            for session in all where await maySee(session, caller) { views.append(await session.view()) }
            views.sort { $0.startedAt > $1.startedAt }
        }
        if wantsEnded {
            do { views += try await records.ended(limit: 200).filter { maySee($0, caller) } } catch {
                throw GatewayError(storage: error)
            }
        }
        return views
    }

    private func maySee(_ session: LiveSession, _ caller: Caller) async -> Bool {
        if await session.mayBeSeen(by: caller) { return true }
        return maySee(await session.view(), caller)
    }

    private func maySee(_ view: SessionView, _ caller: Caller) -> Bool {
        // A guest sees the one session of the link, and that only while it runs.
        if caller.kind == .guest { return false }
        return
            view.owner.id == caller.userID || view.startedBy?.id == caller.userID
            || view.participants.contains { $0.userId == caller.userID }
            || services.may(.sessionEndAny, caller, on: nil)
    }

    // MARK: Seats

    /// Takes a seat with the rights that the person has now. A socket lives long: whoever opened it may have had another
    /// role then, or none of what it was good for any more.
    public func attach(
        _ caller: Caller, to session: LiveSession, clientID: String, device: String, have: UInt64?, columns: Int,
        rows: Int, outlet: any SeatOutlet
    ) async throws(GatewayError) -> String {
        let now = try await current(caller)
        let seat = try await session.attach(
            now, clientID: clientID, device: device, have: have, columns: columns, rows: rows, outlet: outlet)
        // A change of role between the question and the seat did not find the seat: it is looked for once more.
        // The same goes for a link that was taken back in between.
        do {
            let later = try await current(now)
            if later.role != now.role { await session.reauthorise(userID: later.userID, role: later.role) }
        } catch  where now.kind == .guest {
            await session.removeSeats(
                where: { $0.kind == .guest && $0.signInID == now.signInID }, because: error.error)
            throw error
        } catch {
            // Whoever ends a sign-in ends its seats; a store that cannot answer just now ends none.
        }
        await joined(session, now)
        return seat
    }

    // MARK: Changes elsewhere

    /// Somebody lost a right that an open seat still uses.
    func apply(_ revocation: Revocation) async {
        switch revocation {
        case .user(let id):
            removeSeats(because: "Your sign-in has ended.") { $0.userID == id }
            await judgeLinks(madeBy: id)
        case .signIn(let id, _):
            removeSeats(because: "Your sign-in has ended.") { $0.signInID == id }
        case .roleChanged(let userID):
            guard let user = try? await services.people.user(id: userID) else { return }
            for session in all { await session.reauthorise(userID: userID, role: user.role) }
            await judgeLinks(madeBy: userID)
        }
    }

    private func removeSeats(because sentence: String, where matches: @escaping @Sendable (Caller) -> Bool) {
        for session in all { session.submit { $0.removeSeats(where: matches, because: sentence) } }
    }

    /// What comes with time and from other processes: links that end, teams that change.
    func tick() async {
        expireLinks()
        await teamsChanged()
    }

    /// New limits hold for running sessions too.
    func limitsChanged() async {
        guard let limits = try? await limits() else { return }
        for session in all { await session.limit(limits) }
    }
}
