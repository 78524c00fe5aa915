import GRDB

extension StorageError {
    /// Names what SQLite reported. Bound values never appear: SQLite's messages name columns and constraints only.
    init(sqlite error: DatabaseError, path: String) {
        let message = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
        switch error.extendedResultCode {
        case .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY, .SQLITE_CONSTRAINT_ROWID:
            self.init(.uniqueViolation, "Such an entry exists already (\(message)).", hint: "Choose another name.")
            return
        case .SQLITE_CONSTRAINT_FOREIGNKEY:
            self.init(
                .foreignKeyViolation, "An entry that this one refers to is not there, or is still referred to.",
                hint: "Reload and try again.")
            return
        default:
            break
        }
        switch error.resultCode {
        case .SQLITE_CONSTRAINT:
            self.init(.constraintViolation, "The database refused the change: \(message).", hint: "Check the values.")
        case .SQLITE_FULL:
            self.init(
                .full, "The disk that holds the database \(path) is full.",
                hint: "Free some space; nothing that was saved before is lost.")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                .busy, "The database \(path) is held by another process.",
                hint: "Try again, and look for a second copy of the program or a backup that runs.")
        case .SQLITE_CORRUPT:
            self = .corrupt(path, message)
        case .SQLITE_NOTADB:
            self = .notADatabase(path)
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            self.init(
                .unavailable, "The database \(path) cannot be written: \(message).",
                hint: "Give the account that runs this program write permission on the file and its folder.")
        case .SQLITE_CANTOPEN, .SQLITE_IOERR, .SQLITE_NOMEM, .SQLITE_INTERRUPT, .SQLITE_ABORT:
            self.init(
                .unavailable, "The database \(path) cannot be used: \(message).",
                hint: "Check the disk and the permissions of the file and its folder.")
        default:
            self.init(
                .invalidStatement, "The database did not accept a statement: \(message).",
                hint: "This is a mistake in the program: please report it.")
        }
    }
}
