import Audit
import Policy
import Storage

/// Links to sessions: made, listed, taken back, and used.
extension Sessions {
    /// What somebody wants of a new link.
    public struct LinkRequest: Sendable {
        /// The person that it is for; nil for whoever has it.
        public var userID: String?
        public var mode: SeatMode
        public var minutes: Int
        public var uses: Int
        public var label: String

        public init(userID: String? = nil, mode: SeatMode = .view, minutes: Int = 60, uses: Int = 1, label: String = "")
        {
            self.userID = userID
            self.mode = mode
            self.minutes = minutes
            self.uses = uses
            self.label = label
        }
    }

    /// What a link leads to, before it is used.
    public struct LinkInfo: Sendable, Encodable {
        public let host: String
        public let invitedBy: String
        public let expiresAt: String
        /// Whether one has to sign in for it.
        public let needsSignIn: Bool
    }

    /// Who came by a link.
    public enum Arrival: Sendable {
        /// With an account: they take part from now on.
        case person(sessionID: String)
        /// Without one: the secret is this device's, and good for the one session.
        case guest(sessionID: String, id: String, name: String, secret: String, expiresAt: Timestamp)
    }

    private static let linksEach = 50
    private static let minutes = 1...(24 * 60)
    private static let uses = 1...50

    /// Makes a link. The secret is in the answer and nowhere else.
    /// - Throws: 403 without `session.share` (for a person) or `session.link` (for whoever has it), 422 `invalid`.
    public func makeLink(_ id: String, _ request: LinkRequest, caller: Caller) async throws(GatewayError) -> (
        link: SessionLink, secret: String
    ) {
        let session = try await sharable(id, caller)
        guard Self.minutes.contains(request.minutes) else {
            throw .invalid("minutes", "A link lives from one minute to a day.", hint: "Choose 1 to 1440 minutes.")
        }
        guard Self.uses.contains(request.uses) else {
            throw .invalid("uses", "A link is for 1 to 50 people.", hint: "Choose a number from 1 to 50.")
        }
        let label = try VisibleText.line(request.label, field: "label", what: "The label", limit: 60)
        let person = try await person(of: request, session, caller)
        guard links.links(of: id).count < Self.linksEach else {
            throw .conflict("too_many_links", "This session has \(Self.linksEach) links.", hint: "Revoke one.")
        }
        let now = Timestamp.now()
        let secret = SecretToken()
        let link = SessionLinks.Link(
            id: Identifier.make("lnk"), sessionID: id, label: label, mode: request.mode, person: person, createdAt: now,
            createdBy: caller, expiresAt: now + .seconds(request.minutes * 60),
            uses: person == nil ? request.uses : 1)
        await services.record(
            event(
                session, caller, "session.link",
                [
                    "link": link.id, "mode": link.mode.rawValue, "person": person?.name ?? "whoever has it",
                    "minutes": String(request.minutes), "uses": String(link.uses),
                ]))
        links.add(link, hash: secret.hash)
        return (link.view, secret.text)
    }

    private func person(
        of request: LinkRequest, _ session: LiveSession, _ caller: Caller
    ) async throws(GatewayError) -> SessionView.Person? {
        guard let userID = request.userID else {
            guard request.mode == .view else {
                throw .invalid(
                    "mode", "A link that is bound to nobody only lets people watch.",
                    hint: "Choose a person for it, or view.")
            }
            try services.require(.sessionLink, caller, on: session.access.host)
            return nil
        }
        let user = try await services.people.user(id: userID)
        try session.access.requireMay(request.mode, user.asCaller(tenant: services.tenant))
        return .init(id: user.id, name: user.name)
    }

    /// The links of a session that still work, the oldest first.
    public func links(of id: String, caller: Caller) async throws(GatewayError) -> [SessionLink] {
        _ = try await sharable(id, caller)
        return links.links(of: id).map(\.view)
    }

    /// Takes a link back; whoever came by it without an account is out at once.
    public func revokeLink(_ linkID: String, of id: String, caller: Caller) async throws(GatewayError) {
        let session = try await sharable(id, caller)
        guard links.links(of: id).contains(where: { $0.id == linkID }) else { throw .notFound("link") }
        remove(links.remove { $0.id == linkID }, because: "The link that you came by was taken back.")
        await services.record(event(session, caller, "session.link_revoke", ["link": linkID]))
    }

    // MARK: Coming by a link

    /// What a link leads to.
    /// - Throws: 410 `link_void`, the same for one that never was, is used up, expired or was taken back.
    public func linkInfo(_ secret: String) async throws(GatewayError) -> LinkInfo {
        let (link, session) = try usable(secret)
        return LinkInfo(
            host: session.origin.host.alias, invitedBy: link.createdBy.name, expiresAt: link.expiresAt.iso8601,
            needsSignIn: link.person != nil)
    }

