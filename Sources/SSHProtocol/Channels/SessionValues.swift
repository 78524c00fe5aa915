// Values that a session channel carries (RFC 4254 §6): which stream bytes belong to, how a remote process ended, and what
// X11 forwarding asks for.

/// Which stream of the remote process bytes belong to.
public enum SSHDataStream: Sendable, Hashable {
    /// SSH_MSG_CHANNEL_DATA (RFC 4254 §5.2).
    case standardOutput
    /// SSH_MSG_CHANNEL_EXTENDED_DATA of type 1 (RFC 4254 §5.2).
    case standardError
}

/// A remote process ended by a signal (RFC 4254 §6.10).
public struct ExitSignal: Sendable, Hashable {
    /// The signal without "SIG", such as "TERM". Printable ASCII, at most 64 characters.
    public var name: String
    /// Whether the host says that it wrote a core file.
    public var coreDumped: Bool
    /// The host's own words, unsanitised: neutralise control characters before showing it.
    public var message: String

    public init(name: String, coreDumped: Bool = false, message: String = "") {
        self.name = name
        self.coreDumped = coreDumped
        self.message = message
    }
}

/// X11 forwarding for a session (RFC 4254 §6.3.1).
public struct X11Request: Sendable, Hashable {
    /// One connection only.
    public var isSingle: Bool
    /// Such as "MIT-MAGIC-COOKIE-1".
    public var protocolName: String
    /// In hexadecimal; never the real one (RFC 4254 §6.3.1).
    public var cookie: String
    public var screen: UInt32

    public init(
        isSingle: Bool = false, protocolName: String = "MIT-MAGIC-COOKIE-1", cookie: String, screen: UInt32 = 0
    ) {
        self.isSingle = isSingle
        self.protocolName = protocolName
        self.cookie = cookie
        self.screen = screen
    }
}
