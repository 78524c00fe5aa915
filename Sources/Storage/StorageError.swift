/// Why the store could not do what was asked: a code for programs, a sentence for people, and what to do.
public struct StorageError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable names of what went wrong.
    public enum Code: String, Sendable {
        /// The file cannot be opened, read or written.
        case unavailable
        /// Other people on this machine could change the data.
        case unsafe
        /// The file is not a database of this kind.
        case notADatabase = "not_a_database"
        /// The database is damaged.
        case corrupt
        /// The database was written by a newer version of this program.
        case newerSchema = "newer_schema"
        /// The applied migrations are not the ones that this program knows.
        case migrationMismatch = "migration_mismatch"
        case uniqueViolation = "unique_violation"
        case foreignKeyViolation = "foreign_key_violation"
        /// A CHECK, NOT NULL or a refusing trigger.
        case constraintViolation = "constraint_violation"
        /// Another process holds the database.
        case busy
        /// The disk is full.
        case full
        /// A stored row does not have the shape that its reader expects.
        case malformedRow = "malformed_row"
        /// A statement that the database does not accept: a mistake in this program.
        case invalidStatement = "invalid_statement"
    }

    public let code: Code
    /// What happened and why, in a sentence.
    public let description: String
    /// What to do next.
    public let hint: String

    public init(_ code: Code, _ description: String, hint: String) {
        self.code = code
        self.description = description
        self.hint = hint
    }

    static func malformedRow(_ description: String) -> StorageError {
        StorageError(
            .malformedRow, description,
            hint: "The database was changed by something else than this program. Restore it from a backup.")
    }

    static func corrupt(_ path: String, _ detail: String) -> StorageError {
        StorageError(
            .corrupt, "The database \(path) is damaged: \(detail).",
            hint: "Stop the program, keep a copy of the file, and restore the newest backup.")
    }

    static func notADatabase(_ path: String) -> StorageError {
        StorageError(
            .notADatabase, "The file \(path) is not an SQLite database.",
            hint: "Name another file, or move this one away to start with an empty database.")
    }
}
