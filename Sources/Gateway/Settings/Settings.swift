import Audit
import Policy
import Storage

/// What an admin can set for everybody.
public struct SettingValues: Sendable, Hashable {
    /// What happens to a session whose recording cannot be written.
    public enum RecordingFailure: String, Sendable, CaseIterable {
        /// The session pauses until it can be written again.
        case block
        /// The session ends.
        case end
    }

    /// Minutes after which a session without connected seats ends; 1 to 10080.
    public var seatlessMinutes: Int
    /// Minutes without input after which a session ends; 0 is never, at most 1440.
    public var idleMinutes: Int
    public var recordingFailure: RecordingFailure

    public static let standard = SettingValues(seatlessMinutes: 30, idleMinutes: 0, recordingFailure: .block)
}

enum SettingSchema {
    static let settings = Migration(
        "gateway-0004-settings",
        [
            """
            CREATE TABLE setting (
                tenant TEXT NOT NULL,
                name TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (tenant, name)
            ) \(clause: .strict)
            """
        ])
}

/// Reads and changes the settings of a tenant.
public struct Settings: Sendable {
    private let store: Store
    private let audit: AuditLog
    private let policy: PolicyTable

    private var tenant: String { audit.tenant }

    public init(store: Store, audit: AuditLog, policy: PolicyTable = .standard) {
        self.store = store
        self.audit = audit
        self.policy = policy
    }

    /// The values in force.
    public func values() async throws(GatewayError) -> SettingValues {
        try await GatewayError.mapping { try await store.read { [self] tx in try read(in: tx) } }
    }

    /// Changes what is given and leaves the rest.
    ///
    /// - Throws: 403 without `settings.edit`, 422 `invalid`.
    public func update(
        _ caller: Caller, seatlessMinutes: Int? = nil, idleMinutes: Int? = nil, recordingFailure: String? = nil
    ) async throws(GatewayError) -> SettingValues {
        try policy.require(.settingsEdit, of: caller)
        if let seatlessMinutes, !(1...10_080).contains(seatlessMinutes) {
            throw .invalid(
                "seatlessMinutes", "A session without seats can live 1 to 10080 minutes.", hint: "Choose such a number."
            )
        }
        if let idleMinutes, !(0...1440).contains(idleMinutes) {
            throw .invalid("idleMinutes", "The idle limit is 0 (none) to 1440 minutes.", hint: "Choose such a number.")
        }
        if let recordingFailure, SettingValues.RecordingFailure(rawValue: recordingFailure) == nil {
            throw .invalid(
                "recordingFailure", "There is no such way to act when a recording cannot be written.",
                hint: "Choose block (the session pauses) or end.")
        }
        let changes = [
            "seatlessMinutes": seatlessMinutes.map(String.init), "idleMinutes": idleMinutes.map(String.init),
            "recordingFailure": recordingFailure,
        ].compactMapValues { $0 }
        return try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                for (name, value) in changes {
                    try tx.execute(
                        """
                        INSERT INTO setting (tenant, name, value) VALUES (\(tenant), \(name), \(value))
                        ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value
                        """)
                }
                if !changes.isEmpty {
                    try audit.append(
                        AuditEvent(actor: caller.auditActor, action: "settings.update", details: changes), in: tx)
                }
                return try read(in: tx)
            }
        }
    }

    private func read(in tx: borrowing StoreTransaction) throws(StorageError) -> SettingValues {
        var values = SettingValues.standard
        for row in try tx.rows("SELECT name, value FROM setting WHERE tenant = \(tenant)") {
            let value = try row.text("value")
            switch try row.text("name") {
            case "seatlessMinutes": values.seatlessMinutes = Int(value) ?? values.seatlessMinutes
            case "idleMinutes": values.idleMinutes = Int(value) ?? values.idleMinutes
            case "recordingFailure":
                values.recordingFailure = .init(rawValue: value) ?? values.recordingFailure
            default: break
            }
        }
        return values
    }
}
