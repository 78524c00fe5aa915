import Foundation

struct ToolFailure: Error, CustomStringConvertible {
    var description: String
}

/// A program that a test started, with its standard error in a file. Killed by its own id when the test is over.
final class ChildProcess: @unchecked Sendable {
    // Unchecked: `process` is only asked for its id and its state, which Foundation guards with a lock.
    private let process: Process
    let log: String

    init(_ program: String, _ arguments: [String], log: String, environment: [String: String] = [:]) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        if !environment.isEmpty {
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        }
        self.log = log
        try Data().write(to: URL(fileURLWithPath: log))
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
    }

    deinit { stop() }

    var identifier: Int32 { process.processIdentifier }

    var isRunning: Bool { process.isRunning }

    var output: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    func stop() {
        guard process.isRunning else { return }
        // Without waiting: Foundation collects the process, and waiting would hold a thread that other tests need.
        kill(process.processIdentifier, SIGTERM)
    }

    /// Runs a program to its end and returns what it wrote.
    @discardableResult
    static func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        while process.isRunning { usleep(1000) }
        guard process.terminationStatus == 0 else {
            throw ToolFailure(description: "\(program) \(arguments.joined(separator: " ")) failed: \(output)")
        }
        return output
    }
}
