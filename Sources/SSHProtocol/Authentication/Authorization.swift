// What a server's owner is asked about a user, and what it may answer.

public import SSHKeys

/// Somebody wants to be let in. Whatever could be checked by arithmetic is checked already: a key or certificate comes
/// here only after its signature over this very session was verified. Whether it may come in is the owner's decision.
public struct AuthorizationRequest: Sendable {
    /// The proof that is offered.
    public enum Method: Sendable {
        /// None (RFC 4252 §5.2): accept it only where anybody may come in.
        case none
        /// A key or a certificate whose signature is good, the algorithm it signed with, and what a security key said
        /// beside it. A certificate is still to be checked: its authority, dates, principals and options.
        case publicKey(PublicIdentity, algorithm: String, SignatureDetails?)
        case password([UInt8])
        /// RFC 4252 §8: change the password, and let in by the new one.
        case passwordChange(old: [UInt8], new: [UInt8])
        /// RFC 4256 §3.1, with the submethods that the client hints at. Answer with `ask`.
        case keyboardInteractive(submethods: [String])
        /// Answers to the questions asked last, as many as there were.
        case keyboardResponses([String])

        /// The name on the wire.
        public var name: String {
            switch self {
            case .none: "none"
            case .publicKey: "publickey"
            case .password, .passwordChange: "password"
            case .keyboardInteractive, .keyboardResponses: "keyboard-interactive"
            }
        }
    }

    /// As the client sent it, at most 1,024 bytes; neutralise it before showing.
    public var username: String
    /// What is to follow: "ssh-connection".
    public var service: String
    public var method: Method
    /// Names of the methods of this chain that succeeded before, in order.
    public var completed: [String]
    /// Counts the attempts of this connection, from 1.
    public var attempt: Int
}

/// The answer to an `AuthorizationRequest`. There is no default: whoever serves decides.
public enum AuthorizationAnswer: Sendable {
    case accept
    case refuse
    /// Good, and one of `remaining` must follow (RFC 4252 §5.1). With nothing remaining it counts as `refuse`.
    case partial(remaining: [String])
    /// Questions for the user; only for keyboard-interactive, elsewhere it counts as `refuse`.
    case ask(KeyboardQuestions)
    /// The password is right and has expired (RFC 4252 §8); only for passwords, elsewhere it counts as `refuse`.
    case changePassword(prompt: String)
}

/// One round of questions (RFC 4256 §3.2).
public struct KeyboardQuestions: Sendable, Hashable {
    public struct Prompt: Sendable, Hashable {
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
    public var prompts: [Prompt]

    public init(name: String = "", instruction: String = "", prompts: [Prompt]) {
        self.name = name
        self.instruction = instruction
        self.prompts = prompts
    }
}

/// Who was let in, and by what.
public struct AuthenticatedUser: Sendable, Hashable {
    /// One method of the chain.
    public struct Method: Sendable, Hashable {
        public var name: String
        /// The key or certificate, where the method has one.
        public var identity: PublicIdentity?

        public init(name: String, identity: PublicIdentity? = nil) {
            self.name = name
            self.identity = identity
        }
    }

    public var username: String
    /// In the order in which they succeeded.
    public var methods: [Method]

    public init(username: String, methods: [Method]) {
        self.username = username
        self.methods = methods
    }
}
