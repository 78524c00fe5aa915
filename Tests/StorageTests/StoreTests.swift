import Foundation
import Testing

@testable import Storage

private let people = Migration(
    "0001-people",
    [
        """
        CREATE TABLE person (
            id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE, picture \(type: .bytes),
            active \(type: .boolean) NOT NULL, age \(type: .integer)
        ) \(clause: .strict)
        """,
        "CREATE TABLE pet (id TEXT NOT NULL PRIMARY KEY, owner TEXT NOT NULL REFERENCES person (id)) \(clause: .strict)",
    ])

private func makeStore(_ path: String = ":memory:") async throws -> Store {
    let store = try Store.open(path: path)
    try await store.migrate([people])
    return store
}

private func addPerson(_ store: Store, _ id: String, _ name: String) async throws {
    try await store.transaction { tx in
        try tx.execute("INSERT INTO person (id, name, active) VALUES (\(id), \(name), \(true))")
    }
}

private struct Refusal: Error {}

/// Not in the Glibc module: changes the identity that file permissions are checked against, for one thread.
@_silgen_name("setfsuid") @discardableResult
private func setfsuid(_ user: UInt32) -> Int32

@Suite struct StoreTests {
    @Test("every kind of value comes back as it went in")
    func roundTrip() async throws {
        let store = try await makeStore()
        let picture: [UInt8] = [0, 255, 39, 0]
        try await store.transaction { tx in
            try tx.execute(
                """
                INSERT INTO person (id, name, picture, active, age)
                VALUES (\("a"), \("O'Hara 🐟 ? $1"), \(picture), \(true), \(Int64.max))
                """)
        }
        let row = try #require(try await store.read { tx in try tx.row("SELECT * FROM person") })
        #expect(try row.text("name") == "O'Hara 🐟 ? $1")
        #expect(try row.bytes("picture") == picture)
        #expect(try row.bool("active"))
        #expect(try row.integer("age") == Int64.max)
    }

    @Test("a column of the wrong type or name is an error that names it")
    func malformedRow() async throws {
        let store = try await makeStore()
        try await addPerson(store, "a", "Ada")
        let row = try #require(try await store.read { tx in try tx.row("SELECT * FROM person") })
        #expect(try row.optionalBytes("picture") == nil)
        let wrongType = #expect(throws: StorageError.self) { try row.integer("name") }
        #expect(wrongType?.code == .malformedRow)
        #expect(wrongType?.description.contains("\"name\"") == true)
        #expect(throws: StorageError.self) { try row.text("nonsense") }
        #expect(throws: StorageError.self) { try row.text("age") }
    }

