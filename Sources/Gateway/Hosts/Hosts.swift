import Audit
import NIOCore
import NIOPosix
import Policy
import SSHKeys
import Storage
import Vault

/// The hosts that people reach through this gateway: their addresses, their recorded keys, and the way to log in.
public struct Hosts: Sendable {
    let store: Store
    let audit: AuditLog
    let policy: PolicyTable
    let credentials: Credentials
    let addresses: AddressPolicy
    let group: any EventLoopGroup
    let clock: @Sendable () -> Timestamp
    let liveSessions: @Sendable (HostID) -> Int
    let probes = ProbeMemory()

    var tenant: String { audit.tenant }

    /// - Parameters:
    ///   - audit: the log of the tenant whose hosts these are.
    ///   - addresses: where connections may go.
    ///   - group: the loops for probes and tests.
    ///   - clock: the wall clock; tests turn it.
    ///   - liveSessions: how many sessions a host has now.
    public init(
        store: Store, vault: Vault, audit: AuditLog, policy: PolicyTable = .standard,
        addresses: AddressPolicy = AddressPolicy(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        clock: @escaping @Sendable () -> Timestamp = { .now() },
        liveSessions: @escaping @Sendable (HostID) -> Int = { _ in 0 }
    ) {
        self.store = store
        self.audit = audit
        self.policy = policy
        self.addresses = addresses
        self.group = group
        self.clock = clock
        self.liveSessions = liveSessions
        credentials = Credentials(store: store, vault: vault, tenant: audit.tenant)
    }

    /// The hosts that the caller may know of, by alias.
    public func list(_ caller: Caller) async throws(GatewayError) -> [HostView] {
        let rows = try await GatewayError.mapping {
            try await store.read { [tenant] tx in try HostRow.all(tenant: tenant, in: tx) }
        }
        return rows.filter { isVisible($0, to: caller) }.map { view($0, for: caller) }
    }

    /// One host.
    ///
    /// - Throws: 404, also when the caller may not know of it.
    public func host(_ id: HostID, _ caller: Caller) async throws(GatewayError) -> HostView {
        view(try await visible(id, to: caller), for: caller)
    }

    /// One host by its alias, upper or lower case.
    public func host(alias: String, _ caller: Caller) async throws(GatewayError) -> HostView {
        let row = try await GatewayError.mapping {
            try await store.read { [tenant] tx in try HostRow.find(alias: alias, tenant: tenant, in: tx) }
        }
        guard let row, isVisible(row, to: caller) else { throw .notFound("host") }
        return view(row, for: caller)
    }

    /// What the policy is asked about for sessions and recordings on this host: its tags and owner.
    public func policyObject(_ id: HostID) async throws(GatewayError) -> PolicyObject {
        try await stored(id).policyObject
    }

    func stored(_ id: HostID) async throws(GatewayError) -> HostRow {
        let row = try await GatewayError.mapping {
            try await store.read { [tenant] tx in try HostRow.find(id, tenant: tenant, in: tx) }
        }
        guard let row else { throw .notFound("host") }
        return row
    }

    /// A host that the caller may know of; for everybody else it is not there.
    func visible(_ id: HostID, to caller: Caller) async throws(GatewayError) -> HostRow {
        let row = try await stored(id)
        guard isVisible(row, to: caller) else { throw .notFound("host") }
        return row
    }

    func isVisible(_ row: HostRow, to caller: Caller) -> Bool {
        policy.decide(caller.subject, .hostView, on: row.policyObject).isAllowed
    }

    func view(_ row: HostRow, for caller: Caller) -> HostView {
        func may(_ permission: Permission) -> Bool {
            policy.decide(caller.subject, permission, on: row.policyObject).isAllowed
        }
        let rights = HostRights(
            connect: may(.sessionStart), view: may(.sessionView), type: may(.sessionType), share: may(.sessionShare),
            edit: may(.hostEdit), readFiles: may(.fileRead), writeFiles: may(.fileWrite))
        var alert: KeyAlert?
        if let offered = row.offeredKey, let seen = row.offeredAt {
            alert = KeyAlert(offered: HostKeyFace(offered), seenAt: seen)
        }
        return HostView(
            id: row.id, alias: row.alias, address: row.address, port: row.port, username: row.username,
            environment: row.environment, purpose: row.purpose, tags: row.tags,
            hostKey: HostKeyView(
                key: HostKeyFace(row.hostKey), verifiedAt: row.keyVerifiedAt, verifiedBy: row.keyVerifiedBy),
            credential: CredentialView(
                kind: row.credentialKind, fingerprint: row.credentialFingerprint,
                authorizedKeysLine: rights.edit ? row.authorizedKeysLine : nil),
            keyAlert: alert, lastUsedAt: row.lastUsed, activeSessions: liveSessions(row.id), may: rights,
            demonstration: row.demonstration, ownerID: row.ownerID)
    }
}
