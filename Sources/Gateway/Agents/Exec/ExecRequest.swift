import NIOCore

/// What an agent wants to run.
public struct ExecRequest: Sendable {
    /// What happens to a command that takes longer than its time.
    public enum OnTimeout: String, Sendable, Codable {
        /// It goes on; its identifier collects it later.
        case detach
        /// It is ended with everything it started.
        case stop
    }

    public var command: String?
    /// The words of a command, which no shell interprets. Instead of `command`.
    public var arguments: [String]?
    public var workingDirectory: String?
    public var environment: [String: String]
    /// Nil: the command's input is empty.
    public var input: [UInt8]?
    /// More input may follow by the command's own call.
    public var keepsInputOpen: Bool
    /// How long the command may take before `onTimeout` happens.
    public var timeout: Duration
    public var onTimeout: OnTimeout
    /// How long this call waits for the end.
    public var wait: Duration
    /// The same key with the same command gives the same run: nothing is started twice.
    public var idempotencyKey: String?
    /// It outlives its connection, and is found again after one, or after a restart of the copilot.
    public var isDurable: Bool
    /// It runs as root by sudo, which gets the account's password from the vault.
    public var isRoot = false
    /// It is typed at the prompt of the session's terminal, whose folder, variables and jobs it shares.
    public var inTerminal = false
    /// The agent's own words for the person.
    public var purpose: String?
    /// Says what the policy would do, and runs nothing.
    public var isDryRun: Bool
    public var view: CommandViewOptions

    public init(
        command: String? = nil, arguments: [String]? = nil, workingDirectory: String? = nil,
        environment: [String: String] = [:], input: [UInt8]? = nil, keepsInputOpen: Bool = false,
        timeout: Duration = .seconds(120), onTimeout: OnTimeout = .detach, wait: Duration = .seconds(120),
        idempotencyKey: String? = nil, isDurable: Bool = false, purpose: String? = nil, isDryRun: Bool = false,
        view: CommandViewOptions = CommandViewOptions()
    ) {
        self.command = command
        self.arguments = arguments
        self.workingDirectory = workingDirectory
        self.environment = environment
        self.input = input
        self.keepsInputOpen = keepsInputOpen
        self.timeout = timeout
        self.onTimeout = onTimeout
        self.wait = wait
        self.idempotencyKey = idempotencyKey
        self.isDurable = isDurable
        self.purpose = purpose
        self.isDryRun = isDryRun
        self.view = view
    }

    /// The command as it is judged, shown, recorded and run: the environment is a part of it, since a variable can
    /// make a harmless command do anything (`PATH`, `LD_PRELOAD`, `GIT_EXTERNAL_DIFF`).
    func text() throws(GatewayError) -> String {
        let line = try line()
        if inTerminal { return try typed(line) }
        return isRoot ? "sudo sh -c " + ShellQuoting.wordWhereNeeded(line) : line
    }

    /// Bytes of a line that a terminal without a line editor takes.
    static let longestTypedLine = 4000

    private func typed(_ line: String) throws(GatewayError) -> String {
        guard workingDirectory == nil, environment.isEmpty, input == nil, !keepsInputOpen, !isDurable, !isRoot else {
            throw .invalid(
                "terminal", "In the terminal a command has the shell's own folder, variables, input and account.",
                hint: "Leave out cwd, env, stdin, stdinOpen, durable and sudo, or leave out “terminal”.")
        }
        guard line.utf8.count <= Self.longestTypedLine, !line.unicodeScalars.contains(where: Self.isControl) else {
            throw .invalid(
                "command",
                "In the terminal a command is one line of at most \(Self.longestTypedLine) bytes without control characters.",
                hint: "Join lines with “;”, or run it without “terminal”.")
        }
        return line
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.generalCategory == .control }

