import Storage

/// Signs the log's head and appends it to a file outside the database: when 64 new entries are there, five seconds
/// after the first new one, and at shutdown. A cut tail of the database then shows.
public actor CheckpointWriter {
    private let log: AuditLog
    private let file: CheckpointFile
    private let key: AuditSigningKey
    private let every: Int64
    private let interval: Duration
    private let onFault: @Sendable (AuditError) -> Void
    private var covered: Int64?
    private var timer: Task<Void, Never>?

    /// - Parameters:
    ///   - directory: outside the database's folder; it must exist.
    ///   - every: entries between checkpoints.
    ///   - interval: the longest time that a new entry stays uncovered.
    ///   - onFault: told when a checkpoint could not be written; the writer goes on trying.
    public init(
        log: AuditLog, directory: String, key: AuditSigningKey, every: Int64 = 64, interval: Duration = .seconds(5),
        onFault: @escaping @Sendable (AuditError) -> Void = { _ in }
    ) {
        self.log = log
        file = CheckpointFile(directory: directory, tenant: log.tenant)
        self.key = key
        self.every = every
        self.interval = interval
        self.onFault = onFault
    }

    /// Works until the task is cancelled, then writes the last checkpoint.
    public func run() async {
        let signals = log.activity.signals()
        await attempt()
        for await _ in signals { await noticed() }
        timer?.cancel()
        await attempt()
    }

    /// Writes a checkpoint now when there are entries that none covers.
    @discardableResult
    public func flush() async throws(AuditError) -> Checkpoint? {
        let head = try await currentHead()
        guard head.sequence > lastCovered() else { return nil }
        let checkpoint = try Checkpoint(tenant: log.tenant, size: head.sequence, head: head.hash, signedBy: key)
        try file.append(checkpoint)
        covered = head.sequence
        return checkpoint
    }

    private func noticed() async {
        guard let head = try? await currentHead() else { return startTimer() }
        let new = head.sequence - lastCovered()
        if new >= every {
            await attempt()
        } else if new > 0 {
            startTimer()
        }
    }

    private func attempt() async {
        do throws(AuditError) {
            try await flush()
        } catch {
            onFault(error)
            startTimer()
        }
    }

    private func startTimer() {
        guard timer == nil, !Task.isCancelled else { return }
        timer = Task { [interval] in
            try? await Task.sleep(for: interval)
            guard !Task.isCancelled else { return }
            self.timer = nil
            await self.attempt()
        }
    }

    /// Asked on the writer's thread: the signal comes from inside a transaction, and only after its end is the entry
    /// there to be signed.
    private func currentHead() async throws(AuditError) -> (sequence: Int64, hash: [UInt8]) {
        let log = self.log
        return try await AuditError.mapping { try await log.store.transaction { tx in try log.head(in: tx) } }
    }

    private func lastCovered() -> Int64 {
        if let covered { return covered }
        // Checkpoints of an older key do not count: the new key signs once more over everything.
        let last = (try? file.last(verifiedBy: key.verifier))?.size ?? 0
        covered = last
        return last
    }
}