    /// Uses a link.
    /// - Parameters:
    ///   - caller: whoever is signed in; nil for somebody without an account.
    ///   - name: how they want to be called, when they have no account.
    public func arrive(
        by secret: String, caller: Caller?, name: String, address: String
    ) async throws(GatewayError) -> Arrival {
        let (link, session) = try usable(secret)
        if let caller { return try await arrive(by: link, secret, session, caller) }
        guard link.person == nil else {
            throw GatewayError(
                "not_signed_in", status: 401, "This link is for somebody with an account.", hint: "Sign in first.")
        }
        let called = try VisibleText.line(name, field: "name", what: "The name", limit: 40)
        guard !called.isEmpty else {
            throw .invalid("name", "The name is empty.", hint: "Say who you are: the others see it.")
        }
        guard links.use(hash: SecretToken.hash(secret), now: .now()) else { throw Self.voidLink }
        let own = SecretToken()
        let guest = SessionLinks.Guest(
            // Nobody passes for a colleague: what is not an account says so.
            id: Identifier.make("gst"), name: "\(called) (guest)", linkID: link.id, sessionID: session.id,
            expiresAt: link.expiresAt)
        links.add(guest, hash: own.hash)
        let visitor = self.caller(guest, address: address)
        await services.record(event(session, visitor, "session.link_used", ["link": link.id]))
        return .guest(
            sessionID: session.id, id: visitor.userID, name: guest.name, secret: own.text, expiresAt: guest.expiresAt)
    }

    private func arrive(
        by link: SessionLinks.Link, _ secret: String, _ session: LiveSession, _ caller: Caller
    ) async throws(GatewayError) -> Arrival {
        if let person = link.person, person.id != caller.userID {
            throw GatewayError(
                "link_of_somebody_else", status: 403, "This link is for \(person.name).",
                hint: "Ask for one of your own.")
        }
        // Whoever is here already, with the same or more, needs no link.
        if let granted = await session.granted(to: caller.userID), granted != .view || link.mode == .view {
            return .person(sessionID: session.id)
        }
        try session.access.requireMay(link.mode, caller)
        guard links.use(hash: SecretToken.hash(secret), now: .now()) else { throw Self.voidLink }
        let person = SessionView.Participant(userId: caller.userID, name: caller.name, mode: link.mode)
        let used = event(session, caller, "session.link_used", ["link": link.id, "mode": link.mode.rawValue])
        let (records, audit, maker, id) = (records, services.audit, link.createdBy, session.id)
        try await services.write { tx in
            try records.share(session: id, person, by: maker, in: tx)
            _ = try audit.append(used, in: tx)
        }
        await session.share(with: person)
        return .person(sessionID: session.id)
    }

    private func usable(_ secret: String) throws(GatewayError) -> (SessionLinks.Link, LiveSession) {
        guard let link = links.link(hash: SecretToken.hash(secret), now: .now()), link.used < link.uses,
            let session = live(link.sessionID)
        else { throw Self.voidLink }
        return (link, session)
    }

    private static var voidLink: GatewayError {
        GatewayError(
            "link_void", status: 410, "This link is not valid any more.",
            hint: "It was used, taken back or too old: ask for a new one.")
    }

    // MARK: Guests

    /// The guest whose device has this secret.
    /// - Throws: 401 `not_signed_in`.
    public func guest(secret: String, address: String) throws(GatewayError) -> Caller {
        guard let guest = links.guest(hash: SecretToken.hash(secret), now: .now()), live(guest.sessionID) != nil else {
            throw Self.guestGone
        }
        return caller(guest, address: address)
    }

    private func caller(_ guest: SessionLinks.Guest, address: String) -> Caller {
        // A role that the policy does not know: whatever asks it is refused.
        var caller = Caller(
            tenant: services.tenant, userID: "guest:" + guest.id, username: "", name: guest.name, role: "link-guest",
            signInID: guest.id, address: address, kind: .guest)
        caller.sessionID = guest.sessionID
        return caller
    }

    private static var guestGone: GatewayError {
        GatewayError("not_signed_in", status: 401, "The link that you came by has ended.", hint: "Ask for a new one.")
    }

    /// The caller as they are now, whether with an account or by a link.
    /// - Throws: 401 `not_signed_in`.
    public func current(_ caller: Caller) async throws(GatewayError) -> Caller {
        guard caller.kind == .guest else {
            return try await services.people.caller(
                userID: caller.userID, signInID: caller.signInID, address: caller.address)
        }
        guard let guest = links.guest(id: caller.signInID, now: .now()), live(guest.sessionID) != nil else {
            throw Self.guestGone
        }
        return self.caller(guest, address: caller.address)
    }

    // MARK: What ends by itself

    /// Links that are too old, or whose session is over.
    func expireLinks() {
        let now = Timestamp.now()
        remove(
            links.remove { $0.expiresAt <= now || live($0.sessionID) == nil },
            because: "The link that you came by has expired.")
    }

    /// Whoever made a link has to be allowed to still: with their right ends what they gave away.
    func judgeLinks(madeBy userID: String) async {
        let made = links.all.filter { $0.createdBy.userID == userID }
        guard !made.isEmpty, let user = try? await services.people.user(id: userID) else { return }
        let maker = user.asCaller(tenant: services.tenant)
        for link in made {
            guard let session = live(link.sessionID) else { continue }
            let permission: Permission = link.person == nil ? .sessionLink : .sessionShare
            guard user.disabled || !session.access.may(permission, maker) else { continue }
            remove(links.remove { $0.id == link.id }, because: "The link that you came by has ended.")
            services.recordSoon(
                .init(
                    actor: .copilot, action: "session.link_revoke",
                    object: .init(kind: "session", id: session.id, name: session.origin.host.alias),
                    outcome: .succeeded, details: ["link": link.id, "reason": "its maker may no longer make it"],
                    session: session.id))
        }
    }

    private func remove(_ guests: [SessionLinks.Guest], because sentence: String) {
        guard !guests.isEmpty else { return }
        let gone = Set(guests.map(\.id))
        for id in Set(guests.map(\.sessionID)) {
            live(id)?.submit {
                $0.removeSeats(where: { $0.kind == .guest && gone.contains($0.signInID) }, because: sentence)
            }
        }
    }
}
