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
        guard userID != session.origin.owner.id else {
            throw GatewayError(
                "conflict", status: 409, "The owner of the session always has full control.",
                hint: "Choose another person.")
        }
        let user = try await services.people.user(id: userID)
        let guest = user.asCaller(tenant: services.tenant)
        _ = try session.access.mode(of: guest, granted: .view)
        if mode == .control, case .refuse(let missing, let reason) = session.access.typing(guest) {
            throw GatewayError(
                "not_permitted", status: 403,
                "\(user.name) can't get full control of \(session.origin.host.alias). \(reason)",
                hint: "An admin can tag the host for that role, or give \(user.name) another role.",
                missing: missing.rawValue)
        }
        let person = SessionView.Participant(userId: user.id, name: user.name, mode: mode)
        let event = shareEvent(session, caller, "session.share", ["person": user.name, "mode": mode.rawValue])
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
        let event = shareEvent(session, caller, "session.unshare", ["person": userID])
        let records = records
        let audit = services.audit
        try await services.write { tx in
            try records.unshare(session: id, userID: userID, in: tx)
            _ = try audit.append(event, in: tx)
        }
        await session.unshare(userID: userID)
        return await session.view()
    }

    private func sharable(_ id: String, _ caller: Caller) async throws(GatewayError) -> LiveSession {
        let session = try await find(id, caller: caller)
        let isOwner = session.origin.owner.id == caller.userID
        guard isOwner || services.may(.sessionEndAny, caller, on: nil) else {
            throw .notPermitted(.sessionShare, "Only the owner of a session shares it.")
        }
        try services.require(.sessionShare, caller, on: session.access.host)
        return session
    }

    private func shareEvent(_ session: LiveSession, _ caller: Caller, _ action: String, _ details: [String: String])
        -> AuditEvent
    {
        .init(
            actor: caller.auditActor, action: action,
            object: .init(kind: "session", id: session.id, name: session.origin.host.alias), outcome: .succeeded,
            details: details, session: session.id)
    }

    /// Somebody took a seat: for the audit log.
    func joined(_ session: LiveSession, _ caller: Caller) {
        services.recordSoon(shareEvent(session, caller, "session.join", [:]))
    }
}