    @Test("a transaction whose body throws leaves nothing behind")
    func rollsBack() async throws {
        let store = try await makeStore()
        await #expect(throws: Refusal.self) {
            try await store.transaction { tx in
                try tx.execute("INSERT INTO person (id, name, active) VALUES (\("a"), \("Ada"), \(true))")
                throw Refusal()
            }
        }
        #expect(try await store.read { tx in try tx.rows("SELECT id FROM person").count } == 0)
    }

    @Test("a cancelled task still finishes its transaction")
    func survivesCancellation() async throws {
        let store = try await makeStore()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await addPerson(store, "a", "Ada")
        }
        try await task.value
        #expect(try await store.read { tx in try tx.rows("SELECT id FROM person").count } == 1)
    }

    @Test("a reader cannot write")
    func readersOnlyRead() async throws {
        let store = try await makeStore()
        await #expect(throws: StorageError.self) {
            try await store.read { tx in try tx.execute("DELETE FROM person") }
        }
    }

    @Test("unique and foreign key violations have their own codes")
    func constraintCodes() async throws {
        let store = try await makeStore()
        try await addPerson(store, "a", "Ada")
        let unique = await #expect(throws: StorageError.self) { try await addPerson(store, "b", "Ada") }
        #expect(unique?.code == .uniqueViolation)
        let foreign = await #expect(throws: StorageError.self) {
            try await store.transaction { tx in
                try tx.execute("INSERT INTO pet (id, owner) VALUES (\("p"), \("nobody"))")
            }
        }
        #expect(foreign?.code == .foreignKeyViolation)
    }

    @Test("sixteen tasks writing at once lose nothing")
    func concurrentWriters() async throws {
        let folder = try TemporaryFolder()
        let store = try await makeStore(folder.file("a.sqlite"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<16 {
                group.addTask {
                    for number in 0..<20 { try await addPerson(store, "\(task)-\(number)", "\(task)-\(number)") }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.read { tx in try tx.rows("SELECT id FROM person").count } == 320)
    }

    @Test("the number of changed rows is that of the last statement")
    func changes() async throws {
        let store = try await makeStore()
        try await addPerson(store, "a", "Ada")
        try await addPerson(store, "b", "Bob")
        let changes = try await store.transaction { tx in
            try tx.execute("UPDATE person SET age = \(7)")
            return tx.changes
        }
        #expect(changes == 2)
    }
}

@Suite struct StoreOpeningTests {
    @Test("the file and its companions are readable by their owner alone, a loose old file is tightened")
    func fileMode() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a.sqlite")
        let store = try await makeStore(path)
        try await addPerson(store, "a", "Ada")
        for name in ["", "-wal", "-shm"] {
            let mode = try FileManager.default.attributesOfItem(atPath: path + name)[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(name)")
        }
        try store.close()
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        _ = try Store.open(path: path)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test("what was committed is there after opening again")
    func reopens() async throws {
        let folder = try TemporaryFolder()
        let first = try await makeStore(folder.file("a.sqlite"))
        try await addPerson(first, "a", "Ada")
        try first.close()
        let second = try await makeStore(folder.file("a.sqlite"))
        #expect(try await second.read { tx in try tx.rows("SELECT id FROM person").count } == 1)
    }

    @Test("a folder that everybody may write to is refused")
    func worldWritableFolder() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
        let error = #expect(throws: StorageError.self) { try Store.open(path: folder.file("a.sqlite")) }
        #expect(error?.code == .unsafe)
        #expect(error?.hint.contains("chmod") == true)
    }

    @Test("a file that may not be read says so with the system's reason")
    func unreadableFile() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a.sqlite")
        #expect(FileManager.default.createFile(atPath: path, contents: Data(), attributes: [.posixPermissions: 0o000]))
        // Only this thread gives up root's right to read everything; Store.open stays on it.
        setfsuid(65_534)
        defer { setfsuid(geteuid()) }
        let error = #expect(throws: StorageError.self) { try Store.open(path: path) }
        #expect(error?.code == .unavailable)
        #expect(error?.description.contains("Permission denied") == true)
    }

    @Test("a folder in the file's place and a missing folder are named")
    func noFile() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.file("sub"), withIntermediateDirectories: false)
        let directory = #expect(throws: StorageError.self) { try Store.open(path: folder.file("sub")) }
        #expect(directory?.code == .unavailable)
        let missing = #expect(throws: StorageError.self) { try Store.open(path: folder.file("no/where.sqlite")) }
        #expect(missing?.code == .unavailable)
        #expect(missing?.description.contains("No such file") == true)
    }

    @Test("a file of something else is not a database, and is left alone")
    func notADatabase() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("letter.txt")
        try Data("Dear Sir or Madam, this is a letter.".utf8).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: StorageError.self) { try Store.open(path: path) }
        #expect(error?.code == .notADatabase)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)).count == 36)
    }

    @Test("a damaged page is found when the database is opened")
    func corrupt() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a.sqlite")
        let store = try await makeStore(path)
        for number in 0..<300 { try await addPerson(store, "\(number)", "somebody with a long name \(number)") }
        try store.close()
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        let size = try file.seekToEnd()
        try #require(size > 20_000)
        for page in 2..<(size / 4096) {
            try file.seek(toOffset: page * 4096)
            try file.write(contentsOf: Data(repeating: 0xA5, count: 512))
        }
        try file.close()
        let error = #expect(throws: StorageError.self) { try Store.open(path: path) }
        #expect(error?.code == .corrupt)
    }

    @Test("a full disk is told from other faults, and what was saved stays")
    func full() async throws {
        let folder = try TemporaryFolder()
        let store = try await makeStore(folder.file("a.sqlite"))
        try await addPerson(store, "a", "Ada")
        // SQLite's own page limit answers as a full disk does: SQLITE_FULL.
        try await store.transaction { tx in _ = try tx.rows("PRAGMA max_page_count = 12") }
        let error = await #expect(throws: StorageError.self) {
            for number in 0..<2000 { try await addPerson(store, "\(number)", "somebody with a long name \(number)") }
        }
        #expect(error?.code == .full)
        #expect(try await store.read { tx in try tx.row("SELECT name FROM person WHERE id = 'a'") } != nil)
    }
}

@Suite struct MigrationTests {
    private let second = Migration("0002-town", ["ALTER TABLE person ADD COLUMN town TEXT"])

    @Test("migrations run once, and later ones follow")
    func appliesInOrder() async throws {
        let folder = try TemporaryFolder()
        let store = try await makeStore(folder.file("a.sqlite"))
        try await store.migrate([people])
        try await store.migrate([people, second])
        #expect(try await store.read { tx in try tx.rows("SELECT town FROM person").count } == 0)
    }

    @Test("a migration that fails undoes the ones before it in the same run")
    func atomic() async throws {
        let store = try await makeStore()
        let broken = Migration("0003-broken", ["CREATE NONSENSE"])
        let error = await #expect(throws: StorageError.self) { try await store.migrate([people, second, broken]) }
        #expect(error?.code == .invalidStatement)
        #expect(try await store.read { tx in try tx.rows("SELECT id FROM schema_migration").count } == 1)
        try await store.migrate([people, second])
    }

    @Test("a schema of a newer program is refused in a sentence that names the migration")
    func newerSchema() async throws {
        let store = try await makeStore()
        try await store.migrate([people, second])
        let error = await #expect(throws: StorageError.self) { try await store.migrate([people]) }
        #expect(error?.code == .newerSchema)
        #expect(error?.description.contains("0002-town") == true)
    }

    @Test("a migration that was changed after its release is noticed")
    func changedMigration() async throws {
        let store = try await makeStore()
        try await store.migrate([people, second])
        let changed = Migration("0002-town", ["ALTER TABLE person ADD COLUMN city TEXT"])
        let error = await #expect(throws: StorageError.self) { try await store.migrate([people, changed]) }
        #expect(error?.code == .migrationMismatch)
    }
}
