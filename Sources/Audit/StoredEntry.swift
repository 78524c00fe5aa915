import Crypto
import Foundation
import Storage

/// An entry as its row holds it. Every column goes into the hash, so a change of any of them is found.
struct StoredEntry {
    var tenant: String
    var sequence: Int64
    var time: Timestamp
    var actorKind: String
    var actorID: String
    var actorName: String
    var actorOnBehalfOf: String?
    var actorAddress: String?
    var action: String
    var objectKind: String?
    var objectID: String?
    var objectName: String?
    var outcome: String
    /// Canonical JSON; hashed as it stands.
    var details: String
    var session: String?

    init(_ event: AuditEvent, tenant: String, sequence: Int64, time: Timestamp) {
        self.tenant = tenant
        self.sequence = sequence
        self.time = time
        actorKind = event.actor.kind.rawValue
        actorID = event.actor.id
        actorName = event.actor.name
        actorOnBehalfOf = event.actor.onBehalfOf
        actorAddress = event.actor.address
        action = event.action
        objectKind = event.object?.kind
        objectID = event.object?.id
        objectName = event.object?.name
        outcome = event.outcome.rawValue
        details = CanonicalJSON.object(event.details)
        session = event.session
    }

    init(_ row: SQLRow) throws(StorageError) {
        tenant = try row.text("tenant")
        sequence = try row.integer("sequence")
        time = try row.time("time")
        actorKind = try row.text("actor_kind")
        actorID = try row.text("actor_id")
        actorName = try row.text("actor_name")
        actorOnBehalfOf = try row.optionalText("actor_on_behalf_of")
        actorAddress = try row.optionalText("actor_address")
        action = try row.text("action")
        objectKind = try row.optionalText("object_kind")
        objectID = try row.optionalText("object_id")
        objectName = try row.optionalText("object_name")
        outcome = try row.text("outcome")
        details = try row.text("details")
        session = try row.optionalText("session")
    }

    /// The text that is hashed. An absent value has no key.
    var canonical: String {
        func object(_ values: [(String, String?)]) -> String {
            CanonicalJSON.object(
                values.compactMap { key, value in value.map { (key: key, value: CanonicalJSON.string($0)) } })
        }
        let actor = object([
            ("address", actorAddress), ("id", actorID), ("kind", actorKind), ("name", actorName),
            ("onBehalfOf", actorOnBehalfOf),
        ])
        var members = [
            (key: "action", value: CanonicalJSON.string(action)),
            (key: "actor", value: actor),
            (key: "details", value: details),
            (key: "object", value: object([("id", objectID), ("kind", objectKind), ("name", objectName)])),
            (key: "outcome", value: CanonicalJSON.string(outcome)),
            (key: "sequence", value: String(sequence)),
            (key: "tenant", value: CanonicalJSON.string(tenant)),
            (key: "time", value: String(time.microseconds)),
        ]
        if let session { members.append((key: "session", value: CanonicalJSON.string(session))) }
        return CanonicalJSON.object(members)
    }

    /// `SHA-256(0x00 || previous hash || canonical JSON)`; before the first entry stand 32 zero bytes.
    func hash(after previous: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: [0])
        hash.update(data: previous)
        hash.update(data: Array(canonical.utf8))
        return Array(hash.finalize())
    }

    static let noHash = [UInt8](repeating: 0, count: 32)

    /// The entry for a reader. A row that no longer has a known kind or readable details is shown as far as it can be:
    /// `verify` is what judges it.
    func entry(hash: [UInt8]) -> AuditEntry {
        let actor = AuditActor(
            kind: AuditActor.Kind(rawValue: actorKind) ?? .system, id: actorID, name: actorName,
            onBehalfOf: actorOnBehalfOf, address: actorAddress)
        let object = objectKind.map { AuditObject(kind: $0, id: objectID ?? "", name: objectName ?? "") }
        let details =
            (try? JSONDecoder().decode([String: String].self, from: Data(self.details.utf8)))
            ?? ["unreadable": self.details]
        let event = AuditEvent(
            actor: actor, action: action, object: object, outcome: AuditOutcome(rawValue: outcome) ?? .failed,
            details: details, session: session)
        return AuditEntry(sequence: sequence, time: time, event: event, hash: hash)
    }
}
