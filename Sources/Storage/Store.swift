import GRDB

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The database: one SQLite file in WAL mode with one writer and several readers.
///
/// ```swift
/// let store = try Store.open(path: "/var/lib/copilot/copilot.sqlite")
/// try await store.migrate(migrations)
/// let names = try await store.read { tx in try tx.rows("SELECT name FROM person").map { try $0.text("name") } }
/// ```
public final class Store: Sendable {
    private let writer: any DatabaseWriter
    /// Where the file is, or `:memory:`.
    public let path: String

    private init(writer: any DatabaseWriter, path: String) {
        self.writer = writer
        self.path = path
    }

    /// Opens the database, or makes it with mode 0600, and looks for damage.
    ///
    /// - Parameter path: the file, or `:memory:` for a database that ends with the process.
    /// - Throws: `unavailable`, `unsafe` (a folder that everybody may write to), `not_a_database`, `corrupt`, `busy`.
    public static func open(path: String) throws(StorageError) -> Store {
        if path != ":memory:" { try prepareFile(path) }
        do {
            let writer: any DatabaseWriter =
                path == ":memory:"
                ? try DatabaseQueue(configuration: configuration(inMemory: true))
                : try DatabasePool(path: path, configuration: configuration(inMemory: false))
            let finding = try writer.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") } ?? "no answer"
            guard finding == "ok" else { throw StorageError.corrupt(path, finding) }
            return Store(writer: writer, path: path)
        } catch let error as StorageError {
            throw error
        } catch let error as DatabaseError {
            throw StorageError(sqlite: error, path: path)
        } catch {
            throw StorageError(
                .unavailable, "The database \(path) cannot be opened: \(error).", hint: "Check the disk and try again.")
        }
    }

    private static func configuration(inMemory: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.label = "copilot.store"
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA trusted_schema = OFF")
            // A deleted key must not live on in a free page of the file.
            try database.execute(sql: "PRAGMA secure_delete = ON")
            if !inMemory && !database.configuration.readonly {
                // FULL and not NORMAL: after a power cut the database may never be behind a checkpoint of the audit
                // log that is already on the disk, or the log would look as if its tail had been cut.
                try database.execute(sql: "PRAGMA synchronous = FULL")
            }
        }
        return configuration
    }

    /// Makes or tightens the file before SQLite sees it: the -wal and -shm files beside it take over its mode.
    private static func prepareFile(_ path: String) throws(StorageError) {
        do {
            let folder = PrivateFile.folder(of: path)
            guard let mode = try PrivateFile.folderMode(folder) else { throw FileFault("open", folder, ENOTDIR) }
            guard mode & 0o002 == 0 else {
                throw StorageError(
                    .unsafe, "Everybody on this machine may write to the folder \(folder) of the database.",
                    hint: "Take that permission away: chmod o-w '\(folder)'.")
            }
            do {
                let file = try PrivateFile(opening: path, .readWrite)
                try check(file)
            } catch let fault as FileFault where fault.number == ENOENT {
                try PrivateFile.create(path, [])
            }
        } catch let error as StorageError {
            throw error
        } catch let fault as FileFault {
            throw unavailable(fault)
        } catch {
            throw StorageError(.unavailable, "The database \(path) cannot be opened: \(error).", hint: "Try again.")
        }
    }

    private static func check(_ file: borrowing PrivateFile) throws {
        let status = try file.status()
        guard status.isRegular else { throw StorageError.notADatabase(file.path) }
        if status.isOpenToOthers { try file.makePrivate() }
        let start = try file.read(limit: 16)
        guard start.isEmpty || start == Array("SQLite format 3\0".utf8) else {
            throw StorageError.notADatabase(file.path)
        }
    }

    private static func unavailable(_ fault: FileFault) -> StorageError {
        if fault.number == ENOSPC {
            return StorageError(
                .full, "The disk that should hold the database \(fault.path) is full.", hint: "Free some space.")
        }
        let hint =
            switch fault.number {
            case EACCES, EPERM, EROFS:
                "Give the account that runs this program read and write permission on the file and its folder."
            case ENOENT, ENOTDIR: "Make the folder first, or name another one."
            default: "Check the disk, the path and the permissions."
            }
        return StorageError(.unavailable, "The database cannot be used: \(fault).", hint: hint)
    }
}

extension Store {
    /// Brings the schema up to `migrations`: the whole list of this program, oldest first.
    ///
    /// - Throws: `newer_schema` when the database knows more than the list, `migration_mismatch` when it knows other ones.
    public func migrate(_ migrations: [Migration]) async throws(StorageError) {
        do {
            try await transaction { tx in try SchemaHistory(migrations: migrations).apply(in: tx) }
        } catch let error as StorageError {
            throw error
        } catch {
            throw StorageError(
                .unavailable, "The database \(path) cannot be brought up to date: \(error).", hint: "Try again.")
        }
    }

    /// Runs `body` on the writer's thread in one transaction: committed when it returns, undone when it throws.
    ///
    /// A transaction that began is finished even when the task is cancelled, so that an act and its audit entry are
    /// never torn apart by a client that went away.
    public func transaction<T: Sendable>(
        _ body: @escaping @Sendable (borrowing StoreTransaction) throws -> T
    ) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            writer.asyncWriteWithoutTransaction { [path] database in
                continuation.resume(
                    with: Result {
                        var answer: T?
                        try database.inTransaction(.immediate) {
                            answer = try body(StoreTransaction(database: database, dialect: .sqlite, path: path))
                            return .commit
                        }
                        return try Self.present(answer, path)
                    }.mapError { Self.storageError($0, path) })
            }
        }
    }

    /// Runs `body` on one unchanging view of the database, beside the writer.
    public func read<T: Sendable>(
        _ body: @escaping @Sendable (borrowing StoreTransaction) throws -> T
    ) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            writer.asyncRead { [path] reader in
                continuation.resume(
                    with: Result {
                        try body(StoreTransaction(database: try reader.get(), dialect: .sqlite, path: path))
                    }.mapError { Self.storageError($0, path) })
            }
        }
    }

    /// Moves everything into the one file, so that a copy of it is complete, and ends all connections; what comes
    /// later fails.
    public func close() throws(StorageError) {
        do {
            if path != ":memory:" { try writer.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) } }
            try writer.close()
        } catch {
            throw StorageError(
                .busy, "The database \(path) is still in use and cannot be closed: \(error).", hint: "Try again.")
        }
    }

    private static func present<T>(_ answer: T?, _ path: String) throws(StorageError) -> T {
        guard let answer else {
            throw StorageError(.unavailable, "The database \(path) did not finish a change.", hint: "Try again.")
        }
        return answer
    }

    /// BEGIN and COMMIT report on their own, outside of the statements that `StoreTransaction` maps.
    private static func storageError(_ error: any Error, _ path: String) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        return StorageError(sqlite: error, path: path)
    }
}
