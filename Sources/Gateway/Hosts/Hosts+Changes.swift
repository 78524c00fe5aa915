import Audit
import Policy
import SSHKeys
import Storage

extension Hosts {
    /// Records a host with the key that the caller confirmed.
    ///
    /// - Returns: the host, and for a generated key the line for its authorized_keys.
    /// - Throws: 403 without `host.add`, 409 `alias_taken`, 410 `probe_expired`, 422 `invalid`, `passphrase_required`,
    ///   `wrong_passphrase`, `not_a_private_key`.
    public func add(_ caller: Caller, _ new: NewHost) async throws(GatewayError) -> (
        HostView, authorizedKeysLine: String?
    ) {
        let id = Identifier.make("hst")
        let tags = try HostRule.tags(new.tags)
        try policy.require(
            .hostAdd, of: caller,
            on: PolicyObject(kind: "host", id: id, tags: Set(tags), ownerIDs: [caller.userID]))
        let alias = try HostRule.alias(new.alias)
        let address = try HostRule.address(new.address)
        let port = try HostRule.port(new.port)
        let username = try HostRule.username(new.username)
        let environment = try HostRule.environment(new.environment)
        let purpose = try HostRule.purpose(new.purpose)
        let key = try confirmedKey(new.hostKey, caller, address: address, port: port)
        let isTrusted = caller.kind != .user
        let credential: Credentials.Prepared? =
            if let credential = new.credential {
                try await credentials.prepare(credential, comment: "ssh-copilot-\(alias)")
            } else {
                nil
            }
        let row = try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                try requireFree(alias, in: tx)
                if let credential { try credentials.insert(credential, in: tx) }
                try tx.execute(
                    """
                    INSERT INTO host (tenant, id, alias, alias_folded, address, port, username, environment, purpose,
                        owner, credential, host_key, key_verified, key_verified_by, demonstration, created)
                    VALUES (\(tenant), \(id), \(alias), \(alias.lowercased()), \(address), \(port), \(username),
                        \(environment.rawValue), \(purpose), \(caller.userID), \(credential?.id), \(key.blob),
                        \(clock()), \(caller.name), \(isTrusted && new.demonstration), \(clock()))
                    """)
                try setTags(tags, of: id, in: tx)
                let row = try existing(id, in: tx)
                try record(
                    caller, "host.add", row,
                    [
                        "address": "\(address):\(port)", "username": username, "environment": environment.rawValue,
                        "tags": tags.joined(separator: " "), "fingerprint": key.fingerprint,
                        "credential": row.credentialKind.rawValue,
                    ], in: tx)
                return row
            }
        }
        if case .probe(let probe) = new.hostKey { probes.forget(probe) }
        let isGenerated = if case .generated = new.credential { true } else { false }
        return (view(row, for: caller), isGenerated ? credential?.authorizedKeysLine : nil)
    }

    private func confirmedKey(
        _ source: HostKeySource, _ caller: Caller, address: String, port: Int
    ) throws(GatewayError) -> SSHPublicKey {
        switch source {
        case .probe(let id):
            let finding = probes.finding(id, userID: caller.userID, address: address, port: port, now: clock())
            guard let finding else {
                throw GatewayError(
                    "probe_expired", status: 410,
                    "The fingerprint of \(address):\(port) was not read by you in the last 15 minutes.",
                    hint: "Read it again and confirm it.")
            }
            return finding.key
        case .known(let key):
            guard caller.kind != .user else {
                throw .invalid("probeId", "The host key has to be confirmed.", hint: "Read the fingerprint first.")
            }
            return key
        }
    }

    /// Changes a host.
    ///
    /// - Returns: the host, and for a generated key the line for its authorized_keys.
    /// - Throws: 403 without `host.edit` for the host as it was and as it becomes, 404, and as `add`.
    public func update(
        _ caller: Caller, _ id: HostID, _ changes: HostChanges
    ) async throws(GatewayError) -> (HostView, authorizedKeysLine: String?) {
        let before = try await visible(id, to: caller)
        try policy.require(.hostEdit, of: caller, on: before.policyObject)
        let wanted = try WantedHost(before, changes)
        var after = before.policyObject
        after.tags = Set(wanted.tags)
        try policy.require(.hostEdit, of: caller, on: after)
        let credential: Credentials.Prepared? =
            if let credential = changes.credential {
                try await credentials.prepare(credential, comment: "ssh-copilot-\(wanted.alias)")
            } else {
                nil
            }
        let row = try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                try change(caller, id, wanted, credential, in: tx)
            }
        }
        let isGenerated = if case .generated = changes.credential { true } else { false }
        return (view(row, for: caller), isGenerated ? credential?.authorizedKeysLine : nil)
    }

    private func change(
        _ caller: Caller, _ id: HostID, _ wanted: WantedHost, _ credential: Credentials.Prepared?,
        in tx: borrowing StoreTransaction
    ) throws -> HostRow {
        let before = try existing(id, in: tx)
        // Asked again within the transaction: the tags may have changed meanwhile.
        try policy.require(.hostEdit, of: caller, on: before.policyObject)
        if wanted.alias.lowercased() != before.alias.lowercased() { try requireFree(wanted.alias, in: tx) }
        if let credential { try credentials.insert(credential, in: tx) }
        try tx.execute(
            """
            UPDATE host SET alias = \(wanted.alias), alias_folded = \(wanted.alias.lowercased()),
                username = \(wanted.username), environment = \(wanted.environment.rawValue),
                purpose = \(wanted.purpose), credential = \(credential?.id ?? before.credentialID)
            WHERE tenant = \(tenant) AND id = \(id)
            """)
        if credential != nil, let old = before.credentialID { try credentials.remove(old, in: tx) }
        try setTags(wanted.tags, of: id, in: tx)
        let after = try existing(id, in: tx)
        try record(caller, "host.update", before, Self.differences(before, after), in: tx)
        return after
    }

    private static func differences(_ before: HostRow, _ after: HostRow) -> [String: String] {
        let pairs = [
            ("alias", before.alias, after.alias), ("username", before.username, after.username),
            ("environment", before.environment.rawValue, after.environment.rawValue),
            ("purpose", before.purpose, after.purpose),
            ("tags", before.tags.joined(separator: " "), after.tags.joined(separator: " ")),
            ("credential", before.credentialKind.rawValue, after.credentialKind.rawValue),
        ]
        var details: [String: String] = [:]
        for (name, old, new) in pairs where old != new { details[name] = "\(old) → \(new)" }
        if before.credentialID != after.credentialID, details["credential"] == nil {
            details["credential"] = "replaced"
        }
        return details
    }

    /// Removes a host with its credential. Recordings and audit entries stay.
    ///
    /// - Throws: 403 without `host.edit`, 404, 409 `host_in_use` while a session lives.
    public func remove(_ caller: Caller, _ id: HostID) async throws(GatewayError) {
        let row = try await visible(id, to: caller)
        try policy.require(.hostEdit, of: caller, on: row.policyObject)
        try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                let row = try existing(id, in: tx)
                try policy.require(.hostEdit, of: caller, on: row.policyObject)
                guard liveSessions(id) == 0 else {
                    throw GatewayError.conflict(
                        "host_in_use", "The host \(row.alias) has a live session.", hint: "End the session first.")
                }
                try tx.execute("DELETE FROM host WHERE tenant = \(tenant) AND id = \(id)")
                if let credential = row.credentialID { try credentials.remove(credential, in: tx) }
                try record(caller, "host.remove", row, ["address": "\(row.address):\(row.port)"], in: tx)
            }
        }
    }

    /// Judges a changed key: the fingerprint of the offered key records that one; the fingerprint of the recorded key
    /// keeps it. Either way the alert ends.
    ///
    /// - Throws: 403 without `host.edit`, 404, 409 `no_key_alert` or `fingerprint_mismatch`.
    public func acceptHostKey(_ caller: Caller, _ id: HostID, fingerprint: String) async throws(GatewayError)
        -> HostView
    {
        let row = try await visible(id, to: caller)
        try policy.require(.hostEdit, of: caller, on: row.policyObject)
        let changed = try await GatewayError.mapping {
            try await store.transaction { [self] tx in try judge(caller, id, fingerprint: fingerprint, in: tx) }
        }
        return view(changed, for: caller)
    }

    private func judge(
        _ caller: Caller, _ id: HostID, fingerprint: String, in tx: borrowing StoreTransaction
    ) throws -> HostRow {
        let row = try existing(id, in: tx)
        guard let offered = row.offeredKey else {
            throw GatewayError.conflict(
                "no_key_alert", "The host \(row.alias) has no changed key to accept.", hint: "Reload the host.")
        }
        let isNew = fingerprint == offered.fingerprint
        guard isNew || fingerprint == row.hostKey.fingerprint else {
            throw GatewayError.conflict(
                "fingerprint_mismatch", "The host \(row.alias) has by now shown another key than the one you accept.",
                hint: "Reload the host and compare the fingerprints again.")
        }
        if isNew {
            try tx.execute(
                """
                UPDATE host SET host_key = \(offered.blob), key_verified = \(clock()), key_verified_by = \(caller.name)
                WHERE tenant = \(tenant) AND id = \(id)
                """)
        }
        try tx.execute("DELETE FROM host_key_alert WHERE tenant = \(tenant) AND host = \(id)")
        try record(
            caller, isNew ? "host.key_accepted" : "host.key_kept", row,
            ["recorded": row.hostKey.fingerprint, "offered": offered.fingerprint], in: tx)
        return try existing(id, in: tx)
    }

    private func requireFree(_ alias: String, in tx: borrowing StoreTransaction) throws {
        guard try HostRow.find(alias: alias, tenant: tenant, in: tx) == nil else {
            throw GatewayError.conflict(
                "alias_taken", "There is a host with the alias \(alias) already.", hint: "Choose another alias.")
        }
    }

    private func setTags(_ tags: [String], of id: HostID, in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute("DELETE FROM host_tag WHERE tenant = \(tenant) AND host = \(id)")
        for tag in tags {
            try tx.execute("INSERT INTO host_tag (tenant, host, tag) VALUES (\(tenant), \(id), \(tag))")
        }
    }

    func existing(_ id: HostID, in tx: borrowing StoreTransaction) throws -> HostRow {
        guard let row = try HostRow.find(id, tenant: tenant, in: tx) else { throw GatewayError.notFound("host") }
        return row
    }

    func record(
        _ caller: Caller, _ action: String, _ row: HostRow, outcome: AuditOutcome = .succeeded,
        _ details: [String: String], in tx: borrowing StoreTransaction
    ) throws(StorageError) {
        try audit.append(
            AuditEvent(
                actor: caller.auditActor, action: action, object: row.auditObject, outcome: outcome, details: details),
            in: tx)
    }
}

/// A host's changeable parts after a change, checked.
private struct WantedHost {
    let alias: String
    let username: String
    let environment: HostEnvironment
    let purpose: String
    let tags: [String]

    init(_ row: HostRow, _ changes: HostChanges) throws(GatewayError) {
        alias = if let alias = changes.alias { try HostRule.alias(alias) } else { row.alias }
        username = if let username = changes.username { try HostRule.username(username) } else { row.username }
        environment =
            if let environment = changes.environment { try HostRule.environment(environment) } else { row.environment }
        purpose = if let purpose = changes.purpose { try HostRule.purpose(purpose) } else { row.purpose }
        tags = if let tags = changes.tags { try HostRule.tags(tags) } else { row.tags }
    }
}
