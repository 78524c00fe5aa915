import Audit
import Policy
import Storage

/// Inviting people to a session, and taking them out again.
extension Sessions {
    /// Invites somebody, or changes what they may do. Never more than their own permission on the host.
    public func share(_ id: String, userID: String, mode: SeatMode, caller: Caller) async throws(GatewayError)
        -> SessionView
    {
        let session = try await sharable(id, caller)
        guard userID != session.owner.id else {
            throw GatewayError(
                "conflict", status: 409, "The owner of the session always has full control.",
                hint: "Choose another person.")
        }
        let user = try await services.people.user(id: userID)
        let guest = user.asCaller(tenant: services.tenant)
        try session.access.requireMay(mode, guest)
        let person = SessionView.Participant(userId: user.id, name: user.name, mode: mode)
        let event = event(session, caller, "session.share", ["person": user.name, "mode": mode.rawValue])
        let records = records
        let audit = services.audit
        try await services.write { tx in
            try records.share(session: id, person, by: caller, in: tx)
            _ = try audit.append(event, in: tx)
        }
        await session.share(with: person)
        return await session.view()
    }

    /// Takes somebody out of the session; their seats are gone at once.
    public func unshare(_ id: String, userID: String, caller: Caller) async throws(GatewayError) -> SessionView {
        let session = try await sharable(id, caller)
        let event = event(session, caller, "session.unshare", ["person": userID])
        let records = records
        let audit = services.audit
        try await services.write { tx in
            try records.unshare(session: id, userID: userID, in: tx)
            _ = try audit.append(event, in: tx)
        }
        await session.unshare(userID: userID)
        return await session.view()
    }

    /// A live session that this person may share and give away.
    func sharable(_ id: String, _ caller: Caller) async throws(GatewayError) -> LiveSession {
        let session = try await find(id, caller: caller)
        let isOwner = session.owner.id == caller.userID
        guard isOwner || services.may(.sessionEndAny, caller, on: nil) else {
            throw .notPermitted(.sessionShare, "Only the owner of a session shares it.")
        }
        try services.require(.sessionShare, caller, on: session.access.host)
        return session
    }

    /// Somebody took a seat: for the audit log, and for whoever may replay the session later.
    func joined(_ session: LiveSession, _ caller: Caller) async {
        services.recordSoon(event(session, caller, "session.join"))
        guard caller.kind == .user, await session.isThereByTeam(caller.userID) else { return }
        let person = SessionView.Participant(userId: caller.userID, name: caller.name, mode: .view)
        let (records, id) = (records, session.id)
        try? await services.write { tx in try records.share(session: id, person, by: caller, in: tx) }
    }

    // MARK: A second pair of eyes

    /// Demands a watcher, or ends the demand. Whoever is watched does not end it: a moderator who is not the owner does.
    public func demandWatch(_ id: String, _ isDemanded: Bool, caller: Caller) async throws(GatewayError)
        -> SessionView
    {
        let session = try await find(id, caller: caller)
        let isOwner = session.owner.id == caller.userID
        if isDemanded {
            guard isOwner || session.access.may(.sessionModerate, caller) else {
                throw .notPermitted(.sessionModerate, "Only the owner and moderators ask for a watcher.")
            }
        } else {
            guard await session.watch.demand != .host else {
                throw .conflict(
                    "watch_by_host", "The host demands a watcher for each of its sessions.",
                    hint: "An admin can take the tag \(SessionWatch.hostTag) from the host.")
            }
            guard !isOwner else {
                throw GatewayError(
                    "not_permitted", status: 403, "Whoever is watched does not end the watch.",
                    hint: "Ask a moderator.", missing: Permission.sessionModerate.rawValue)
            }
            try services.require(.sessionModerate, caller, on: session.access.host)
        }
        await services.record(event(session, caller, "session.watch", ["required": String(isDemanded)]))
        await session.demandWatch(isDemanded, by: caller.name)
        return await session.view()
    }

    /// Stops a session's input by hand, or lets it go on: for its owner and its moderators.
    public func hold(_ id: String, _ isHeld: Bool, caller: Caller) async throws(GatewayError) -> SessionView {
        let session = try await find(id, caller: caller)
        let mode = try? await session.mode(of: caller)
        guard session.owner.id == caller.userID || mode == .moderate else {
            throw .notPermitted(.sessionModerate, "Only the owner and the moderators stop a session's input.")
        }
        if !isHeld, let holder = await session.watch.heldBy, holder.id != caller.userID, mode != .moderate {
            throw GatewayError(
                "not_permitted", status: 403, "\(holder.name) stopped the input.", hint: "Ask them, or a moderator.")
        }
        await services.record(event(session, caller, "session.hold", ["held": String(isHeld)]))
        await session.hold(isHeld ? .init(id: caller.userID, name: caller.name) : nil, by: caller.name)
        return await session.view()
    }
}

extension LiveSession {
    /// Whether this person is here as a team's member alone.
    fileprivate func isThereByTeam(_ userID: String) -> Bool {
        userID != owner.id && !participants.contains { $0.userId == userID }
            && teams.contains { $0.members.contains(userID) }
    }
}
