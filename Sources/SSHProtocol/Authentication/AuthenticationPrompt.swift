/// One round of questions of keyboard-interactive authentication (RFC 4256 §3.2). Every text is the host's: neutralise
/// it before showing (`DisplayText`).
public struct AuthenticationPrompt: Sendable, Hashable {
    public struct Question: Sendable, Hashable {
        public var text: String
        /// Whether the answer may be shown while it is typed.
        public var echoes: Bool

        public init(text: String, echoes: Bool) {
            self.text = text
            self.echoes = echoes
        }
    }

    public var name: String
    public var instruction: String
    /// May be empty: then an empty answer is due.
    public var questions: [Question]
    /// Position in the credentials of the one this round belongs to.
    public var credential: Int

    public init(name: String, instruction: String, questions: [Question], credential: Int) {
        self.name = name
        self.instruction = instruction
        self.questions = questions
        self.credential = credential
    }
}
