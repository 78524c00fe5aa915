// A part of the program that goes on when its caller has its prompt back: `-f`, and the connection that `--reuse` keeps.
// A process with threads cannot fork, so the program is started once more and takes the caller's place at the terminal
// until there is nothing left to ask.

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

enum Background {
    private static let variable = "COPILOT_SSH_READY"
    private static let descriptor: Int32 = 3

    /// Whether this process is the one that goes on. Asked once, at the beginning: programs that it starts are not.
    static func isThisProcess() -> Bool {
        guard getenv(variable).map({ String(cString: $0) }) == "\(getppid())" else { return false }
        unsetenv(variable)
        return fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0
    }

    /// Starts the program with the same words, and waits until it is ready or has failed.
    ///
    /// - Parameter environment: Beside our own.
    /// - Returns: nil when it is ready; the exit status of one that failed, which has said why.
    static func start(environment: [String: String] = [:]) throws(Failure) -> Int32? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw Failure("No pipe could be made.", hint: "", status: .connection)
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        // Our own number tells the program that it is meant, and nobody below it. What whoever called us has open, beside
        // the standard three, is not for a process that stays.
        let process: pid_t
        do throws(Failure) {
            process = try LocalProgram.start(
                ["/proc/self/exe"] + CommandLine.arguments.dropFirst(), descriptors: [(ends[1], descriptor)],
                environment: environment.merging([variable: "\(getpid())"]) { $1 }, closingFrom: descriptor + 1)
            close(ends[1])
        } catch {
            close(ends[1])
            throw error
        }
        var byte: UInt8 = 0
        while true {
            let count = read(ends[0], &byte, 1)
            if count < 0, errno == EINTR { continue }
            return count == 1 ? nil : LocalProgram.waitForExit(process)
        }
    }

    /// Nothing is left to ask: the caller gets its prompt back, the terminal's signals no longer concern this process.
    ///
    /// - Parameter keepsOutput: Standard output and error stay where they are; otherwise they lead nowhere.
    static func becomeReady(keepsOutput: Bool) {
        setsid()
        let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
        dup2(nothing, STDIN_FILENO)
        if !keepsOutput {
            dup2(nothing, STDOUT_FILENO)
            dup2(nothing, STDERR_FILENO)
        }
        if nothing > STDERR_FILENO { close(nothing) }
        var byte: UInt8 = 1
        _ = write(descriptor, &byte, 1)
        close(descriptor)
    }
}
