/// What an agent types, and what it waits for then.
public struct TerminalInput: Sendable {
    /// What ends the wait.
    public enum WaitFor: Sendable, Equatable {
        case pattern(String)
        case literal(String)
        /// A shell's prompt, or a program that asks for input.
        case prompt
        /// Nothing came for so long.
        case quiet(Duration)
    }

    /// As it is, bytes of a keyboard: `\r` is Enter. A line feed is sent as Enter too, as a paste would.
    public var input: String?
    /// Keys by name, after the text: `Enter`, `C-c`, `Up`.
    public var keys: [String]
    public var waitFor: WaitFor?
    public var timeout: Duration
    public var epoch: Int?

    public init(
        input: String? = nil, keys: [String] = [], waitFor: WaitFor? = nil, timeout: Duration = .seconds(10),
        epoch: Int? = nil
    ) {
        self.input = input
        self.keys = keys
        self.waitFor = waitFor
        self.timeout = timeout
        self.epoch = epoch
    }

    static let longest = 64 << 10

    /// The bytes that go to the host.
    func bytes() throws(GatewayError) -> [UInt8] {
        // A terminal sends a carriage return for Enter; the line discipline turns it.
        var bytes = Array((input ?? "").replacing("\r\n", with: "\r").replacing("\n", with: "\r").utf8)
        for key in keys {
            guard let sequence = TerminalKey.bytes(key) else {
                throw .invalid(
                    "keys", "There is no key of the name “\(key.prefix(40))”.",
                    hint: "Such as Enter, Tab, Escape, Up, PageDown, F5, C-c, M-x.")
            }
            bytes += sequence
        }
        guard bytes.count <= Self.longest else {
            throw GatewayError(
                "too_large", status: 413, "At most \(Self.longest >> 10) KiB can be typed at once.",
                hint: "Send a file with POST …/files instead.", field: "input")
        }
        return bytes
    }

    /// The lines whose echo is not to be taken for output.
    var typedLines: [String] {
        (input ?? "").split(whereSeparator: { $0.isNewline }).map(String.init).filter { !$0.isEmpty }
    }
}

/// Keys by the names that people and tmux use.
enum TerminalKey {
    private static let named: [String: String] = [
        "enter": "\r", "return": "\r", "tab": "\t", "escape": "\u{1B}", "esc": "\u{1B}", "space": " ",
        "backspace": "\u{7F}", "bspace": "\u{7F}", "delete": "\u{1B}[3~", "dc": "\u{1B}[3~", "insert": "\u{1B}[2~",
        "up": "\u{1B}[A", "down": "\u{1B}[B", "right": "\u{1B}[C", "left": "\u{1B}[D", "home": "\u{1B}[H",
        "end": "\u{1B}[F", "pageup": "\u{1B}[5~", "ppage": "\u{1B}[5~", "pagedown": "\u{1B}[6~",
        "npage": "\u{1B}[6~", "btab": "\u{1B}[Z", "f1": "\u{1B}OP", "f2": "\u{1B}OQ", "f3": "\u{1B}OR",
        "f4": "\u{1B}OS", "f5": "\u{1B}[15~", "f6": "\u{1B}[17~", "f7": "\u{1B}[18~", "f8": "\u{1B}[19~",
        "f9": "\u{1B}[20~", "f10": "\u{1B}[21~", "f11": "\u{1B}[23~", "f12": "\u{1B}[24~",
    ]

    static func bytes(_ name: String) -> [UInt8]? {
        let lower = name.lowercased()
        if let sequence = named[lower] { return Array(sequence.utf8) }
        if lower.hasPrefix("m-"), let rest = bytes(String(name.dropFirst(2))) { return [0x1B] + rest }
        if lower.hasPrefix("c-"), let last = lower.dropFirst(2).utf8.first, lower.utf8.count == 3 {
            switch last {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): return [last - 0x60]
            case UInt8(ascii: "@"), UInt8(ascii: " "): return [0]
            case UInt8(ascii: "["): return [0x1B]
            case UInt8(ascii: "\\"): return [0x1C]
            case UInt8(ascii: "]"): return [0x1D]
            case UInt8(ascii: "^"): return [0x1E]
            case UInt8(ascii: "_"): return [0x1F]
            default: return nil
            }
        }
        return name.count == 1 ? Array(name.utf8) : nil
    }
}

/// What typing brought.
public struct TerminalAnswer: Sendable, Encodable {
    /// Finished lines of the terminal so far.
    public let currentLine: Int
    /// The lines since the input, the unfinished one last; only where something was waited for.
    public let lines: [String]?
    /// What was waited for did not come in time.
    public let timeout: Bool?
    /// The text that matched.
    public let matched: String?
    public let cursor: String
    public let state: String
    public let control: ControlView
    public let waiting: WaitingView?
    /// The screen, while a full-screen program has it.
    public let screen: ScreenView?
    public let waitEnded: String?
    public let redactions: Int
    public let untrusted = true
}

/// What came of a signal.
public struct SignalAnswer: Sendable, Encodable {
    public let success: Bool
    /// `tty`: typed as the terminal's key. `kill`: sent to the processes. `unconfirmed`: nobody could look.
    public let delivered: String
}

/// Takes the echo of what was typed out of what came back, so that nothing waits for its own words.
struct EchoFilter: Sendable {
    private var typed: ArraySlice<String>

    init(_ lines: [String]) { typed = lines[...] }

    /// A finished line, without the echo of the next typed line if it ends with that.
    mutating func finished(_ line: String) -> String {
        guard let next = typed.first, let rest = Self.without(next, at: line) else { return line }
        typed = typed.dropFirst()
        return rest
    }

    /// The line that has no end yet: its echo may only be half there.
    func unfinished(_ line: String) -> String {
        guard let next = typed.first else { return line }
        if let rest = Self.without(next, at: line) { return rest }
        let (shown, wanted) = (Array(line), Array(next))
        var length = min(shown.count, wanted.count)
        while length > 0 {
            if shown.suffix(length) == wanted.prefix(length) { return String(shown.dropLast(length)) }
            length -= 1
        }
        return line
    }

    private static func without(_ typed: String, at line: String) -> String? {
        // The screen shows no blanks at the end of a line.
        var typed = typed[...]
        while typed.last == " " { typed.removeLast() }
        guard !typed.isEmpty, line.hasSuffix(typed) else { return nil }
        return String(line.dropLast(typed.count))
    }
}
