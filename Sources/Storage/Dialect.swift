/// A column type that databases name differently. Times are `.integer` (microseconds since 1970).
public enum SQLType: Sendable {
    /// A number that the database gives to a new row.
    case identity
    /// A 64-bit integer.
    case integer
    /// A string of bytes.
    case bytes
    /// True or false. Write `WHERE flag`, never `flag = 1`.
    case boolean
}

/// A clause that databases write differently.
public enum SQLClause: Sendable {
    /// After the closing parenthesis of `CREATE TABLE`: values must be of the declared type.
    case strict
}

/// Everything that differs between the databases, in one place.
enum Dialect: Sendable {
    case sqlite
    case postgres

    func placeholder(_ position: Int) -> String {
        switch self {
        case .sqlite: "?"
        case .postgres: "$\(position)"
        }
    }

    func name(of type: SQLType) -> String {
        switch (self, type) {
        case (.sqlite, .identity): "INTEGER PRIMARY KEY"
        case (.postgres, .identity): "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
        case (.sqlite, .integer): "INTEGER"
        case (.postgres, .integer): "BIGINT"
        case (.sqlite, .bytes): "BLOB"
        case (.postgres, .bytes): "BYTEA"
        case (.sqlite, .boolean): "INTEGER"
        case (.postgres, .boolean): "BOOLEAN"
        }
    }

    func text(of clause: SQLClause) -> String {
        switch (self, clause) {
        case (.sqlite, .strict): "STRICT"
        case (.postgres, .strict): ""
        }
    }
}
