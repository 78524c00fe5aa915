import Foundation
import LocalProcess
import NIOCore
import SSH

/// Jobs with their tasks, logs and environments. Each job's tasks run one after the other as real processes in a folder
/// of its own, and each writes a log.
actor BuildService {
    private let folder: String
    private let people: [String: String]
    private var jobs: [String: Job] = [:]
    /// Who waits for more of a log, or for the end of a task.
    private var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    private var waits = 0

    /// - Parameter folder: Of its own; everything of it is gone with a job.
    init(_ plan: ServicePlan, folder: String) throws {
        self.folder = folder
        var people: [String: String] = [:]
        for (person, lines) in plan.people {
            for line in lines { people[try SSHPublicKey(authorizedKeysLine: line).fingerprint] = person }
        }
        self.people = people
        for work in plan.jobs {
            let place = "\(folder)/\(work.id)"
            guard !work.id.contains("/"), !work.id.hasPrefix("."), !work.tasks.isEmpty else {
                throw SSHError(
                    .internalError, "The job “\(work.id)” has no usable name or no task.", hint: "Rename it.")
            }
            try FileManager.default.createDirectory(
                atPath: place + "/work", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            jobs[work.id] = Job(
                id: work.id, owner: work.owner, tasks: work.tasks.map { Job.Step(name: $0.name) },
                environment: work.environment, folder: place + "/work", seconds: work.seconds)
        }
    }

    // MARK: Questions

    /// Whose key this is, by its fingerprint.
    func person(_ fingerprint: String) -> String? { people[fingerprint] }

    func job(_ id: String) -> Job? { jobs[id] }

    /// What a task wrote from an offset on, at most 64 KiB, and whether it has ended with that. Waits a while for more.
    func log(_ id: String, task: Int, from offset: UInt64) async -> (bytes: [UInt8], isAll: Bool)? {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            guard let job = jobs[id], job.tasks.indices.contains(task) else { return nil }
            // Asked before reading, or what came in between would be lost.
            let hasEnded = job.tasks[task].hasEnded
            let bytes = read(logFile(id, task), from: offset)
            if !bytes.isEmpty || hasEnded { return (bytes, hasEnded && bytes.isEmpty) }
            guard ContinuousClock.now < deadline else { return ([], false) }
            await waitForChange(until: deadline)
        }
    }

    private func logFile(_ id: String, _ task: Int) -> String { "\(folder)/\(id)/\(task).log" }

    private func read(_ path: String, from offset: UInt64) -> [UInt8] {
        guard let file = FileHandle(forReadingAtPath: path) else { return [] }
        defer { try? file.close() }
        guard (try? file.seek(toOffset: offset)) != nil else { return [] }
        return Array((try? file.read(upToCount: 64 * 1024)) ?? Data())
    }

    // MARK: Work

    /// Runs every job to its end.
    func run(_ plan: ServicePlan) async {
        await withTaskGroup(of: Void.self) { group in
            for work in plan.jobs { group.addTask { await self.run(work) } }
        }
    }

    private func run(_ work: ServicePlan.Work) async {
        for (index, step) in work.tasks.enumerated() {
            setTask(work.id, index, .running)
            let passed = await perform(step.command, job: work.id, log: logFile(work.id, index))
            setTask(work.id, index, passed ? .passed : .failed)
        }
        jobs[work.id]?.state = .ready
        changed()
    }

    private func perform(_ command: [String], job id: String, log path: String) async -> Bool {
        guard let program = command.first, FileManager.default.createFile(atPath: path, contents: nil),
            let log = FileHandle(forWritingAtPath: path)
        else { return false }
        defer { try? log.close() }
        var launch = ProcessLaunch(program, command, environment: Self.environment, folder: jobs[id]?.folder)
        launch.errorOutput = .merged
        do {
            let process = try await LocalProcess.start(launch)
            process.closeInput()
            for await bytes in process.output {
                try log.write(contentsOf: Data(bytes.readableBytesView))
                changed()
            }
            return await process.waitForExit() == .status(0)
        } catch {
            try? log.write(contentsOf: Data("\(error)\n".utf8))
            return false
        }
    }

    static let environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"]

    private func setTask(_ id: String, _ task: Int, _ state: Job.Step.State) {
        guard let job = jobs[id], job.tasks.indices.contains(task) else { return }
        jobs[id]?.tasks[task].state = state
        changed()
    }

    // MARK: Visits

    /// Lets somebody into a job's environment; false when it is not ready, or somebody is there.
    func beginVisit(_ id: String) -> Bool {
        guard jobs[id]?.state == .ready else { return false }
        jobs[id]?.state = .visited
        return true
    }

    /// The visit is over, and the environment with it: its folder is removed.
    func endVisit(_ id: String) {
        guard let job = jobs[id], job.state == .visited else { return }
        jobs[id]?.state = .over
        try? FileManager.default.removeItem(atPath: job.folder)
        changed()
    }

    // MARK: Waiting

    private func changed() {
        let all = waiting.values
        waiting = [:]
        for waiter in all { waiter.resume() }
    }

    private func waitForChange(until deadline: ContinuousClock.Instant) async {
        waits += 1
        let number = waits
        let timer = Task {
            try? await Task.sleep(until: deadline, clock: .continuous)
            waiting.removeValue(forKey: number)?.resume()
        }
        await withCheckedContinuation { waiting[number] = $0 }
        timer.cancel()
    }
}
