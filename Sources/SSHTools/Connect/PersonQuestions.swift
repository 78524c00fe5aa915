/// One question to a person.
public struct PersonPrompt: Sendable, Hashable {
    /// What the answer is for, so that a face can choose how to ask.
    public enum Purpose: Sendable, Hashable {
        /// Opens a private key file.
        case passphrase
        case password
        /// A question that the host asks (keyboard-interactive).
        case hostQuestion
        /// Whether a host's key is the right one: "yes", "no" or its fingerprint.
        case hostKey
        /// Yes or no.
        case confirmation
    }

    public var purpose: Purpose
    /// Complete, with what separates it from the answer: "deploy@web-1's password: ". Harmless to show.
    public var text: String
    /// Whether the answer may be seen while it is typed.
    public var isShown: Bool

    public init(_ purpose: Purpose, _ text: String, isShown: Bool) {
        self.purpose = purpose
        self.text = text
        self.isShown = isShown
    }
}

/// Whatever must be asked of a person while connecting: passphrases, passwords, a host's own questions, unknown host keys.
public protocol PersonQuestions: Sendable {
    /// The answer, without a line feed; nil when there is nobody or they would not say.
    func answer(_ prompt: PersonPrompt) async -> String?
    /// Something to read with the question that follows.
    func tell(_ text: String) async
}

/// Nobody is there: every question stays open.
public struct NoQuestions: PersonQuestions {
    public init() {}
    public func answer(_ prompt: PersonPrompt) async -> String? { nil }
    public func tell(_ text: String) async {}
}
