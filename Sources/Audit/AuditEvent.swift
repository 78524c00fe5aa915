import Storage

/// Who did something. The identity is the verified one; `onBehalfOf` names the person that it was done for.
public struct AuditActor: Sendable, Hashable {
    public enum Kind: String, Sendable {
        case user, system, agent, cli
    }

    public var kind: Kind
    public var id: String
    public var name: String
    public var onBehalfOf: String?
    /// The address that the request came from.
    public var address: String?

    public init(kind: Kind, id: String, name: String, onBehalfOf: String? = nil, address: String? = nil) {
        self.kind = kind
        self.id = id
        self.name = name
        self.onBehalfOf = onBehalfOf
        self.address = address
    }
}

/// What something was done to.
public struct AuditObject: Sendable, Hashable {
    /// `user`, `host`, `session`, `recording`, …
    public var kind: String
    public var id: String
    public var name: String

    public init(kind: String, id: String, name: String) {
        self.kind = kind
        self.id = id
        self.name = name
    }
}

/// How it ended.
public enum AuditOutcome: String, Sendable, CaseIterable {
    case succeeded
    /// The policy or a limit said no.
    case refused
    /// It was allowed and did not work.
    case failed
}

/// One act, as its doer describes it. Never put a secret into any field.
public struct AuditEvent: Sendable, Hashable {
    public var actor: AuditActor
    /// A dotted name such as `host.add`.
    public var action: String
    public var object: AuditObject?
    public var outcome: AuditOutcome
    public var details: [String: String]
    /// The live session that it belongs to.
    public var session: String?

    public init(
        actor: AuditActor, action: String, object: AuditObject? = nil, outcome: AuditOutcome = .succeeded,
        details: [String: String] = [:], session: String? = nil
    ) {
        self.actor = actor
        self.action = action
        self.object = object
        self.outcome = outcome
        self.details = details
        self.session = session
    }
}

/// One act as it stands in the log.
public struct AuditEntry: Sendable, Hashable {
    /// Counts from 1 without gaps, for each tenant.
    public let sequence: Int64
    public let time: Timestamp
    public let event: AuditEvent
    /// SHA-256 over this entry and the hash of the one before.
    public let hash: [UInt8]
}
