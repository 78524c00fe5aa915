/// A statement whose values are bound and never spliced into its text.
///
/// The text can only come from literals of the program: literal segments are `StaticString`, and every interpolated
/// value becomes a bound parameter. What differs between databases is written as a token.
///
/// ```swift
/// try tx.execute("UPDATE person SET name = \(name) WHERE tenant = \(tenant) AND id = \(id)")
/// ```
public struct SQL: Sendable, ExpressibleByStringInterpolation {
    enum Part: Sendable {
        case text(StaticString)
        case value(SQLValue)
        case type(SQLType)
        case clause(SQLClause)
    }

    var parts: [Part]

    public init(stringLiteral value: StaticString) {
        parts = [.text(value)]
    }

    public init(stringInterpolation: StringInterpolation) {
        parts = stringInterpolation.parts
    }

    /// What stands between the braces of an interpolated `SQL`.
    public struct StringInterpolation: StringInterpolationProtocol {
        public typealias StringLiteralType = StaticString
        var parts: [Part] = []

        public init(literalCapacity: Int, interpolationCount: Int) {
            parts.reserveCapacity(interpolationCount * 2 + 1)
        }

        public mutating func appendLiteral(_ literal: StaticString) {
            if literal.utf8CodeUnitCount > 0 { parts.append(.text(literal)) }
        }

        /// Binds one value.
        public mutating func appendInterpolation(_ value: some SQLBindable) {
            parts.append(.value(value.sqlValue))
        }

        /// Binds one value, or NULL.
        public mutating func appendInterpolation<Value: SQLBindable>(_ value: Value?) {
            parts.append(.value(value?.sqlValue ?? .null))
        }

        /// Binds a parenthesised list, `(?, ?, ?)`. An empty list becomes `(NULL)`, which matches nothing.
        public mutating func appendInterpolation(list values: [some SQLBindable]) {
            guard !values.isEmpty else { return parts.append(.text("(NULL)")) }
            for (index, value) in values.enumerated() {
                parts.append(.text(index == 0 ? "(" : ", "))
                parts.append(.value(value.sqlValue))
            }
            parts.append(.text(")"))
        }

        /// Inserts another statement's text and values, for conditions that are put together.
        public mutating func appendInterpolation(fragment: SQL) {
            parts.append(contentsOf: fragment.parts)
        }

        /// A column type whose name differs between databases.
        public mutating func appendInterpolation(type: SQLType) {
            parts.append(.type(type))
        }

        /// A clause whose text differs between databases.
        public mutating func appendInterpolation(clause: SQLClause) {
            parts.append(.clause(clause))
        }
    }

    /// The text with placeholders, and the values in their order.
    func render(for dialect: Dialect) -> (text: String, values: [SQLValue]) {
        var text = ""
        var values: [SQLValue] = []
        for part in parts {
            switch part {
            case .text(let literal):
                text += literal.description
            case .value(let value):
                values.append(value)
                text += dialect.placeholder(values.count)
            case .type(let type):
                text += dialect.name(of: type)
            case .clause(let clause):
                text += dialect.text(of: clause)
            }
        }
        return (text, values)
    }
}
