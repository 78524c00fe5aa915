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
        let known = try await read { tx in try records.all(in: tx) }.filter { $0.hostKey == key }
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
    public func add(_ new: NewHost, caller: Caller) async throws(GatewayError) -> (host: HostView, authorizedKeysLine: String?) {
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
        try await write(
            event(caller, "host.add", host, ["address": "\(address):\(probe.port)", "fingerprint": probe.key.fingerprint])
        ) { tx in try records.insert(host, credential: sealed, in: tx) }
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
    public func update(_ id: String, _ change: HostChange, caller: Caller) async throws(GatewayError) -> (host: HostView, authorizedKeysLine: String?) {
        var host = try await find(id, caller)
        try policy.require(.hostEdit, of: caller, on: host.policyObject)
        if let alias = change.alias { host.alias = try HostFields.alias(alias) }
        if let username = change.username { host.username = try HostFields.username(username) }
        if let environment = change.environment { host.environment = environment }
        if let purpose = change.purpose {
            host.purpose = try VisibleText.line(purpose, field: "purpose", what: "The purpose", limit: 200)
        }
        if let tags = change.tags {
            host.tags = try HostFields.tags(tags)
            // A tag gives rights: nobody moves a host to where they could not have put it.
            try policy.require(.hostEdit, of: caller, on: host.policyObject)
        }
        var credential: Credential?
        var sealed: [UInt8]?
        if let new = change.credential {
            let checked = try Credential(new, alias: host.alias)
            sealed = try await seal(checked.secret, id)
            credential = checked
        }
        let changed = host
        let (kind, fingerprint, secret) = (credential?.kind, credential?.fingerprint, sealed)
        let records = records
        let details = credential.map { ["credential": $0.kind.rawValue] } ?? [:]
        try await write(event(caller, "host.update", host, details)) { tx in
            try records.update(changed, in: tx)
            if let kind {
                try records.setCredential(id, kind: kind, fingerprint: fingerprint, sealed: secret, in: tx)
            }
        }
        return (try await self.host(id, caller: caller), credential?.authorizedKeysLine)
    }

    /// Removes a host. Whoever calls makes sure that no session is live there.
    public func remove(_ id: String, caller: Caller) async throws(GatewayError) {
        let host = try await find(id, caller)
        try policy.require(.hostEdit, of: caller, on: host.policyObject)
        let records = records
        try await write(event(caller, "host.remove", host)) { tx in try records.remove(id, in: tx) }
    }

    /// Takes the key that raised the alert as the host's key from now on: that key, and no other.
    public func acceptHostKey(_ id: String, fingerprint: String, caller: Caller) async throws(GatewayError) -> HostView {
        var host = try await find(id, caller)
        try policy.require(.hostEdit, of: caller, on: host.policyObject)
        guard let offered = host.offeredKey, offered.fingerprint == fingerprint else {
            throw .conflict(
                "no_such_alert", "The host did not offer a key with this fingerprint.",
                hint: "Reload the page and compare the fingerprints again.")
        }
        let old = host.hostKey.fingerprint
        host.hostKey = offered
        host.verifiedAt = .now()
        host.verifiedBy = caller.name
        host.offeredKey = nil
        host.offeredAt = nil
        let changed = host
        let records = records
        try await write(
            event(caller, "host.key_accepted", host, ["recorded": old, "accepted": offered.fingerprint])
        ) { tx in try records.update(changed, in: tx) }
        return try await self.host(id, caller: caller)
    }
}
