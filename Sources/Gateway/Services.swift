import Audit
import Logging
import NIOConcurrencyHelpers
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
    /// Tells people what they should know of.
    public let notices: Notices
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
///
/// It is bounded, so that a flood fills no memory. What has no room is counted, and the log itself says how many are
/// missing and where: never in silence.
final class AuditQueue: Sendable {
    private let events: AsyncStream<AuditEvent>
    private let continuation: AsyncStream<AuditEvent>.Continuation
    private let lost = NIOLockedValueBox(0)

    init(limit: Int = 10_000) {
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(limit))
    }

    func add(_ event: AuditEvent) {
        if case .dropped = continuation.yield(event) { lost.withLockedValue { $0 += 1 } }
    }

    /// Writes until ``finish()``; then everything is written.
    func run(_ audit: AuditLog, logger: Logger) async {
        for await event in events {
            await write(event, audit, logger)
            await tellLost(audit, logger)
        }
        await tellLost(audit, logger)
    }

    private func tellLost(_ audit: AuditLog, _ logger: Logger) async {
        let count = lost.withLockedValue { count in
            defer { count = 0 }
            return count
        }
        guard count > 0 else { return }
        logger.error("Audit events came faster than they could be written.", metadata: ["lost": "\(count)"])
        let event = AuditEvent(
            actor: .copilot, action: "audit.overflow", outcome: .failed, details: ["lost": String(count)])
        await write(event, audit, logger)
    }

    private func write(_ event: AuditEvent, _ audit: AuditLog, _ logger: Logger) async {
        do { _ = try await audit.append(event) } catch {
            logger.error("An audit event could not be written.", metadata: ["action": "\(event.action)"])
        }
    }

    func finish() { continuation.finish() }
}
