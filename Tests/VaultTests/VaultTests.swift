import Crypto
import Foundation
import Storage
import Testing

@testable import Vault

private func makeStore() async throws -> Store {
    let store = try Store.open(path: ":memory:")
    try await store.migrate(Vault.migrations)
    return store
}

private func place(_ row: String = "crd_1", tenant: String = "t1", column: String = "secret") -> RecordIdentity {
    RecordIdentity(tenant: tenant, table: "credential", row: row, column: column)
}

private func text(_ secret: SecretBytes) -> String {
    secret.withBytes { String(decoding: $0, as: UTF8.self) }
}

@Suite struct VaultTests {
    @Test("a secret comes back as it went in, the empty one too")
    func roundTrip() async throws {
        let vault = Vault(rootKey: RootKey(), store: try await makeStore())
        for secret in ["hunter2", "", String(repeating: "k", count: 100_000)] {
            let sealed = try await vault.seal(SecretBytes(secret), for: place())
            #expect(text(try await vault.open(sealed, for: place())) == secret)
            #expect(!String(decoding: sealed, as: UTF8.self).contains("hunter2"))
        }
    }

    @Test("the same secret sealed twice gives different ciphertexts under different data keys")
    func freshKeys() async throws {
        let vault = Vault(rootKey: RootKey(), store: try await makeStore())
        let first = try await vault.seal(SecretBytes("same"), for: place())
        let second = try await vault.seal(SecretBytes("same"), for: place())
        #expect(first.dropFirst(10).prefix(60) != second.dropFirst(10).prefix(60))
        #expect(first.suffix(20) != second.suffix(20))
    }

    @Test(
        "a ciphertext pasted into another row, column, table or tenant does not open",
        arguments: [
            place("crd_2"), place(column: "other"), place(tenant: "t2"),
            RecordIdentity(tenant: "t1", table: "host", row: "crd_1", column: "secret"),
            RecordIdentity(tenant: "t1|credential", table: "crd_1", row: "secret", column: ""),
        ])
    func pasted(elsewhere: RecordIdentity) async throws {
        let vault = Vault(rootKey: RootKey(), store: try await makeStore())
        _ = try await vault.seal(SecretBytes("t2 has a key too"), for: place(tenant: elsewhere.tenant))
        let sealed = try await vault.seal(SecretBytes("hunter2"), for: place())
        let error = await #expect(throws: VaultError.self) { try await vault.open(sealed, for: elsewhere) }
        #expect(error?.code == .sealBroken)
    }

    @Test("parts that contain the separator cannot be confused with other places")
    func separators() {
        let one = RecordIdentity(tenant: "a|b", table: "c", row: "d", column: "e")
        let two = RecordIdentity(tenant: "a", table: "b|c", row: "d", column: "e")
        let three = RecordIdentity(tenant: "a%7Cb", table: "c", row: "d", column: "e")
        #expect(Set([one, two, three].map(\.associatedData)).count == 3)
        #expect(String(decoding: place().associatedData, as: UTF8.self) == "copilot/v1|t1|credential|crd_1|secret")
    }

