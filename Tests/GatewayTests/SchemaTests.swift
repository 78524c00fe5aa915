import Storage
import Testing

@testable import Gateway

@Suite struct SchemaTests {
    @Test("every table has the tenant in its key")
    func tenantInEveryKey() async throws {
        let store = try Store.open(path: ":memory:")
        try await store.migrate(Schema.migrations)
        let without = try await store.read { tx in
            try tx.rows(
                """
                SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'schema_migration'
                AND NOT EXISTS (SELECT 1 FROM pragma_table_info(sqlite_master.name) WHERE name = 'tenant' AND pk > 0)
                """
            ).map { try $0.text("name") }
        }
        #expect(without == [])
    }

    @Test("the migrations have different names and run twice without harm")
    func migrations() async throws {
        #expect(Set(Schema.migrations.map(\.id)).count == Schema.migrations.count)
        let store = try Store.open(path: ":memory:")
        try await store.migrate(Schema.migrations)
        try await store.migrate(Schema.migrations)
    }
}
