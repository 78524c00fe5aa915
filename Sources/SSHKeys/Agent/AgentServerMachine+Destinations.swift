// Who may use a key that is bound to destinations, by the rules of OpenSSH's agent (PROTOCOL.agent, ssh-agent.c): each
// host that a connection was bound to must be a step that a constraint of the key allows.

extension AgentServerMachine {
    /// A key's use is allowed; the names are those of the constraint that allows the last step.
    struct Permission {
        var user: String?
        var destination: String?
        var through: String?
    }

    /// The key of a request to sign, if it is there and may sign this.
    func permitted(
        _ pending: PendingSignature, for connection: Connection
    ) -> (identity: Identity, permission: Permission)? {
        guard let identity = identities.first(where: { $0.blob == pending.blob }) else { return nil }
        guard !identity.destinations.isEmpty else { return (identity, Permission()) }
        // A bound key signs nothing but a login, on the connection that was bound last, at the host that was bound.
        guard let last = connection.bindings.last,
            let login = LoginRequest(signed: pending.data, key: identity.blob),
            let permission = permission(of: identity, for: connection, user: login.user),
            login.sessionID == last.sessionID
        else { return nil }
        if let hostKey = login.hostKey {
            guard hostKey == last.host.blob else { return nil }
        } else if connection.bindings.count > 1 {
            // From afar the signature itself must name the host; the first hop alone is known from the binding.
            return nil
        }
        return (identity, permission)
    }

    /// nil when the key must not be used, or seen, over the connection.
    ///
    /// - Parameter user: Whom it would log in; nil when only its sight is asked for.
    func permission(of identity: Identity, for connection: Connection, user: String?) -> Permission? {
        guard !identity.destinations.isEmpty else { return Permission() }
        guard let last = connection.bindings.last else {
            // Not bound at all is local use; a binding that failed is somebody from afar.
            return connection.wasBound ? nil : Permission()
        }
        var permission = Permission(user: user)
        var start: PublicIdentity?
        for (index, binding) in connection.bindings.enumerated() {
            let isLast = index == connection.bindings.count - 1
            // A login is the last thing on its connection, and never on one that forwards.
            if isLast, user != nil, binding.isForwarding { return nil }
            if !isLast, !binding.isForwarding { return nil }
            guard
                let constraint = identity.destinations.allow(
                    from: start, to: binding.host, user: isLast ? user : nil, now: now())
            else { return nil }
            if isLast {
                permission.destination = constraint.to.hostName
            } else {
                permission.through = constraint.to.hostName
            }
            start = binding.host
        }
        // A key that logs in *to* a host and goes no further is not shown *at* that host.
        if last.isForwarding, user == nil,
            identity.destinations.allow(from: last.host, to: nil, user: nil, now: now()) == nil
        {
            return nil
        }
        return permission
    }
}

/// What a client signs to log in (RFC 4252 §7, and OpenSSH's publickey-hostbound-v00).
struct LoginRequest {
    let sessionID: [UInt8]
    let user: String
    /// The host key that the signature names; nil in the plain method.
    let hostKey: [UInt8]?

    /// nil unless `data` is exactly a login with `key`.
    init?(signed data: [UInt8], key: [UInt8]) {
        guard let request = try? Self.read(data, key: key) else { return nil }
        self = request
    }

    private init(sessionID: [UInt8], user: String, hostKey: [UInt8]?) {
        self.sessionID = sessionID
        self.user = user
        self.hostKey = hostKey
    }

    private static func read(_ data: [UInt8], key: [UInt8]) throws(SSHKeyError) -> LoginRequest? {
        var reader = WireReader(data)
        let sessionID = try reader.string()
        guard !sessionID.isEmpty, try reader.uint8() == 50 else { return nil }
        let user = try reader.utf8String()
        guard try reader.utf8String() == "ssh-connection" else { return nil }
        let method = try reader.utf8String()
        guard try reader.boolean() else { return nil }
        let algorithm = try reader.utf8String()
        guard try reader.string() == key,
            try PublicIdentity(wire: key).signatureAlgorithms.contains(algorithm)
        else { return nil }
        var hostKey: [UInt8]?
        switch method {
        case "publickey": break
        case "publickey-hostbound-v00@openssh.com": hostKey = try reader.string()
        default: return nil
        }
        guard reader.isAtEnd else { return nil }
        return LoginRequest(sessionID: sessionID, user: user, hostKey: hostKey)
    }
}
