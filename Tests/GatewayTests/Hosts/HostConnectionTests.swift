import Audit
import Foundation
import NIOPosix
import SSH
import SSHKeys
import Storage
import Testing
import Vault

@testable import Gateway

@Suite("Hosts, with a real sshd") struct HostConnectionTests {
    /// Records the server as a person does: probe, confirm, give the key.
    private func record(
        _ server: SSHServer, _ domain: DomainFixture, _ caller: Caller, alias: String = "web",
        credential: NewCredential? = nil
    ) async throws -> HostView {
        let probe = try await domain.hosts.probe(address: "127.0.0.1", port: server.port, caller: caller)
        let file = SecretBytes(try server.userKey.openSSHFile())
        return try await domain.hosts.add(
            NewHost(
                alias: alias, address: "127.0.0.1", port: server.port, username: NSUserName(), probeID: probe.probeId,
                credential: credential ?? .privateKey(file, passphrase: nil)),
            caller: caller
        ).host
    }

    private func connect(_ domain: DomainFixture, _ id: String, _ caller: Caller) async throws -> SSHConnection {
        try await domain.hosts.connect(id, caller: caller, on: MultiThreadedEventLoopGroup.singleton.any())
    }

    /// What somebody does who puts another key on record.
    private func replaceRecordedKey(_ domain: DomainFixture, _ id: String, _ key: SSHPublicKey) async throws {
        try await domain.store.transaction { tx in
            try tx.execute("UPDATE host SET host_key = \(key.blob) WHERE id = \(id)")
        }
    }

    @Test("probe, confirm, connect: the key that was shown is the key that is recorded")
    func wholeWay() async throws {
        let (server, domain) = (try await SSHServer(), try await DomainFixture())
        let admin = try await domain.firstAdmin()
        let probe = try await domain.hosts.probe(address: "127.0.0.1", port: server.port, caller: admin)
        let key = try server.hostKey("ed25519")
        #expect(probe.hostKey.fingerprint == key.fingerprint && probe.hostKey.randomart == key.randomart)
        #expect(probe.resolvedAddress == "127.0.0.1" && probe.serverIdentification.hasPrefix("SSH-2.0-OpenSSH"))
        #expect(probe.known.isEmpty)
        let host = try await record(server, domain, admin)
        #expect(host.hostKey.fingerprint == key.fingerprint && host.hostKey.verifiedBy == "Ada")
        #expect(host.credential.kind == "key" && host.credential.fingerprint == server.userKey.publicKey.fingerprint)
        let connection = try await connect(domain, host.id, admin)
        let result = try await connection.run("echo here", limit: 1024)
        #expect(String(decoding: result.standardOutput, as: UTF8.self) == "here\n")
        await connection.close()
        #expect(try await domain.hosts.host(host.id, caller: admin).lastUsedAt != nil)
        let again = try await domain.hosts.probe(address: "127.0.0.1", port: server.port, caller: admin)
        #expect(again.known.map(\.alias) == ["web"])
    }

    @Test("a changed key stops the connection before authentication, raises the alert, and is in the audit log")
    func changedKey() async throws {
        let (server, domain) = (try await SSHServer(), try await DomainFixture())
        let admin = try await domain.firstAdmin()
        let host = try await record(server, domain, admin)
        let old = SSHPrivateKey.generateEd25519(comment: "").publicKey
        try await replaceRecordedKey(domain, host.id, old)
        let error = await domain.error { try await connect(domain, host.id, admin) }
        #expect(error?.code == "host_key_changed" && error?.status == 409)
        let offered = try server.hostKey("ed25519")
        #expect(error?.details["recorded"] == HostKeyView(old).detail)
        #expect(error?.details["offered"] == HostKeyView(offered).detail)
        let alert = try #require(try await domain.hosts.host(host.id, caller: admin).keyAlert)
        #expect(alert.offeredFingerprint == offered.fingerprint)
        let entry = try #require(try await domain.audit.entries(limit: 1).first)
        #expect(entry.event.action == "host.key_changed" && entry.event.outcome == .refused)
        #expect(entry.event.details["offered"] == offered.fingerprint)
    }

