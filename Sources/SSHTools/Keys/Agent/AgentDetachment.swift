import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An agent that stays behind when the command that started it ends. A process with threads cannot fork: the program is
/// started once more, and says through its standard output when it listens.
public enum AgentDetachment {
    /// Starts it, and gives the lines that it prints.
    ///
    /// - Parameter words: this program and its arguments.
    public static func start(_ words: [String]) async throws(Failure) -> [String] {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw Failure("No pipe to the agent could be made.", hint: "Raise the limit of open files.")
        }
        // The program gets the writing end as its standard output alone: a second one would keep the pipe open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let reader = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        let program: ForegroundProgram
        do throws(Failure) {
            program = try ForegroundProgram(
                words, environment: ProcessInfo.processInfo.environment, standing: .detached(output: ends[1]))
        } catch {
            close(ends[1])
            throw error
        }
        close(ends[1])
        // It leaves the pipe as soon as everything is said.
        let text = String(decoding: (try? reader.readToEnd()) ?? Data(), as: UTF8.self)
        let lines = text.split(separator: "\n").map(String.init)
        guard !lines.isEmpty else {
            let status = await program.waitForExit()
            throw Failure("The agent did not start (status \(status)).", hint: "Standard error says why.")
        }
        return lines
    }

    /// Lets go of whatever the process was started with, so that nobody waits for the end of a pipe.
    public static func leaveStreams() {
        let null = open("/dev/null", O_RDWR)
        guard null >= 0 else { return }
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] { dup2(null, descriptor) }
        if null > STDERR_FILENO { close(null) }
        _ = chdir("/")
    }
}
