/// Why the server cannot do what it was started for.
public struct StandaloneServerError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// Settings that contradict each other, or that would let in whom they should not.
        case settings = "invalid_settings"
        /// A file that cannot be read, or that others may change.
        case file = "unusable_file"
        /// The address cannot be listened on.
        case listen = "listen_failed"
    }

    public let code: Code
    /// A sentence for people.
    public let description: String
    /// What to do about it.
    public let hint: String

    init(_ code: Code, _ description: String, hint: String) {
        self.code = code
        self.description = description
        self.hint = hint
    }

    static func settings(_ description: String, hint: String) -> StandaloneServerError {
        StandaloneServerError(.settings, description, hint: hint)
    }

    static func file(_ path: String, _ why: String, hint: String) -> StandaloneServerError {
        StandaloneServerError(.file, "\(path) \(why).", hint: hint)
    }
}