    @Test("any single flipped bit and any cut is refused")
    func altered() async throws {
        let vault = Vault(rootKey: RootKey(), store: try await makeStore())
        let sealed = try await vault.seal(SecretBytes("hunter2"), for: place())
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            await #expect(throws: VaultError.self, "byte \(index)") { try await vault.open(changed, for: place()) }
        }
        for length in 0..<sealed.count {
            await #expect(throws: VaultError.self) { try await vault.open(Array(sealed.prefix(length)), for: place()) }
        }
    }

    @Test("a sealed value of a newer form says so")
    func newerForm() async throws {
        let vault = Vault(rootKey: RootKey(), store: try await makeStore())
        var sealed = try await vault.seal(SecretBytes("x"), for: place())
        sealed[4] = 2
        let error = await #expect(throws: VaultError.self) { try await vault.open(sealed, for: place()) }
        #expect(error?.code == .unsupported)
    }

    @Test("a record's key unwraps to the same key, at its own place alone")
    func recordKeys() async throws {
        let vault = Vault(rootKey: RootKey(), store: try await makeStore())
        let made = try await vault.recordKey(for: place())
        #expect(try await vault.unwrapKey(made.wrapped, for: place()) == made.key)
        await #expect(throws: VaultError.self) { try await vault.unwrapKey(made.wrapped, for: place("crd_2")) }
        await #expect(throws: VaultError.self) { try await vault.open(made.wrapped, for: place()) }
        let sealed = try await vault.seal(SecretBytes("x"), for: place())
        await #expect(throws: VaultError.self) { try await vault.unwrapKey(sealed, for: place()) }
    }

    @Test("another root key is named, and nothing opens")
    func wrongRootKey() async throws {
        let (right, wrong) = (RootKey(), RootKey())
        let store = try await makeStore()
        let sealed = try await Vault(rootKey: right, store: store).seal(SecretBytes("x"), for: place())
        let vault = Vault(rootKey: wrong, store: store)
        let error = await #expect(throws: VaultError.self) { try await vault.open(sealed, for: place()) }
        #expect(error?.code == .rootKeyMismatch)
        #expect(error?.description.contains(right.identifier) == true)
        await #expect(throws: VaultError.self) { try await vault.check() }
        await #expect(throws: VaultError.self) { try await vault.seal(SecretBytes("y"), for: place()) }
    }

    @Test("two vaults on one database agree on the tenant's key")
    func sharedTenantKey() async throws {
        let root = RootKey()
        let store = try await makeStore()
        let (one, two) = (Vault(rootKey: root, store: store), Vault(rootKey: root, store: store))
        async let first = one.seal(SecretBytes("a"), for: place())
        async let second = two.seal(SecretBytes("b"), for: place())
        let (a, b) = try await (first, second)
        #expect(text(try await two.open(a, for: place())) == "a")
        #expect(text(try await one.open(b, for: place())) == "b")
    }
}

@Suite struct RootKeyRotationTests {
    private let tenants = ["t1", "t2", "t3"]

    private func sealAll(_ vault: Vault) async throws -> [String: [UInt8]] {
        var sealed: [String: [UInt8]] = [:]
        for tenant in tenants {
            sealed[tenant] = try await vault.seal(SecretBytes("of \(tenant)"), for: place(tenant: tenant))
        }
        return sealed
    }

    private func expectAll(_ sealed: [String: [UInt8]], openWith vault: Vault) async throws {
        for (tenant, bytes) in sealed {
            #expect(text(try await vault.open(bytes, for: place(tenant: tenant))) == "of \(tenant)")
        }
    }

    @Test("after a rotation everything opens with the new key alone, and nothing with the old one")
    func rotates() async throws {
        let (old, new) = (RootKey(), RootKey())
        let store = try await makeStore()
        let vault = Vault(rootKey: old, store: store)
        let sealed = try await sealAll(vault)
        #expect(try await vault.rotateRootKey(to: new) == 3)
        try await expectAll(sealed, openWith: vault)
        try await expectAll(sealed, openWith: Vault(rootKey: new, store: store))
        await #expect(throws: VaultError.self) { try await Vault(rootKey: old, store: store).check() }
        #expect(try await vault.rotateRootKey(to: new) == 0)
    }

    @Test("a rotation that died after any step is finished by the next one", arguments: 0...3)
    func resumes(steps: Int) async throws {
        let (old, new) = (RootKey(), RootKey())
        let store = try await makeStore()
        let first = Vault(rootKey: old, store: store)
        let sealed = try await sealAll(first)
        let rows = try await store.read { tx in
            try tx.rows("SELECT * FROM vault_tenant_key ORDER BY tenant").map { try TenantKeyRow($0) }
        }
        for row in rows.prefix(steps) { try await first.rewrap(row, to: new) }

        let second = Vault(rootKey: new, previous: [old], store: store)
        try await expectAll(sealed, openWith: second)
        #expect(try await second.rotateRootKey(to: new) == 3 - steps)
        try await expectAll(sealed, openWith: Vault(rootKey: new, store: store))
    }

    @Test("a tenant key row copied to another tenant does not open")
    func copiedTenantKey() async throws {
        let root = RootKey()
        let store = try await makeStore()
        _ = try await sealAll(Vault(rootKey: root, store: store))
        try await store.transaction { tx in
            try tx.execute(
                """
                UPDATE vault_tenant_key SET (wrapped, check_value) =
                    (SELECT wrapped, check_value FROM vault_tenant_key WHERE tenant = 't2') WHERE tenant = 't1'
                """)
        }
        let error = await #expect(throws: VaultError.self) { try await Vault(rootKey: root, store: store).check() }
        #expect(error?.code == .sealBroken)
    }
}
