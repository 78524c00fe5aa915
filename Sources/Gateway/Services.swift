import Audit
import Logging
import Policy
import Storage
import Vault

/// What the rooms of the domain share: the store, the vault, the log that can't be altered, and the one place that decides.
public struct Services: Sendable {
    public let tenant: String
    public let store: Store
    public let vault: Vault
    public let audit: AuditLog
    public let policy: PolicyTable
    public let people: People
    public let hosts: Hosts
    public let settings: Settings
    let auditQueue: AuditQueue
    let logger: Logger

    /// Whether this person may do this here.
    public func may(_ permission: Permission, _ caller: Caller, on object: PolicyObject?) -> Bool {
        if case .allow = policy.decide(caller.subject, permission, on: object) { true } else { false }
    }

    /// Refuses, with the missing permission named, when this person may not.
    public func require(_ permission: Permission, _ caller: Caller, on object: PolicyObject?) throws(GatewayError) {
        if case .refuse(let missing, let reason) = policy.decide(caller.subject, permission, on: object) {
            recordSoon(
                .init(
                    actor: caller.auditActor, action: permission.rawValue,
                    object: object.map { .init(kind: $0.kind, id: $0.id, name: $0.id) }, outcome: .refused,
                    details: ["missing": missing.rawValue]))
            throw .notPermitted(missing, reason)
        }
    }

    /// One transaction; what goes wrong becomes an answer for people.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing StoreTransaction) throws -> Value
    ) async throws(GatewayError) -> Value {
        do { return try await store.transaction(body) } catch {
            throw (error as? GatewayError) ?? GatewayError(storage: error)
        }
    }

    /// Writes an audit event that goes with no other change.
    func record(_ event: AuditEvent) async {
        do { _ = try await audit.append(event) } catch {
            logger.error("An audit event could not be written.", metadata: ["action": "\(event.action)"])
        }
    }

    /// The same from where nothing can be awaited; the order of calls is kept.
    func recordSoon(_ event: AuditEvent) { auditQueue.add(event) }
}

/// Audit events from event loops, written in their order by one task.
final class AuditQueue: Sendable {
    private let events: AsyncStream<AuditEvent>
    private let continuation: AsyncStream<AuditEvent>.Continuation

    init() {
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(10_000))
    }

    func add(_ event: AuditEvent) { continuation.yield(event) }

    /// Writes until ``finish()``; then everything is written.
    func run(_ audit: AuditLog, logger: Logger) async {
        for await event in events {
            do { _ = try await audit.append(event) } catch {
                logger.error("An audit event could not be written.", metadata: ["action": "\(event.action)"])
            }
        }
    }

    func finish() { continuation.finish() }
}
