import Foundation
import NIOCore
import SSH
import SSHApplications

/// The build farm's door: `tail` follows a job's logs, `connect` leads its owner into its environment.
struct Builds: SSHApplication {
    let service: ServiceClient

    func run(_ visit: ApplicationVisit) async throws -> CommandResult.Exit {
        let words = visit.arguments ?? []
        guard words.count == 2, let command = Command(rawValue: words[0]) else {
            throw ApplicationFailure.usage(
                words.isEmpty ? "Say what you want." : "Builds does not know this command.",
                hint: """
                    ssh builds@host tail JOB         follow the job's logs until they end
                    ssh -t builds@host connect JOB   go into the job's environment
                    """)
        }
        let job = try await job(words[1], for: visit)
        switch command {
        case .tail:
            let end = try await follow(job, visit)
            return .status(end.hasPassed ? 0 : 1)
        case .connect:
            return try await connect(job, visit)
        }
    }

    private enum Command: String { case tail, connect }

    /// The job, if this is its owner. Whoever else asks does not learn whether there is one.
    private func job(_ id: String, for visit: ApplicationVisit) async throws -> Job {
        guard let fingerprint = visit.identity.fingerprint, let person = try await service.person(fingerprint) else {
            throw ApplicationFailure.refused(
                "The build service does not know your key.",
                hint: "Register it there: \(visit.identity.fingerprint ?? "")")
        }
        guard let job = try await service.job(id), job.owner == person else {
            throw ApplicationFailure.refused(
                "There is no job \(id) of yours.", hint: "You are \(person) here; only a job's owner may.")
        }
        return job
    }

    // MARK: Logs

    /// Follows the logs of all tasks to their ends and returns the job as it is then.
    private func follow(_ job: Job, _ visit: ApplicationVisit) async throws -> Job {
        try await visit.interruptible {
            for (index, task) in job.tasks.enumerated() { try await follow(job.id, index, task.name, visit) }
            guard let job = try await service.job(job.id) else { throw ServiceClient.lost }
            return job
        }
    }

    private func follow(_ id: String, _ task: Int, _ name: String, _ visit: ApplicationVisit) async throws {
        var offset = 0
        var lines = LogLines(task: name)
        while true {
            let (bytes, isAll) = try await service.log(id, task: task, from: offset)
            offset += bytes.readableBytes
            for line in lines.take(bytes.readableBytesView, isAll: isAll) { try await visit.print(line) }
            if isAll { return }
        }
    }

    // MARK: The environment

    private func connect(_ job: Job, _ visit: ApplicationVisit) async throws -> CommandResult.Exit {
        var job = job
        if job.state == .running {
            try await visit.print("Job \(job.id) is still running. Its log comes first; Ctrl-C leaves.")
            job = try await follow(job, visit)
            // The last task has ended a moment before its job has.
            while job.state == .running {
                try await Task.sleep(for: .milliseconds(50))
                guard let now = try await service.job(job.id) else { throw ServiceClient.lost }
                job = now
            }
        }
        let outcome = job.hasPassed ? "passed" : "failed"
        try await visit.print(
            "Job \(job.id) \(outcome). You have \(Self.words(seconds: job.seconds)) in its environment.")
        let environment = JobEnvironment(job: job, visit: visit)
        return try await service.visit(job.id) { try await environment.run() }
    }

    static func words(seconds: Int) -> String {
        switch seconds {
        case ..<120: "\(seconds) seconds"
        case ..<7200: "\(seconds / 60) minutes"
        default: "\(seconds / 3600) hours"
        }
    }
}

/// A log in lines with their task's name before them, whatever pieces it comes in.
struct LogLines {
    let task: String
    private var rest: [UInt8] = []
    /// A line that is longer is cut into several.
    private static let longest = 16 * 1024

    init(task: String) { self.task = task }

    /// The lines that are whole; at the end the last one, too. Nothing in them moves a terminal's cursor.
    mutating func take(_ bytes: some Sequence<UInt8>, isAll: Bool) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                lines.append(line())
            } else {
                rest.append(byte)
                if rest.count >= Self.longest { lines.append(line()) }
            }
        }
        if isAll, !rest.isEmpty { lines.append(line()) }
        return lines
    }

    private mutating func line() -> String {
        defer { rest = [] }
        let text = String(decoding: rest.last == UInt8(ascii: "\r") ? rest.dropLast() : rest[...], as: UTF8.self)
        return DisplayText.neutralise("[\(task)] \(text)", limit: Self.longest, keepsLines: true)
    }
}