    /// The line that `sh` runs.
    func line() throws(GatewayError) -> String {
        let text: String
        let exports = try self.exports()
        guard (idempotencyKey?.utf8.count ?? 0) <= 200, (workingDirectory?.utf8.count ?? 0) <= 4096 else {
            throw .invalid(
                "idempotencyKey", "A key has at most 200 bytes, and a folder's path at most 4096.", hint: "Shorten it.")
        }
        guard !isDurable || !keepsInputOpen else {
            throw .invalid(
                "stdinOpen", "A durable command gets all of its input at its start.", hint: "Send it as “stdin”.")
        }
        switch (command, arguments) {
        case (let command?, nil): text = command.isEmpty ? "" : exports + command
        case (nil, let words?) where !words.isEmpty:
            text = exports + words.map(ShellQuoting.wordWhereNeeded).joined(separator: " ")
        default:
            throw GatewayError(
                "missing_command", status: 400, "Missing command.",
                hint: "Send either “command”, a line for sh, or “argv”, a list of words.", field: "command")
        }
        guard !text.allSatisfy(\.isWhitespace) else {
            throw GatewayError(
                "missing_command", status: 400, "The command is empty.", hint: "Send a command.", field: "command")
        }
        guard !text.utf8.contains(0) else {
            throw .invalid("command", "A command can't contain a NUL byte.", hint: "Send binary data as stdin.")
        }
        guard text.utf8.count <= ShellQuoting.limit else {
            throw GatewayError(
                "command_too_long", status: 413, "The command is longer than \(ShellQuoting.limit >> 10) KiB.",
                hint: "Write it to a file with POST …/files and run that file.", field: "command")
        }
        return text
    }

    private func exports() throws(GatewayError) -> String {
        var exports = ""
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
            guard name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]{0,127}/) != nil, !value.utf8.contains(0) else {
                throw .invalid(
                    "env", "This is no name of an environment variable, or its value has a NUL.",
                    hint: "Names have letters, digits and underscores.")
            }
            exports += "export \(name)=\(ShellQuoting.wordWhereNeeded(value)); "
        }
        return exports
    }

    /// The script that `sh` runs: the account's environment with pagers and prompts turned off, then the command.
    static func script(_ text: String, workingDirectory: String?, agent: String) -> String {
        var script = "PAGER=cat GIT_PAGER=cat GIT_TERMINAL_PROMPT=0 DEBIAN_FRONTEND=noninteractive AI_AGENT="
        script += ShellQuoting.word(agent)
        script += "\nexport PAGER GIT_PAGER GIT_TERMINAL_PROMPT DEBIAN_FRONTEND AI_AGENT\n"
        if let workingDirectory { script += "cd -- \(ShellQuoting.word(workingDirectory)) || exit 1\n" }
        return script + text
    }
}

extension ShellQuoting {
    /// One word, in quotes only where it needs them.
    static func wordWhereNeeded(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { isPlainWord($0) }
        return isPlain ? text : word(text)
    }

    private static func isPlainWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "_./,:+@%-".utf8.contains(byte)
        }
    }
}

/// How much of a command's output an answer carries.
public struct CommandViewOptions: Sendable, Equatable {
    /// Bytes of each stream when the caller does not say.
    public static let usual = 32 << 10

    /// Bytes of each stream, at most 16 MiB.
    public var maxBytes: Int?
    /// Of those, bytes of the beginning and of the end.
    public var head: Int?
    public var tail: Int?
    /// Binary output as base64 instead of a summary.
    public var base64: Bool

    public init(maxBytes: Int? = nil, head: Int? = nil, tail: Int? = nil, base64: Bool = false) {
        self.maxBytes = maxBytes
        self.head = head
        self.tail = tail
        self.base64 = base64
    }

    var limit: Int { min(max(maxBytes ?? Self.usual, 256), CommandOutput.most) }

    var parts: (first: Int, last: Int) {
        if let head { return (min(max(head, 0), limit), min(max(tail ?? max(0, limit - head), 0), limit)) }
        if let tail { return (max(0, limit - min(max(tail, 0), limit)), min(max(tail, 0), limit)) }
        return (limit / 4, limit - limit / 4)
    }
}
