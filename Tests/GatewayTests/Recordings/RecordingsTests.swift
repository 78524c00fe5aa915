import Audit
import Foundation
import Logging
import Policy
import Recording
import Storage
import Testing
import Vault

@testable import Gateway

/// Recordings on a disk and in a store of their own.
private struct Archive {
    let domain: DomainFixture
    let folder: String
    let files: RecordingFiles
    let recordings: Recordings
    let admin: Caller

    init() async throws {
        domain = try await DomainFixture()
        folder = NSTemporaryDirectory() + "archive-\(UUID().uuidString)"
        let services = Services(
            tenant: "t1", store: domain.store, vault: domain.vault, audit: domain.audit, policy: .standard,
            people: domain.people, hosts: domain.hosts, settings: domain.settings,
            notices: Notices(store: domain.store, tenant: "t1", logger: Logger(label: "test")),
            auditQueue: AuditQueue(), logger: Logger(label: "test"))
        files = try RecordingFiles(folder: folder, tenant: "t1", vault: domain.vault, store: domain.store)
        recordings = Recordings(services: services, files: files)
        admin = try await domain.firstAdmin()
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// A closed recording of a session of `owner` that ended `daysAgo`, with the tags of its host then.
    @discardableResult
    func record(
        _ id: String, owner: Caller? = nil, daysAgo: Int64 = 0, tags: [String] = [], text: String = "hello"
    ) async throws -> String {
        let owner = owner ?? admin
        let ended = Timestamp(microseconds: Timestamp.now().microseconds - daysAgo * 86_400_000_000)
        let origin = LiveSession.Origin(
            id: "ses_\(id)", tenant: "t1", host: .init(id: "hst_1", alias: "web-1", environment: "other"),
            owner: .init(id: owner.userID, name: owner.name), startedBy: nil, startedAt: ended, recordingID: id,
            command: nil)
        let writer = try await files.create(origin, columns: 80, rows: 24)
        writer.append(output: Array("\(text)\r\n".utf8), at: 1_000_000)
        let summary = RecordingFiles.summary(await writer.close())
        try await domain.store.transaction { tx in
            try tx.execute(
                """
                INSERT INTO session (tenant, id, host, host_alias, environment, owner, owner_name, state, started_at,
                    ended_at, title, columns, line_count, recording)
                VALUES ('t1', \(origin.id), 'hst_1', 'web-1', 'other', \(owner.userID), \(owner.name), 'ended',
                    \(ended), \(ended), '', 80, 24, \(id))
                """)
            try tx.execute(
                """
                INSERT INTO recording (tenant, id, session, state, bytes, duration, head)
                VALUES ('t1', \(id), \(origin.id), 'complete', \(summary.bytes), \(summary.duration), \(summary.head))
                """)
            for tag in tags {
                try tx.execute("INSERT INTO recording_tag (tenant, recording, tag) VALUES ('t1', \(id), \(tag))")
            }
        }
        return id
    }

    func list() async throws -> Set<String> { Set(try await recordings.recordings(admin).map(\.id)) }
}

@Suite struct RecordingsTests {
    private func with(_ body: (Archive) async throws -> Void) async throws {
        let archive = try await Archive()
        do { try await body(archive) } catch {
            archive.remove()
            throw error
        }
        archive.remove()
    }

    @Test("a deleted recording's key is gone from the store, so that a copy of its file is worth nothing")
    func shredded() async throws {
        try await with { archive in
            try await archive.record("rec_1")
            let copy = try Data(contentsOf: URL(fileURLWithPath: archive.files.path("rec_1")))
            try await archive.recordings.delete("rec_1", caller: archive.admin)
            #expect(!FileManager.default.fileExists(atPath: archive.files.path("rec_1")))
            #expect(try await archive.list().isEmpty)
            try copy.write(to: URL(fileURLWithPath: archive.files.path("rec_1")))
            let error = await #expect(throws: RecordingError.self) { try await archive.files.open("rec_1") }
            #expect(error?.code == .keyDestroyed)
            #expect(
                await archive.domain.code { try await archive.recordings.open("rec_1", caller: archive.admin) }
                    == "recording_deleted")
            #expect(try await archive.domain.actions().last == "recording.delete")
        }
    }

