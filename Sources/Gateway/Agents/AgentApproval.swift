import Storage

/// One thing that an agent may do only when a person says so.
struct AgentApproval: Sendable {
    enum Kind: String, Sendable {
        case command, input, plan, fileRead = "file_read", fileWrite = "file_write"
    }

    enum State: Sendable, Equatable {
        case pending
        case approved(by: String)
        case denied(reason: String, by: String)
        case expired
        case withdrawn

        var name: String {
            switch self {
            case .pending: "pending"
            case .approved: "approved"
            case .denied: "denied"
            case .expired: "expired"
            case .withdrawn: "withdrawn"
            }
        }

        var person: String? {
            switch self {
            case .approved(let by), .denied(_, let by): by
            case .pending, .expired, .withdrawn: nil
            }
        }
    }

    /// How long it waits for a person.
    static let patience: Duration = .seconds(10 * 60)

    let id: String
    let sessionID: String
    let agent: Agent
    let kind: Kind
    /// What would happen: the command, the text to type, the path.
    let subject: String
    /// That as exactly as it can be said; nil where it is not known.
    let deed: AgentDeed?
    let commandID: String?
    let purpose: String?
    let classes: [String]
    /// Why it is asked.
    let why: String
    let createdAt: Timestamp
    let expiresAt: Timestamp
    var state = State.pending
    /// What a person made of the command.
    var edited: String?

    init(
        sessionID: String, agent: Agent, kind: Kind, subject: String, deed: AgentDeed?, commandID: String?,
        purpose: String?, classes: [String], why: String, now: Timestamp = .now()
    ) {
        id = Identifier.make("apr")
        self.sessionID = sessionID
        self.agent = agent
        self.kind = kind
        self.subject = subject
        self.commandID = commandID
        self.deed = deed
        self.purpose = purpose
        self.classes = classes
        self.why = why
        createdAt = now
        expiresAt = now + Self.patience
    }
}

/// A question to a person, as people and the agent see it.
public struct ApprovalView: Sendable, Encodable {
    public let id: String
    public let sessionId: String
    public let agent: SessionView.Person
    public let kind: String
    public let subject: String
    public let commandId: String?
    public let cwd: String?
    /// What a command would read, or a file would hold: its beginning.
    public let input: String?
    public let purpose: String?
    public let classes: [String]
    public let why: String
    public let status: String
    public internal(set) var decidedBy: String?
    public internal(set) var reason: String?
    public let edited: String?
    public let createdAt: String
    public let expiresAt: String
    /// The narrowest pattern that would let this command through, for a person to begin with.
    public let suggestedPattern: String?

    init(_ approval: AgentApproval) {
        id = approval.id
        sessionId = approval.sessionID
        agent = approval.agent.person
        kind = approval.kind.rawValue
        subject = approval.subject
        commandId = approval.commandID
        cwd = approval.deed?.folder
        input = approval.deed?.shownInput
        purpose = approval.purpose
        classes = approval.classes
        why = approval.why
        status = approval.state.name
        decidedBy = approval.state.person
        if case .denied(let reason, _) = approval.state { self.reason = reason } else { reason = nil }
        edited = approval.edited
        createdAt = approval.createdAt.iso8601
        expiresAt = approval.expiresAt.iso8601
        suggestedPattern = approval.kind == .command ? Self.pattern(approval.subject, approval.classes) : nil
    }

    /// The command with anything as its last word; the very command where it does what can't be undone.
    private static func pattern(_ command: String, _ classes: [String]) -> String {
        let words = command.split(separator: " ", omittingEmptySubsequences: true)
        let isGrave = !Set(classes).isDisjoint(with: ["destructive", "privileged", "power", "secrets", "unknown"])
        guard words.count > 1, !isGrave else { return command }
        return words.dropLast().joined(separator: " ") + " *"
    }
}

/// What a person says to a question.
public enum ApprovalAnswer: Sendable {
    case once
    /// This very text for so many minutes.
    case exact(minutes: Int)
    /// Everything that the pattern matches, as long as the session lasts.
    case pattern(String)
    /// Another command instead.
    case edited(String)
    case deny(reason: String)

    /// It allows something beyond the question.
    var holdsOn: Bool {
        switch self {
        case .exact, .pattern: true
        case .once, .edited, .deny: false
        }
    }
}
