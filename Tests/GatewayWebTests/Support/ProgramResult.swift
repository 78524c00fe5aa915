import TestSupport

/// What a program printed, and how it ended.
struct ProgramResult {
    let status: Int32
    let output: String
}

/// Runs a program to its end, away from the threads that the server needs.
func runProgram(_ path: String, _ arguments: [String]) async throws -> ProgramResult {
    let folder = try TemporaryFolder()
    let ended = try await ChildProcess.run(path, arguments, log: folder.file("log"))
    return ProgramResult(status: ended.status, output: ended.text)
}
