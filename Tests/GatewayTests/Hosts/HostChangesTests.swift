import Audit
import Policy
import SSHKeys
import Storage
import Testing
import Vault

@testable import Gateway

@Suite struct HostChangesTests {
    private let key = SSHPrivateKey.generateEd25519(comment: "").publicKey

    /// A host without a network: the finding of a probe is put in by hand.
    private func add(
        _ domain: DomainFixture, _ caller: Caller, alias: String = "web", tags: [String] = [],
        credential: NewCredential = .password(SecretBytes("hunter2"))
    ) async throws -> (host: HostView, authorizedKeysLine: String?) {
        let probe = domain.hosts.probes.keep(userID: caller.userID, address: "web.example.org", port: 22, key: key)
        return try await domain.hosts.add(
            NewHost(
                alias: alias, address: "web.example.org", port: 22, username: "deploy", environment: .production,
                purpose: "shop", tags: tags, probeID: probe.id, credential: credential), caller: caller)
    }

    private func error(_ body: () async throws -> some Any) async -> GatewayError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? GatewayError
        }
    }

    @Test("a host is stored with its sealed credential and one audit entry, and no secret stands in the database")
    func add() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let host = try await add(domain, admin, tags: ["GPU", "gpu", "eu"]).host
        #expect(host.tags == ["eu", "gpu"] && host.environment == .production && host.credential.kind == "password")
        #expect(try await domain.actions() == ["user.first_admin", "host.add"])
        let row = try #require(try await domain.store.read { tx in try tx.row("SELECT credential FROM host") })
        #expect(!String(decoding: try row.bytes("credential"), as: UTF8.self).contains("hunter2"))
        #expect(try await domain.audit.entries(limit: 9, filter: .init(text: "hunter2")).isEmpty)
    }

    @Test("the credential of one host does not open in another")
    func pastedCredential() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let (web, db) = (try await add(domain, admin).host, try await add(domain, admin, alias: "db").host)
        try await domain.store.transaction { tx in
            try tx.execute(
                """
                UPDATE host SET credential = (SELECT credential FROM host WHERE id = \(web.id)) WHERE id = \(db.id)
                """)
        }
        let failed = try await domain.hosts.test(db.id, caller: admin)
        #expect(failed.steps.last?.code == "vault_seal_broken")
    }

    @Test("an alias is taken whatever its case")
    func aliasTaken() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        _ = try await add(domain, admin, alias: "Web")
        let taken = await error { try await add(domain, admin, alias: "wEB") }
        #expect(taken?.code == "alias_taken" && taken?.status == 409)
        #expect(try await domain.actions().filter { $0 == "host.add" }.count == 1)
    }

    @Test("a probe of somebody else, or of another address, confirms nothing")
    func foreignProbe() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let probe = domain.hosts.probes.keep(userID: "usr_other", address: "web.example.org", port: 22, key: key)
        let own = domain.hosts.probes.keep(userID: admin.userID, address: "web.example.org", port: 2222, key: key)
        for id in [probe.id, own.id, ""] {
            let refused = await error {
                try await domain.hosts.add(
                    NewHost(
                        alias: "web", address: "web.example.org", port: 22, username: "deploy", probeID: id,
                        credential: .generated), caller: admin)
            }
            #expect(refused?.code == "probe_expired")
        }
    }

    @Test("a key file is opened at once: what is wrong with it shows now")
    func keyFiles() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let locked = try SSHPrivateKey.generateEd25519(comment: "").openSSHFile(
            passphrase: Array("correct horse".utf8), rounds: 4)
        func code(_ file: String, _ passphrase: String?) async -> String? {
            await error {
                try await add(
                    domain, admin,
                    credential: .privateKey(SecretBytes(file), passphrase: passphrase.map { SecretBytes($0) }))
            }?.code
        }
        #expect(await code(locked, nil) == "passphrase_required")
        #expect(await code(locked, "wrong") == "wrong_passphrase")
        #expect(await code("hello", nil) == "not_a_private_key")
        #expect(await code(key.authorizedKeysLine(comment: ""), nil) == "not_a_private_key")
        #expect(await code(String(locked.prefix(120)) + "\n-----END OPENSSH PRIVATE KEY-----\n", nil) == "invalid")
        #expect(await code(locked, "correct horse") == nil)
    }

    @Test("a change is audited with what it changed, and a new credential replaces the old one")
    func update() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let host = try await add(domain, admin, tags: ["eu"]).host
        let (changed, line) = try await domain.hosts.update(
            host.id, HostChange(alias: "shop", tags: ["eu", "gpu"], credential: .generated), caller: admin)
        #expect(changed.alias == "shop" && changed.tags == ["eu", "gpu"] && changed.credential.kind == "key")
        #expect(line?.hasPrefix("ssh-ed25519 ") == true)
        let details = try #require(try await domain.audit.entries(limit: 1).first).event.details
        #expect(details == ["alias": "web → shop", "tags": "eu → eu gpu", "credential": "key"])
    }

    @Test("nobody gives a host a tag that takes it into or out of their own reach")
    func tagsAreRights() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let ml = try await domain.person(admin, "ml", role: "ml-ops")
        let host = try await add(domain, admin, tags: ["gpu"]).host
        let plain = try await add(domain, admin, alias: "plain").host
        #expect(
            await error { try await domain.hosts.update(plain.id, HostChange(tags: ["gpu"]), caller: ml) }?.missing
                == "host.edit")
        #expect(
            await error { try await domain.hosts.update(host.id, HostChange(tags: []), caller: ml) }?.missing
                == "host.edit")
        _ = try await domain.hosts.update(host.id, HostChange(purpose: "training"), caller: ml)
        #expect(await error { try await add(domain, ml, alias: "mine") }?.missing == "host.add")
        _ = try await add(domain, ml, alias: "mine", tags: ["gpu"])
    }

    @Test("removing takes the host, its tags and its credential, and leaves an audit entry")
    func remove() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let host = try await add(domain, admin, tags: ["eu"]).host
        let ops = try await domain.person(admin, "ops", role: "devops")
        #expect(await error { try await domain.hosts.remove(host.id, caller: ops) }?.missing == "host.edit")
        try await domain.hosts.remove(host.id, caller: admin)
        #expect(await error { try await domain.hosts.host(host.id, caller: admin) }?.code == "not_found")
        #expect(await error { try await domain.hosts.remove(host.id, caller: admin) }?.code == "not_found")
        let rest = try await domain.store.read { tx in try tx.rows("SELECT tag FROM host_tag").count }
        #expect(rest == 0)
        #expect(try await domain.actions().last == "host.remove")
    }

    @Test("hosts of one tenant are unknown in another")
    func tenants() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let host = try await add(domain, admin).host
        let other = Hosts(
            store: domain.store, vault: domain.vault, audit: AuditLog(store: domain.store, tenant: "t2"),
            policy: .standard, tenant: "t2", allowedAddresses: [], loops: domain.hosts.loops)
        let stranger = Caller.commandLine(tenant: "t2", account: "root")
        #expect(try await other.hosts(stranger).isEmpty)
        #expect(await error { try await other.remove(host.id, caller: stranger) }?.code == "not_found")
    }

    @Test(
        "what cannot be part of a host is refused with its field",
        arguments: [
            ("a b", 22, "deploy", [], "alias"), ("", 22, "deploy", [], "alias"), ("-x", 22, "deploy", [], "alias"),
            ("web", 22, "", [], "username"), ("web", 22, "a\nb", [], "username"),
            ("web", 22, "deploy", ["a\u{1B}b"], "tags"),
            ("web", 22, "deploy", (0..<40).map { "t\($0)" }, "tags"),
        ] as [(String, Int, String, [String], String)])
    func invalid(alias: String, port: Int, username: String, tags: [String], field: String) async throws {
        let domain = try await DomainFixture()
        let admin = Caller.commandLine(tenant: "t1", account: "root")
        let probe = domain.hosts.probes.keep(userID: admin.userID, address: "web", port: port, key: key)
        let refused = await error {
            try await domain.hosts.add(
                NewHost(
                    alias: alias, address: "web", port: port, username: username, tags: tags, probeID: probe.id,
                    credential: .generated), caller: admin)
        }
        #expect(refused?.code == "invalid" && refused?.field == field)
    }
}
