import Audit
import Storage

/// A page of the audit log.
struct AuditAnswer: Encodable {
    let entries: [AuditEntryAnswer]
    /// Where the next, older page begins; nil after the first entry of all.
    let next: Int64?

    private enum Key: String, CodingKey {
        case entries, next
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(entries, forKey: .entries)
        try container.encode(next, forKey: .next)
    }
}

struct AuditEntryAnswer: Encodable {
    struct Actor: Encodable {
        let kind: String
        let id: String
        let name: String
        let onBehalfOf: String?
        let address: String?
    }
    struct Object: Encodable {
        let kind: String
        let id: String
        let name: String
    }

    let seq: Int64
    let time: String
    let actor: Actor
    let action: String
    let object: Object?
    let outcome: String
    let details: [String: String]
    let session: String?
    /// SHA-256 over this entry and the one before, hexadecimal.
    let hash: String

    init(_ entry: AuditEntry) {
        let event = entry.event
        seq = entry.sequence
        time = entry.time.iso8601
        actor = Actor(
            kind: event.actor.kind.rawValue, id: event.actor.id, name: event.actor.name,
            onBehalfOf: event.actor.onBehalfOf, address: event.actor.address)
        action = event.action
        object = event.object.map { Object(kind: $0.kind, id: $0.id, name: $0.name) }
        outcome = event.outcome.rawValue
        details = event.details
        session = event.session
        hash = entry.hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// What a check of the whole log found.
struct AuditVerificationAnswer: Encodable {
    struct Problem: Encodable {
        let seq: Int64
        let kind: String
        let sentence: String
    }

    private let verification: AuditVerification

    init(_ verification: AuditVerification) {
        self.verification = verification
    }

    private enum Key: String, CodingKey {
        case ok, entries, checkpoints, problem
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(verification.isWhole, forKey: .ok)
        try container.encode(verification.entries, forKey: .entries)
        try container.encode(verification.checkpoints, forKey: .checkpoints)
        let problem = verification.problem.map {
            Problem(seq: $0.sequence, kind: $0.kind.rawValue, sentence: $0.sentence)
        }
        try container.encode(problem, forKey: .problem)
    }
}
