import Audit
import NIOCore
import Policy
import SSH
import SSHKeys
import Storage
import Vault

/// What a person gives for a new host.
public struct NewHost: Sendable {
    public var alias: String
    public var address: String
    public var port: Int
    public var username: String
    public var environment: HostEnvironment
    public var purpose: String
    public var tags: [String]
    /// The probe whose fingerprint the person confirmed.
    public var probeID: String
    public var credential: NewCredential
    public var isDemonstration: Bool

    public init(
        alias: String, address: String, port: Int, username: String, environment: HostEnvironment = .other,
        purpose: String = "", tags: [String] = [], probeID: String, credential: NewCredential,
        isDemonstration: Bool = false
    ) {
        self.alias = alias
        self.address = address
        self.port = port
        self.username = username
        self.environment = environment
        self.purpose = purpose
        self.tags = tags
        self.probeID = probeID
        self.credential = credential
        self.isDemonstration = isDemonstration
    }
}

/// What a person changes at a host; nil leaves a thing as it is.
public struct HostChange: Sendable {
    public var alias: String?
    public var username: String?
    public var environment: HostEnvironment?
    public var purpose: String?
    public var tags: [String]?
    public var credential: NewCredential?

    public init(
        alias: String? = nil, username: String? = nil, environment: HostEnvironment? = nil, purpose: String? = nil,
        tags: [String]? = nil, credential: NewCredential? = nil
    ) {
        self.alias = alias
        self.username = username
        self.environment = environment
        self.purpose = purpose
        self.tags = tags
        self.credential = credential
    }
}

extension Hosts {
    // MARK: Probe

    /// Reads the host key of an address by a short handshake, before anything secret is given to it.
    public func probe(address: String, port: Int, caller: Caller) async throws(GatewayError) -> HostProbe {
        try policy.require(.hostProbe, of: caller)
        let endpoint = SSHEndpoint(
            host: try HostFields.address(address), port: try HostFields.port(port))
        try probes.admit(userID: caller.userID)
        let addresses = addresses
        let report: HostKeyReport
        do {
            report = try await SSHClient.readHostKey(
                of: endpoint, on: loops.any(), allowAddress: { addresses.mayConnect(to: $0) })
        } catch {
            await noteProbe(endpoint, caller, .failed, ["code": error.code.rawValue])
            throw GatewayError(hostFailure: error)
        }
        let key = report.publicKey
        await noteProbe(endpoint, caller, .succeeded, ["fingerprint": key.fingerprint])
        let entry = probes.keep(userID: caller.userID, address: endpoint.host, port: endpoint.port, key: key)
        let known = try await read { tx in try records.all(in: tx) }
            .filter { $0.hostKey == key && may(.hostView, caller, $0) }
        return HostProbe(
            probeId: entry.id, address: endpoint.host, port: endpoint.port,
            resolvedAddress: report.remoteAddress.ipAddress ?? "", serverIdentification: report.serverIdentification,
            hostKey: .init(
                algorithm: key.algorithm, publicKey: key.authorizedKeysLine(), fingerprint: key.fingerprint,
                randomart: key.randomart),
            known: known.map { .init(alias: $0.alias) })
    }

    private func noteProbe(
        _ endpoint: SSHEndpoint, _ caller: Caller, _ outcome: AuditOutcome, _ details: [String: String]
    ) async {
        _ = try? await audit.append(
            AuditEvent(
                actor: caller.auditActor, action: "host.probe",
                object: .init(kind: "address", id: "\(endpoint)", name: "\(endpoint)"), outcome: outcome,
                details: details))
    }

    // MARK: Add

    /// Adds a host with the key that was probed and confirmed.
    /// - Returns: the host, and for a key the line that belongs into `authorized_keys` there.
    public func add(_ new: NewHost, caller: Caller) async throws(GatewayError) -> (
        host: HostView, authorizedKeysLine: String?
    ) {
        let probe = try probes.confirmed(new.probeID, userID: caller.userID)
        let address = try HostFields.address(new.address)
        guard probe.address == address, probe.port == new.port else {
            throw .conflict(
                "probe_expired", "The fingerprint was read from another address than this one.",
                hint: "Read the fingerprint of this address.")
        }
        let alias = try HostFields.alias(new.alias)
        let credential = try Credential(new.credential, alias: alias)
        let host = StoredHost(
            id: Identifier.make("hst"), alias: alias, address: address, port: probe.port,
            username: try HostFields.username(new.username), environment: new.environment,
            purpose: try VisibleText.line(new.purpose, field: "purpose", what: "The purpose", limit: 200),
            tags: try HostFields.tags(new.tags), hostKey: probe.key, verifiedAt: .now(), verifiedBy: caller.name,
            credentialKind: credential.kind, credentialFingerprint: credential.fingerprint, offeredKey: nil,
            offeredAt: nil, addedBy: caller.userID, lastUsedAt: nil, isDemonstration: new.isDemonstration)
        try policy.require(.hostAdd, of: caller, on: host.policyObject)
        let sealed = try await seal(credential.secret, host.id)
        let records = records
        let added = event(
            caller, "host.add", host,
            [
                "address": "\(address):\(probe.port)", "username": host.username, "fingerprint": probe.key.fingerprint,
                "credential": credential.kind.rawValue, "tags": host.tags.joined(separator: " "),
            ])
        try await write { tx in (added, try records.insert(host, credential: sealed, in: tx)) }
        return (try await self.host(host.id, caller: caller), credential.authorizedKeysLine)
    }