    @Test(
        "a recording of an earlier version, with its whole key in its file, is read, and its header is gone when deleted"
    )
    func earlier() async throws {
        try await with { archive in
            try await archive.record("rec_1")
            try await archive.domain.store.transaction { tx in try tx.execute("DELETE FROM recording_key") }
            let path = archive.files.path("rec_1")
            try FileManager.default.removeItem(atPath: path)
            let key = try await archive.domain.vault.recordKey(
                for: .init(tenant: "t1", table: "recording", row: "rec_1", column: "key"))
            let io = try RecordingIO()
            let header = RecordingHeader(
                id: "rec_1", session: "ses_rec_1", title: "web-1", host: "web-1", user: "ada", startedAt: 0,
                columns: 80,
                rows: 24)
            let writer = try RecordingWriter.create(
                path: path, header: header, key: key.key, wrappedKey: key.wrapped, io: io)
            writer.append(output: Array("old\r\n".utf8), at: 1)
            await writer.close()
            let found = try await archive.recordings.search(.init("old"), caller: archive.admin)
            #expect(found.hits.count == 1)
            let copy = archive.folder + "/copy"
            try FileManager.default.linkItem(atPath: path, toPath: copy)
            try await archive.recordings.delete("rec_1", caller: archive.admin)
            #expect(throws: RecordingError.self) { try RecordingReader.header(path: copy) }
        }
    }

    @Test("recordings go when the policy says so: by days, by the longest rule of their tags, never while held")
    func retention() async throws {
        try await with { archive in
            try await archive.record("rec_old", daysAgo: 91)
            try await archive.record("rec_new", daysAgo: 89)
            try await archive.record("rec_pci", daysAgo: 300, tags: ["pci", "scratch"])
            try await archive.record("rec_scratch", daysAgo: 8, tags: ["scratch"])
            try await archive.record("rec_ever", daysAgo: 3000, tags: ["ever", "scratch"])
            try await archive.record("rec_held", daysAgo: 400)
            let held = try await archive.recordings.hold("rec_held", reason: " INC-1 ", caller: archive.admin)
            #expect(held.hold?.reason == "INC-1" && held.expiresAt == nil)
            _ = try await archive.recordings.setRetention(
                .init(
                    days: 90,
                    tags: [
                        .init(tag: "scratch", days: 7), .init(tag: "pci", days: 365), .init(tag: "ever", days: 0),
                    ]), caller: archive.admin)
            let dry = try await archive.recordings.sweep(isDry: true, caller: archive.admin)
            #expect(Set(dry.deleted.map(\.id)) == ["rec_old", "rec_scratch"] && dry.held.map(\.id) == ["rec_held"])
            #expect(try await archive.list().count == 6)
            _ = try await archive.recordings.sweep(caller: nil)
            #expect(try await archive.list() == ["rec_new", "rec_pci", "rec_ever", "rec_held"])
            #expect(archive.files.present() == ["rec_new", "rec_pci", "rec_ever", "rec_held"])
            _ = try await archive.recordings.release("rec_held", caller: archive.admin)
            _ = try await archive.recordings.sweep(caller: nil)
            #expect(try await archive.list() == ["rec_new", "rec_pci", "rec_ever"])
            let deletions = try await archive.domain.audit.entries(limit: 100).filter {
                $0.event.action == "recording.delete"
            }
            #expect(deletions.count == 3 && deletions.allSatisfy { $0.event.actor.kind == .system })
        }
    }

