import Recording
import Storage

/// The chat beside the terminal.
extension LiveSession {
    /// Whether this person sits here now.
    func hasSeat(_ caller: Caller) -> Bool {
        seats.contains { $0.caller.userID == caller.userID && $0.isConnected }
    }

    /// Says something to everybody here; it is in the recording before anybody sees it.
    /// - Throws: 403 `no_seat`, 429 `too_many_attempts`, 409 `ended`.
    func say(_ text: String, by caller: Caller, mentions: [String]) throws(GatewayError) -> ChatMessage {
        guard state != .ended else { throw .sessionEnded(origin.recordingID) }
        guard hasSeat(caller) else {
            throw GatewayError(
                "no_seat", status: 403, "The chat is for those who sit at this session.",
                hint: "Open the session first.")
        }
        guard admit(caller, \.messages) else {
            throw .tooManyAttempts("You write faster than others can read.", wait: .seconds(2))
        }
        let message = ChatMessage(
            id: Identifier.make("msg"), at: Timestamp.now().iso8601, time: Double(recorder.elapsed) / 1_000_000,
            author: .init(userId: caller.userID, name: caller.name), text: text, mentions: mentions)
        recorder.note(.chat(author: caller.name, text: text))
        chat.append(message)
        tell("chat.message", message)
        return message
    }
}
