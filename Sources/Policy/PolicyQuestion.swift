/// Who asks. The identity is the verified one.
public struct Subject: Sendable, Hashable {
    public var tenant: String
    public var userID: String
    public var role: String

    public init(tenant: String, userID: String, role: String) {
        self.tenant = tenant
        self.userID = userID
        self.role = role
    }
}

/// What it is asked about. A session and a recording carry the tags and owners of their host.
public struct PolicyObject: Sendable, Hashable {
    /// `host`, `session`, `recording`, …
    public var kind: String
    public var id: String
    /// The host's tags.
    public var tags: Set<String>
    /// Whose host it is: those who added it.
    public var ownerIDs: Set<String>
    /// Who takes part in the session, its starter included. Empty for a host.
    public var participantIDs: Set<String>

    public init(
        kind: String, id: String, tags: Set<String> = [], ownerIDs: Set<String> = [], participantIDs: Set<String> = []
    ) {
        self.kind = kind
        self.id = id
        self.tags = tags
        self.ownerIDs = ownerIDs
        self.participantIDs = participantIDs
    }
}

/// The answer.
public enum Decision: Sendable, Hashable {
    case allow
    /// `reason` is a sentence for the person who is refused.
    case refuse(missing: Permission, reason: String)

    public var isAllowed: Bool { self == .allow }
}
