import Testing

@testable import Storage

@Suite struct SQLTests {
    @Test("values are bound and never become part of the text")
    func bindsValues() {
        let hostile = "x'); DROP TABLE person; --"
        let sql: SQL = "INSERT INTO person (name, age) VALUES (\(hostile), \(42))"
        let rendered = sql.render(for: .sqlite)
        #expect(rendered.text == "INSERT INTO person (name, age) VALUES (?, ?)")
        #expect(rendered.values == [.text(hostile), .integer(42)])
    }

    @Test("PostgreSQL gets numbered placeholders")
    func numbersPlaceholders() {
        let sql: SQL = "SELECT \(1) WHERE a = \("b") AND c IN \(list: [1, 2])"
        #expect(sql.render(for: .postgres).text == "SELECT $1 WHERE a = $2 AND c IN ($3, $4)")
    }

    @Test("an empty list matches nothing instead of being a syntax error")
    func emptyList() {
        let sql: SQL = "a IN \(list: [String]())"
        #expect(sql.render(for: .sqlite).text == "a IN (NULL)")
    }

    @Test("fragments keep their values in order")
    func fragments() {
        let condition: SQL = "b = \("two")"
        let sql: SQL = "SELECT 1 WHERE a = \(1) AND \(fragment: condition) AND c = \(nil as Int?)"
        #expect(sql.render(for: .sqlite).values == [.integer(1), .text("two"), .null])
    }

    @Test("dialect tokens differ and nothing else does")
    func tokens() {
        let sql: SQL = "CREATE TABLE t (id \(type: .identity), b \(type: .bytes)) \(clause: .strict)"
        #expect(sql.render(for: .sqlite).text == "CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB) STRICT")
        #expect(
            sql.render(for: .postgres).text
                == "CREATE TABLE t (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b BYTEA) ")
    }
}
