import Audit
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Policy
import SSH
import SSHKeys
import Storage
import Vault

/// The hosts of this copilot: which there are, whether their keys are theirs, and the way in.
public struct Hosts: Sendable {
    let records: HostStore
    let vault: Vault
    let audit: AuditLog
    let policy: PolicyTable
    let tenant: String
    let addresses: AddressPolicy
    let probes: HostProbes
    let loops: any EventLoopGroup
    private let alertListeners = NIOLockedValueBox<[@Sendable (StoredHost) -> Void]>([])

    public init(
        store: Store, vault: Vault, audit: AuditLog, policy: PolicyTable, tenant: String,
        allowedAddresses: [AddressRange], loops: any EventLoopGroup
    ) {
        records = HostStore(store: store, tenant: tenant)
        self.vault = vault
        self.audit = audit
        self.policy = policy
        self.tenant = tenant
        addresses = AddressPolicy(allowed: allowedAddresses)
        probes = HostProbes()
        self.loops = loops
    }

    /// Calls `listener` when a host shows another key than the recorded one for the first time. It must be quick.
    func onKeyAlert(_ listener: @escaping @Sendable (StoredHost) -> Void) {
        alertListeners.withLockedValue { $0.append(listener) }
    }

    func keyAlertRaised(_ host: StoredHost) {
        for listener in alertListeners.withLockedValue({ $0 }) { listener(host) }
    }

    // MARK: The list

    /// The hosts that this person may see, by alias.
    public func hosts(_ caller: Caller) async throws(GatewayError) -> [HostView] {
        let quarantine = QuarantineStore(tenant: tenant)
        let (hosts, favourites) = try await read { tx in
            (try records.all(in: tx), try quarantine.favourites(of: caller.userID, in: tx))
        }
        return hosts.filter { may(.hostView, caller, $0) }.map { view($0, caller, favourites) }
    }

    /// One host.
    public func host(_ id: String, caller: Caller) async throws(GatewayError) -> HostView {
        let quarantine = QuarantineStore(tenant: tenant)
        let host = try await find(id, caller)
        return view(host, caller, try await read { tx in try quarantine.favourites(of: caller.userID, in: tx) })
    }

    func find(_ id: String, _ caller: Caller) async throws(GatewayError) -> StoredHost {
        let host = try await read { tx in try records.host(id, in: tx) }
        guard let host, may(.hostView, caller, host) else { throw .notFound("host") }
        return host
    }

    /// A host as a session needs it.
    func sessionHost(_ id: String, caller: Caller) async throws(GatewayError) -> SessionHost {
        let host = try await find(id, caller)
        return SessionHost(
            id: host.id, alias: host.alias, environment: host.environment.rawValue, policyObject: host.policyObject)
    }

    func may(_ permission: Permission, _ caller: Caller, _ host: StoredHost) -> Bool {
        policy.decide(caller.subject, permission, on: host.policyObject).isAllowed
    }

    private func view(_ host: StoredHost, _ caller: Caller, _ favourites: Set<String>) -> HostView {
        let key = HostKeyView(host.hostKey)
        var alert: HostView.KeyAlert?
        if let offered = host.offeredKey.map(HostKeyView.init), let at = host.offeredAt {
            alert = .init(
                offeredAlgorithm: offered.algorithm, offeredFingerprint: offered.fingerprint,
                offeredRandomart: offered.randomart, seenAt: at.iso8601)
        }
        return HostView(
            id: host.id, alias: host.alias, address: host.address, port: host.port, username: host.username,
            environment: host.environment, purpose: host.purpose, tags: host.tags,
            hostKey: .init(
                algorithm: key.algorithm, fingerprint: key.fingerprint, randomart: key.randomart,
                verifiedAt: host.verifiedAt.iso8601, verifiedBy: host.verifiedBy),
            credential: .init(kind: host.credentialKind.rawValue, fingerprint: host.credentialFingerprint),
            keyAlert: alert, lastUsedAt: host.lastUsedAt?.iso8601, activeSessions: nil,
            may: .init(
                connect: may(.sessionStart, caller, host), type: may(.sessionType, caller, host),
                edit: may(.hostEdit, caller, host)),
            demonstration: host.isDemonstration, favourite: favourites.contains(host.id))
    }

    // MARK: The store

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing StoreTransaction) throws -> Value
    ) async throws(GatewayError) -> Value {
        do { return try await records.store.read(body) } catch { throw GatewayError(storage: error) }
    }

    /// One change with its audit event, in one transaction. `body` gets the host as it is in that transaction, so that
    /// two changes at the same time do not undo each other.
    func change<Value: Sendable>(
        _ id: String, _ body: @escaping @Sendable (StoredHost, borrowing StoreTransaction) throws -> (AuditEvent, Value)
    ) async throws(GatewayError) -> Value {
        let records = records
        return try await write { tx in
            guard let host = try records.host(id, in: tx) else { throw GatewayError.notFound("host") }
            return try body(host, tx)
        }
    }

    /// A transaction that ends with its audit event.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing StoreTransaction) throws -> (AuditEvent, Value)
    ) async throws(GatewayError) -> Value {
        let audit = audit
        do {
            return try await records.store.transaction { tx in
                let (event, value) = try body(tx)
                _ = try audit.append(event, in: tx)
                return value
            }
        } catch let error as StorageError where error.code == .uniqueViolation {
            throw .conflict("alias_taken", "Another host already has this alias.", hint: "Choose another alias.")
        } catch {
            throw GatewayError(storage: error)
        }
    }

    func event(
        _ caller: Caller, _ action: String, _ host: StoredHost, outcome: AuditOutcome = .succeeded,
        _ details: [String: String] = [:]
    ) -> AuditEvent {
        AuditEvent(
            actor: caller.auditActor, action: action, object: .init(kind: "host", id: host.id, name: host.alias),
            outcome: outcome, details: details)
    }
}
