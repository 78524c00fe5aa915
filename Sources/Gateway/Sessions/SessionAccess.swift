import Policy

/// What people may do at one session: the share, cut down to each person's own permission on the host.
struct SessionAccess: Sendable {
    let policy: PolicyTable
    let host: PolicyObject
    /// Told when the keyboard changes hands, for the audit log.
    let keyboardChanged: @Sendable (LiveSession.Origin, KeyboardLease.Holder?) -> Void

    /// - Parameter granted: what the owner of the session gave this person; nil when they were not invited.
    func mode(of caller: Caller, granted: SeatMode?) throws(GatewayError) -> SeatMode {
        if let refusal = refusal(caller, .sessionView) { throw refusal }
        guard let granted = granted ?? uninvited(caller) else {
            throw GatewayError(
                "not_invited", status: 403, "You were not invited to this session.",
                hint: "Ask its owner to invite you.")
        }
        if granted == .control, refusal(caller, .sessionType) == nil { return .control }
        return .view
    }

    /// What the policy says about this person typing at the host at all.
    func typing(_ caller: Caller) -> Decision { policy.decide(caller.subject, .sessionType, on: host) }

    /// Those who may end anybody's session may also look on without an invitation.
    private func uninvited(_ caller: Caller) -> SeatMode? {
        refusal(caller, .sessionEndAny) == nil ? .view : nil
    }

    private func refusal(_ caller: Caller, _ permission: Permission) -> GatewayError? {
        switch policy.decide(caller.subject, permission, on: host) {
        case .allow: nil
        case .refuse(let missing, let reason): .notPermitted(missing, reason)
        }
    }
}
