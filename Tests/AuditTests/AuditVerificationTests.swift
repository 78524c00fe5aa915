import Foundation
import Storage
import Testing

@testable import Audit

@Suite struct AuditVerificationTests {
    private let key = AuditSigningKey(name: "test")

    private func checkpoint(_ fixture: AuditFixture) async throws -> Checkpoint {
        let writer = CheckpointWriter(log: fixture.log, directory: fixture.folder, key: key)
        return try #require(try await writer.flush())
    }

    @Test(
        "an altered value of any column is found at its entry",
        arguments: [
            "actor_name = 'Eve'", "actor_id = 'usr_9'", "actor_kind = 'system'", "actor_address = NULL",
            "actor_on_behalf_of = 'x'", "action = 'host.remove'", "object_name = 'db'", "object_kind = NULL",
            "object_id = 'hst_9'", "outcome = 'failed'", "details = '{}'", "session = 'ses_9'", "time = time + 1",
            "hash = zeroblob(32)", "details = '{\"environment\":\"production\" }'",
        ] as [SQL])
    func altered(change: SQL) async throws {
        let fixture = try await AuditFixture()
        try await fixture.fill(5)
        try await fixture.tamper { tx in
            try tx.execute("UPDATE audit_entry SET \(fragment: change) WHERE sequence = 3")
        }
        let problem = try await fixture.log.verify().problem
        #expect(problem?.kind == .altered)
        #expect(problem?.sequence == 3)
        #expect(problem?.sentence.contains("Entry 3") == true)
    }

    @Test("one flipped byte in the file itself is found")
    func flippedByte() async throws {
        let fixture = try await AuditFixture()
        try await fixture.fill(40)
        try fixture.store.close()
        let url = URL(fileURLWithPath: fixture.folder + "/a.sqlite")
        var file = try Data(contentsOf: url)
        let place = try #require(file.range(of: Data("web-23".utf8)))
        file[place.lowerBound] = UInt8(ascii: "W")
        try file.write(to: url)
        let log = AuditLog(store: try Store.open(path: url.path), tenant: "t1")
        let problem = try await log.verify().problem
        #expect(problem?.kind == .altered && problem?.sequence == 23)
    }

    @Test("a missing middle is found and named")
    func missingMiddle() async throws {
        let fixture = try await AuditFixture()
        try await fixture.fill(9)
        try await fixture.tamper { tx in try tx.execute("DELETE FROM audit_entry WHERE sequence BETWEEN 4 AND 6") }
        let problem = try await fixture.log.verify().problem
        #expect(problem?.kind == .missing && problem?.sequence == 4)
        #expect(problem?.sentence == "Entries 4 to 6 are missing from the audit log.")
    }

    @Test("a missing beginning is found")
    func missingBeginning() async throws {
        let fixture = try await AuditFixture()
        try await fixture.fill(3)
        try await fixture.tamper { tx in try tx.execute("DELETE FROM audit_entry WHERE sequence = 1") }
        let problem = try await fixture.log.verify().problem
        #expect(problem?.kind == .missing && problem?.sequence == 1)
    }

    @Test("a cut tail passes without a checkpoint and is found with one")
    func cutTail() async throws {
        let fixture = try await AuditFixture()
        try await fixture.fill(9)
        let checkpoint = try await checkpoint(fixture)
        try await fixture.tamper { tx in try tx.execute("DELETE FROM audit_entry WHERE sequence > 6") }
        #expect(try await fixture.log.verify().isWhole)
        let problem = try await fixture.log.verify(against: [checkpoint]).problem
        #expect(problem?.kind == .cutTail && problem?.sequence == 7)
        #expect(problem?.sentence.contains("7 to 9") == true)
    }

    @Test("an emptied log is a cut tail")
    func emptied() async throws {
        let fixture = try await AuditFixture()
        try await fixture.fill(2)
        let checkpoint = try await checkpoint(fixture)
        try await fixture.tamper { tx in try tx.execute("DELETE FROM audit_entry") }
        let problem = try await fixture.log.verify(against: [checkpoint]).problem
        #expect(problem?.kind == .cutTail && problem?.sequence == 1)
    }

    @Test("a log rewritten with right hashes is found by the checkpoint, between the right entries")
    func rewritten() async throws {
        let fixture = try await AuditFixture()
        try await fixture.fill(4)
        let first = try await checkpoint(fixture)
        try await fixture.fill(4)
        let second = try await checkpoint(fixture)
        try await fixture.tamper { tx in
            try tx.execute("UPDATE audit_entry SET actor_name = 'Eve' WHERE sequence = 6")
        }
        try await fixture.rehash()
        #expect(try await fixture.log.verify().isWhole)
        let problem = try await fixture.log.verify(against: [second, first]).problem
        #expect(problem?.kind == .rewritten && problem?.sequence == 5)
        #expect(problem?.sentence.contains("between entries 5 and 8") == true)
    }

    @Test("a whole log with its checkpoints is whole")
    func whole() async throws {
        let fixture = try await AuditFixture()
        try await fixture.fill(4)
        let checkpoint = try await checkpoint(fixture)
        try await fixture.fill(3)
        let verification = try await fixture.log.verify(against: [checkpoint])
        #expect(verification == AuditVerification(entries: 7, checkpoints: 1, problem: nil))
    }

    @Test("entries swapped with each other are found")
    func swapped() async throws {
        let fixture = try await AuditFixture()
        try await fixture.fill(6)
        try await fixture.tamper { tx in
            try tx.execute("UPDATE audit_entry SET sequence = 100 WHERE sequence = 2")
            try tx.execute("UPDATE audit_entry SET sequence = 2 WHERE sequence = 4")
            try tx.execute("UPDATE audit_entry SET sequence = 4 WHERE sequence = 100")
        }
        #expect(try await fixture.log.verify().problem?.sequence == 2)
    }
}