    @Test("only the key of the alert can be accepted, and then it is the recorded one")
    func acceptKey() async throws {
        let (server, domain) = (try await SSHServer(), try await DomainFixture())
        let admin = try await domain.firstAdmin()
        let host = try await record(server, domain, admin)
        try await replaceRecordedKey(domain, host.id, SSHPrivateKey.generateEd25519(comment: "").publicKey)
        _ = await domain.error { try await connect(domain, host.id, admin) }
        let offered = try server.hostKey("ed25519")
        let other = SSHPrivateKey.generateEd25519(comment: "").publicKey.fingerprint
        let refused = await domain.code {
            try await domain.hosts.acceptHostKey(host.id, fingerprint: other, caller: admin)
        }
        #expect(refused == "no_such_alert")
        let accepted = try await domain.hosts.acceptHostKey(host.id, fingerprint: offered.fingerprint, caller: admin)
        #expect(accepted.keyAlert == nil && accepted.hostKey.fingerprint == offered.fingerprint)
        #expect(try await domain.actions().last == "host.key_accepted")
        await (try connect(domain, host.id, admin)).close()
    }

    @Test("the recorded key can be kept, which ends the alert")
    func keepKey() async throws {
        let (server, domain) = (try await SSHServer(), try await DomainFixture())
        let admin = try await domain.firstAdmin()
        let host = try await record(server, domain, admin)
        let old = SSHPrivateKey.generateEd25519(comment: "").publicKey
        try await replaceRecordedKey(domain, host.id, old)
        _ = await domain.error { try await connect(domain, host.id, admin) }
        let kept = try await domain.hosts.acceptHostKey(host.id, fingerprint: old.fingerprint, caller: admin)
        #expect(kept.keyAlert == nil && kept.hostKey.fingerprint == old.fingerprint)
        #expect(try await domain.actions().last == "host.key_kept")
    }

    @Test("a change of the host does not undo an alert, nor an alert a change")
    func alertAndChange() async throws {
        let (server, domain) = (try await SSHServer(), try await DomainFixture())
        let admin = try await domain.firstAdmin()
        let host = try await record(server, domain, admin)
        try await replaceRecordedKey(domain, host.id, SSHPrivateKey.generateEd25519(comment: "").publicKey)
        async let refused = domain.code { try await connect(domain, host.id, admin) }
        _ = try await domain.hosts.update(host.id, HostChange(purpose: "database", tags: ["gpu"]), caller: admin)
        #expect(await refused == "host_key_changed")
        _ = try await domain.hosts.update(host.id, HostChange(alias: "db"), caller: admin)
        let after = try await domain.hosts.host(host.id, caller: admin)
        #expect(after.alias == "db" && after.purpose == "database" && after.tags == ["gpu"] && after.keyAlert != nil)
    }

    @Test("a host with several keys is asked for the recorded one")
    func recordedKeyPreferred() async throws {
        let (server, domain) = (try await SSHServer(), try await DomainFixture())
        let admin = try await domain.firstAdmin()
        let host = try await record(server, domain, admin)
        try await replaceRecordedKey(domain, host.id, try server.hostKey("ecdsa"))
        await (try connect(domain, host.id, admin)).close()
    }

