/// What a person types into a session, with the escape sequences of ssh(1) taken out: a value, bytes in and steps out.
///
/// The escape character counts only behind a line's end, and at the beginning.
public struct EscapeMachine: Sendable, Hashable {
    /// What an escape sequence asks for.
    public enum Command: Sendable, Hashable {
        /// `~.`
        case disconnect
        /// `~^Z`
        case suspend
        /// `~&`
        case background
        /// `~#`
        case listConnections
        /// `~C`
        case commandLine
        /// `~R`
        case rekey
        /// `~B`
        case sendBreak
        /// `~v`, `~V`
        case moreVerbose, lessVerbose
        /// `~?`
        case help
    }

    public enum Step: Sendable, Hashable {
        /// Bytes for the host.
        case data([UInt8])
        /// With the letter as it was typed, to be shown.
        case command(Command, UInt8)
    }

    private let escape: UInt8
    private var isAtLineStart = true
    private var isPending = false

    public init(escape: UInt8) { self.escape = escape }

    /// A line was typed that the host did not see: what follows begins one.
    public mutating func beginLine() {
        isAtLineStart = true
        isPending = false
    }

    /// Whether none of these bytes needs a closer look, so that they can go to the host as they are.
    public mutating func passes(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard !isPending, !bytes.contains(escape) else { return false }
        if let last = bytes.last { isAtLineStart = Self.endsLine(last) }
        return true
    }

    public mutating func process(_ bytes: some Sequence<UInt8>) -> [Step] {
        var steps: [Step] = []
        var data: [UInt8] = []
        for byte in bytes {
            if isPending {
                isPending = false
                if let command = command(byte) {
                    if !data.isEmpty { steps.append(.data(data)) }
                    data = []
                    steps.append(.command(command, byte))
                    // What follows a command may be an escape again, without another line's end.
                    isAtLineStart = true
                    continue
                }
                // An escape of no meaning is typed text; the character twice is the character once.
                if byte != escape { data.append(escape) }
                data.append(byte)
                isAtLineStart = Self.endsLine(byte)
            } else if isAtLineStart, byte == escape {
                isPending = true
            } else {
                data.append(byte)
                isAtLineStart = Self.endsLine(byte)
            }
        }
        if !data.isEmpty { steps.append(.data(data)) }
        return steps
    }

    private static func endsLine(_ byte: UInt8) -> Bool { byte == 0x0D || byte == 0x0A }

    private func command(_ byte: UInt8) -> Command? {
        switch byte {
        case escape: nil
        case UInt8(ascii: "."): .disconnect
        case 0x1A: .suspend
        case UInt8(ascii: "&"): .background
        case UInt8(ascii: "#"): .listConnections
        case UInt8(ascii: "C"): .commandLine
        case UInt8(ascii: "R"): .rekey
        case UInt8(ascii: "B"): .sendBreak
        case UInt8(ascii: "v"): .moreVerbose
        case UInt8(ascii: "V"): .lessVerbose
        case UInt8(ascii: "?"): .help
        default: nil
        }
    }

    /// The escape character and a letter as a person reads them: "~.", "^]^Z".
    public func shown(_ letter: UInt8) -> String { Self.shown(escape) + Self.shown(letter) }

    private static func shown(_ byte: UInt8) -> String {
        byte < 0x20 ? "^" + String(UnicodeScalar(byte + 64)) : String(UnicodeScalar(byte))
    }

    /// The text of `~?`, line by line.
    public var help: [String] {
        let escape = Self.shown(escape)
        return [
            "Supported escape sequences:",
            " \(escape).   - terminate connection",
            " \(escape)B   - send a BREAK to the remote system",
            " \(escape)C   - open a command line (-L, -R, -D, -KL, -KR, -KD, help)",
            " \(escape)R   - request rekey",
            " \(escape)V/v - decrease/increase verbosity",
            " \(escape)^Z  - suspend",
            " \(escape)#   - list forwarded connections",
            " \(escape)?   - this message",
            " \(escape)\(escape)   - send the escape character by typing it twice",
            "(Note that escapes are only recognized immediately after newline.)",
        ]
    }
}
