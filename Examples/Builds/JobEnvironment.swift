import Foundation
import LocalProcess
import NIOConcurrencyHelpers
import NIOCore
import SSH
import SSHApplications

/// A visit to a job's environment: a program in the job's folder, on the person's terminal or without one, for no longer
/// than the job allows. Everything that was started there ends with it.
struct JobEnvironment: Sendable {
    let job: Job
    let visit: ApplicationVisit

    func run() async throws -> CommandResult.Exit {
        let mark = UUID().uuidString
        let result: Result<CommandResult.Exit, any Error>
        do {
            result = .success(try await run(mark))
        } catch {
            result = .failure(error)
        }
        // In a task of its own: a cancelled one could not wait.
        await Task { await Self.endProcesses(marked: mark) }.value
        return try result.get()
    }

    private func run(_ mark: String) async throws -> CommandResult.Exit {
        let process = try await start(mark)
        let isOutOfTime = NIOLockedValueBox(false)
        let exit = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sendInput(to: process) }
            group.addTask { await sendSizes(to: process) }
            group.addTask {
                try await Task.sleep(for: .seconds(job.seconds))
                isOutOfTime.withLockedValue { $0 = true }
                // A program may think about a hang-up; it has no choice about the next one.
                process.hangUp()
                try await Task.sleep(for: .seconds(2))
                await Self.endProcesses(marked: mark)
            }
            defer { group.cancelAll() }
            return try await output(of: process)
        }
        if isOutOfTime.withLockedValue({ $0 }) {
            try await visit.printError("\nThe time of job \(job.id) is over, and so is its environment.")
            return .status(ApplicationFailure.Kind.temporary.rawValue)
        }
        switch exit {
        case .status(let status): return .status(UInt32(clamping: status))
        case .signal(let number, _): return .status(UInt32(clamping: 128 + number))
        }
    }

    private func start(_ mark: String) async throws -> LocalProcess {
        var environment = BuildService.environment
        environment["JOB"] = job.id
        environment["HOME"] = job.folder
        environment[Self.variable] = mark
        var terminal: PseudoTerminal.Setup?
        if let size = visit.terminal {
            environment["TERM"] = size.type
            terminal = PseudoTerminal.Setup(size: PseudoTerminal.Size(columns: size.columns, rows: size.rows))
        }
        guard let program = job.environment.first else {
            throw ApplicationFailure.refused("Job \(job.id) has no environment.", hint: "Its logs are there: tail.")
        }
        do {
            return try await LocalProcess.start(
                ProcessLaunch(
                    program, job.environment, environment: environment, folder: job.folder, terminal: terminal))
        } catch {
            throw ApplicationFailure.temporary("The environment does not start: \(error.description)")
        }
    }

    /// Returns when the program has ended and everything that it wrote was passed on. With the visit it ends, too.
    private func output(of process: LocalProcess) async throws -> LocalProcess.Exit {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await bytes in process.output { try await visit.write(bytes) } }
            group.addTask { for await bytes in process.error { try await visit.write(bytes, to: .standardError) } }
            try await group.waitForAll()
        }
        try Task.checkCancellation()
        return await process.waitForExit()
    }

    private func sendInput(to process: LocalProcess) async throws {
        while let bytes = try await visit.read() { try await process.write(bytes) }
        process.closeInput()
    }

    private func sendSizes(to process: LocalProcess) async {
        for await event in visit.events() {
            switch event {
            case .resized(let size): process.resize(columns: size.columns, rows: size.rows)
            case .signal("INT"): process.signal(SIGINT)
            case .signal("TERM"): process.signal(SIGTERM)
            case .signal: break
            }
        }
    }

    // MARK: The end

    /// Every process of the visit inherits this variable, however it left the terminal behind.
    private static let variable = "COPILOT_EXAMPLE_VISIT"

    /// Looks again until nobody is left: a process that is just being made, or becoming another program, is not seen.
    private static func endProcesses(marked mark: String) async {
        var quietRounds = 0
        for _ in 0..<100 where quietRounds < 3 {
            quietRounds = endVisibleProcesses(marked: mark) ? 0 : quietRounds + 1
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Whether there was one.
    private static func endVisibleProcesses(marked mark: String) -> Bool {
        let needle = Array("\(variable)=\(mark)".utf8)
        var isFound = false
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let id = Int32(entry), id > 1,
                let file = FileHandle(forReadingAtPath: "/proc/\(entry)/environ"),
                let data = try? file.read(upToCount: 1 << 20)
            else { continue }
            guard data.split(separator: 0).contains(where: { $0.elementsEqual(needle) }) else { continue }
            kill(id, SIGKILL)
            isFound = true
        }
        return isFound
    }
}
