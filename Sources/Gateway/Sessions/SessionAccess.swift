import Policy

/// What people may do at one session: the share, cut down to each person's own permission on the host.
struct SessionAccess: Sendable {
    let policy: PolicyTable
    let host: PolicyObject
    /// Told when the keyboard changes hands, for the audit log.
    let keyboardChanged: @Sendable (LiveSession.Origin, KeyboardLease.Holder?) -> Void
    /// Told when the host may hear input again, or no longer, because somebody watches or nobody does.
    var watchChanged: @Sendable (LiveSession.Origin, Bool) -> Void = { _, _ in }

    /// - Parameters:
    ///   - granted: what the people of the session gave this person; nil when they were not invited.
    ///   - demandsWatch: whether the session needs a moderator.
    func mode(of caller: Caller, granted: SeatMode?, demandsWatch: Bool = false) throws(GatewayError) -> SeatMode {
        if let refusal = refusal(caller, .sessionView) { throw refusal }
        guard let granted = granted ?? uninvited(caller, demandsWatch) else {
            throw GatewayError(
                "not_invited", status: 403, "You were not invited to this session.",
                hint: "Ask its owner to invite you.")
        }
        switch granted {
        case .control: return refusal(caller, .sessionType) == nil ? .control : .view
        case .moderate: return refusal(caller, .sessionModerate) == nil ? .moderate : .view
        case .view: return .view
        }
    }

    /// Refuses, with the reason, what this person's own permissions do not hold.
    func requireMay(_ mode: SeatMode, _ person: Caller) throws(GatewayError) {
        _ = try self.mode(of: person, granted: .view)
        let (permission, words): (Permission, String)
        switch mode {
        case .view: return
        case .control: (permission, words) = (.sessionType, "get full control of")
        case .moderate: (permission, words) = (.sessionModerate, "be the moderator of")
        }
        guard case .refuse(let missing, let reason) = policy.decide(person.subject, permission, on: host) else {
            return
        }
        throw GatewayError(
            "not_permitted", status: 403, "\(person.name) can't \(words) this session. \(reason)",
            hint: "An admin can tag the host for that role, or give \(person.name) another role.",
            missing: missing.rawValue)
    }

    func may(_ permission: Permission, _ caller: Caller) -> Bool { refusal(caller, permission) == nil }

    /// A session that must be watched is open to those who may watch. Those who may end anybody's session may look on.
    private func uninvited(_ caller: Caller, _ demandsWatch: Bool) -> SeatMode? {
        if demandsWatch, may(.sessionModerate, caller) { return .moderate }
        return may(.sessionEndAny, caller) ? .view : nil
    }

    private func refusal(_ caller: Caller, _ permission: Permission) -> GatewayError? {
        switch policy.decide(caller.subject, permission, on: host) {
        case .allow: nil
        case .refuse(let missing, let reason): .notPermitted(missing, reason)
        }
    }
}
