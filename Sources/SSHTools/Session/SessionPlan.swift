public import SSH
public import SSHProtocol

/// What is to be run on a host, and how this end takes part in it.
public struct SessionPlan: Sendable, Hashable {
    public enum Program: Sendable, Hashable {
        /// The user's login shell.
        case shell
        /// Interpreted by that shell.
        case command(String)
        case subsystem(String)
    }

    public var program: Program
    /// nil for a session without a terminal.
    public var terminal: SSHTerminal?
    /// A terminal was wanted, and there is none here that it could be like.
    var lacksTerminal = false
    /// Names and values, in order; hosts refuse most names.
    public var environment: [EnvironmentVariable] = []
    /// Standard input is over before it begins.
    public var readsNoInput = false
    /// The command as it is, where it is no UTF-8.
    package var commandBytes: [UInt8]?
    /// Nothing begins before the first byte of standard input has come.
    package var waitsForInput = false
    /// Begins an escape sequence, in a session with a terminal; nil for none.
    public var escapeCharacter: UInt8?
    public var forwardsAgent = false
    /// The display's name, such as ":0", where X11 is forwarded.
    public var forwardsX11 = false

    public struct EnvironmentVariable: Sendable, Hashable {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public init(_ program: Program) { self.program = program }
}

/// How a session ended.
public enum SessionEnd: Sendable {
    case status(UInt32)
    case signal(ExitSignal)
    /// The host closed it without saying how the program ended.
    case unknown
    /// By the escape sequence for it, or by a signal to this process.
    case givenUp
    case failed(SSHError)
    /// Standard output is a file that took no more: what was received is not whole. The system's error number.
    case outputLost(Int32)

    /// Why it is to be told as a failure; nil for an end that says enough by its status.
    package var failure: Failure? {
        switch self {
        case .failed(let error): Failure(error)
        case .outputLost(let number): .outputLost(number, status: .connection)
        default: nil
        }
    }

    /// As OpenSSH's client: the program's own, otherwise 255.
    public var exitStatus: Int32 {
        if case .status(let status) = self { return Int32(truncatingIfNeeded: status & 0xFF) }
        return 255
    }
}
