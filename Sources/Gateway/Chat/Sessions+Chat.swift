import Audit
import Policy
import Storage

/// Chat, seen from outside of the session: who may speak, and who has to hear of it.
extension Sessions {
    /// Somebody was mentioned in a chat.
    struct Mention: Encodable, Sendable {
        let sessionId: String
        let alias: String
        let message: ChatMessage
    }

    /// Says something in a session's chat.
    /// - Throws: 422 `invalid`, 403 `no_seat`, 404, 429 `too_many_attempts`.
    public func say(_ text: String, in id: String, caller: Caller) async throws(GatewayError) -> ChatMessage {
        let session = try await find(id, caller: caller)
        let text = try ChatText.checked(text)
        let mentioned = try await people(in: text, of: session)
        let message = try await session.say(text, by: caller, mentions: mentioned.map(\.id))
        services.recordSoon(
            event(
                session, caller, "chat.message",
                [
                    "characters": String(text.count),
                    "mentions": mentioned.map(\.username).sorted().joined(separator: " "),
                ]))
        await tellMentioned(message, mentioned.map(\.id), session)
        return message
    }

    /// The newest messages of a session's chat.
    public func chat(of id: String, caller: Caller) async throws(GatewayError) -> ChatHistory {
        try await find(id, caller: caller).chat.history
    }

    /// The people that a text mentions, as far as they may see the session: nobody else learns of it.
    private func people(in text: String, of session: LiveSession) async throws(GatewayError) -> [User] {
        let names = ChatText.mentions(in: text)
        guard !names.isEmpty else { return [] }
        var found: [User] = []
        for user in try await services.people.users(.system(tenant: services.tenant))
        where !user.disabled && names.contains(user.username) {
            if await session.mayBeSeen(by: user.asCaller(tenant: services.tenant)) { found.append(user) }
        }
        return found
    }

    /// Whoever is mentioned and looks at another session is told there; the page of this one shows it by itself.
    private func tellMentioned(_ message: ChatMessage, _ people: [String], _ session: LiveSession) async {
        let mention = Mention(sessionId: session.id, alias: session.origin.host.alias, message: message)
        for userID in people where userID != message.author.userId {
            await tell(userID, "chat.mention", mention, except: session.id)
        }
    }

    /// Tells one person something on every session where they sit.
    func tell(_ userID: String, _ kind: String, _ value: some Encodable & Sendable, except id: String? = nil) async {
        guard let note = SeatNote(kind, value) else { return }
        for session in all where session.id != id { session.submit { $0.tell(note, to: .person(userID)) } }
    }

    func event(_ session: LiveSession, _ caller: Caller, _ action: String, _ details: [String: String] = [:])
        -> AuditEvent
    {
        .init(
            actor: caller.auditActor, action: action,
            object: .init(kind: "session", id: session.id, name: session.origin.host.alias), outcome: .succeeded,
            details: details, session: session.id)
    }
}
