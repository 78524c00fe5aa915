import Audit
import Policy
import Storage
import Vault

extension People {
    /// Throws what `add` would throw for this name and role, so that nobody is asked for a password in vain.
    public func checkNew(
        _ caller: Caller, username: String, name: String, role: String
    ) async throws(GatewayError) {
        try policy.require(.userManage, of: caller)
        let username = try UserRule.username(username)
        _ = try UserRule.name(name)
        _ = try UserRule.role(role)
        try await GatewayError.mapping {
            try await store.read { [self] tx in try requireFree(username, in: tx) }
        }
    }

    /// Adds a person. Without a password an invitation is made: a link, good once within 24 hours.
    ///
    /// - Throws: 403 without `user.manage`, 409 `username_taken`, 422 `invalid`.
    public func add(
        _ caller: Caller, username: String, name: String, role: String, password: String? = nil
    ) async throws(GatewayError) -> (User, Invitation?) {
        try policy.require(.userManage, of: caller)
        let username = try UserRule.username(username)
        let name = try UserRule.name(name)
        let role = try UserRule.role(role)
        let hash: String? =
            if let password {
                try await passwords.hash(PasswordRule.checked(password, username: username, field: "password"))
            } else {
                nil
            }
        return try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                let id = try insert(username: username, name: name, role: role, in: tx)
                try tx.execute("UPDATE person SET password = \(hash) WHERE tenant = \(tenant) AND id = \(id)")
                let invitation = hash == nil ? try makeInvitation(for: id, in: tx) : nil
                let person = try existing(id, in: tx)
                try record(
                    caller, "user.add", person, ["role": role, "by": hash == nil ? "invitation" : "password"], in: tx)
                return (person.user, invitation)
            }
        }
    }

    /// A new link for a person who lost the first one, or the password. Older links of that person become void, and
    /// their sign-ins end; one's own go on.
    ///
    /// - Throws: 403 without `user.manage`, 404, 409 `user_disabled`.
    public func invite(_ caller: Caller, id: String) async throws(GatewayError) -> Invitation {
        try policy.require(.userManage, of: caller)
        let (invitation, ended) = try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                let person = try existing(id, in: tx)
                guard !person.user.disabled else {
                    throw GatewayError.conflict(
                        "user_disabled", "The account \(person.user.username) is disabled.", hint: "Enable it first.")
                }
                try record(caller, "user.invite", person, [:], in: tx)
                let ended: [Revocation] =
                    if id == caller.userID { [] } else { try endAll(of: id, because: "new link", in: tx) }
                return (try makeInvitation(for: id, in: tx), ended)
            }
        }
        announce(ended)
        return invitation
    }

    /// Changes a person. Disabling ends all sign-ins and links at once.
    ///
    /// - Throws: 403 without `user.manage`, 404, 409 `last_admin`, 422 `invalid`.
    public func update(
        _ caller: Caller, id: String, name: String? = nil, role: String? = nil, disabled: Bool? = nil
    ) async throws(GatewayError) -> User {
        try policy.require(.userManage, of: caller)
        let newName: String? = if let name { try UserRule.name(name) } else { nil }
        let newRole: String? = if let role { try UserRule.role(role) } else { nil }
        let (user, revocations) = try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                try change(caller, id: id, name: newName, role: newRole, disabled: disabled, in: tx)
            }
        }
        announce(revocations)
        return user
    }

    private func change(
        _ caller: Caller, id: String, name: String?, role: String?, disabled: Bool?, in tx: borrowing StoreTransaction
    ) throws -> (User, [Revocation]) {
        let before = try existing(id, in: tx)
        let after = (
            name: name ?? before.user.name, role: role ?? before.user.role, disabled: disabled ?? before.user.disabled
        )
        try tx.execute(
            """
            UPDATE person SET name = \(after.name), role = \(after.role), disabled = \(after.disabled)
            WHERE tenant = \(tenant) AND id = \(id)
            """)
        if before.isActiveAdmin, try PersonRow.adminCount(tenant: tenant, in: tx) == 0 {
            throw GatewayError.conflict(
                "last_admin", "\(before.user.name) is the last admin and cannot be removed.",
                hint: "Make somebody else an admin first.")
        }
        var revocations: [Revocation] = []
        if after.disabled && !before.user.disabled {
            _ = try endAll(of: id, because: "account disabled", in: tx)
            try voidLinks(of: id, in: tx)
            revocations.append(.user(id: id))
        } else if after.role != before.user.role {
            revocations.append(.roleChanged(userID: id))
        }
        var details: [String: String] = [:]
        if after.name != before.user.name { details["name"] = after.name }
        if after.role != before.user.role { details["role"] = "\(before.user.role) → \(after.role)" }
        if after.disabled != before.user.disabled { details["disabled"] = String(after.disabled) }
        try record(caller, "user.update", before, details, in: tx)
        return (try existing(id, in: tx).user, revocations)
    }

    private func existing(_ id: String, in tx: borrowing StoreTransaction) throws -> PersonRow {
        guard let person = try PersonRow.find(id: id, tenant: tenant, in: tx) else {
            throw GatewayError.notFound("person")
        }
        return person
    }

    func insert(
        username: String, name: String, role: String, in tx: borrowing StoreTransaction
    ) throws -> String {
        try requireFree(username, in: tx)
        let id = Identifier.make("usr")
        try tx.execute(
            """
            INSERT INTO person (tenant, id, username, name, role, disabled, created)
            VALUES (\(tenant), \(id), \(username), \(name), \(role), \(false), \(clock()))
            """)
        return id
    }

    private func requireFree(_ username: String, in tx: borrowing StoreTransaction) throws {
        guard try PersonRow.find(username: username, tenant: tenant, in: tx) == nil else {
            throw GatewayError.conflict(
                "username_taken", "There is a person with the user name \(username) already.",
                hint: "Choose another one.")
        }
    }

    private func record(
        _ caller: Caller, _ action: String, _ person: PersonRow, _ details: [String: String],
        in tx: borrowing StoreTransaction
    ) throws(StorageError) {
        try audit.append(
            AuditEvent(actor: caller.auditActor, action: action, object: person.auditObject, details: details), in: tx)
    }
}
