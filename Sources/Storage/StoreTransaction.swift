import Foundation
import GRDB

/// What a transaction's body works with. It cannot be copied or kept, so nothing happens after the end of the
/// transaction, and its methods are synchronous, so nothing can wait in the middle of it.
public struct StoreTransaction: ~Copyable {
    let database: Database
    let dialect: Dialect
    let path: String

    /// Runs one statement that gives no rows.
    public func execute(_ sql: SQL) throws(StorageError) {
        try mapped { try prepared(sql).execute() }
    }

    /// Runs one statement and gives all its rows.
    public func rows(_ sql: SQL) throws(StorageError) -> [SQLRow] {
        var rows: [SQLRow] = []
        try each(sql) { row in
            rows.append(row)
            return true
        }
        return rows
    }

    /// Runs one statement and gives its first row.
    public func row(_ sql: SQL) throws(StorageError) -> SQLRow? {
        try rows(sql).first
    }

    /// Runs one statement and hands over its rows one by one while `body` returns true, so that the memory does not
    /// grow with their number.
    public func each(_ sql: SQL, _ body: (SQLRow) throws(StorageError) -> Bool) throws(StorageError) {
        try mapped {
            let statement = try prepared(sql)
            var columns: [String: Int] = [:]
            for (index, name) in statement.columnNames.enumerated() { columns[name] = index }
            let cursor = try Row.fetchCursor(statement)
            while let row = try cursor.next() {
                guard try body(SQLRow(columns: columns, values: row.databaseValues.map(SQLValue.init))) else { break }
            }
        }
    }

    /// How many rows the last INSERT, UPDATE or DELETE changed.
    public var changes: Int { database.changesCount }

    private func prepared(_ sql: SQL) throws -> Statement {
        let (text, values) = sql.render(for: dialect)
        let statement = try database.cachedStatement(sql: text)
        try statement.setArguments(StatementArguments(values.map(\.databaseValue)))
        return statement
    }

    private func mapped<T>(_ body: () throws -> T) throws(StorageError) -> T {
        do {
            return try body()
        } catch let error as StorageError {
            throw error
        } catch let error as DatabaseError {
            throw StorageError(sqlite: error, path: path)
        } catch {
            throw StorageError(
                .unavailable, "The database \(path) cannot be used: \(error).", hint: "Check the disk and try again.")
        }
    }
}

extension SQLValue {
    fileprivate init(_ value: DatabaseValue) {
        switch value.storage {
        case .null: self = .null
        case .int64(let integer): self = .integer(integer)
        case .double(let real): self = .real(real)
        case .string(let text): self = .text(text)
        case .blob(let data): self = .bytes([UInt8](data))
        }
    }

    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let integer): integer.databaseValue
        case .real(let real): real.databaseValue
        case .boolean(let bool): bool.databaseValue
        case .text(let text): text.databaseValue
        case .bytes(let bytes): Data(bytes).databaseValue
        }
    }
}
