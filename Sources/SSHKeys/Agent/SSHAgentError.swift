/// Why something about an SSH agent failed.
public struct SSHAgentError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable strings for machines.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// No socket is named, or nothing listens there.
        case unavailable = "agent_unavailable"
        /// The agent said no: it does not know the key, is locked, or somebody did not confirm.
        case refused = "agent_refused"
        /// The agent did not answer in time.
        case timeout = "agent_timeout"
        /// The other side breaks the agent protocol.
        case malformed = "agent_malformed"
        /// A request, a constraint or a key type that is known and not supported.
        case unsupported = "agent_unsupported"
        /// The connection to the agent ended.
        case connectionLost = "agent_connection_lost"
        /// A folder or socket that others could reach.
        case unsafePermissions = "agent_unsafe_permissions"
        /// known_hosts does not say which keys a destination has.
        case unknownDestination = "agent_unknown_destination"
    }

    public let code: Code
    /// One sentence for people. Nothing secret.
    public let description: String
    /// What to do about it.
    public let hint: String

    public init(_ code: Code, _ description: String, hint: String) {
        self.code = code
        self.description = description
        self.hint = hint
    }

    /// `reason` completes "The agent protocol is broken: ".
    static func malformed(_ reason: String) -> SSHAgentError {
        SSHAgentError(
            .malformed, "The agent protocol is broken: \(reason).",
            hint: "Check which program is at the other end of the agent's socket.")
    }

    static func unsupported(_ what: String) -> SSHAgentError {
        SSHAgentError(
            .unsupported, "\(what) is not supported by this agent.", hint: "Leave it out, or use OpenSSH's ssh-agent.")
    }

    init(_ error: SSHKeyError) {
        self.init(error.code == .unsupported ? .unsupported : .malformed, error.description, hint: error.hint)
    }
}

/// Reads with the error of this folder.
func reading<Value>(
    _ body: () throws(SSHKeyError) -> Value
) throws(SSHAgentError) -> Value {
    do throws(SSHKeyError) { return try body() } catch { throw SSHAgentError(error) }
}
