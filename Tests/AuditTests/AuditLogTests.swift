import Crypto
import Foundation
import Storage
import Testing

@testable import Audit

@Suite struct AuditLogTests {
    @Test("entries count from one without gaps, and each hash covers the one before")
    func chain() async throws {
        let fixture = try await AuditFixture()
        try await fixture.fill(3)
        let entries = try await fixture.log.entries(limit: 10)
        #expect(entries.map(\.sequence) == [3, 2, 1])
        #expect(entries.last?.event == AuditFixture.event(1))
        #expect(try await fixture.log.verify().isWhole)
    }

    @Test("the hash is SHA-256 over a zero byte, the previous hash and the canonical text")
    func hashFormula() {
        let event = AuditEvent(
            actor: AuditActor(kind: .cli, id: "u", name: "\"Ä\"\n"), action: "a.b", details: ["z": "1", "a": "\u{1}"])
        let entry = StoredEntry(event, tenant: "t", sequence: 7, time: Timestamp(microseconds: 5))
        let text =
            #"{"action":"a.b","actor":{"id":"u","kind":"cli","name":"\"Ä\"\n"},"details":{"a":"\u0001","z":"1"},"#
            + #""object":{},"outcome":"succeeded","sequence":7,"tenant":"t","time":5}"#
        #expect(entry.canonical == text)
        let expected = Array(SHA256.hash(data: Data([0]) + Data(count: 32) + Data(text.utf8)))
        #expect(entry.hash(after: StoredEntry.noHash) == expected)
    }

    @Test("keys are sorted by their UTF-16 code units, as RFC 8785 wants")
    func keyOrder() {
        // U+1F600 starts with the surrogate D83D and so stands before U+FB33.
        #expect(
            CanonicalJSON.object(["\u{FB33}": "1", "\u{1F600}": "2"]) == "{\"\u{1F600}\":\"2\",\"\u{FB33}\":\"1\"}")
    }

    @Test("an act that fails takes its entry with it")
    func sameTransaction() async throws {
        struct Refusal: Error {}
        let fixture = try await AuditFixture()
        await #expect(throws: Refusal.self) {
            try await fixture.store.transaction { [log = fixture.log] tx in
                try log.append(AuditFixture.event(1), in: tx)
                throw Refusal()
            }
        }
        #expect(try await fixture.log.entries(limit: 1).isEmpty)
    }

    @Test(
        "the table refuses to be changed",
        arguments: [
            "UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry",
            "INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry",
        ] as [SQL])
    func refusesChanges(statement: SQL) async throws {
        let fixture = try await AuditFixture()
        try await fixture.fill(2)
        let error = await #expect(throws: StorageError.self) {
            try await fixture.store.transaction { tx in try tx.execute(statement) }
        }
        #expect(error?.description.contains("append-only") == true)
        #expect(try await fixture.log.verify().entries == 2)
    }

    @Test("tenants have chains of their own")
    func tenants() async throws {
        let fixture = try await AuditFixture()
        let other = AuditLog(store: fixture.store, tenant: "t2")
        try await fixture.fill(2)
        #expect(try await other.append(AuditFixture.event(9)).sequence == 1)
        #expect(try await other.verify().entries == 1)
        #expect(try await fixture.log.verify().entries == 2)
        #expect(try await other.entries(limit: 9).count == 1)
    }

    @Test("entries appended by many tasks at once still form one chain")
    func concurrentAppends() async throws {
        let fixture = try await AuditFixture()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<50 { group.addTask { try await fixture.log.append(AuditFixture.event(number)) } }
            try await group.waitForAll()
        }
        let verification = try await fixture.log.verify()
        #expect(verification.entries == 50 && verification.isWhole)
    }

    @Test("pages, actions, actors, sessions and free text find what they should")
    func filters() async throws {
        let fixture = try await AuditFixture()
        let log = fixture.log
        try await fixture.fill(5)
        let bob = AuditActor(kind: .user, id: "usr_2", name: "Bob")
        try await log.append(
            AuditEvent(actor: bob, action: "session.start", details: ["note": "100%_\"sure\""], session: "ses_1"))
        func found(_ filter: AuditFilter) async throws -> [Int64] {
            try await log.entries(limit: 10, filter: filter).map(\.sequence)
        }
        #expect(try await log.entries(before: 4, limit: 2).map(\.sequence) == [3, 2])
        #expect(try await found(AuditFilter(action: "host")) == [5, 4, 3, 2, 1])
        #expect(try await found(AuditFilter(action: "hos")) == [])
        #expect(try await found(AuditFilter(action: "session.start")) == [6])
        #expect(try await found(AuditFilter(actor: "bob")) == [6])
        #expect(try await found(AuditFilter(actor: "AD")) == [5, 4, 3, 2, 1])
        #expect(try await found(AuditFilter(actor: "%")) == [])
        #expect(try await found(AuditFilter(actor: "bob", actorIDs: ["usr_1"])) == [6, 5, 4, 3, 2, 1])
        #expect(try await found(AuditFilter(session: "ses_1")) == [6])
        #expect(try await found(AuditFilter(text: "WEB-3")) == [3])
        #expect(try await found(AuditFilter(text: "100%_")) == [6])
        #expect(try await found(AuditFilter(text: "1%3")) == [])
    }
}
