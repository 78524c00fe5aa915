import NIOCore
import Storage

/// The beginning of a command that runs as root: sudo asks on standard error with a text that only this command knows, gets
/// the password from the vault, and the command says when it has begun. Until then nothing of the agent's input is sent, so
/// that a sudo which asks for nothing never hands the password on as input.
struct SudoDialogue: Sendable {
    /// What is to be done after some of standard error.
    enum Step: Equatable {
        case wait
        case sendPassword
        /// The command runs; what follows is its own.
        case begin
        /// The password was wrong.
        case refused
    }

    /// What sudo says before the command begins, such as a lecture, at most.
    private static let longest = 16 << 10

    let password: [UInt8]
    private let prompt: [UInt8]
    private let start: [UInt8]
    private var held: [UInt8] = []
    private var isAsked = false
    private(set) var hasBegun = false

    init(password: [UInt8]) {
        self.password = password
        let mark = SecretToken().text
        prompt = Array("copilot-asks-\(mark):".utf8)
        start = Array("copilot-begins-\(mark):".utf8)
    }

    /// `-k` forgets what sudo remembers for this one command: whoever runs it later is asked again.
    func script(_ script: String, name: String) -> String {
        let inner = "printf %s \(String(decoding: start, as: UTF8.self)) >&2\n" + script
        // Not by the account's own PATH, where a program of that name could stand.
        return """
            for s in /usr/bin/sudo /bin/sudo /usr/local/bin/sudo /run/wrappers/bin/sudo; do
            [ -x "$s" ] && exec "$s" -k -S -p \(String(decoding: prompt, as: UTF8.self)) -- sh -c \
            \(ShellQuoting.word(inner)) \(name)
            done
            echo "There is no sudo here." >&2
            exit 127
            """
    }

    /// Takes in what came on standard error before the command began.
    /// - Returns: what to do, and what to show of it.
    mutating func take(_ bytes: ByteBufferView) -> (step: Step, shown: [UInt8]) {
        held += bytes.prefix(max(0, Self.longest - held.count))
        if let range = held.firstRange(of: start) {
            hasBegun = true
            defer { held = [] }
            return (.begin, without(prompt, Array(held[..<range.lowerBound])) + held[range.upperBound...])
        }
        guard let asked = held.firstRange(of: prompt) else { return (.wait, []) }
        held.removeSubrange(asked)
        guard !isAsked else { return (.refused, rest()) }
        isAsked = true
        return (.sendPassword, [])
    }

    /// What sudo said where no command began.
    mutating func rest() -> [UInt8] {
        defer { held = [] }
        return without(prompt, held)
    }

    private func without(_ mark: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        while let range = bytes.firstRange(of: mark) { bytes.removeSubrange(range) }
        return bytes
    }
}

/// How a command goes to its host.
struct CommandLaunch: Sendable {
    let line: String
    var sudo: SudoDialogue?
    /// It only watches a durable command that began before.
    var isAttaching = false
    /// Its time is over, and it was to be stopped then.
    let onTimeout: @Sendable () -> Void
    /// The channel of a durable command is gone; the command may be at work.
    var onDetached: @Sendable () -> Void = {}
}
