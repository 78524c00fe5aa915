#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Why a program could not be started or written to.
public struct LocalProcessError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// There is no such program.
        case notFound = "program_not_found"
        /// The system refused to start it.
        case startFailed = "start_failed"
        /// The account cannot be taken on.
        case accountRefused = "account_refused"
        /// The system has no terminal left.
        case noTerminal = "no_terminal"
        /// The launch makes no sense.
        case malformed = "malformed_launch"
        /// The program reads no more.
        case inputClosed = "input_closed"
    }

    public let code: Code
    /// A sentence for people.
    public let description: String
    /// What to do about it.
    public let hint: String
    /// The system's number, where it gave one.
    public let number: Int32?

    init(_ code: Code, _ description: String, hint: String, number: Int32? = nil) {
        self.code = code
        self.description = description
        self.hint = hint
        self.number = number
    }

    static func notFound(_ program: String) -> LocalProcessError {
        LocalProcessError(
            .notFound, "There is no program \(program) in PATH.", hint: "Give its whole path, or install it.",
            number: ENOENT)
    }

    static func malformed(_ why: String) -> LocalProcessError {
        LocalProcessError(.malformed, "The program cannot be started: \(why).", hint: "Change what is to be started.")
    }

    static func accountRefused(_ name: String, _ number: Int32) -> LocalProcessError {
        LocalProcessError(
            .accountRefused, "The rights of the account \(name) cannot be taken on: \(words(number)).",
            hint: "Only root may act for another account.", number: number)
    }

    static func noTerminal(_ number: Int32) -> LocalProcessError {
        LocalProcessError(
            .noTerminal, "The system gives no terminal: \(words(number)).",
            hint: "Look at /proc/sys/kernel/pty/max, the limit of open files, and whether /dev/pts is mounted.",
            number: number)
    }

    static let inputClosed = LocalProcessError(
        .inputClosed, "The program reads no more.", hint: "It has ended, or closed its standard input.")

    /// - Parameter step: As CProcess counts them.
    static func start(_ launch: ProcessLaunch, step: Int32, _ number: Int32) -> LocalProcessError {
        let name = launch.executable
        switch step {
        case 5, 6: return accountRefused(launch.account?.name ?? "?", number)
        case 7:
            return LocalProcessError(
                .startFailed, "\(name) cannot start in the folder \(launch.folder ?? "?"): \(words(number)).",
                hint: "Look whether the folder is there and may be entered.", number: number)
        case 8 where number == ENOENT:
            return LocalProcessError(
                .notFound, "There is no program \(name), or what its first line names is missing.",
                hint: "Check the path.", number: number)
        default:
            return LocalProcessError(
                .startFailed, "\(name) could not be started: \(words(number)).",
                hint: number == EMFILE || number == ENFILE
                    ? "Raise the limit of open files." : "Check that it may be executed, and the machine's limits.",
                number: number)
        }
    }

    private static func words(_ number: Int32) -> String { String(cString: strerror(number)) }
}
