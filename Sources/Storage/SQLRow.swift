/// One row of an answer. Columns are read by name and by the type that the reader expects: a row that holds something
/// else is an error with the column's name, never a trap and never a silent default.
public struct SQLRow: Sendable {
    /// Shared by all rows of one answer.
    let columns: [String: Int]
    let values: [SQLValue]

    private func value(_ column: String) throws(StorageError) -> SQLValue {
        guard let index = columns[column], values.indices.contains(index) else {
            throw .malformedRow("The answer has no column \"\(column)\".")
        }
        return values[index]
    }

    private func mismatch(_ column: String, _ wanted: String) -> StorageError {
        .malformedRow("The column \"\(column)\" of a stored row does not hold \(wanted).")
    }

    /// The text of a column.
    public func text(_ column: String) throws(StorageError) -> String {
        guard case .text(let text) = try value(column) else { throw mismatch(column, "text") }
        return text
    }

    /// The text of a column that may be null.
    public func optionalText(_ column: String) throws(StorageError) -> String? {
        if case .null = try value(column) { return nil }
        return try text(column)
    }

    /// The integer of a column.
    public func integer(_ column: String) throws(StorageError) -> Int64 {
        guard case .integer(let integer) = try value(column) else { throw mismatch(column, "an integer") }
        return integer
    }

    /// The integer of a column that may be null.
    public func optionalInteger(_ column: String) throws(StorageError) -> Int64? {
        if case .null = try value(column) { return nil }
        return try integer(column)
    }

    /// The bytes of a column.
    public func bytes(_ column: String) throws(StorageError) -> [UInt8] {
        guard case .bytes(let bytes) = try value(column) else { throw mismatch(column, "bytes") }
        return bytes
    }

    /// The bytes of a column that may be null.
    public func optionalBytes(_ column: String) throws(StorageError) -> [UInt8]? {
        if case .null = try value(column) { return nil }
        return try bytes(column)
    }

    /// The truth value of a column; databases without booleans store 0 and 1.
    public func bool(_ column: String) throws(StorageError) -> Bool {
        switch try value(column) {
        case .boolean(let bool): return bool
        case .integer(0): return false
        case .integer(1): return true
        default: throw mismatch(column, "true or false")
        }
    }

    /// The time in a column.
    public func time(_ column: String) throws(StorageError) -> Timestamp {
        Timestamp(microseconds: try integer(column))
    }

    /// The time in a column that may be null.
    public func optionalTime(_ column: String) throws(StorageError) -> Timestamp? {
        try optionalInteger(column).map(Timestamp.init(microseconds:))
    }
}