    private func seal(_ secret: SecretBytes, _ host: String) async throws(GatewayError) -> [UInt8] {
        do { return try await vault.seal(secret, for: identity(host)) } catch { throw GatewayError(storage: error) }
    }

    func identity(_ host: String) -> RecordIdentity {
        RecordIdentity(tenant: tenant, table: "host", row: host, column: "credential")
    }

    // MARK: Change

    /// Changes a host; a new credential is checked and sealed like the first one.
    public func update(_ id: String, _ change: HostChange, caller: Caller) async throws(GatewayError) -> (
        host: HostView, authorizedKeysLine: String?
    ) {
        let host = try await find(id, caller)
        try policy.require(.hostEdit, of: caller, on: host.policyObject)
        let wanted = try change.checked()
        var credential: Credential?
        var sealed: [UInt8]?
        if let new = change.credential {
            let checked = try Credential(new, alias: wanted.alias ?? host.alias)
            sealed = try await seal(checked.secret, id)
            credential = checked
        }
        let (kind, fingerprint, secret) = (credential?.kind, credential?.fingerprint, sealed)
        let records = records
        let policy = policy
        try await self.change(id) { before, tx in
            let after = wanted.applied(to: before)
            // A tag gives rights: nobody moves a host to where they could not have put it.
            for state in [before, after] { try policy.require(.hostEdit, of: caller, on: state.policyObject) }
            // Whoever is watched does not end the watch: those who may do anything anywhere do.
            if before.tags.contains(SessionWatch.hostTag), !after.tags.contains(SessionWatch.hostTag) {
                try policy.require(.hostEdit, of: caller)
            }
            try records.update(after, in: tx)
            if let kind { try records.setCredential(id, kind: kind, fingerprint: fingerprint, sealed: secret, in: tx) }
            var details = after.differences(from: before)
            if let kind { details["credential"] = kind.rawValue }
            return (event(caller, "host.update", after, details), ())
        }
        return (try await self.host(id, caller: caller), credential?.authorizedKeysLine)
    }

    /// Removes a host. Whoever calls makes sure that no session is live there.
    public func remove(_ id: String, caller: Caller) async throws(GatewayError) {
        let host = try await find(id, caller)
        try policy.require(.hostEdit, of: caller, on: host.policyObject)
        let records = records
        let policy = policy
        try await change(id) { host, tx in
            try policy.require(.hostEdit, of: caller, on: host.policyObject)
            try records.remove(id, in: tx)
            return (event(caller, "host.remove", host, ["address": "\(host.address):\(host.port)"]), ())
        }
    }

    /// Judges a changed key. The fingerprint of the key that raised the alert makes it the host's key from now on: that
    /// key, and no other. The fingerprint of the recorded key keeps that one. Either way the alert ends.
    public func acceptHostKey(_ id: String, fingerprint: String, caller: Caller) async throws(GatewayError) -> HostView
    {
        let records = records
        let policy = policy
        _ = try await find(id, caller)
        try await change(id) { host, tx in
            try policy.require(.hostEdit, of: caller, on: host.policyObject)
            let judged = [host.offeredKey, host.hostKey].compactMap { $0 }.first { $0.fingerprint == fingerprint }
            guard let offered = host.offeredKey, let judged else {
                throw GatewayError.conflict(
                    "no_such_alert", "The host did not offer a key with this fingerprint.",
                    hint: "Reload the page and compare the fingerprints again.")
            }
            try records.settleAlert(id, key: judged, verifiedBy: caller.name, in: tx)
            let details = ["recorded": host.hostKey.fingerprint, "offered": offered.fingerprint]
            return (event(caller, judged == offered ? "host.key_accepted" : "host.key_kept", host, details), ())
        }
        return try await self.host(id, caller: caller)
    }
}

extension HostChange {
    /// The same change with every field checked.
    fileprivate func checked() throws(GatewayError) -> HostChange {
        var checked = self
        if let alias { checked.alias = try HostFields.alias(alias) }
        if let username { checked.username = try HostFields.username(username) }
        if let purpose {
            checked.purpose = try VisibleText.line(purpose, field: "purpose", what: "The purpose", limit: 200)
        }
        if let tags { checked.tags = try HostFields.tags(tags) }
        return checked
    }

    fileprivate func applied(to host: StoredHost) -> StoredHost {
        var host = host
        host.alias = alias ?? host.alias
        host.username = username ?? host.username
        host.environment = environment ?? host.environment
        host.purpose = purpose ?? host.purpose
        host.tags = tags ?? host.tags
        return host
    }
}

extension StoredHost {
    /// What changed, for the audit log.
    fileprivate func differences(from before: StoredHost) -> [String: String] {
        let pairs = [
            ("alias", before.alias, alias), ("username", before.username, username),
            ("environment", before.environment.rawValue, environment.rawValue), ("purpose", before.purpose, purpose),
            ("tags", before.tags.joined(separator: " "), tags.joined(separator: " ")),
        ]
        return pairs.reduce(into: [:]) { details, pair in
            if pair.1 != pair.2 { details[pair.0] = "\(pair.1) → \(pair.2)" }
        }
    }
}
