import Foundation

/// What a program printed, and how it ended.
struct ProgramResult {
    let status: Int32
    let output: String
}

/// Runs a program to its end, away from the threads that the server needs.
func runProgram(_ path: String, _ arguments: [String]) async throws -> ProgramResult {
    let output = NSTemporaryDirectory() + "copilot-output-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: output) }
    let program = try Program(path, arguments, output: output)
    let status = await program.end()
    return ProgramResult(status: status, output: (try? String(contentsOfFile: output, encoding: .utf8)) ?? "")
}

/// A program that a test started, ended by its own id.
///
/// Foundation's `Process` learns of an end by a socket that programs started at the same time inherit: with a daemon
/// among them it never learns. This one inherits nothing to its program and waits for its id.
struct Program: Sendable {
    struct NotStarted: Error {
        let code: Int32
    }

    private let identifier: pid_t

    /// - Parameter output: the file that gets what the program prints.
    init(_ path: String, _ arguments: [String], output: String = "/dev/null") throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Closing what is not open is no error here.
        for descriptor in 3..<Int32(512) { posix_spawn_file_actions_addclose(&actions, descriptor) }
        let words = ([path] + arguments).map { strdup($0) }
        let variables = ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") }
        defer { for text in words + variables { free(text) } }
        var identifier = pid_t()
        let code = posix_spawn(&identifier, path, &actions, nil, words + [nil], variables + [nil])
        guard code == 0 else { throw NotStarted(code: code) }
        self.identifier = identifier
    }

    /// Waits for the end of the program. Call it once.
    /// - Returns: its exit status; 128 and more when a signal ended it.
    func end() async -> Int32 {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [identifier] in
                var status: Int32 = 0
                while waitpid(identifier, &status, 0) == -1, errno == EINTR {}
                continuation.resume(returning: status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F))
            }
        }
    }

    func stop() async {
        kill(identifier, SIGTERM)
        _ = await end()
    }
}