    @Test("a generated key logs in once its line is on the host")
    func generatedKey() async throws {
        let (server, domain) = (try await SSHServer(), try await DomainFixture())
        let admin = try await domain.firstAdmin()
        let probe = try await domain.hosts.probe(address: "127.0.0.1", port: server.port, caller: admin)
        let (host, line) = try await domain.hosts.add(
            NewHost(
                alias: "web", address: "127.0.0.1", port: server.port, username: NSUserName(), probeID: probe.probeId,
                credential: .generated), caller: admin)
        let key = try SSHPublicKey(authorizedKeysLine: try #require(line))
        #expect(key.algorithm == "ssh-ed25519" && key.fingerprint == host.credential.fingerprint)
        #expect(try await domain.hosts.authorizedKeysLine(host.id, caller: admin) == line)
        #expect(await domain.code { try await connect(domain, host.id, admin) } == "authentication_failed")
        try server.authorize(try #require(line))
        await (try connect(domain, host.id, admin)).close()
    }

    @Test("a test names each step, up to the one that failed")
    func test() async throws {
        let (server, domain) = (try await SSHServer(), try await DomainFixture())
        let admin = try await domain.firstAdmin()
        let good = try await record(server, domain, admin)
        let passed = try await domain.hosts.test(good.id, caller: admin)
        #expect(passed.ok && passed.steps.map(\.step) == ["resolve", "connect", "host_key", "authenticate"])
        let bad = try await record(
            server, domain, admin, alias: "bad", credential: .password(SecretBytes("not the password")))
        let failed = try await domain.hosts.test(bad.id, caller: admin)
        #expect(!failed.ok && failed.steps.last?.step == "authenticate" && failed.steps.dropLast().allSatisfy(\.ok))
        #expect(failed.steps.last?.code == "authentication_failed" && failed.steps.last?.hint?.isEmpty == false)
        try await replaceRecordedKey(domain, good.id, SSHPrivateKey.generateEd25519(comment: "").publicKey)
        let changed = try await domain.hosts.test(good.id, caller: admin)
        #expect(
            changed.steps.map(\.step) == ["resolve", "connect", "host_key"]
                && changed.steps.last?.code == "host_key_changed")
        let alerted = try await domain.hosts.test(good.id, caller: admin)
        #expect(alerted.steps.map(\.step) == ["host_key"] && !alerted.ok)
    }

    @Test("closed ports, unknown names and refused addresses have errors of their own")
    func failures() async throws {
        let domain = try await DomainFixture()
        let admin = try await domain.firstAdmin()
        let port = try await SSHServer.freePort()
        func code(_ address: String) async -> GatewayError? {
            await domain.error { try await domain.hosts.probe(address: address, port: port, caller: admin) }
        }
        let closed = await code("127.0.0.1")
        #expect(closed?.code == "connection_refused" && closed?.status == 502)
        #expect(await code("no-such-host.invalid")?.code == "host_not_found")
        let metadata = await code("169.254.169.254")
        #expect(metadata?.code == "address_not_allowed" && metadata?.status == 422)
        #expect(await code("[::ffff:169.254.169.254]")?.code == "address_not_allowed")
        #expect(await code("two words")?.field == "address")
        let audited = try await domain.audit.entries(limit: 9, filter: .init(action: "host.probe"))
        #expect(audited.count == 4 && audited.allSatisfy { $0.event.outcome == .failed })
    }

    @Test("who may not use a host gets no connection, and guests do not even see it")
    func permissions() async throws {
        let (server, domain) = (try await SSHServer(), try await DomainFixture())
        let admin = try await domain.firstAdmin()
        let host = try await record(server, domain, admin)
        let ops = try await domain.person(admin, "ops", role: "devops")
        let guest = try await domain.person(admin, "guest", role: "guest")
        let refused = await domain.error { try await connect(domain, host.id, ops) }
        #expect(refused?.code == "not_permitted" && refused?.missing == "host.use")
        #expect(try await domain.hosts.hosts(ops).map(\.may.connect) == [false])
        #expect(await domain.code { try await connect(domain, host.id, guest) } == "not_found")
        #expect(try await domain.hosts.hosts(guest).isEmpty)
        #expect(
            await domain.error { try await domain.hosts.probe(address: "127.0.0.1", port: server.port, caller: guest) }?
                .missing == "host.probe")
        _ = try await domain.hosts.update(host.id, HostChange(tags: ["devops"]), caller: admin)
        await (try connect(domain, host.id, ops)).close()
    }
}
