import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A program that takes our place at the terminal: it has our standard streams, and Ctrl-C is its business. Also one that
/// stays behind when we end.
public struct ForegroundProgram: Sendable {
    public let processID: Int32

    /// How it is to stand to this process.
    public enum Standing: Sendable {
        /// With our streams, in our session.
        case here
        /// In a session of its own, where no terminal's end reaches it; its standard output is this descriptor.
        case detached(output: Int32)
    }

    /// Starts a program, looked up in PATH.
    ///
    /// - Parameters:
    ///   - arguments: with its name first.
    ///   - environment: all of it.
    public init(
        _ arguments: [String], environment: [String: String], standing: Standing = .here
    ) throws(Failure) {
        guard let name = arguments.first, !arguments.contains(where: { $0.utf8.contains(0) }) else {
            throw Failure("There is no program to start.", hint: "Name one.")
        }
        var attributes = Self.attributes(standing)
        defer { posix_spawnattr_destroy(&attributes) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if case .detached(let output) = standing {
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        }
        var words = arguments.map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (words + variables).forEach { free($0) } }
        var number: pid_t = 0
        let error = posix_spawnp(&number, name, &actions, &attributes, &words, &variables)
        guard error == 0 else {
            throw Failure(
                "\(name) could not be started: \(String(cString: strerror(error))).", hint: "Check its path.")
        }
        processID = number
    }

    private static func attributes(_ standing: Standing) -> posix_spawnattr_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var set = sigset_t()
        sigemptyset(&set)
        posix_spawnattr_setsigmask(&attributes, &set)
        // What we ignore or catch is the program's own business again.
        for signal in [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE, SIGTSTP] { sigaddset(&set, signal) }
        posix_spawnattr_setsigdefault(&attributes, &set)
        var flags = Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK)
        #if os(Linux)
        /// POSIX_SPAWN_SETSID of spawn.h.
        if case .detached = standing { flags |= 0x80 }
        #endif
        posix_spawnattr_setflags(&attributes, Int16(flags))
        return attributes
    }

    /// Waits for the program's end, as a shell tells it: its status, or 128 and the signal's number.
    public func waitForExit() async -> Int32 {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var status: Int32 = 0
                while waitpid(processID, &status, 0) < 0, errno == EINTR {}
                let signal = status & 0x7F
                continuation.resume(returning: signal == 0 ? status >> 8 & 0xFF : 128 + signal)
            }
        }
    }

    public func signal(_ number: Int32) { kill(processID, number) }
}
