import Storage

/// What a notice is about. The raw value is part of the interface: pages and devices choose words and icons by it.
public struct NoticeKind: RawRepresentable, Sendable, Hashable {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    public static let keyboardRequested = NoticeKind(rawValue: "keyboard.requested")
    public static let handoffOffered = NoticeKind(rawValue: "handoff.offered")
    public static let sessionInvited = NoticeKind(rawValue: "session.invited")
    public static let hostKeyChanged = NoticeKind(rawValue: "host.key_changed")
    public static let agentRequest = NoticeKind(rawValue: "agent.request")
    public static let mentioned = NoticeKind(rawValue: "chat.mention")
    /// Asked for by the person, to see that a device is reached.
    public static let test = NoticeKind(rawValue: "push.test")

    /// Whether somebody waits for the person: such a notice wakes a device that saves its battery (RFC 8030 §5.3).
    public var isUrgent: Bool {
        [.keyboardRequested, .handoffOffered, .agentRequest, .hostKeyChanged, .test].contains(self)
    }
}

/// Something that a person should know of.
public struct Notice: Sendable, Hashable {
    public let id: String
    public let userID: String
    public let kind: NoticeKind
    /// One line. It may hold names of people and hosts, never a secret.
    public let text: String
    /// A place in the page, such as `/s/ses_…`.
    public let link: String
    public let at: Timestamp
    public let readAt: Timestamp?

    init(userID: String, kind: NoticeKind, text: String, link: String) {
        id = Identifier.make("ntc")
        self.userID = userID
        self.kind = kind
        self.text = text
        self.link = link
        at = .now()
        readAt = nil
    }

    init(_ row: SQLRow) throws(StorageError) {
        id = try row.text("id")
        userID = try row.text("person")
        kind = NoticeKind(rawValue: try row.text("kind"))
        text = try row.text("text")
        link = try row.text("link")
        at = try row.time("at")
        readAt = try row.optionalTime("read")
    }
}
