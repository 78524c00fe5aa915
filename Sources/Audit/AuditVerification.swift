import Storage

/// What a check of the whole log found.
public struct AuditVerification: Sendable, Hashable {
    /// The first thing that is wrong.
    public struct Problem: Sendable, Hashable {
        public enum Kind: String, Sendable {
            /// An entry was changed after it was written.
            case altered
            /// Entries are missing between others.
            case missing
            /// Entries that a checkpoint covers are missing at the end.
            case cutTail = "cut_tail"
            /// The chain holds in itself but is not the one that was signed.
            case rewritten
        }

        /// The number of the first entry that is wrong or missing.
        public let sequence: Int64
        public let kind: Kind
        /// For people: what was found and where.
        public let sentence: String
    }

    /// How many entries were read.
    public let entries: Int64
    /// How many checkpoints were compared.
    public let checkpoints: Int
    /// nil when the log is whole.
    public let problem: Problem?

    public var isWhole: Bool { problem == nil }
}

extension AuditLog {
    /// Reads the whole log once and compares it with itself and with the checkpoints. The memory that it needs does not
    /// grow with the log.
    ///
    /// Without checkpoints an altered entry and a missing middle are found. A tail that was cut, or a log that was
    /// written anew with right hashes, is found when a checkpoint covers it.
    /// - Parameter checkpoints: of this log, with signatures already verified.
    public func verify(against checkpoints: [Checkpoint] = []) async throws(AuditError) -> AuditVerification {
        let ordered = checkpoints.filter { $0.tenant == tenant }.sorted { $0.size < $1.size }
        return try await AuditError.mapping {
            try await store.read { [tenant] tx in
                var check = ChainCheck(checkpoints: ordered)
                try tx.each("SELECT * FROM audit_entry WHERE tenant = \(tenant) ORDER BY sequence") { check.accept($0) }
                return check.finish()
            }
        }
    }
}

/// Follows the chain entry by entry.
private struct ChainCheck {
    private let checkpoints: [Checkpoint]
    private var next = 0
    private var covered: Int64 = 0
    private var sequence: Int64 = 0
    private var hash = StoredEntry.noHash
    private var problem: AuditVerification.Problem?

    init(checkpoints: [Checkpoint]) {
        self.checkpoints = checkpoints
    }

    /// False when something is wrong and the rest says nothing more.
    mutating func accept(_ row: SQLRow) -> Bool {
        let expected = sequence + 1
        guard let entry = try? StoredEntry(row), let stored = try? row.bytes("hash") else {
            return refuse(.altered, expected, "Entry \(expected) of the audit log was altered: it cannot be read.")
        }
        guard entry.sequence == expected else {
            let last = entry.sequence - 1
            let range = last > expected ? "Entries \(expected) to \(last) are" : "Entry \(expected) is"
            return refuse(.missing, expected, "\(range) missing from the audit log.")
        }
        let computed = entry.hash(after: hash)
        guard computed == stored else {
            return refuse(
                .altered, expected,
                "Entry \(expected) of the audit log was altered: its hash does not match its content and the entry "
                    + "before it.")
        }
        (sequence, hash) = (expected, computed)
        return compare()
    }

    private mutating func compare() -> Bool {
        while next < checkpoints.count, checkpoints[next].size <= sequence {
            let checkpoint = checkpoints[next]
            guard checkpoint.size < sequence || checkpoint.head == hash else {
                let first = covered + 1
                let range = first < sequence ? "between entries \(first) and \(sequence)" : "at entry \(sequence)"
                return refuse(
                    .rewritten, first,
                    "The audit log was rewritten \(range): the signed checkpoint over \(sequence) entries has another "
                        + "hash.")
            }
            covered = checkpoint.size
            next += 1
        }
        return true
    }

    private mutating func refuse(_ kind: AuditVerification.Problem.Kind, _ at: Int64, _ sentence: String) -> Bool {
        problem = AuditVerification.Problem(sequence: at, kind: kind, sentence: sentence)
        return false
    }

    mutating func finish() -> AuditVerification {
        if problem == nil, let last = checkpoints.last, last.size > sequence {
            let first = sequence + 1
            let range = first < last.size ? "entries \(first) to \(last.size) are" : "entry \(first) is"
            _ = refuse(
                .cutTail, first,
                "The end of the audit log was cut: \(range) missing, a signed checkpoint covers \(last.size) entries.")
        }
        return AuditVerification(entries: sequence, checkpoints: checkpoints.count, problem: problem)
    }
}
