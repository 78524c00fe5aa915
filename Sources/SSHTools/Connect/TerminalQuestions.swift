import CLocalCalls
import NIOPosix
import SSHProtocol

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Asks at the terminal that controls the process, whatever standard input is; without one, or when the environment says
/// so, the program that `SSH_ASKPASS` names asks.
///
/// What is typed for a question that hides its answer is not echoed, and the terminal gets its settings back whatever ends
/// the process meanwhile.
public struct TerminalQuestions: PersonQuestions {
    /// Longer than any password or passphrase; what lies beyond it is read and dropped.
    private static let limit = 1024

    private let askpass: AskpassProgram?
    /// Where messages go; the terminal itself when nil.
    private let isTerminalPreferred: Bool

    public init() {
        askpass = AskpassProgram.fromEnvironment()
        isTerminalPreferred = askpass?.requirement != .force
    }

    public func answer(_ prompt: PersonPrompt) async -> String? {
        // Reading blocks until the person has typed.
        try? await NIOThreadPool.singleton.runIfActive { () -> String? in ask(prompt) }
    }

    public func tell(_ text: String) async {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Printable.line(String($0)) }
        PersonTerminal.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: STDERR_FILENO)
    }

    /// The same for whoever may wait for the person.
    func ask(_ prompt: PersonPrompt) -> String? {
        if let askpass, askpass.requirement == .force || askpass.requirement == .prefer { return askpass.ask(prompt) }
        let descriptor = open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return askpass?.ask(prompt) }
        defer { close(descriptor) }
        return Self.ask(prompt, at: descriptor)
    }

    private static func ask(_ prompt: PersonPrompt, at descriptor: Int32) -> String? {
        let text = prompt.text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { Printable.line(String($0)) }.joined(separator: "\n")
        PersonTerminal.write(Array(text.utf8), to: descriptor)
        guard !prompt.isShown else { return readLine(descriptor) }
        var settings = termios()
        guard tcgetattr(descriptor, &settings) == 0 else { return nil }
        settings.c_lflag &= ~tcflag_t(ECHO | ECHONL)
        settings.c_lflag |= tcflag_t(ICANON | ISIG)
        // A secret that would be shown is not asked for.
        guard terminal_guard_begin(descriptor, &settings) == 0 else { return nil }
        defer {
            terminal_guard_end()
            PersonTerminal.write([UInt8(ascii: "\n")], to: descriptor)
        }
        return readLine(descriptor)
    }

    /// A line without its end; nil at the end of the file.
    private static func readLine(_ descriptor: Int32) -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            let count = read(descriptor, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return line.isEmpty ? nil : String(decoding: line, as: UTF8.self) }
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { break }
            if line.count < limit { line.append(byte) }
        }
        return String(decoding: line, as: UTF8.self)
    }
}

/// The program that asks in a window of its own (ssh(1), `SSH_ASKPASS`).
struct AskpassProgram: Sendable {
    enum Requirement: Sendable {
        /// Only where there is no terminal.
        case fallback
        case prefer
        case force
    }

    let path: String
    let requirement: Requirement

    static func fromEnvironment() -> AskpassProgram? {
        func value(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        guard let path = value("SSH_ASKPASS") else { return nil }
        switch value("SSH_ASKPASS_REQUIRE")?.lowercased() {
        case "never": return nil
        case "prefer": return AskpassProgram(path: path, requirement: .prefer)
        case "force": return AskpassProgram(path: path, requirement: .force)
        default:
            // Without a display there is nowhere to ask.
            guard value("DISPLAY") != nil || value("WAYLAND_DISPLAY") != nil else { return nil }
            return AskpassProgram(path: path, requirement: .fallback)
        }
    }

    func ask(_ prompt: PersonPrompt) -> String? {
        var environment: [String: String] = [:]
        // ssh(1): "confirm" shows two buttons, whose choice is the exit status.
        if prompt.purpose == .confirmation { environment["SSH_ASKPASS_PROMPT"] = "confirm" }
        let result = LocalProgram.run([path, prompt.text], environment: environment, limit: 4096)
        guard let result, result.status == 0 else { return nil }
        let line = result.output.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        if prompt.purpose == .confirmation, line.isEmpty { return "yes" }
        return String(decoding: line, as: UTF8.self)
    }
}
