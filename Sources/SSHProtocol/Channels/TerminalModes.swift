// The encoded terminal modes of a PTY request: RFC 4254 §8.

/// Pairs of opcode and argument (RFC 4254 §8).
public struct TerminalModes: Sendable, Hashable {
    /// The opcodes of RFC 4254 §8 and RFC 8160.
    public enum Opcode {
        /// Special characters; 255 turns one off.
        public static let interrupt: UInt8 = 1, quit: UInt8 = 2, erase: UInt8 = 3, kill: UInt8 = 4
        public static let endOfFile: UInt8 = 5, endOfLine: UInt8 = 6, secondEndOfLine: UInt8 = 7
        public static let start: UInt8 = 8, stop: UInt8 = 9, suspend: UInt8 = 10, delayedSuspend: UInt8 = 11
        public static let reprint: UInt8 = 12, wordErase: UInt8 = 13, literalNext: UInt8 = 14, flush: UInt8 = 15
        public static let switchLayer: UInt8 = 16, status: UInt8 = 17, discard: UInt8 = 18
        /// Flags: IUTF8 of RFC 8160, and the first and last ones of each termios word.
        public static let ignoreParity: UInt8 = 30, utf8: UInt8 = 42, signals: UInt8 = 50, canonical: UInt8 = 51
        public static let echo: UInt8 = 53, extendedProcessing: UInt8 = 59, outputProcessing: UInt8 = 70
        public static let sevenBits: UInt8 = 90, eightBits: UInt8 = 91
        /// Bits per second.
        public static let inputSpeed: UInt8 = 128, outputSpeed: UInt8 = 129
    }

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

    /// The argument of an opcode; of several the last one, which a terminal would end up with.
    public subscript(_ opcode: UInt8) -> UInt32? { pairs.last { $0.opcode == opcode }?.argument }

    /// Reads the "encoded terminal modes" string of a peer.
    ///
    /// - Returns: nil when an argument is cut off.
    init?(encoded: [UInt8]) {
        var rest = encoded[...]
        pairs = []
        // RFC 4254 §8: TTY_OP_END, or an opcode from 160 on, ends the parsing. Some peers leave the end marker out.
        while let opcode = rest.popFirst(), (1...159).contains(opcode) {
            guard rest.count >= 4 else { return nil }
            pairs.append(Pair(opcode: opcode, argument: rest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }))
            rest = rest.dropFirst(4)
        }
    }

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
