import Audit
import Storage
import Vault

/// The schema's whole history: one list, oldest first. A migration that was released stays where it is for ever; new
/// ones are added at the end.
public enum Schema {
    public static let migrations: [Migration] =
        Vault.migrations
        + AuditLog.migrations
        + [PeopleSchema.people] + HostStore.migrations + Settings.migrations + SessionStore.migrations
        + [PeopleSchema.keys]
        + [TeamStore.migration]
        + RecordingStore.migrations
        + Notices.migrations + Macros.migrations + PushDevices.migrations
        + QuarantineStore.migrations
        + [AgentSchema.agents]
        + [SecondFactorSchema.migration]
        + [AgentSchema.durableCommands]
        + [Passkeys.migration]
        + [AgentSchema.durableRoot]
}
