/// One step of the schema's history. A migration that was released is never changed: another one follows it.
public struct Migration: Sendable {
    /// Stays the same for ever, such as `0003-hosts`.
    public let id: String
    let statements: [SQL]

    public init(_ id: String, _ statements: [SQL]) {
        self.id = id
        self.statements = statements
    }

    /// All statements as text, kept with the applied migration so that a later change of it is noticed.
    func text(for dialect: Dialect) -> String {
        statements.map { $0.render(for: dialect).text }.joined(separator: ";\n")
    }
}

/// Brings a database up to the list that the program knows, in one transaction: all of it or nothing.
struct SchemaHistory {
    let migrations: [Migration]

    func apply(in tx: borrowing StoreTransaction) throws(StorageError) {
        try tx.execute(
            """
            CREATE TABLE IF NOT EXISTS schema_migration (
                position \(type: .integer) NOT NULL PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                statements TEXT NOT NULL,
                applied \(type: .integer) NOT NULL
            ) \(clause: .strict)
            """)
        let applied = try tx.rows("SELECT id, statements FROM schema_migration ORDER BY position")
        try check(applied, dialect: tx.dialect)
        for (position, migration) in migrations.enumerated().dropFirst(applied.count) {
            for statement in migration.statements { try tx.execute(statement) }
            try tx.execute(
                """
                INSERT INTO schema_migration (position, id, statements, applied)
                VALUES (\(position), \(migration.id), \(migration.text(for: tx.dialect)), \(Timestamp.now()))
                """)
        }
    }

    private func check(_ applied: [SQLRow], dialect: Dialect) throws(StorageError) {
        for (position, row) in applied.enumerated() {
            let id = try row.text("id")
            guard migrations.indices.contains(position) else {
                throw StorageError(
                    .newerSchema,
                    "The database was written by a newer version of this program (it has the migration \"\(id)\").",
                    hint: "Start that version or a newer one, or restore the backup made before the upgrade.")
            }
            let known = migrations[position]
            guard known.id == id, try row.text("statements") == known.text(for: dialect) else {
                throw StorageError(
                    .migrationMismatch,
                    "The database has the migration \"\(id)\" where this program has \"\(known.id)\" in another form.",
                    hint: "The database belongs to another build of the program: start that one, or restore a backup.")
            }
        }
    }
}
