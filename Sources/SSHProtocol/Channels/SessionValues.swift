// Values that a session channel carries (RFC 4254 §6): which stream bytes belong to, how a remote
// process ended, and the terminal modes of a PTY request.

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

/// The encoded terminal modes of a PTY request: pairs of opcode and argument (RFC 4254 §8).
public struct TerminalModes: Sendable, Hashable {
    /// Opcode (1…159) and its 32-bit argument, in the order they are sent.
    public var values: [(opcode: UInt8, argument: UInt32)] {
        get { pairs.map { ($0.opcode, $0.argument) } }
        set { pairs = newValue.map { Pair(opcode: $0.opcode, argument: $0.argument) } }
    }

    private struct Pair: Sendable, Hashable {
        var opcode: UInt8
        var argument: UInt32
    }

    private var pairs: [Pair]

    public init(_ values: [(opcode: UInt8, argument: UInt32)] = []) {
        pairs = values.map { Pair(opcode: $0.opcode, argument: $0.argument) }
    }

    /// Nothing but the end marker: the host keeps its own defaults.
    public static let hostDefaults = TerminalModes()

    /// What an interactive terminal of today wants: UTF-8 line editing (IUTF8, RFC 8160) over the host's defaults.
    public static let interactive = TerminalModes([(opcode: 42, argument: 1)])

    /// The bytes of the "encoded terminal modes" string, closed by TTY_OP_END.
    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pairs.count * 5 + 1)
        // RFC 4254 §8: opcodes from 160 on have no defined argument and would end the peer's parsing.
        for pair in pairs where (1...159).contains(pair.opcode) {
            bytes.append(pair.opcode)
            withUnsafeBytes(of: pair.argument.bigEndian) { bytes.append(contentsOf: $0) }
        }
        bytes.append(0)
        return bytes
    }
}
