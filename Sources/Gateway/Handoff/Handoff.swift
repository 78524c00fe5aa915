import Storage

/// An offer to take a session over.
public struct Handoff: Sendable, Encodable {
    public enum State: String, Sendable, Encodable {
        case open
        case accepted
        case declined
        case withdrawn
        case expired
        /// The session was over before anybody decided.
        case ended
    }

    public let id: String
    public let sessionId: String
    public let host: SessionView.Host
    public let from: SessionView.Person
    public let to: SessionView.Person
    /// What the person who hands over wants to say.
    public let note: String
    public let createdAt: String
    public let expiresAt: String
    public internal(set) var state: State
    public internal(set) var decidedAt: String?
    public let brief: HandoffBrief

    let expires: Timestamp

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(sessionId, forKey: .sessionId)
        try container.encode(host, forKey: .host)
        try container.encode(from, forKey: .from)
        try container.encode(to, forKey: .to)
        try container.encode(note, forKey: .note)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(expiresAt, forKey: .expiresAt)
        try container.encode(state, forKey: .state)
        try container.encode(decidedAt, forKey: .decidedAt)
        try container.encode(brief, forKey: .brief)
    }

    private enum CodingKeys: String, CodingKey {
        case id, sessionId, host, from, to, note, createdAt, expiresAt, state, decidedAt, brief
    }
}
