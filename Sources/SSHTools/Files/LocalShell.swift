import Dispatch
import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Programs of this machine at the prompt's own terminal.
enum LocalShell {
    /// Runs a line, or the person's shell to work in, and waits for its end.
    ///
    /// - Parameters:
    ///   - line: For the shell; nil starts one.
    ///   - folder: Where it runs.
    ///   - environment: SHELL counts.
    /// - Returns: Its exit status, 128 and the number for a signal; nil when it did not start.
    static func run(_ line: String?, in folder: String, environment: [String: String]) async -> Int32? {
        let shell = environment["SHELL"].flatMap { $0.isEmpty ? nil : $0 } ?? "/bin/sh"
        // The folder is the prompt's, not the process's.
        let arguments =
            ["/bin/sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh", folder, shell]
            + (line.map { ["-c", $0] } ?? [])
        return await run(arguments, environment)
    }

    /// Runs a program of the path with the process's own environment.
    static func run(program: String, _ arguments: [String]) async -> Int32? {
        await run(["/usr/bin/env", program] + arguments, ProcessEnvironment.all)
    }

    private static func run(_ arguments: [String], _ environment: [String: String]) async -> Int32? {
        guard let process = start(arguments, environment) else { return nil }
        return await withCheckedContinuation { continuation in
            waiting.async { continuation.resume(returning: wait(for: process)) }
        }
    }

    private static let waiting = DispatchQueue(label: "local shell", attributes: .concurrent)

    private static func wait(for process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 { if errno != EINTR { return 255 } }
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : 128 + signal
    }

    private static func start(_ arguments: [String], _ environment: [String: String]) -> pid_t? {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The prompt ignores what a program at its terminal must not ignore.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
        var vector: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in vector + variables { free(pointer) } }
        var process: pid_t = 0
        guard posix_spawn(&process, arguments.first ?? "/bin/sh", nil, &attributes, &vector, &variables) == 0 else {
            return nil
        }
        return process
    }
}

/// The process's environment.
public enum ProcessEnvironment {
    public static var all: [String: String] { ProcessInfo.processInfo.environment }
}
