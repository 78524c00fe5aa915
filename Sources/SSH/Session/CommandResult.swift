public import SSHProtocol

/// What `SSHConnection.run` brings back.
public struct CommandResult: Sendable, Hashable {
    /// How the remote command ended.
    public enum Exit: Sendable, Hashable {
        case status(UInt32)
        case signal(ExitSignal)
        /// The host closed the channel without saying.
        case unknown
    }

    public var standardOutput: [UInt8]
    public var standardError: [UInt8]
    public var exit: Exit
    /// The outputs together were longer than the limit; what lay beyond it was read and dropped.
    public var isTruncated: Bool
}
