import Audit
import Foundation
import NIOConcurrencyHelpers
import Policy
import Storage

/// What an admin sets while the copilot runs.
public struct SettingsValue: Sendable, Codable, Hashable {
    /// Minutes until a session without seats ends.
    public var seatlessMinutes: Int
    /// Minutes without a key stroke until a session ends; 0 is never.
    public var idleMinutes: Int
    /// What happens while a recording can't be written. `block`: the session pauses until it can.
    public var recordingFailure: String

    public static let standard = SettingsValue(seatlessMinutes: 30, idleMinutes: 0, recordingFailure: "block")
}

/// The settings, kept in the store and told to whoever listens.
public struct Settings: Sendable {
    let store: Store
    let audit: AuditLog
    let policy: PolicyTable
    let tenant: String
    private let listeners = NIOLockedValueBox<[AsyncStream<SettingsValue>.Continuation]>([])

    static let migrations: [Migration] = [
        Migration(
            "settings-1",
            [
                """
                CREATE TABLE setting (
                    tenant TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (tenant, name))
                """
            ])
    ]

    public init(store: Store, audit: AuditLog, policy: PolicyTable, tenant: String) {
        self.store = store
        self.audit = audit
        self.policy = policy
        self.tenant = tenant
    }

    /// What holds now.
    public func current() async throws(GatewayError) -> SettingsValue {
        let tenant = tenant
        do {
            return try await store.read { tx in
                var value = SettingsValue.standard
                for row in try tx.rows("SELECT name, value FROM setting WHERE tenant = \(tenant)") {
                    let text = try row.text("value")
                    switch try row.text("name") {
                    case "seatlessMinutes": value.seatlessMinutes = Int(text) ?? value.seatlessMinutes
                    case "idleMinutes": value.idleMinutes = Int(text) ?? value.idleMinutes
                    default: break
                    }
                }
                return value
            }
        } catch { throw GatewayError(storage: error) }
    }

    /// Changes what is given; nil leaves a thing as it is.
    public func update(
        seatlessMinutes: Int?, idleMinutes: Int?, recordingFailure: String?, caller: Caller
    ) async throws(GatewayError) -> SettingsValue {
        try policy.require(.settingsEdit, of: caller)
        var changes: [String: String] = [:]
        if let seatlessMinutes {
            guard (1...10_080).contains(seatlessMinutes) else {
                throw .invalid(
                    "seatlessMinutes", "A session without seats ends after 1 to 10080 minutes.", hint: "30 is usual.")
            }
            changes["seatlessMinutes"] = String(seatlessMinutes)
        }
        if let idleMinutes {
            guard (0...10_080).contains(idleMinutes) else {
                throw .invalid(
                    "idleMinutes", "An idle session ends after 1 to 10080 minutes; 0 is never.",
                    hint: "0 or 60 is usual.")
            }
            changes["idleMinutes"] = String(idleMinutes)
        }
        if let recordingFailure, recordingFailure != SettingsValue.standard.recordingFailure {
            throw .invalid(
                "recordingFailure", "“\(recordingFailure)” is not a policy that this version knows.",
                hint: "“block” pauses a session while its recording can't be written.")
        }
        try await write(changes, caller)
        let value = try await current()
        for listener in listeners.withLockedValue({ $0 }) { listener.yield(value) }
        return value
    }

    private func write(_ changes: [String: String], _ caller: Caller) async throws(GatewayError) {
        guard !changes.isEmpty else { return }
        let event = AuditEvent(
            actor: caller.auditActor, action: "settings.update", object: nil, outcome: .succeeded, details: changes)
        let tenant = tenant
        let audit = audit
        do {
            try await store.transaction { tx in
                for (name, value) in changes.sorted(by: { $0.key < $1.key }) {
                    try tx.execute(
                        """
                        INSERT INTO setting (tenant, name, value) VALUES (\(tenant), \(name), \(value))
                        ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value
                        """)
                }
                _ = try audit.append(event, in: tx)
            }
        } catch { throw GatewayError(storage: error) }
    }

    /// Every change from now on.
    func changes() -> AsyncStream<SettingsValue> {
        let (stream, continuation) = AsyncStream<SettingsValue>.makeStream(bufferingPolicy: .bufferingNewest(1))
        listeners.withLockedValue { $0.append(continuation) }
        return stream
    }
}