    @Test("rules that can't be read delete nothing, and rules that can't be meant are refused")
    func rules() async throws {
        try await with { archive in
            #expect(try await archive.recordings.retention() == .standard)
            for wrong in [
                RecordingRetention(days: -1), RecordingRetention(days: 40_000),
                RecordingRetention(days: 1, tags: [.init(tag: "", days: 1)]),
                RecordingRetention(days: 1, tags: [.init(tag: "a", days: 1), .init(tag: "a", days: 2)]),
            ] {
                #expect(
                    await archive.domain.code {
                        try await archive.recordings.setRetention(wrong, caller: archive.admin)
                    } == "invalid")
            }
            try await archive.record("rec_1", daysAgo: 4000)
            try await archive.domain.store.transaction { tx in
                try tx.execute("INSERT INTO setting (tenant, name, value) VALUES ('t1', 'recordingRetention', '{')")
            }
            _ = try await archive.recordings.sweep(caller: nil)
            #expect(try await archive.list() == ["rec_1"])
        }
    }

    @Test("a held recording is not deleted by anybody, and holds need a reason and the permission")
    func held() async throws {
        try await with { archive in
            let bob = try await archive.domain.person(archive.admin, "bob", role: "devops")
            try await archive.record("rec_1", owner: bob)
            #expect(
                await archive.domain.error {
                    try await archive.recordings.hold("rec_1", reason: "mine", caller: bob)
                }?.missing == "recording.hold")
            #expect(
                await archive.domain.error { try await archive.recordings.delete("rec_1", caller: bob) }?.missing
                    == "recording.delete")
            #expect(
                await archive.domain.error {
                    try await archive.recordings.hold("rec_1", reason: "  ", caller: archive.admin)
                }?.field == "reason")
            _ = try await archive.recordings.hold("rec_1", reason: "INC-2", caller: archive.admin)
            #expect(
                await archive.domain.code { try await archive.recordings.delete("rec_1", caller: archive.admin) }
                    == "recording_held")
        }
    }

    @Test("a search finds what one may see and nothing else, and goes on where it stopped")
    func search() async throws {
        try await with { archive in
            let bob = try await archive.domain.person(archive.admin, "bob", role: "devops")
            for number in 1...4 {
                try await archive.record("rec_\(number)", daysAgo: Int64(number), text: "needle \(number)")
            }
            try await archive.record("rec_bob", owner: bob, text: "needle of bob")
            let own = try await archive.recordings.search(.init("needle"), caller: bob)
            #expect(own.hits.map(\.recording.id) == ["rec_bob"] && own.total == 1)
            #expect(
                await archive.domain.code {
                    try await archive.recordings.search(.init("needle", recording: "rec_1"), caller: bob)
                } == "not_found")
            var query = Recordings.Query("NEEDLE", limit: 2)
            var found: [String] = []
            repeat {
                let part = try await archive.recordings.search(query, caller: archive.admin)
                found += part.hits.map(\.recording.id)
                query.from = part.next
            } while query.from != nil
            #expect(found == ["rec_bob", "rec_1", "rec_2", "rec_3", "rec_4"])
            #expect(
                await archive.domain.code { try await archive.recordings.search(.init(" "), caller: bob) }
                    == "invalid")
        }
    }

    @Test(
        "verify names what is wrong: another byte, a missing chunk, a cut end, a file that is gone, another recording")
    func verify() async throws {
        try await with { archive in
            try await archive.record("rec_1")
            try await archive.record("rec_2")
            let path = archive.files.path("rec_1")
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            func code(_ bytes: Data) async throws -> String? {
                try bytes.write(to: URL(fileURLWithPath: path))
                return try await archive.recordings.verify("rec_1", caller: archive.admin).problem?.code
            }
            #expect(try await code(whole) == nil)
            var altered = whole
            altered[altered.count - 3] ^= 1
            #expect(try await code(altered) == "altered")
            #expect(try await code(whole.dropLast(40)) == "tail_cut")
            #expect(try await code(whole + Data([1])) == "trailing_data")
            #expect(try await code(try Data(contentsOf: URL(fileURLWithPath: archive.files.path("rec_2")))) != nil)
            try FileManager.default.removeItem(atPath: path)
            #expect(try await archive.recordings.verify("rec_1", caller: archive.admin).problem?.code == "not_found")
            #expect(try await archive.recordings.verify("rec_2", caller: archive.admin).ok)
            #expect(try await archive.recordings.allForVerification(archive.admin).count == 2)
        }
    }
}

@Suite struct RecordingRetentionTests {
    @Test("of several rules the longest holds, and 0 is for ever")
    func days() {
        let rules = RecordingRetention(
            days: 90, tags: [.init(tag: "a", days: 7), .init(tag: "b", days: 365), .init(tag: "c", days: 0)])
        #expect(rules.days(for: []) == 90 && rules.days(for: ["x"]) == 90)
        #expect(rules.days(for: ["a"]) == 7 && rules.days(for: ["a", "b", "x"]) == 365)
        #expect(rules.days(for: ["a", "b", "c"]) == nil)
        #expect(RecordingRetention(days: 0).days(for: []) == nil)
    }
}
